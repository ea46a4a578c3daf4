/* SPDX-License-Identifier: MIT */
/*
 * Making a VMCS: controls, host state, bitmaps, and the guest state after INIT.
 */
#include "vmx/caps.h"
#include "vmx/vcpu.h"
#include "vmx/mitigate.h"
#include "core/page.h"
#include "core/panic.h"
#include "cpu/regs.h"
#include "cpu/gdt.h"
#include "cpu/msr_index.h"
#include "cpu/trap.h"
#include "lib/string.h"

u32 vmx_timer_most = ~0u;

/* One bit a port, shared by all CPUs of the control guest; changed during boot only. */
static u8 io_bitmaps[2 * PAGE_SIZE] __attribute__((aligned(4096)));

/* MSRs that a guest reads and writes natively: the VMCS or vmx_switch() swaps them. */
static const u32 native_msrs[] = {
	MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP, MSR_PAT,
	MSR_EFER,        MSR_FS_BASE,      MSR_GS_BASE,      MSR_KERNEL_GS_BASE,
};

/* MSRs that any guest reads natively, and whose writes, which are rare, tell kvm0 the
 * value: so vmx_switch() need not read them. */
static const u32 tracked_msrs[] = {MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_FMASK, MSR_TSC_AUX};

/* How long cores were in C-states: read natively with KVM_X86_DISABLE_EXITS_CSTATE. */
static const u32 cstate_msrs[] = {MSR_CORE_C1_RES, MSR_CORE_C3_RESIDENCY, MSR_CORE_C6_RESIDENCY,
				  MSR_CORE_C7_RESIDENCY};

static void init_msr_bitmap(u8 *bitmap, bool control)
{
	if (!control)
		memset(bitmap, 0xff, PAGE_SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(tracked_msrs); i++)
		if (tracked_msrs[i] != MSR_TSC_AUX || vmx_has_tsc_aux())
			msr_exits(bitmap, tracked_msrs[i], false, true);
	if (control) {
		if (vmx_bugs.spec_ctrl)
			msr_exits(bitmap, MSR_SPEC_CTRL, false, true);
		if (vmx_bugs.tsx_ctrl)
			msr_exits(bitmap, MSR_TSX_CTRL, false, true);
		for (u32 m = MSR_VMX_BASIC; m <= MSR_VMX_LAST; m++)
			msr_exits(bitmap, m, true, true);
		msr_exits(bitmap, MSR_FEATURE_CONTROL, true, true);
		/* Traces that the CPU writes past EPT, also while kvm0 runs. */
		for (u32 m = MSR_RTIT_FIRST; m <= MSR_RTIT_LAST; m++)
			msr_exits(bitmap, m, true, true);
		msr_exits(bitmap, MSR_PEBS_ENABLE, true, true);
		msr_exits(bitmap, MSR_DS_AREA, true, true);
		msr_exits(bitmap, MSR_HW_FEEDBACK_PTR, true, true);
		msr_exits(bitmap, MSR_HW_FEEDBACK_CONFIG, true, true);
		msr_exits(bitmap, MSR_TEST_CTRL, true, true);
		msr_exits(bitmap, MSR_APIC_BASE, false, true);
		msr_exits(bitmap, MSR_BIOS_UPDT_TRIG, false, true);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(native_msrs); i++)
		msr_exits(bitmap, native_msrs[i], false, false);
	msr_exits(bitmap, MSR_TSC, false, true);
}

void vmx_open_spec_ctrl(struct vmx_vcpu *v)
{
	msr_exits(v->msr_bitmap, MSR_SPEC_CTRL, false, false);
}

void vmx_filter_msrs(struct vmx_vcpu *v, bool (*allowed)(const void *filter, u32 index, bool write),
		     const void *filter)
{
	static const u32 only_read[] = {MSR_TSC, MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_FMASK};

	for (size_t i = 0; i < ARRAY_SIZE(native_msrs); i++)
		msr_exits(v->msr_bitmap, native_msrs[i], !allowed(filter, native_msrs[i], false),
			  !allowed(filter, native_msrs[i], true));
	for (size_t i = 0; i < ARRAY_SIZE(only_read); i++)
		msr_exits(v->msr_bitmap, only_read[i], !allowed(filter, only_read[i], false), true);
	if (vmx_has_tsc_aux())
		msr_exits(v->msr_bitmap, MSR_TSC_AUX, !allowed(filter, MSR_TSC_AUX, false), true);
	for (size_t i = 0; v->reads_cstates && i < ARRAY_SIZE(cstate_msrs); i++)
		msr_exits(v->msr_bitmap, cstate_msrs[i], !allowed(filter, cstate_msrs[i], false),
			  true);
	if (v->spec_native)
		msr_exits(v->msr_bitmap, MSR_SPEC_CTRL, !allowed(filter, MSR_SPEC_CTRL, false),
			  !allowed(filter, MSR_SPEC_CTRL, true));
}

void vmx_disable_exits(struct vmx_vcpu *v, u64 exits)
{
	if (exits & KVM_X86_DISABLE_EXITS_HLT) {
		v->halts_itself = true;
		vmx_set_cpu_controls(v, v->cpu_controls & ~(u32)CPU_HLT);
	}
	if (exits & KVM_X86_DISABLE_EXITS_PAUSE) {
		v->pause_window = 0;
		vmcs_write32(VMCS_CPU2_CONTROLS,
			     vmcs_read32(VMCS_CPU2_CONTROLS) & ~(u32)CPU2_PAUSE_LOOP);
	}
	if (exits & KVM_X86_DISABLE_EXITS_CSTATE) {
		v->reads_cstates = true;
		for (size_t i = 0; i < ARRAY_SIZE(cstate_msrs); i++)
			msr_exits(v->msr_bitmap, cstate_msrs[i], false, true);
	}
}

static void set_host_state(void)
{
	vmcs_write16(VMCS_HOST_CS_SELECTOR, GDT_CODE64);
	vmcs_write16(VMCS_HOST_SS_SELECTOR, GDT_DATA);
	vmcs_write16(VMCS_HOST_DS_SELECTOR, GDT_DATA);
	vmcs_write16(VMCS_HOST_ES_SELECTOR, GDT_DATA);
	vmcs_write16(VMCS_HOST_FS_SELECTOR, 0);
	vmcs_write16(VMCS_HOST_GS_SELECTOR, 0);
	vmcs_write16(VMCS_HOST_TR_SELECTOR, GDT_TSS);
	vmcs_write_nat(VMCS_HOST_FS_BASE, 0);
	vmcs_write_nat(VMCS_HOST_IDTR_BASE, trap_idt_base());
	vmcs_write_nat(VMCS_HOST_CR0, read_cr0());
	vmcs_write_nat(VMCS_HOST_CR3, read_cr3());
	vmcs_write_nat(VMCS_HOST_CR4, read_cr4());
	vmcs_write64(VMCS_HOST_PAT, rdmsr(MSR_PAT));
	vmcs_write64(VMCS_HOST_EFER, rdmsr(MSR_EFER));
	vmcs_write32(VMCS_HOST_SYSENTER_CS, 0);
	vmcs_write_nat(VMCS_HOST_SYSENTER_ESP, 0);
	vmcs_write_nat(VMCS_HOST_SYSENTER_EIP, 0);
	vmcs_write_nat(VMCS_HOST_RIP, (u64)(uintptr_t)mitigate_exit_point());
}

static void set_controls(struct vmx_vcpu *v, u64 eptp)
{
	const struct vmx_controls *c = v->control ? &vmx_config.control : &vmx_config.guest;

	v->cpu_controls = c->cpu;
	vmcs_write32(VMCS_PIN_CONTROLS, c->pin);
	vmcs_write32(VMCS_CPU_CONTROLS, c->cpu);
	vmcs_write32(VMCS_CPU2_CONTROLS, c->cpu2);
	vmcs_write32(VMCS_EXIT_CONTROLS, c->exit);
	vmcs_write32(VMCS_ENTRY_CONTROLS, c->entry);
	vmcs_write32(VMCS_EXCEPTION_BITMAP, v->control ? 0 : EXITING_VECTORS);
	vmcs_write32(VMCS_PF_ERROR_MASK, 0);
	vmcs_write32(VMCS_PF_ERROR_MATCH, 0);
	vmcs_write32(VMCS_CR3_TARGET_COUNT, 0);
	vmcs_write32(VMCS_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write32(VMCS_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write32(VMCS_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write32(VMCS_ENTRY_INTR_INFO, 0);
	vmcs_write64(VMCS_MSR_BITMAP, virt_to_phys(v->msr_bitmap).v);
	vmcs_write64(VMCS_IO_BITMAP_A, virt_to_phys(io_bitmaps).v);
	vmcs_write64(VMCS_IO_BITMAP_B, virt_to_phys(io_bitmaps + PAGE_SIZE).v);
	vmcs_write64(VMCS_EPT_POINTER, eptp);
	vmcs_write64(VMCS_LINK_POINTER, ~0ull);
	if (c->cpu & CPU_TSC_OFFSETTING)
		vmcs_write64(VMCS_TSC_OFFSET, 0);
	if (c->cpu2 & CPU2_TSC_SCALING)
		vmx_set_tsc_ratio(BIT(48));
	if (c->cpu2 & CPU2_VPID)
		vmcs_write16(VMCS_VPID, v->vpid);
	if (c->cpu2 & CPU2_XSAVES)
		vmcs_write64(VMCS_XSS_EXITING_BITMAP, 0);
	if (c->pin & PIN_PREEMPTION_TIMER)
		vmcs_write32(VMCS_PREEMPTION_TIMER, vmx_timer_most);
	if (c->cpu2 & CPU2_PAUSE_LOOP)
		vmx_set_pause_window(v);
	if (c->cpu2 & CPU2_PML) {
		vmcs_write64(VMCS_PML_ADDRESS, virt_to_phys(v->log).v);
		vmcs_write16(VMCS_GUEST_PML_INDEX, VMX_LOG_MAX - 1);
	}
}

bool vmx_has_ept_flags(void)
{
	return vmx_config.ept_flags;
}

bool vmx_has_log(void)
{
	return vmx_config.guest.cpu2 & CPU2_PML;
}

u32 vmx_take_log(struct vmx_vcpu *v, const u64 **pages)
{
	/* It counts down from the last; full, it is 0xffff. */
	u32 first = (u16)(vmcs_read16(VMCS_GUEST_PML_INDEX) + 1);

	if (first != VMX_LOG_MAX)
		vmcs_write16(VMCS_GUEST_PML_INDEX, VMX_LOG_MAX - 1);
	*pages = v->log + first;
	return VMX_LOG_MAX - first;
}

void vmx_reset_state(struct vmx_vcpu *v)
{
	static const struct kvm_dtable table = {.limit = 0xffff};
	struct kvm_segment s = {.limit = 0xffff, .type = 3, .present = 1, .s = 1};

	WRITE_ONCE(v->waits_for_sipi, false);
	for (enum vmx_segment n = SEG_ES; n <= SEG_GS; n++)
		if (n != SEG_CS)
			vmx_set_segment(n, &s);
	s = (struct kvm_segment){.base = 0xffff0000,
				 .limit = 0xffff,
				 .selector = 0xf000,
				 .type = 11,
				 .present = 1,
				 .s = 1};
	vmx_set_segment(SEG_CS, &s);
	s = (struct kvm_segment){.limit = 0xffff, .type = 2, .present = 1};
	vmx_set_segment(SEG_LDTR, &s);
	s.type = 11;
	vmx_set_segment(SEG_TR, &s);
	vmx_set_tables(&table, &table);

	memset(v->gpr, 0, sizeof(v->gpr));
	v->gpr[GPR_RDX] = 0x600; /* family 6 */
	v->cr2 = 0;
	v->spec_ctrl = 0;
	/* Also in the VMCS: an entry that a kick stopped has left it there. */
	v->event = v->aside = 0;
	vmcs_write32(VMCS_ENTRY_INTR_INFO, 0);
	vmx_set_rip(0xfff0);
	vmx_set_rsp(0);
	vmx_set_rflags(RFLAGS_FIXED);
	vmx_set_efer(0);
	vmx_set_cr0(v, CR0_CD | CR0_NW | CR0_ET);
	vmx_set_cr3(0);
	vmx_set_cr4(v, 0);
	vmx_flush_tlb(v);
	vmx_reset_debug_registers(v);
	vmcs_write64(VMCS_GUEST_DEBUGCTL, 0);
	vmcs_write_nat(VMCS_GUEST_PENDING_DEBUG, 0);
	vmcs_write32(VMCS_GUEST_INTERRUPTIBILITY, 0);
	vmcs_write32(VMCS_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
}

/* What INIT leaves alone and power-on sets. */
static void power_on_state(struct vmx_vcpu *v)
{
	vmcs_write32(VMCS_GUEST_SYSENTER_CS, 0);
	vmcs_write_nat(VMCS_GUEST_SYSENTER_ESP, 0);
	vmcs_write_nat(VMCS_GUEST_SYSENTER_EIP, 0);
	vmcs_write64(VMCS_GUEST_PAT, 0x0007040600070406ull);
	v->xcr0 = vmx_host_xcr0() ? XCR0_X87 : 0; /* INIT leaves it alone */
	vmx_reset_state(v);
}

static int alloc_pages(struct vmx_vcpu *v)
{
	u32 *vmcs = page_alloc();

	v->msr_bitmap = page_alloc();
	v->xsave = page_alloc();
	v->log = vmx_has_log() && !v->control ? page_alloc() : NULL;
	if (!vmcs || !v->msr_bitmap || !v->xsave || (vmx_has_log() && !v->control && !v->log)) {
		page_free(vmcs);
		return -ENOMEM;
	}
	*vmcs = vmx_config.revision;
	v->vmcs = virt_to_phys(vmcs);
	return 0;
}

int vmx_vcpu_init(struct vmx_vcpu *v, bool control, u64 eptp, u16 vpid)
{
	v->control = control;
	v->cpu = NO_CPU;
	v->vpid = vmx_config.vpid ? vpid : 0;
	mitigate_init_vcpu(v);
	if (alloc_pages(v)) {
		vmx_vcpu_free(v);
		return -ENOMEM;
	}
	vmx_xsave_init(v);
	init_msr_bitmap(v->msr_bitmap, control);
	if (vmx_clear(v->vmcs))
		panic("VMCLEAR of a new VMCS failed");
	vmx_load(v);
	set_controls(v, eptp);
	set_host_state();
	vmx_allow(v, control ? ~CR4_VMXE : CR4_VMXE - 1, XCR0_X87);
	power_on_state(v);
	if (control)
		vmx_take_shared_msrs(v);
	return 0;
}

void vmx_vcpu_free(struct vmx_vcpu *v)
{
	if (v->vmcs.v) {
		ASSERT(v->cpu == NO_CPU);
		page_free(phys_to_virt(v->vmcs));
	}
	page_free(v->msr_bitmap);
	page_free(v->xsave);
	page_free(v->log);
	object_free(v->watch.ticks, sizeof(*v->watch.ticks));
	v->vmcs = hpa(0);
	v->msr_bitmap = v->xsave = NULL;
	v->log = NULL;
	v->watch.ticks = NULL;
}

void vmx_limit_timer(u64 ticks)
{
	vmx_timer_most = (u32)MIN(ticks >> vmx_config.timer_shift, ~0u);
}

void vmx_use_timer(void)
{
	vmcs_write32(VMCS_PIN_CONTROLS, vmcs_read32(VMCS_PIN_CONTROLS) | PIN_PREEMPTION_TIMER);
	if (vmx_config.caps.exit >> 32 & EXIT_SAVE_TIMER)
		vmcs_write32(VMCS_EXIT_CONTROLS, vmcs_read32(VMCS_EXIT_CONTROLS) | EXIT_SAVE_TIMER);
	vmcs_write32(VMCS_PREEMPTION_TIMER, vmx_timer_most);
}

void vmx_trap_port(u16 port)
{
	io_bitmaps[port / 8] |= (u8)(1u << (port & 7));
}

void vmx_set_wait_for_sipi(struct vmx_vcpu *v)
{
	WRITE_ONCE(v->waits_for_sipi, true);
	vmcs_write32(VMCS_GUEST_ACTIVITY, ACTIVITY_WAIT_FOR_SIPI);
}

void vmx_start_at_sipi(struct vmx_vcpu *v, u8 vector)
{
	struct kvm_segment cs = {.base = (u64)vector << 12,
				 .limit = 0xffff,
				 .selector = (u16)(vector << 8),
				 .type = 11,
				 .present = 1,
				 .s = 1};

	vmx_reset_state(v);
	vmx_set_segment(SEG_CS, &cs);
	vmx_set_rip(0);
}

bool vmx_at_sipi_start(void)
{
	return vmx_rip() == 0 && !(vmx_cr0() & CR0_PE) &&
	       vmcs_read32(VMCS_GUEST_ACTIVITY) == ACTIVITY_ACTIVE;
}
