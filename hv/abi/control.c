/* SPDX-License-Identifier: MIT */
/* The control guest's outer loop: enter it, see to its exits, carry out its calls. */
#include "abi/control.h"
#include <linux/errno.h>
#include "abi/control_cpu.h"
#include "abi/control_port.h"
#include "abi/dispatch.h"
#include "abi/power.h"
#include "core/guest_uart.h"
#include "core/log.h"
#include "core/memmap.h"
#include "core/page.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "cpu/percpu.h"
#include "cpu/regs.h"
#include "cpu/tsc.h"
#include "kvm/debugger.h"
#include "monitor/crash.h"
#include "monitor/monitor.h"
#include "monitor/park.h"
#include "monitor/shutdown.h"
#include "vmx/ept.h"

#define CONTROL_VPID 1u

static struct {
	struct spinlock lock; /* rank 3: guards ept */
	struct ept ept;       /* identity, less kvm0's memory */
	u64 limit;            /* 2^MAXPHYADDR, or what four levels of EPT reach */
} map;

static bool is_memory(int type)
{
	return type == MEM_RAM || type == MEM_ACPI || type == MEM_NVS;
}

/*
 * Map @a to itself, with the largest page round it that is of one kind.  Memory is
 * write-back and all else uncached; the guest's PAT weakens the former as it likes.
 * Returns the page's size; 0: it is kvm0's; -ENOMEM.
 */
static s64 map_identity(u64 a)
{
	for (enum ept_level level = ept_max_level();; level--) {
		u64 size = ept_size(level), base = ALIGN_DOWN(a, size);
		int type = memmap_type(&memmap, base, size), err;

		if (type == MEM_KVM0)
			return 0;
		if (type < 0 && level > EPT_4K)
			continue;
		err = ept_map(&map.ept, gpa(base), hpa(base), level,
			      EPT_ALL | (is_memory(type) ? EPT_WB : EPT_UNCACHED));
		if (err != -EEXIST)
			return err ? err : (s64)size;
		if (level == EPT_4K) /* another CPU was faster */
			return (s64)size;
	}
}

void control_init(void)
{
	u64 top = SIZE_4G;

	map.limit = BIT(MIN(cpuid(0x80000008, 0).eax & 0xff, EPT_ADDRESS_BITS));
	if (memmap.count)
		top = MAX(top, ALIGN_UP(memmap.range[memmap.count - 1].end, SIZE_2M));
	if (ept_init(&map.ept, false))
		refuse("the memory pool is too small", "set pool= to a larger size");
	for (u64 a = 0; a < MIN(top, map.limit);) {
		s64 size = map_identity(a);

		if (size < 0)
			refuse("the memory pool is too small", "set pool= to a larger size");
		a = size ? ALIGN_DOWN(a, (u64)size) + (u64)size : a + PAGE_SIZE;
	}
}

static void exit_ept_violation(const struct vmx_exit *exit)
{
	u64 a = exit->ept.gpa.v;
	s64 size = 0;

	if (a < map.limit) {
		spin_lock(&map.lock);
		size = map_identity(a);
		spin_unlock(&map.lock);
	}
	if (a >= map.limit)
		power_control_stopped("it touched 0x%llx, which no page table reaches", a);
	if (size == 0)
		power_control_stopped("it touched kvm0's memory at 0x%llx", a);
	if (size < 0)
		power_control_stopped("no memory is left to map 0x%llx for it", a);
}

#define STALE_INITS_MAX 1000u

/*
 * INIT: wait for the SIPI that follows (SDM vol. 3, VM Exits, INIT signals).  One that came
 * while this CPU was waiting already may be held back until the SIPI has been taken: it is
 * older than the SIPI, and to be forgotten.  Bochs 2.7 never takes back an INIT that has
 * caused an exit, and so would exit for ever.
 */
static void exit_init(struct vmx_vcpu *v)
{
	if (!vmx_at_sipi_start()) {
		v->stale_inits = 0;
		/* This CPU hears no kick while it waits, so it must hold no guest's VMCS. */
		vmx_unload_all();
		vmx_load(v);
		vmx_reset_state(v);
		vmx_set_wait_for_sipi(v);
	} else if (++v->stale_inits == STALE_INITS_MAX) {
		log_error("control",
			  "CPU %u is not used any more: its INIT stays pending; send a "
			  "CPU that waits already no INIT (an emulator's defect)",
			  this_cpu()->index);
		shutdown_this_cpu();
	}
}

static void exit_vmcall(struct vmx_vcpu *v)
{
	vmx_skip_instruction();
	switch (hypercall(v)) {
	case HYPERCALL_DONE:
		break;
	case HYPERCALL_INIT:
		exit_init(v);
		break;
	case HYPERCALL_MACHINE_CHECK:
		vmx_load(v);
		(void)vmx_queue_exception(v, VECTOR_MC, 0);
		break;
	}
}

static void exit_kicked(void)
{
	u32 wanted;

	vmx_take_kick();
	/* Until there is nothing: kicks that come meanwhile are taken in monitor_work(). */
	while ((wanted = READ_ONCE(this_cpu()->wanted)) != 0) {
		if (wanted & CPU_STOP)
			shutdown_this_cpu();
		if (wanted & CPU_PANIC)
			crash_on_demand();
		monitor_work();
	}
}

/* NMIs that are not kvm0's own are the control guest's. */
static void reflect_nmis(struct vmx_vcpu *v)
{
	struct percpu *p = this_cpu();

	if (!READ_ONCE(p->nmi_pending))
		return;
	if (v->waits_for_sipi) { /* as INIT does; and such a state takes no event */
		__atomic_store_n(&p->nmi_pending, 0, __ATOMIC_RELAXED);
		return;
	}
	if (!vmx_can_nmi(v)) {
		vmx_want_nmi_window(v, true);
		return;
	}
	/* As on real hardware: one that arrives while one is pending is lost. */
	__atomic_store_n(&p->nmi_pending, 0, __ATOMIC_RELAXED);
	vmx_queue_nmi(v);
}

static void handle_exit(struct vmx_vcpu *v, enum vmx_exit_kind kind, const struct vmx_exit *exit)
{
	switch (kind) {
	case VMX_VMCALL:
		exit_vmcall(v);
		break;
	case VMX_RESUME:
		break;
	case VMX_KICKED:
		exit_kicked();
		break;
	case VMX_CPUID:
		control_cpuid(v);
		break;
	case VMX_RDMSR:
		control_rdmsr(v);
		break;
	case VMX_WRMSR:
		control_wrmsr(v);
		break;
	case VMX_CR_WRITE:
		control_cr_write(v, exit);
		break;
	case VMX_IO:
		if (!control_port(v, exit))
			power_port(v, exit);
		break;
	case VMX_TIMER:
		vmx_set_timer(rdtsc(), guest_uart_poll());
		break;
	case VMX_EPT_VIOLATION:
		exit_ept_violation(exit);
		break;
	case VMX_DEBUG:
		if (!debugger_takes(v, exit) && !vmx_return_debug(v, exit))
			power_control_stopped("triple fault");
		break;
	case VMX_NMI_WINDOW:
		vmx_want_nmi_window(v, false);
		break;
	case VMX_INIT:
		exit_init(v);
		break;
	case VMX_SIPI:
		vmx_start_at_sipi(v, exit->sipi_vector);
		break;
	case VMX_TRIPLE_FAULT:
		power_control_stopped("triple fault");
	case VMX_ENTRY_FAILED:
		vmx_check_vmcs();
		power_control_stopped("its state cannot be entered (exit reason 0x%x)",
				      exit->reason);
	default:
		power_control_stopped("unexpected exit reason %u", exit->reason);
	}
}

/* The state in which a multiboot2 loader enters a kernel (Multiboot2 Specification,
 * "I386 machine state"). */
static void set_start_state(struct vmx_vcpu *v, const struct control_image *image)
{
	struct kvm_segment s = {.limit = 0xffffffff,
				.selector = 0x10,
				.type = 3,
				.present = 1,
				.s = 1,
				.db = 1,
				.g = 1};

	for (enum vmx_segment n = SEG_ES; n <= SEG_GS; n++)
		vmx_set_segment(n, &s);
	s.selector = 8;
	s.type = 11;
	vmx_set_segment(SEG_CS, &s);
	vmx_set_cr0(v, CR0_PE | CR0_ET);
	vmx_set_rip(image->entry);
	v->gpr[GPR_RAX] = MB2_BOOT_MAGIC;
	v->gpr[GPR_RBX] = image->mbi;
}

__noreturn void control_run(const struct control_image *image)
{
	struct vmx_vcpu *v = object_alloc(sizeof(*v));
	enum vmx_exit_kind kind;
	struct vmx_exit exit;

	if (!v || vmx_vcpu_init(v, true, ept_pointer(&map.ept), CONTROL_VPID))
		refuse("the memory pool is too small", "set pool= to a larger size");
	vmx_allow(v, CR4_KNOWN & ~CR4_SMXE, vmx_host_xcr0());
	if (image && guest_uart_is_polled())
		vmx_use_timer();
	if (image)
		set_start_state(v, image);
	else
		vmx_set_wait_for_sipi(v);
	park_join(v);
	for (;;) {
		vmx_load(v);
		reflect_nmis(v);
		kind = vmx_run(v, &exit);
		handle_exit(v, kind, &exit);
	}
}
