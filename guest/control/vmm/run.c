/* SPDX-License-Identifier: MIT */
/* Running a vCPU: one KVM_RUN and its exit; see vm.h. */
#include "guest/control/vmm/vm.h"
#include "guest/control/vmm/ports.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"
#include "guest/lib/time.h"

#define RFLAGS_IF 0x200ull

static const char *const exit_names[VM_EXIT_KINDS] = {
	[KVM_EXIT_UNKNOWN] = "UNKNOWN",
	[KVM_EXIT_EXCEPTION] = "EXCEPTION",
	[KVM_EXIT_IO] = "IO",
	[KVM_EXIT_HYPERCALL] = "HYPERCALL",
	[KVM_EXIT_DEBUG] = "DEBUG",
	[KVM_EXIT_HLT] = "HLT",
	[KVM_EXIT_MMIO] = "MMIO",
	[KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN",
	[KVM_EXIT_SHUTDOWN] = "SHUTDOWN",
	[KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
	[KVM_EXIT_INTR] = "INTR",
	[KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
	[KVM_EXIT_SYSTEM_EVENT] = "SYSTEM_EVENT",
};

const char *vm_exit_name(u32 reason)
{
	return reason < VM_EXIT_KINDS && exit_names[reason] ? exit_names[reason] : "other";
}

static void report_segment(struct vm *vm, const char *name, const struct kvm_segment *s)
{
	vm_report(vm, "  %s %04x base %llx limit %x type %x dpl %u l %u db %u%s", name, s->selector,
		  s->base, s->limit, s->type, s->dpl, s->l, s->db, s->unusable ? " unusable" : "");
}

void vm_report_registers(const struct vm_vcpu *v)
{
	struct vm *vm = v->vm;
	struct kvm_regs r;
	struct kvm_sregs s;

	if (kvm0_ioctl_ptr(v->handle, KVM_GET_REGS, &r) < 0 ||
	    kvm0_ioctl_ptr(v->handle, KVM_GET_SREGS, &s) < 0) {
		vm_report(vm, "  its registers cannot be read");
		return;
	}
	if (vm->config.cpus > 1)
		vm_report(vm, "  vCPU %u:", (u32)(v - vm->vcpus));
	vm_report(vm, "  rip %016llx rflags %08llx rsp %016llx", r.rip, r.rflags, r.rsp);
	vm_report(vm, "  rax %016llx rbx %016llx rcx %016llx", r.rax, r.rbx, r.rcx);
	vm_report(vm, "  rdx %016llx rsi %016llx rdi %016llx", r.rdx, r.rsi, r.rdi);
	vm_report(vm, "  rbp %016llx r8  %016llx r9  %016llx", r.rbp, r.r8, r.r9);
	vm_report(vm, "  r10 %016llx r11 %016llx r12 %016llx", r.r10, r.r11, r.r12);
	vm_report(vm, "  r13 %016llx r14 %016llx r15 %016llx", r.r13, r.r14, r.r15);
	vm_report(vm, "  cr0 %llx cr2 %llx cr3 %llx cr4 %llx efer %llx", s.cr0, s.cr2, s.cr3, s.cr4,
		  s.efer);
	report_segment(vm, "cs", &s.cs);
	report_segment(vm, "ss", &s.ss);
	report_segment(vm, "tr", &s.tr);
	vm_report(vm, "  gdt %llx/%x idt %llx/%x", s.gdt.base, s.gdt.limit, s.idt.base,
		  s.idt.limit);
}

static void fail(struct vm_vcpu *v)
{
	vm_report_registers(v);
	v->vm->state = VM_FAILED;
}

static void do_io(struct vm_vcpu *v)
{
	struct vm *vm = v->vm;
	struct kvm_run *run = v->run;
	u32 size = run->io.size, count = run->io.count;
	u64 offset = run->io.data_offset;

	if ((size != 1 && size != 2 && size != 4) || offset > vm->run_size ||
	    (u64)size * count > vm->run_size - offset) {
		vm_report(vm,
			  "has an I/O exit of %u times %u bytes at offset 0x%llx: kvm0 is broken",
			  count, size, offset);
		fail(v);
		return;
	}
	u8 *data = (u8 *)run + offset;
	for (u32 i = 0; i < count; i++, data += size) {
		u32 value = 0;
		if (run->io.direction == KVM_EXIT_IO_IN) {
			value = ports_read(vm, run->io.port, size);
			memcpy(data, &value, size);
		} else {
			memcpy(&value, data, size);
			ports_write(vm, run->io.port, size, value);
		}
	}
}

/* No device is memory-mapped: reads give all ones, writes go nowhere. */
static void do_mmio(struct vm *vm, struct kvm_run *run)
{
	u64 at = run->mmio.phys_addr, page = ALIGN_DOWN(at, PAGE_SIZE);

	if (!run->mmio.is_write)
		memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
	vm->unknown_mmio++;
	if (!vm->named || vm->seen_count == VM_NAMED_MAX)
		return;
	for (u32 i = 0; i < vm->seen_count; i++)
		if (vm->seen[i] == page)
			return;
	vm->seen[vm->seen_count++] = page;
	vm_report(vm, "%s 0x%llx, where nothing is", run->mmio.is_write ? "writes" : "reads", at);
}

static void report_internal(struct vm_vcpu *v)
{
	const struct kvm_run *run = v->run;
	struct vm *vm = v->vm;

	vm_report(vm, "stopped: KVM_EXIT_INTERNAL_ERROR, suberror %u", run->internal.suberror);
	for (u32 i = 0; i < MIN(run->internal.ndata, (u32)ARRAY_SIZE(run->internal.data)); i++)
		vm_report(vm, "  data[%u] 0x%llx", i, run->internal.data[i]);
	fail(v);
}

static void do_exit(struct vm_vcpu *v)
{
	const struct kvm_run *run = v->run;
	struct vm *vm = v->vm;
	u32 reason = run->exit_reason;

	vm->exits[MIN(reason, VM_EXIT_KINDS - 1u)]++;
	switch (reason) {
	case KVM_EXIT_IO:
		do_io(v);
		break;
	case KVM_EXIT_MMIO:
		do_mmio(vm, v->run);
		break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		break;
	case KVM_EXIT_SHUTDOWN:
		vm_report(vm, "stopped: triple fault (KVM_EXIT_SHUTDOWN)");
		fail(v);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		vm_report(vm, "stopped: KVM_EXIT_FAIL_ENTRY, hardware reason 0x%llx, CPU %u",
			  run->fail_entry.hardware_entry_failure_reason, run->fail_entry.cpu);
		fail(v);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		report_internal(v);
		break;
	default:
		vm_report(vm, "stopped: unexpected exit %u (%s)", reason, vm_exit_name(reason));
		fail(v);
		break;
	}
}

/* A halt that only an NMI could end, or a vCPU that is not started: each is up to another vCPU, as
 * nothing else here would do it. */
static bool is_asleep(const struct vm_vcpu *v)
{
	struct kvm_regs r;

	return v->deadline == KVM0_NO_DEADLINE &&
	       kvm0_ioctl_ptr(v->handle, KVM_GET_REGS, &r) >= 0 && !(r.rflags & RFLAGS_IF);
}

static void block(struct vm_vcpu *v, u64 deadline)
{
	v->deadline = deadline;
	v->asleep = is_asleep(v);
	WRITE_ONCE(v->waits, true);
}

static void supply(struct vm_vcpu *v, u64 wanted)
{
	struct vm *vm = v->vm;
	u64 gpa = ALIGN_DOWN(wanted, PAGE_SIZE);
	s64 err = ram_supply(&vm->ram, vm->handle, gpa);

	if (err >= 0)
		return;
	vm_report(vm, "stopped: no memory for its page 0x%llx: %s (%lld)", gpa,
		  kvm0_errno_name(err), err);
	fail(v);
}

/* Whether the next KVM_RUN is all that is to be done. */
static bool goes_on(s64 r)
{
	return r == KVM0_RUN_AGAIN || r == -EINTR || r == -EAGAIN;
}

/* What KVM_RUN's result asks for; vm->lock is held. */
static void do_result(struct vm_vcpu *v, s64 r, u64 detail)
{
	if (goes_on(r))
		return;
	if (r == 0) {
		do_exit(v);
	} else if (r == KVM0_RUN_PAGE_WANTED && (detail & KVM0_WANTED_ASYNC)) {
		v->wanted = detail;
	} else if (r == KVM0_RUN_PAGE_WANTED) {
		supply(v, detail);
	} else if (r == KVM0_RUN_BLOCKED) {
		block(v, detail);
	} else {
		vm_report(v->vm, "stopped: KVM_RUN failed: %s (%lld)", kvm0_errno_name(r), r);
		fail(v);
	}
}

/* KVM_RUN's result. */
static s64 run_once(struct vm_vcpu *v, bool others)
{
	struct vm *vm = v->vm;
	u64 hints = others ? KVM0_RUN_NO_POLL : 0, wanted = v->wanted, detail;

	if (vm->config.later)
		hints |= KVM0_RUN_PAGES_LATER;
	WRITE_ONCE(v->waits, false);
	s64 r = kvm0_run_once(v->handle, hints, &detail);
	if (goes_on(r) && !wanted)
		return r;
	lock_take(&vm->lock);
	if (wanted) {
		v->wanted = 0;
		supply(v, wanted);
	}
	if (vm_lives(vm))
		do_result(v, r, detail);
	lock_give(&vm->lock);
	return r;
}

bool vm_step(struct vm_vcpu *v, bool others)
{
	return run_once(v, others) == KVM0_RUN_AGAIN;
}

static void pause(struct vm_vcpu *v)
{
	v->run->immediate_exit = 1;
	while (vm_lives(v->vm) && run_once(v, false) != -EINTR)
		;
	v->run->immediate_exit = 0;
}

/* All before any is read: what completes one can be an event for another. */
bool vm_pause(struct vm *vm)
{
	for (u32 i = 0; i < vm->config.cpus; i++)
		pause(&vm->vcpus[i]);
	return vm_lives(vm);
}

u32 vm_input_room(const struct vm *vm)
{
	return serial_room(&vm->devices.serial);
}

void vm_input(struct vm *vm, u8 byte)
{
	lock_take(&vm->lock);
	serial_receive(&vm->devices.serial, byte);
	lock_give(&vm->lock);
}
