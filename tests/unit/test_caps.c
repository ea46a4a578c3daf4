/* SPDX-License-Identifier: MIT */
/* sources: arch/x86/vmx/caps.c */
/* The choice of VMX controls, from the capability MSRs of the CPU models of Bochs 2.7. */
#include "fake.h"

#include <string.h>

#include "vmx/caps.h"
#include "vmx/vmcs.h"

/* Every model has these. */
#define COMMON                                                                                     \
	.basic = 0x00d810000000002b, .pin = 0x7f00000016, .cpu = 0xf7f9fffe04006172,               \
	.exit = 0x7fffff00036dfb, .entry = 0xffff000011fb, .cr0_fixed0 = 0x80000021,               \
	.cr0_fixed1 = 0xffffffff, .cr4_fixed0 = 0x2000

/* The one that the tests below take features from. */
static const struct vmx_caps haswell = {
	COMMON,
	.cpu2 = 0x47fff00000000,
	.misc = 0x200401e0,
	.cr4_fixed1 = 0x1727ff,
	.ept_vpid = 0xf0106334141,
};

static const struct model {
	const char *name, *lacks; /* NULL: nothing */
	struct vmx_caps caps;
	bool vpid, rdtscp, invpcid, xsaves;
} models[] = {
	/* Its TRUE MSRs are left out here: those without them do as well. */
	{"core2_penryn_t9600",
	 "EPT (extended page tables)",
	 {.basic = 0x00d810000000002b,
	  .pin = 0x3f00000016,
	  .cpu = 0xf7f9fffe0401e172,
	  .cpu2 = 0x4100000000,
	  .exit = 0x3ffff00036dff,
	  .entry = 0x3fff000011ff,
	  .misc = 0x401e0,
	  .cr0_fixed0 = 0x80000021,
	  .cr0_fixed1 = 0xffffffff,
	  .cr4_fixed0 = 0x2000,
	  .cr4_fixed1 = 0x467ff},
	 false,
	 false,
	 false,
	 false},
	{"corei5_lynnfield_750",
	 "unrestricted guest",
	 {COMMON, .cpu2 = 0x7f00000000, .misc = 0x401e0, .cr4_fixed1 = 0x67ff,
	  .ept_vpid = 0xf0106114141},
	 false,
	 false,
	 false,
	 false},
	{"corei5_arrandale_m520",
	 NULL,
	 {COMMON, .cpu2 = 0xff00000000, .misc = 0x401e0, .cr4_fixed1 = 0x67ff,
	  .ept_vpid = 0xf0106114141},
	 true,
	 true,
	 false,
	 false},
	{"corei7_haswell_4770",
	 NULL,
	 {COMMON, .cpu2 = 0x47fff00000000, .misc = 0x200401e0, .cr4_fixed1 = 0x1727ff,
	  .ept_vpid = 0xf0106334141},
	 true,
	 true,
	 true,
	 false},
	{"corei3_cnl",
	 NULL,
	 {COMMON, .cpu2 = 0x2157cff00000000, .misc = 0x600401e0, .cr4_fixed1 = 0x772fff,
	  .ept_vpid = 0xf0106334141},
	 true,
	 true,
	 true,
	 true},
	{"corei7_skylake_x",
	 NULL,
	 {COMMON, .cpu2 = 0x2177fff00000000, .misc = 0x600401e0, .cr4_fixed1 = 0x3727ff,
	  .ept_vpid = 0xf0106334141},
	 true,
	 true,
	 true,
	 true},
};

static struct vmx_config chosen(const struct vmx_caps *caps)
{
	struct vmx_config c;

	memset(&c, 0x5a, sizeof(c));
	assert_null(vmx_config_choose(caps, &c));
	return c;
}

/* A control word obeys its MSR: what must be 1 is, and what may not be is not. */
static void check_word(u64 cap, u32 word)
{
	assert_int_equal(word & (u32)cap, (u32)cap);
	assert_int_equal(word & ~(u32)(cap >> 32), 0);
}

static void check_words(const struct vmx_caps *caps, const struct vmx_controls *c)
{
	check_word(caps->pin, c->pin);
	check_word(caps->cpu, c->cpu);
	check_word(caps->cpu2, c->cpu2);
	check_word(caps->exit, c->exit);
	check_word(caps->entry, c->entry);
}

static void check_config(const struct model *m)
{
	struct vmx_config c = chosen(&m->caps);

	check_words(&m->caps, &c.control);
	check_words(&m->caps, &c.guest);
	assert_int_equal(c.revision, (u32)m->caps.basic);
	assert_int_equal(c.vpid, m->vpid);
	assert_int_equal(!!(c.guest.cpu2 & CPU2_VPID), m->vpid);
	assert_int_equal(!!(c.guest.cpu2 & CPU2_RDTSCP), m->rdtscp);
	assert_int_equal(!!(c.guest.cpu2 & CPU2_INVPCID), m->invpcid);
	assert_int_equal(!!(c.control.cpu2 & CPU2_XSAVES), m->xsaves);
	assert_int_equal(c.guest.cpu2 & CPU2_XSAVES, 0);
}

static void test_models(void **state)
{
	struct vmx_config c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
		const char *lacks;

		if (!models[i].lacks) {
			check_config(&models[i]);
			continue;
		}
		lacks = vmx_config_choose(&models[i].caps, &c);
		assert_non_null(lacks);
		assert_string_equal(lacks, models[i].lacks);
	}
}

/* The control guest keeps its interrupts and ports; a guest gives all of them up. */
static void test_control_and_guest(void **state)
{
	const struct vmx_config c = chosen(&haswell);
	const u32 intercepts = CPU_HLT | CPU_MWAIT | CPU_MONITOR | CPU_RDPMC | CPU_MOV_DR |
			       CPU_UNCONDITIONAL_IO | CPU_TSC_OFFSETTING;

	(void)state;
	assert_int_equal(c.control.pin & (PIN_EXTERNAL_INTERRUPT | PIN_PREEMPTION_TIMER), 0);
	assert_int_equal(c.control.pin & PIN_NMI, PIN_NMI);
	assert_int_equal(c.control.cpu & (intercepts | CPU_CR8_LOAD | CPU_CR8_STORE), 0);
	assert_true(c.control.cpu & CPU_IO_BITMAPS);
	assert_int_equal(c.guest.pin & (PIN_EXTERNAL_INTERRUPT | PIN_PREEMPTION_TIMER | PIN_NMI),
			 PIN_EXTERNAL_INTERRUPT | PIN_PREEMPTION_TIMER | PIN_NMI);
	assert_int_equal(c.guest.cpu & intercepts, intercepts);
	assert_int_equal(c.guest.exit & EXIT_ACK_INTERRUPT, 0);
	assert_int_equal(c.guest.cpu2 & c.control.cpu2 & (CPU2_EPT | CPU2_UNRESTRICTED_GUEST),
			 CPU2_EPT | CPU2_UNRESTRICTED_GUEST);
}

/* Without @bits of the word @cap (its allowed-1 half, or all of it), what is named? */
static void expect_lacking(size_t cap, u64 bits, bool plain, const char *name)
{
	/* One bit at a time: each of them is needed. */
	for (u32 i = 0; i < 64; i++) {
		struct vmx_caps caps = haswell;
		struct vmx_config c;
		u64 *word = (u64 *)(void *)((u8 *)&caps + cap);
		const char *lacks;

		if (!(bits & BIT(i)))
			continue;
		*word &= ~(plain ? BIT(i) : BIT(i + 32) | BIT(i));
		lacks = vmx_config_choose(&caps, &c);
		assert_non_null(lacks);
		assert_string_equal(lacks, name);
	}
}
#define LACKING(word, bits, name) expect_lacking(offsetof(struct vmx_caps, word), bits, false, name)
#define LACKING_PLAIN(word, bits, name)                                                            \
	expect_lacking(offsetof(struct vmx_caps, word), bits, true, name)

static void test_each_requirement_is_named(void **state)
{
	const u64 pat_efer = EXIT_SAVE_PAT | EXIT_LOAD_PAT | EXIT_SAVE_EFER | EXIT_LOAD_EFER;

	(void)state;
	LACKING(cpu, CPU_SECONDARY, "secondary processor-based controls");
	LACKING(cpu2, CPU2_EPT, "EPT (extended page tables)");
	LACKING(cpu2, CPU2_UNRESTRICTED_GUEST, "unrestricted guest");
	LACKING_PLAIN(ept_vpid, EPT_CAP_4_LEVELS | EPT_CAP_WB | EPT_CAP_2M, "EPT with 2 MiB pages");
	LACKING_PLAIN(ept_vpid, EPT_CAP_INVEPT | EPT_CAP_INVEPT_ONE | EPT_CAP_INVEPT_ALL, "INVEPT");
	LACKING(pin, PIN_EXTERNAL_INTERRUPT | PIN_NMI, "interrupt exiting");
	LACKING(pin, PIN_VIRTUAL_NMIS, "virtual NMIs");
	LACKING(pin, PIN_PREEMPTION_TIMER, "the VMX preemption timer");
	LACKING(cpu, CPU_MSR_BITMAPS, "MSR bitmaps");
	LACKING(cpu, CPU_IO_BITMAPS, "I/O bitmaps");
	LACKING(exit, pat_efer, "PAT and EFER switching at VM exit");
	LACKING(entry, ENTRY_LOAD_PAT | ENTRY_LOAD_EFER, "PAT and EFER switching at VM entry");
	LACKING_PLAIN(misc, VMX_MISC_WAIT_FOR_SIPI, "the wait-for-SIPI activity state");
	LACKING(cpu,
		CPU_HLT | CPU_MWAIT | CPU_MONITOR | CPU_RDPMC | CPU_TSC_OFFSETTING | CPU_CR8_LOAD |
			CPU_CR8_STORE | CPU_MOV_DR | CPU_UNCONDITIONAL_IO,
		"a VM-execution control that every VMX CPU has");
	LACKING(exit, EXIT_HOST_64, "a VM-execution control that every VMX CPU has");
}

/* Without the TRUE MSRs, exits of CR3 and INVLPG cannot be turned off. */
static void test_forced_exits(void **state)
{
	static const u64 forced[] = {CPU_CR3_LOAD, CPU_CR3_STORE, CPU_INVLPG};
	struct vmx_config c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forced); i++) {
		struct vmx_caps caps = haswell;
		const char *lacks;

		caps.cpu |= forced[i];
		lacks = vmx_config_choose(&caps, &c);
		assert_non_null(lacks);
		assert_string_equal(lacks, "the TRUE capability MSRs");
	}
}

static void test_optional_features(void **state)
{
	struct vmx_caps caps = haswell;

	(void)state;
	assert_true(chosen(&caps).ept_1g);
	caps.ept_vpid &= ~EPT_CAP_1G;
	assert_false(chosen(&caps).ept_1g);

	assert_true(chosen(&caps).tpr_shadow);
	caps.cpu &= ~((u64)CPU_TPR_SHADOW << 32);
	assert_false(chosen(&caps).tpr_shadow);

	/* A VPID is of use only if it can be flushed. */
	for (u32 i = 0; i < 2; i++) {
		caps = haswell;
		caps.ept_vpid &= ~(i ? VPID_CAP_INVVPID : VPID_CAP_INVVPID_ONE);
		assert_false(chosen(&caps).vpid);
		assert_int_equal(chosen(&caps).guest.cpu2 & CPU2_VPID, 0);
	}
	caps = haswell;
	assert_true(chosen(&caps).apicv);
	assert_true(chosen(&caps).vague_vectoring);
	caps.pin |= PIN_POSTED_INTERRUPTS << 32;
	assert_false(chosen(&caps).vague_vectoring);
	vmx_options.flexpriority = false;
	assert_false(chosen(&caps).apicv || chosen(&caps).apic_accesses);
	vmx_options.flexpriority = true;
	vmx_options.enable_apicv = false;
	assert_false(chosen(&caps).apicv || chosen(&caps).vague_vectoring);
	assert_true(chosen(&caps).apic_accesses && chosen(&caps).x2apic);
	vmx_options.enable_apicv = true;
	/* All four of them, or no delivery of interrupts; and all need the TPR shadow. */
	for (u32 i = 0; i < 4; i++) {
		const u64 parts[] = {CPU2_APIC_ACCESSES, CPU2_X2APIC, CPU2_APIC_REGISTERS,
				     CPU2_VIRTUAL_INTERRUPTS};

		caps = haswell;
		caps.cpu2 &= ~(parts[i] << 32);
		assert_false(chosen(&caps).apicv);
	}
	caps = haswell;
	caps.cpu &= ~((u64)CPU_TPR_SHADOW << 32);
	assert_false(chosen(&caps).apicv || chosen(&caps).apic_accesses || chosen(&caps).x2apic);
	caps = haswell;
	caps.misc = (caps.misc & ~0x1full) | 7;
	assert_int_equal(chosen(&caps).timer_shift, 7);
	/* Bit 31 of IA32_VMX_BASIC is no part of the revision. */
	caps.basic |= BIT(31);
	assert_int_equal(chosen(&caps).revision, 0x2b);
}

static const struct vmx_config *differing(const struct vmx_config *base, size_t offset)
{
	static struct vmx_config c;

	c = *base;
	((u8 *)&c)[offset] ^= 1;
	return &c;
}
#define DIFFERS(field, name)                                                                       \
	do {                                                                                       \
		const struct vmx_config *c_ =                                                      \
			differing(&base, offsetof(struct vmx_config, field));                      \
		const char *why_ = vmx_config_compare(&base, c_);                                  \
		assert_non_null(why_);                                                             \
		assert_string_equal(why_, name);                                                   \
		assert_non_null(vmx_config_compare(c_, &base));                                    \
	} while (0)

static void test_compare(void **state)
{
	const struct vmx_config base = chosen(&haswell), again = chosen(&haswell);

	(void)state;
	assert_null(vmx_config_compare(&base, &again));
	DIFFERS(revision, "the VMCS revision");
	DIFFERS(control.pin, "the VMX controls");
	DIFFERS(control.entry, "the VMX controls");
	DIFFERS(guest.cpu, "the VMX controls");
	DIFFERS(guest.cpu2, "the VMX controls");
	DIFFERS(guest.exit, "the VMX controls");
	DIFFERS(timer_shift, "the preemption timer's rate");
	DIFFERS(vpid, "EPT, VPID or TPR shadow");
	DIFFERS(ept_1g, "EPT, VPID or TPR shadow");
	DIFFERS(tpr_shadow, "EPT, VPID or TPR shadow");
	DIFFERS(apic_accesses, "the virtualization of the local APIC");
	DIFFERS(x2apic, "the virtualization of the local APIC");
	DIFFERS(apicv, "the virtualization of the local APIC");
	DIFFERS(cr0_fixed0, "the fixed bits of CR0 and CR4");
	DIFFERS(cr0_fixed1, "the fixed bits of CR0 and CR4");
	DIFFERS(cr4_fixed0, "the fixed bits of CR0 and CR4");
	DIFFERS(cr4_fixed1, "the fixed bits of CR0 and CR4");
}

/* Any two of the models differ, and it is said in what. */
static void test_compare_models(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(models); i++)
		for (size_t j = 0; j < ARRAY_SIZE(models); j++) {
			struct vmx_config a, b;

			if (models[i].lacks || models[j].lacks)
				continue;
			a = chosen(&models[i].caps);
			b = chosen(&models[j].caps);
			if (i == j)
				assert_null(vmx_config_compare(&a, &b));
			else
				assert_non_null(vmx_config_compare(&a, &b));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_models),
		cmocka_unit_test(test_control_and_guest),
		cmocka_unit_test(test_each_requirement_is_named),
		cmocka_unit_test(test_forced_exits),
		cmocka_unit_test(test_optional_features),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_compare_models),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
