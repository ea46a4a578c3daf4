/* SPDX-License-Identifier: MIT */
/* sources: arch/x86/vmx/check.c arch/x86/vmx/check_event.c arch/x86/vmx/check_guest.c
 * arch/x86/vmx/check_host.c arch/x86/vmx/check_segments.c arch/x86/vmx/caps.c */
/* The VMCS checker: states that a CPU enters pass it, and each rule that is broken, alone
 * in such a state, is reported by that rule and by no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "cpu/bits.h"
#include "cpu/layout.h"
#include "fake.h"
#include "vmx/check.h"

u64 image_phys_base;

/* --- a VMCS: a field that was never set is one that the CPU does not have --- */

#define FIELDS 0x7000u
static u64 value[FIELDS];
static bool present[FIELDS];

u64 vmcs_read_any(u64 field)
{
	if (field >= FIELDS || !present[field])
		fail_msg("VMREAD of field 0x%llx, which is not there", field);
	return value[field];
}

void vmcs_write_any(u64 field, u64 v)
{
	assert_true(field < FIELDS);
	value[field] = v;
	present[field] = true;
}

static void put(u64 field, u64 v)
{
	vmcs_write_any(field, v);
}

static void put_segment(u32 n, u64 selector, u64 base, u64 limit, u64 rights)
{
	put(VMCS_GUEST_ES_SELECTOR + 2 * n, selector);
	put(VMCS_GUEST_ES_BASE + 2 * n, base);
	put(VMCS_GUEST_ES_LIMIT + 2 * n, limit);
	put(VMCS_GUEST_ES_RIGHTS + 2 * n, rights);
}

/* --- the states --- */

static u8 *apic_page;

/* What a current CPU reports, without what its TRUE MSRs allow to be clear. */
static const struct vmx_caps caps = {
	.pin = 0x000000ff00000016,
	.cpu = 0xfffbfffe04006172,
	.cpu2 = 0x027bffff00000000,
	.exit = 0x11ffefff00036dfb,
	.entry = 0x0013ffff000011fb,
	.misc = 0x00000000000401e5,
	.cr0_fixed0 = 0x80000021,
	.cr0_fixed1 = 0xffffffff,
	.cr4_fixed0 = CR4_VMXE,
	.cr4_fixed1 = 0x00ff27ff,
	.ept_vpid = 0x00000f0106334141,
};

static void put_host(void)
{
	static const u64 bases[] = {VMCS_HOST_FS_BASE,      VMCS_HOST_GS_BASE,
				    VMCS_HOST_TR_BASE,      VMCS_HOST_GDTR_BASE,
				    VMCS_HOST_IDTR_BASE,    VMCS_HOST_SYSENTER_ESP,
				    VMCS_HOST_SYSENTER_EIP, VMCS_HOST_RIP};
	static const u64 selectors[] = {0x10, 0x08, 0x10, 0x10, 0, 0, 0x18};

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++)
		put(bases[i], 0xffffffff80000000 + i);
	for (size_t i = 0; i < ARRAY_SIZE(selectors); i++)
		put(VMCS_HOST_ES_SELECTOR + 2 * i, selectors[i]);
	put(VMCS_HOST_CR0, 0x80010033);
	put(VMCS_HOST_CR3, 0x123000);
	put(VMCS_HOST_CR4, CR4_VMXE | CR4_PAE);
	put(VMCS_HOST_PAT, 0x0007040600070406);
	put(VMCS_HOST_EFER, 0xd00);
}

static void put_controls(void)
{
	static const u64 zero[] = {VMCS_PF_ERROR_MASK,
				   VMCS_CR3_TARGET_COUNT,
				   VMCS_EXIT_MSR_STORE_COUNT,
				   VMCS_EXIT_MSR_LOAD_COUNT,
				   VMCS_ENTRY_MSR_LOAD_COUNT,
				   VMCS_EXIT_MSR_STORE_ADDRESS,
				   VMCS_EXIT_MSR_LOAD_ADDRESS,
				   VMCS_ENTRY_MSR_LOAD_ADDRESS,
				   VMCS_ENTRY_INTR_INFO,
				   VMCS_ENTRY_ERROR_CODE,
				   VMCS_ENTRY_INSTRUCTION_LENGTH,
				   VMCS_TPR_THRESHOLD};

	assert_null(vmx_config_choose(&caps, &vmx_config));
	for (size_t i = 0; i < ARRAY_SIZE(zero); i++)
		put(zero[i], 0);
	put(VMCS_PIN_CONTROLS, vmx_config.guest.pin);
	put(VMCS_CPU_CONTROLS, vmx_config.guest.cpu | CPU_TPR_SHADOW | CPU_IO_BITMAPS);
	put(VMCS_CPU2_CONTROLS, vmx_config.guest.cpu2 | CPU2_VPID);
	put(VMCS_PML_ADDRESS, 0x9000);
	put(VMCS_TSC_MULTIPLIER, BIT(48));
	put(VMCS_EXIT_CONTROLS, vmx_config.guest.exit);
	put(VMCS_ENTRY_CONTROLS, vmx_config.guest.entry);
	put(VMCS_VPID, 1);
	put(VMCS_IO_BITMAP_A, 0x1000);
	put(VMCS_IO_BITMAP_B, 0x2000);
	put(VMCS_MSR_BITMAP, 0x3000);
	put(VMCS_VIRTUAL_APIC_PAGE, (u64)(uintptr_t)apic_page - DIRECT_MAP_BASE);
	put(VMCS_EPT_POINTER, 0x500000 | 3 << 3 | 6);
	put(VMCS_LINK_POINTER, ~0ull);
	apic_page[0x80] = 0x40;
}

/* The state after INIT, as setup.c has it. */
static void put_real_mode(void)
{
	static const u64 zero[] = {VMCS_GUEST_CR3,          VMCS_GUEST_DEBUGCTL,
				   VMCS_GUEST_EFER,         VMCS_GUEST_SYSENTER_ESP,
				   VMCS_GUEST_SYSENTER_EIP, VMCS_GUEST_GDTR_BASE,
				   VMCS_GUEST_IDTR_BASE,    VMCS_GUEST_INTERRUPTIBILITY,
				   VMCS_GUEST_ACTIVITY,     VMCS_GUEST_PENDING_DEBUG};

	memset(present, 0, sizeof(present));
	put_controls();
	put_host();
	for (size_t i = 0; i < ARRAY_SIZE(zero); i++)
		put(zero[i], 0);
	for (u32 n = SEG_ES; n <= SEG_GS; n++)
		put_segment(n, 0, 0, 0xffff, 0x93);
	put_segment(SEG_CS, 0xf000, 0xffff0000, 0xffff, 0x9b);
	put_segment(SEG_LDTR, 0, 0, 0xffff, 0x82);
	put_segment(SEG_TR, 0, 0, 0xffff, 0x8b);
	put(VMCS_GUEST_CR0, 0x30);
	put(VMCS_GUEST_CR4, CR4_VMXE);
	put(VMCS_GUEST_PAT, 0x0007040600070406);
	put(VMCS_GUEST_DR7, 0x400);
	put(VMCS_GUEST_GDTR_LIMIT, 0xffff);
	put(VMCS_GUEST_IDTR_LIMIT, 0xffff);
	put(VMCS_GUEST_RIP, 0xfff0);
	put(VMCS_GUEST_RFLAGS, 2);
}

static void put_protected_mode(void)
{
	put_real_mode();
	for (u32 n = SEG_ES; n <= SEG_GS; n++)
		put_segment(n, 0x10, 0, 0xffffffff, 0xc093);
	put_segment(SEG_CS, 0x08, 0, 0xffffffff, 0xc09b);
	put_segment(SEG_LDTR, 0, 0, 0, RIGHTS_UNUSABLE);
	put_segment(SEG_TR, 0x18, 0x5000, 0x67, 0x8b);
	put(VMCS_GUEST_CR0, 0x80010033);
	put(VMCS_GUEST_CR3, 0x7000);
	put(VMCS_GUEST_RIP, 0x100000);
	put(VMCS_GUEST_RFLAGS, 0x202);
}

static void put_pae(void)
{
	put_protected_mode();
	put(VMCS_GUEST_CR4, CR4_VMXE | CR4_PAE);
	for (u32 i = 0; i < 4; i++)
		put(VMCS_GUEST_PDPTE0 + 2 * i, i == 3 ? 0x1fe : 0x8001 + (i << 12));
}

static void put_v86(void)
{
	put_protected_mode();
	for (u32 n = SEG_ES; n <= SEG_GS; n++)
		put_segment(n, 0x1000, 0x10000, 0xffff, 0xf3);
	put(VMCS_GUEST_RFLAGS, 0x20202);
}

static void put_long(void)
{
	put_protected_mode();
	put_segment(SEG_CS, 0x08, 0, 0xffffffff, 0xa09b);
	put_segment(SEG_DS, 0, 0xdead00000000, 0x123, RIGHTS_UNUSABLE); /* nothing is looked at */
	put(VMCS_GUEST_GS_BASE, 0xffff888000000000);
	put(VMCS_ENTRY_CONTROLS, vmx_config.guest.entry | ENTRY_IA32E);
	put(VMCS_GUEST_CR4, CR4_VMXE | CR4_PAE);
	put(VMCS_GUEST_EFER, 0xd01);
	put(VMCS_GUEST_RIP, 0xffffffff81000000);
}

/* Without unrestricted guest, which wants RPL and DPL to agree. */
static void put_restricted(void)
{
	put_long();
	put(VMCS_CPU2_CONTROLS, vmx_config.guest.cpu2 & ~CPU2_UNRESTRICTED_GUEST);
}

/* Control-flow enforcement's state too. */
static void add_cet(void)
{
	put(VMCS_EXIT_CONTROLS, value[VMCS_EXIT_CONTROLS] | EXIT_LOAD_CET);
	put(VMCS_ENTRY_CONTROLS, value[VMCS_ENTRY_CONTROLS] | ENTRY_LOAD_CET);
	put(VMCS_GUEST_CR4, value[VMCS_GUEST_CR4] | CR4_CET);
	put(VMCS_HOST_S_CET, 0);
	put(VMCS_HOST_SSP, 0);
	put(VMCS_HOST_INTERRUPT_SSP_TABLE, 0);
	put(VMCS_GUEST_S_CET, 0x5);
	put(VMCS_GUEST_SSP, 0x7ff8);
	put(VMCS_GUEST_INTERRUPT_SSP_TABLE, 0);
}

static void put_cet(void)
{
	put_long();
	add_cet();
}

static void put_cet_pae(void)
{
	put_pae();
	add_cet();
}

/* With posted interrupts, and what they need. */
static void put_posted(void)
{
	put_long();
	put(VMCS_PIN_CONTROLS, vmx_config.guest.pin | PIN_POSTED_INTERRUPTS);
	put(VMCS_CPU2_CONTROLS, vmx_config.guest.cpu2 | CPU2_VPID | CPU2_VIRTUAL_INTERRUPTS);
	put(VMCS_EXIT_CONTROLS, vmx_config.guest.exit | EXIT_ACK_INTERRUPT);
	put(VMCS_POSTED_INTERRUPT_VECTOR, 0xf2);
	put(VMCS_POSTED_INTERRUPT_DESCRIPTOR, 0x4040);
}

/* On a CPU whose EPT has no accessed and dirty flags. */
static void put_no_dirty(void)
{
	put_long();
	vmx_config.caps.ept_vpid &= ~EPT_CAP_ACCESS_DIRTY;
}

/* --- the log, all its lines --- */

static char text[2048];
static u32 lines;

void log_line(enum log_level level, const char *subsystem, const char *fmt, ...)
{
	size_t used = strlen(text);
	va_list ap;

	assert_int_equal(level, LOG_ERROR);
	assert_string_equal(subsystem, "vmx");
	va_start(ap, fmt);
	vsnprintf(text + used, sizeof(text) - used, fmt, ap);
	va_end(ap);
	strncat(text, "\n", sizeof(text) - strlen(text) - 1);
	lines++;
}

static bool passes(void)
{
	struct check c = {.phys_bits = 52, .linear_bits = 48};

	text[0] = 0;
	lines = 0;
	return check_vmcs(&c);
}

/* --- valid states --- */

static void test_valid(void **state)
{
	static void (*const states[])(void) = {put_real_mode, put_protected_mode, put_pae,
					       put_v86,       put_long,           put_restricted,
					       put_cet,       put_cet_pae,        put_posted,
					       put_no_dirty};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		states[i]();
		if (!passes() || lines)
			fail_msg("valid state %zu: %s", i, text);
	}
}

struct change {
	u64 field, value;
};

struct test_case {
	void (*state)(void);
	struct change change[3]; /* field 0 is VPID: used where it is the first, else the end */
	const char *rule;        /* part of the line expected; NULL: all rules hold */
};

#define VALID(type, vector) (INTR_VALID | (type) | (vector))
#define TF                  0x302ull

/* States at the edge of a rule that are still valid. */
static const struct test_case good[] = {
	{put_long, {{VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_EXTERNAL, 0x20)}}, NULL},
	{put_long, {{VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_HARD_EXC, 0x80e)}}, NULL},
	{put_real_mode, {{VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_HARD_EXC, 13)}}, NULL},
	{put_long, {{VMCS_ENTRY_INTR_INFO, 0x7fffffff}}, NULL}, /* not valid: nothing to check */
	{put_long, {{VMCS_GUEST_ACTIVITY, ACTIVITY_HLT}}, NULL},
	{put_real_mode, {{VMCS_GUEST_ACTIVITY, ACTIVITY_WAIT_FOR_SIPI}}, NULL},
	{put_real_mode, {{VMCS_GUEST_CR0, 0x60000030}}, NULL}, /* CD and NW */
	{put_real_mode, {{VMCS_GUEST_CS_RIGHTS, 0x93}}, NULL}, /* data, as real mode may have */
	{put_long, {{VMCS_TPR_THRESHOLD, 4}}, NULL},
	{put_long, {{VMCS_GUEST_RIP, 0x800000000000}}, NULL}, /* just after the canonical half */
	{put_long, {{VMCS_GUEST_CR4, CR4_VMXE | CR4_PAE | CR4_PCIDE}}, NULL},
	{put_long,
	 {{VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_BY_STI},
	  {VMCS_GUEST_RFLAGS, TF},
	  {VMCS_GUEST_PENDING_DEBUG, PENDING_DEBUG_BS}},
	 NULL},
	{put_long, {{VMCS_EXIT_MSR_LOAD_COUNT, 2}, {VMCS_EXIT_MSR_LOAD_ADDRESS, 0x1010}}, NULL},
};

/* The least of controls that the states above run with. */
#define PLAIN_CPU  0x84006172
#define PLAIN_CPU2 (CPU2_EPT | CPU2_UNRESTRICTED_GUEST)

static const struct test_case bad_controls[] = {
	{put_long, {{VMCS_PIN_CONTROLS, 0}}, "pin-based controls 0x0: 0x16 has to be set"},
	{put_long, {{VMCS_CPU_CONTROLS, 0x84006173}}, "0x0 has to be set, 0x1 clear"},
	{put_long, {{VMCS_CPU2_CONTROLS, BIT(26)}}, "secondary controls"},
	{put_long, {{VMCS_EXIT_CONTROLS, 0}}, "VM-exit controls 0x0"},
	{put_long, {{VMCS_ENTRY_CONTROLS, 0}}, "VM-entry controls 0x0"},
	{put_long, {{VMCS_CPU2_CONTROLS, CPU2_VMCS_SHADOWING}}, "0x4000 wants is not checked"},
	{put_long, {{VMCS_PIN_CONTROLS, 0x16 | PIN_VIRTUAL_NMIS}}, "without NMI exiting"},
	{put_long,
	 {{VMCS_CPU_CONTROLS, 0x84006172 | CPU_NMI_WINDOW}, {VMCS_PIN_CONTROLS, 0x16}},
	 "NMI-window exiting"},
	{put_long, {{VMCS_CPU2_CONTROLS, CPU2_UNRESTRICTED_GUEST}}, "unrestricted guest without"},
	{put_long, {{VMCS_EXIT_CONTROLS, 0x7fefff}, {VMCS_PIN_CONTROLS, 0x3f}}, "timer saved"},
	{put_long, {{VMCS_ENTRY_CONTROLS, 0xd3fb | ENTRY_TO_SMM}}, "entry to SMM"},
	{put_long, {{VMCS_VPID, 0}}, "VPID"},
	{put_long, {{VMCS_IO_BITMAP_A, 0x1001}}, "I/O bitmap A"},
	{put_long, {{VMCS_IO_BITMAP_B, BIT(52)}}, "I/O bitmap B"},
	{put_long, {{VMCS_MSR_BITMAP, 0x800}}, "MSR bitmap"},
	{put_long, {{VMCS_VIRTUAL_APIC_PAGE, 8}}, "virtual-APIC page"},
	{put_long, {{VMCS_TPR_THRESHOLD, 5}}, "above the virtual TPR"},
	{put_long, {{VMCS_TPR_THRESHOLD, 0x10}}, "above 15"},
	{put_long, {{VMCS_EPT_POINTER, 0x50001d}}, "memory type 5"},
	{put_long, {{VMCS_EPT_POINTER, 0x500016}}, "not 4 levels"},
	{put_long, {{VMCS_EPT_POINTER, 0x50011e}}, "EPT pointer 0x50011e: reserved"},
	{put_long, {{VMCS_EPT_POINTER, BIT(52) | 0x1e}}, "wider than 52"},
	{put_long, {{VMCS_CR3_TARGET_COUNT, 5}}, "CR3-target count"},
	{put_long, {{VMCS_EXIT_MSR_STORE_COUNT, 1}, {VMCS_EXIT_MSR_STORE_ADDRESS, 8}}, "MSR-store"},
	{put_long,
	 {{VMCS_ENTRY_MSR_LOAD_COUNT, 2}, {VMCS_ENTRY_MSR_LOAD_ADDRESS, BIT(52) - 16}},
	 "VM-entry MSR-load"},
	{put_long, {{VMCS_ENTRY_INTR_INFO, VALID(0x100, 3)}}, "type 1"},
	{put_long, {{VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_NMI, 3)}}, "an NMI is vector 2"},
	{put_long, {{VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_HARD_EXC, 32)}}, "at most 31"},
	{put_long, {{VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_HARD_EXC, 14)}}, "needs an error code"},
	{put_long, {{VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_HARD_EXC, 0x806)}}, "has not an error"},
	{put_long, {{VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_EXTERNAL, 0x820)}}, "no hardware"},
	{put_real_mode, {{VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_HARD_EXC, 0x80d)}}, "in real mode"},
	{put_long, {{VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_HARD_EXC, 0x1001)}}, "reserved bits"},
	{put_long,
	 {{VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_HARD_EXC, 0x80e)},
	  {VMCS_ENTRY_ERROR_CODE, 0x10000}},
	 "over 16 bits"},
	{put_long, {{VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_SOFT_EXC, 3)}}, "of 0 bytes"},
	{put_long,
	 {{VMCS_CPU2_CONTROLS, PLAIN_CPU2 | CPU2_X2APIC}, {VMCS_CPU_CONTROLS, PLAIN_CPU}},
	 "x2APIC mode without TPR"},
	{put_long,
	 {{VMCS_CPU2_CONTROLS, PLAIN_CPU2 | CPU2_APIC_REGISTERS}, {VMCS_CPU_CONTROLS, PLAIN_CPU}},
	 "APIC-register virtualization without TPR"},
	{put_long,
	 {{VMCS_CPU2_CONTROLS, PLAIN_CPU2 | CPU2_VIRTUAL_INTERRUPTS},
	  {VMCS_CPU_CONTROLS, PLAIN_CPU}},
	 "virtual-interrupt delivery without TPR"},
	{put_long,
	 {{VMCS_CPU2_CONTROLS, PLAIN_CPU2 | CPU2_VIRTUAL_INTERRUPTS}, {VMCS_PIN_CONTROLS, 0x3e}},
	 "delivery without external"},
	{put_long,
	 {{VMCS_CPU2_CONTROLS, PLAIN_CPU2 | CPU2_X2APIC | CPU2_APIC_ACCESSES},
	  {VMCS_APIC_ACCESS_PAGE, 0x9000}},
	 "both virtualized"},
	{put_long,
	 {{VMCS_CPU2_CONTROLS, PLAIN_CPU2 | CPU2_APIC_ACCESSES}, {VMCS_APIC_ACCESS_PAGE, 0x9010}},
	 "APIC-access page"},
	{put_long, {{VMCS_CPU2_CONTROLS, CPU2_PML}, {VMCS_PML_ADDRESS, 0x9000}}, "log without EPT"},
	{put_long,
	 {{VMCS_CPU2_CONTROLS, PLAIN_CPU2 | CPU2_PML}, {VMCS_PML_ADDRESS, 0x9010}},
	 "log at 0x9010"},
	{put_long, {{VMCS_CPU2_CONTROLS, CPU2_EXECUTE_BY_MODE}}, "execute control without EPT"},
	{put_long,
	 {{VMCS_CPU2_CONTROLS, PLAIN_CPU2 | CPU2_TSC_SCALING}, {VMCS_TSC_MULTIPLIER, 0}},
	 "TSC multiplier"},
	{put_posted, {{VMCS_CPU2_CONTROLS, PLAIN_CPU2}}, "posted interrupts without virtual"},
	{put_posted, {{VMCS_EXIT_CONTROLS, 0x3f6fff}}, "posted interrupts without acknowledge"},
	{put_posted, {{VMCS_POSTED_INTERRUPT_DESCRIPTOR, 0x4020}}, "posted-interrupt descriptor"},
	{put_posted, {{VMCS_POSTED_INTERRUPT_VECTOR, 256}}, "posted-interrupt vector"},
	{put_long, {{VMCS_ENTRY_CONTROLS, 0xd3fb | ENTRY_DEACTIVATE_DUAL}}, "dual-monitor"},
	{put_no_dirty, {{VMCS_EPT_POINTER, 0x50005e}}, "no accessed and dirty"},
	{put_long, {{VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_OTHER, 1)}}, "type 7"},
};

static const struct test_case bad_host[] = {
	{put_long, {{VMCS_HOST_CR0, 0x80010013}}, "host CR0 0x80010013: 0x20 has to be set"},
	{put_long, {{VMCS_HOST_CR4, CR4_PAE}}, "host CR4 0x20: 0x2000 has to be set"},
	{put_long, {{VMCS_HOST_CR4, CR4_VMXE}}, "without PAE"},
	{put_cet, {{VMCS_HOST_CR4, 0x802020}, {VMCS_HOST_CR0, 0x80000033}}, "host CR4.CET"},
	{put_long, {{VMCS_HOST_CR3, BIT(53)}}, "host CR3"},
	{put_long, {{VMCS_HOST_SYSENTER_ESP, 0x800000000000}}, "host SYSENTER_ESP"},
	{put_long, {{VMCS_HOST_GS_BASE, 0x800000000000}}, "host GS base"},
	{put_long, {{VMCS_HOST_RIP, BIT(63)}}, "host RIP"},
	{put_long, {{VMCS_HOST_PAT, 0x0007040600070402}}, "host PAT"},
	{put_long, {{VMCS_HOST_EFER, 0xd02}}, "host EFER 0xd02: reserved"},
	{put_long, {{VMCS_HOST_EFER, 0}}, "host EFER 0x0: LMA"},
	{put_long, {{VMCS_HOST_EFER, 0xc00}}, "LME is not LMA"},
	{put_long, {{VMCS_HOST_DS_SELECTOR, 0x13}}, "host DS 0x13"},
	{put_long, {{VMCS_HOST_CS_SELECTOR, 0}}, "host CS is 0"},
	{put_long, {{VMCS_HOST_TR_SELECTOR, 0}}, "host TR is 0"},
	{put_cet, {{VMCS_HOST_S_CET, 0x40}}, "host S_CET"},
	{put_cet, {{VMCS_HOST_SSP, 2}}, "host SSP"},
	{put_long, {{VMCS_EXIT_CONTROLS, 0x3f6dff}}, "the host has to be 64-bit"},
};

static const struct test_case bad_guest[] = {
	{put_long, {{VMCS_GUEST_CR0, 0x80010013}}, "guest CR0 0x80010013: 0x20 has to be set"},
	{put_real_mode, {{VMCS_GUEST_CR0, 0x80000030}}, "PG without PE"},
	{put_real_mode, {{VMCS_GUEST_CR4, 0}}, "guest CR4 0x0: 0x2000 has to be set"},
	{put_real_mode, {{VMCS_GUEST_CR4, CR4_VMXE | CR4_LA57}}, "0x1000 clear"},
	{put_cet, {{VMCS_GUEST_CR0, 0x80000033}}, "guest CR4.CET"},
	{put_long, {{VMCS_GUEST_CR4, CR4_VMXE}}, "IA-32e mode without"},
	{put_real_mode, {{VMCS_GUEST_CR4, CR4_VMXE | CR4_PCIDE}}, "PCIDE"},
	{put_long, {{VMCS_GUEST_CR3, BIT(52)}}, "guest CR3"},
	{put_long, {{VMCS_GUEST_DEBUGCTL, 8}}, "DEBUGCTL"},
	{put_long, {{VMCS_GUEST_DR7, BIT(32)}}, "DR7"},
	{put_long, {{VMCS_GUEST_SYSENTER_EIP, 0x800000000000}}, "guest SYSENTER_EIP"},
	{put_long, {{VMCS_GUEST_PAT, 0x0807040600070406}}, "guest PAT"},
	{put_long, {{VMCS_GUEST_EFER, 0x1d01}}, "guest EFER 0x1d01: reserved"},
	{put_pae, {{VMCS_GUEST_EFER, 0xd01}}, "where the controls say 0"},
	{put_pae, {{VMCS_GUEST_EFER, 0x100}}, "guest EFER 0x100: LME is not LMA"},
	{put_cet, {{VMCS_GUEST_S_CET, 0xc00}}, "guest S_CET"},
	{put_cet, {{VMCS_GUEST_SSP, 0x7ff9}}, "guest SSP"},
	{put_cet, {{VMCS_GUEST_INTERRUPT_SSP_TABLE, BIT(63)}}, "guest interrupt SSP table"},
	{put_cet_pae, {{VMCS_GUEST_SSP, BIT(32)}}, "guest SSP 0x100000000: over 32"},
	{put_long, {{VMCS_GUEST_INTERRUPTIBILITY, 0x12}}, "MOV SS in an enclave"},
	{put_long, {{VMCS_GUEST_GDTR_BASE, BIT(47)}}, "guest GDTR base"},
	{put_long, {{VMCS_GUEST_IDTR_LIMIT, 0x10000}}, "IDTR limit"},
	{put_long, {{VMCS_GUEST_GDTR_LIMIT, 0x10000}}, "GDTR limit"},
	{put_long, {{VMCS_GUEST_RIP, BIT(48)}}, "guest RIP"},
	{put_pae, {{VMCS_GUEST_RIP, BIT(32)}}, "outside 64-bit code"},
	{put_long, {{VMCS_GUEST_RFLAGS, 0}}, "guest RFLAGS 0x0: reserved"},
	{put_long, {{VMCS_GUEST_RFLAGS, 0x8002}}, "guest RFLAGS 0x8002: reserved"},
	{put_long,
	 {{VMCS_GUEST_RFLAGS, 2}, {VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_EXTERNAL, 0x20)}},
	 "but IF is 0"},
	{put_long, {{VMCS_GUEST_ACTIVITY, 4}}, "guest activity 4"},
	{put_long,
	 {{VMCS_GUEST_ACTIVITY, ACTIVITY_HLT},
	  {VMCS_GUEST_SS_RIGHTS, 0xc0f3},
	  {VMCS_GUEST_CS_RIGHTS, 0xa0fb}},
	 "HLT at DPL 3"},
	{put_long,
	 {{VMCS_GUEST_ACTIVITY, ACTIVITY_SHUTDOWN}, {VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_BY_STI}},
	 "with blocking by STI"},
	{put_long,
	 {{VMCS_GUEST_ACTIVITY, ACTIVITY_HLT},
	  {VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_HARD_EXC, 0x80d)}},
	 "does not take event"},
	{put_long,
	 {{VMCS_GUEST_ACTIVITY, ACTIVITY_WAIT_FOR_SIPI},
	  {VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_NMI, 2)}},
	 "does not take event"},
	{put_long, {{VMCS_GUEST_INTERRUPTIBILITY, 0x20}}, "interruptibility 0x20: reserved"},
	{put_long, {{VMCS_GUEST_INTERRUPTIBILITY, 3}}, "both STI and MOV SS"},
	{put_long,
	 {{VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_BY_STI}, {VMCS_GUEST_RFLAGS, 2}},
	 "STI, but IF is 0"},
	{put_long, {{VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_BY_SMI}}, "SMIs outside SMM"},
	{put_long,
	 {{VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_BY_STI},
	  {VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_EXTERNAL, 0x20)}},
	 "an interrupt"},
	{put_long,
	 {{VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_BY_MOVSS},
	  {VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_NMI, 2)}},
	 "an NMI"},
	{put_long,
	 {{VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_BY_NMI},
	  {VMCS_ENTRY_INTR_INFO, VALID(INTR_TYPE_NMI, 2)}},
	 "virtual NMIs are blocked"},
	{put_long, {{VMCS_GUEST_PENDING_DEBUG, BIT(4)}}, "pending debug exceptions 0x10: reserved"},
	{put_long,
	 {{VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_BY_STI}, {VMCS_GUEST_RFLAGS, TF}},
	 "TF and BTF say 1"},
	{put_long,
	 {{VMCS_GUEST_ACTIVITY, ACTIVITY_HLT}, {VMCS_GUEST_PENDING_DEBUG, PENDING_DEBUG_BS}},
	 "TF and BTF say 0"},
	{put_long, {{VMCS_GUEST_PENDING_DEBUG, PENDING_DEBUG_RTM}}, "RTM with others"},
	{put_long, {{VMCS_LINK_POINTER, 0}}, "link pointer"},
	{put_pae, {{VMCS_GUEST_PDPTE0, 0x8003}}, "guest PDPTE0 0x8003"},
	{put_pae, {{VMCS_GUEST_PDPTE0 + 4, BIT(63) | 1}}, "guest PDPTE2"},
};

static const struct test_case bad_segments[] = {
	{put_pae,
	 {{VMCS_GUEST_CS_RIGHTS, 0xc093}, {VMCS_CPU2_CONTROLS, CPU2_EPT}},
	 "guest CS type 3: not accessed code"},
	{put_pae, {{VMCS_GUEST_CS_RIGHTS, 0xc098}}, "guest CS type 8: not accessed code, nor 3"},
	{put_pae, {{VMCS_GUEST_CS_RIGHTS, 0xc0f3}}, "guest CS type 3 with DPL 3"},
	{put_pae, {{VMCS_GUEST_CS_RIGHTS, 0xc0fb}}, "guest CS type 11 with DPL 3: not SS's"},
	{put_pae, {{VMCS_GUEST_CS_RIGHTS, 0xc0bf}}, "guest CS type 15 with DPL 1: above SS's"},
	{put_long, {{VMCS_GUEST_CS_RIGHTS, 0xe09b}}, "both L and D"},
	{put_long, {{VMCS_GUEST_CS_BASE, BIT(32)}}, "guest CS base"},
	{put_pae, {{VMCS_GUEST_CS_RIGHTS, 0xc01b}}, "guest CS rights 0xc01b: not present"},
	{put_pae, {{VMCS_GUEST_CS_RIGHTS, 0xc08b}}, "guest CS rights 0xc08b: S"},
	{put_pae, {{VMCS_GUEST_CS_RIGHTS, 0xc19b}}, "guest CS rights 0xc19b: reserved"},
	{put_pae, {{VMCS_GUEST_SS_RIGHTS, 0xc091}}, "guest SS type 1"},
	{put_restricted,
	 {{VMCS_GUEST_SS_SELECTOR, 0x11},
	  {VMCS_GUEST_SS_RIGHTS, 0x1c0b3},
	  {VMCS_GUEST_CS_RIGHTS, 0xa0bb}},
	 "RPL is not that of CS"},
	{put_restricted,
	 {{VMCS_GUEST_SS_RIGHTS, 0xc0b3}, {VMCS_GUEST_CS_RIGHTS, 0xa0bb}},
	 "guest SS 0x10: RPL is not DPL"},
	{put_real_mode,
	 {{VMCS_GUEST_SS_RIGHTS, 0xf3}, {VMCS_GUEST_CS_RIGHTS, 0xfb}},
	 "guest SS DPL 3: not 0"},
	{put_pae, {{VMCS_GUEST_ES_RIGHTS, 0xc092}}, "guest ES type 2: not accessed"},
	{put_pae, {{VMCS_GUEST_ES_RIGHTS, 0xc099}}, "guest ES type 9: code that is not readable"},
	{put_pae, {{VMCS_GUEST_ES_LIMIT, 0xffff0000}}, "guest ES limit 0xffff0000: cannot have G"},
	{put_pae, {{VMCS_GUEST_ES_RIGHTS, 0x4093}}, "guest ES limit 0xffffffff: needs G"},
	{put_pae, {{VMCS_GUEST_ES_BASE, BIT(32)}}, "guest ES base"},
	{put_pae, {{VMCS_GUEST_FS_BASE, BIT(47)}}, "guest FS base 0x800000000000: not canonical"},
	{put_restricted, {{VMCS_GUEST_ES_SELECTOR, 0x13}}, "guest ES 0x13: RPL above DPL 0"},
	{put_long, {{VMCS_GUEST_TR_RIGHTS, 0x83}}, "guest TR type 3"},
	{put_pae, {{VMCS_GUEST_TR_RIGHTS, 0x89}}, "guest TR type 9"},
	{put_pae, {{VMCS_GUEST_TR_RIGHTS, 0x1008b}}, "guest TR rights 0x1008b: unusable"},
	{put_pae, {{VMCS_GUEST_TR_RIGHTS, 0x9b}}, "guest TR rights 0x9b: S"},
	{put_pae, {{VMCS_GUEST_TR_SELECTOR, 0x1c}}, "guest TR 0x1c: TI"},
	{put_pae, {{VMCS_GUEST_TR_BASE, BIT(63)}}, "guest TR base"},
	{put_real_mode, {{VMCS_GUEST_LDTR_SELECTOR, 4}}, "guest LDTR 0x4: TI"},
	{put_real_mode, {{VMCS_GUEST_ES_RIGHTS + 2 * SEG_LDTR, 0x83}}, "guest LDTR type 3"},
	{put_real_mode, {{VMCS_GUEST_ES_BASE + 2 * SEG_LDTR, BIT(63)}}, "guest LDTR base"},
	{put_v86, {{VMCS_GUEST_CS_BASE, 0x10010}}, "guest CS 0x1000, base 0x10010"},
	{put_v86, {{VMCS_GUEST_ES_LIMIT, 0xfffff}}, "guest ES 0x1000"},
	{put_v86, {{VMCS_GUEST_SS_RIGHTS, 0x93}}, "guest SS 0x1000"},
	{put_v86, {{VMCS_GUEST_CR0, 0x30}}, "VM in IA-32e or real mode"},
};

static u32 failures(const struct test_case *t)
{
	bool good_one = !t->rule, ok;

	t->state();
	for (size_t i = 0; i < ARRAY_SIZE(t->change) && (i == 0 || t->change[i].field); i++)
		put(t->change[i].field, t->change[i].value);
	ok = passes();
	if (ok == good_one && lines == !good_one && (good_one || strstr(text, t->rule)))
		return 0;
	print_error("expected %s, got %s\n", good_one ? "no line" : t->rule,
		    lines ? text : "nothing");
	return 1;
}

#define TEST_CASES(name, cases)                                                                    \
	static void name(void **state)                                                             \
	{                                                                                          \
		u32 failed = 0;                                                                    \
                                                                                                   \
		(void)state;                                                                       \
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++)                                     \
			failed += failures(&(cases)[i]);                                           \
		assert_int_equal(failed, 0);                                                       \
	}
TEST_CASES(test_good, good)
TEST_CASES(test_controls, bad_controls)
TEST_CASES(test_host, bad_host)
TEST_CASES(test_guest, bad_guest)
TEST_CASES(test_segments, bad_segments)

/* The host's page that the checker finds in the direct map. */
static int map_apic_page(void **state)
{
	(void)state;
	apic_page =
		mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return apic_page == MAP_FAILED ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),    cmocka_unit_test(test_good),
		cmocka_unit_test(test_controls), cmocka_unit_test(test_host),
		cmocka_unit_test(test_guest),    cmocka_unit_test(test_segments),
	};

	return cmocka_run_group_tests(tests, map_apic_page, NULL);
}
