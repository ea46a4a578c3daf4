/* SPDX-License-Identifier: MIT */
/*
 * VMX operation on each physical CPU: the checks before it, entering and leaving it,
 * and which VMCSs are active where.  A VMCS is active on at most one CPU; another
 * that wants it asks for a VMCLEAR with a kick and waits.
 */
#include "vmx/mitigate.h"
#include "vmx/caps.h"
#include "vmx/vcpu.h"
#include "core/log.h"
#include "core/page.h"
#include "core/panic.h"
#include "cpu/regs.h"
#include "cpu/gdt.h"
#include "cpu/trap.h"
#include "cpu/msr_index.h"
#include "lib/printf.h"
#include "lib/string.h"

struct vmx_cpu vmx_cpus[MAX_CPUS];

__noreturn void vmx_access_failed(u64 field)
{
	panic("VMREAD or VMWRITE of field 0x%llx failed", field);
}

/* IA32_FEATURE_CONTROL: firmware may have locked VMX off; if it locked nothing, do. */
static const char *feature_control(const char **remedy)
{
	u64 v = rdmsr(MSR_FEATURE_CONTROL);

	if (!(v & FEATURE_CONTROL_LOCKED)) {
		if (wrmsr_safe(MSR_FEATURE_CONTROL,
			       v | FEATURE_CONTROL_VMX | FEATURE_CONTROL_LOCKED) == 0)
			return NULL;
	} else if (v & FEATURE_CONTROL_VMX) {
		return NULL;
	}
	*remedy = "enable virtualization (VT-x) in the firmware's set-up";
	return "VMX is locked off by the firmware";
}

const char *vmx_probe(const char **remedy)
{
	static char texts[MAX_CPUS][80]; /* several CPUs may be here at once */
	char *differs = texts[this_cpu()->index];
	struct vmx_caps caps;
	struct vmx_config config;
	const char *why;
	bool first = this_cpu()->index == 0;

	*remedy = "use a processor with Intel VT-x (in a virtual machine: enable nested VMX)";
	if (!(cpuid(1, 0).ecx & BIT(5)))
		return "no VMX";
	why = feature_control(remedy);
	if (why)
		return why;
	vmx_caps_read(&caps);
	*remedy = "use a processor with EPT and unrestricted guest (Intel Westmere or later)";
	why = vmx_config_choose(&caps, &config);
	if (why) {
		printf_format(differs, sizeof(texts[0]), "the processor's VMX lacks %s", why);
		return differs;
	}
	if (first)
		vmx_config = config;
	why = vmx_config_compare(&vmx_config, &config);
	if (!why && !vmx_xsave_enable(first))
		why = "the XSAVE state";
	if (!why && !mitigate_join(first))
		why = "its defects, or what its microcode has against them";
	if (why) {
		*remedy = "use identical processors";
		printf_format(differs, sizeof(texts[0]), "it differs from the boot CPU in %s", why);
		return differs;
	}
	return NULL;
}

const char *vmx_features(void)
{
	static char text[96];
	u32 cpu2 = vmx_config.guest.cpu2;

	printf_format(text, sizeof(text), "EPT unrestricted-guest%s%s%s%s%s%s%s%s",
		      vmx_config.vpid ? " VPID" : "", vmx_config.ept_1g ? " 1G-pages" : "",
		      vmx_config.ept_flags ? " A/D" : "", cpu2 & CPU2_PML ? " PML" : "",
		      cpu2 & CPU2_PAUSE_LOOP ? " PLE" : "", cpu2 & CPU2_RDTSCP ? " RDTSCP" : "",
		      cpu2 & CPU2_INVPCID ? " INVPCID" : "", vmx_config.apicv ? " APICv" : "");
	return text;
}

int vmx_cpu_enable(void)
{
	struct percpu *p = this_cpu();
	u32 *region = page_alloc();

	if (!region)
		return -ENOMEM;
	*region = (u32)rdmsr(MSR_VMX_BASIC) & 0x7fffffff;
	write_cr0((read_cr0() | vmx_config.cr0_fixed0) & vmx_config.cr0_fixed1);
	write_cr4((read_cr4() | CR4_VMXE | vmx_config.cr4_fixed0) & vmx_config.cr4_fixed1);
	if (vmx_on(virt_to_phys(region))) {
		page_free(region);
		return -EIO;
	}
	p->vmxon_region = virt_to_phys(region);
	p->current_vmcs = hpa(0);
	/* What a previous owner of the machine left in the TLB is not ours. */
	if (vmx_invept(INV_ALL_CONTEXTS, 0))
		return -EIO;
	if (p->index == 0)
		nmi_set_restart_window(vmx_enter_window, vmx_enter_window_end, vmx_enter_abort);
	return 0;
}

__noreturn void vmx_park(void)
{
	const char *remedy;

	if (!(cpuid(1, 0).ecx & BIT(5)) || feature_control(&remedy) ||
	    (!this_cpu()->vmxon_region.v && vmx_cpu_enable()))
		log_warn("vmx",
			 "CPU %u has no VMX to be parked in: the control guest could start it "
			 "outside kvm0's reach",
			 this_cpu()->index);
	halt_forever();
}

/* Clear @v's VMCS on this CPU, where it is active, and take it off the list. */
static void clear_here(struct vmx_vcpu *v)
{
	struct percpu *p = this_cpu();
	struct vmx_vcpu **link = &vmx_cpus[p->index].active;

	while (*link != v)
		link = &(*link)->next;
	*link = v->next;
	if (vmx_clear(v->vmcs))
		panic("VMCLEAR of 0x%llx failed", v->vmcs.v);
	if (p->current_vmcs.v == v->vmcs.v)
		p->current_vmcs = hpa(0);
	v->how &= (u8)~HOW_LAUNCHED;
	/* Release: whoever sees NO_CPU may load it; pairs with vmx_load(). */
	__atomic_store_n(&v->cpu, NO_CPU, __ATOMIC_RELEASE);
}

/* Do what other CPUs want of this one's VMX. */
static void serve_requests(void)
{
	struct vmx_cpu *c = &vmx_cpus[this_cpu()->index];
	struct vmx_vcpu *v;

	if (!READ_ONCE(c->clear_request))
		return;
	v = __atomic_exchange_n(&c->clear_request, NULL, __ATOMIC_ACQ_REL);
	/* If it is not active here any more, its memory may be something else by now. */
	for (struct vmx_vcpu *a = c->active; a; a = a->next)
		if (a == v) {
			clear_here(v);
			return;
		}
}

void vmx_take_kick(void)
{
	/* Taken before the requests are looked at, so that a later one kicks again. */
	__atomic_exchange_n(&this_cpu()->kick, 0, __ATOMIC_ACQ_REL);
	serve_requests();
}

/* Have @v's VMCS cleared by the CPU where it is active.  Serves this CPU's own
 * requests meanwhile, so that two CPUs can wait for each other. */
static void clear_remote(struct vmx_vcpu *v, u32 cpu)
{
	struct vmx_vcpu *none = NULL;

	while (!__atomic_compare_exchange_n(&vmx_cpus[cpu].clear_request, &none, v, false,
					    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
		none = NULL;
		serve_requests();
		__builtin_ia32_pause();
	}
	cpu_kick(percpu_by_index[cpu]);
	/* Acquire: pairs with clear_here(). */
	while (__atomic_load_n(&v->cpu, __ATOMIC_ACQUIRE) != NO_CPU) {
		serve_requests();
		__builtin_ia32_pause();
	}
	/* It may have cleared @v for another reason (INIT): leave no request behind for what
	 * may be freed by the time it looks. */
	none = v;
	(void)__atomic_compare_exchange_n(&vmx_cpus[cpu].clear_request, &none, NULL, false,
					  __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* The host state that differs from CPU to CPU, in the VMCS that is now current. */
static void set_host_state_of_cpu(struct percpu *p)
{
	vmcs_write_nat(VMCS_HOST_GS_BASE, (u64)(uintptr_t)p);
	vmcs_write_nat(VMCS_HOST_TR_BASE, (u64)(uintptr_t)&p->tss);
	vmcs_write_nat(VMCS_HOST_GDTR_BASE, (u64)(uintptr_t)&p->gdt);
}

void vmx_flush_tlb(const struct vmx_vcpu *v)
{
	/* Without VPIDs each entry and exit does it. */
	if (v->vpid && vmx_invvpid(INV_SINGLE_CONTEXT, v->vpid))
		panic("INVVPID of %u failed", v->vpid);
}

static inline void load_pointer(struct vmx_vcpu *v, struct percpu *p)
{
	hpa_t vmcs = v->vmcs;

	if (vmx_ptrld(vmcs))
		panic("VMPTRLD of 0x%llx failed", vmcs.v);
	p->current_vmcs = vmcs;
}

/* @v, which is active on @cpu or nowhere, becomes active and current on this CPU. */
static __attribute__((noinline)) void make_active(struct vmx_vcpu *v, u32 cpu)
{
	struct percpu *p = this_cpu();

	if (cpu != NO_CPU)
		clear_remote(v, cpu);
	load_pointer(v, p);
	v->next = vmx_cpus[p->index].active;
	vmx_cpus[p->index].active = v;
	v->cpu = p->index;
	set_host_state_of_cpu(p);
	/* Translations of this VPID may be left from the last time it was here. */
	vmx_flush_tlb(v);
}

__on_the_way void vmx_make_current(struct vmx_vcpu *v)
{
	struct percpu *p = this_cpu();
	/* Acquire: pairs with clear_here(). */
	u32 cpu = __atomic_load_n(&v->cpu, __ATOMIC_ACQUIRE);

	if (__builtin_expect(cpu == p->index, 1))
		load_pointer(v, p);
	else
		make_active(v, cpu);
}

void vmx_unload_all(void)
{
	struct vmx_vcpu *v = vmx_cpus[this_cpu()->index].active, *next;

	for (; v; v = next) {
		next = v->next;
		if (!v->control)
			clear_here(v);
	}
}

void vmx_cpu_disable(void)
{
	struct percpu *p = this_cpu();

	if (!p->vmxon_region.v)
		return;
	while (vmx_cpus[p->index].active)
		clear_here(vmx_cpus[p->index].active);
	vmx_off();
	p->vmxon_region = hpa(0);
	write_cr4(read_cr4() & ~CR4_VMXE);
}

void vmx_leave_for_panic(struct panic_cpu *c)
{
	if (!this_cpu()->vmxon_region.v)
		return;
	if (c->guest) {
		c->rip = vmcs_read_nat(VMCS_GUEST_RIP);
		c->rsp = vmcs_read_nat(VMCS_GUEST_RSP);
	}
	vmx_cpu_disable();
}

void vmx_unload(struct vmx_vcpu *v)
{
	/* Acquire: pairs with clear_here(). */
	u32 cpu = __atomic_load_n(&v->cpu, __ATOMIC_ACQUIRE);

	if (cpu == this_cpu()->index)
		clear_here(v);
	else if (cpu != NO_CPU)
		clear_remote(v, cpu);
}
