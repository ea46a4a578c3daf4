/* SPDX-License-Identifier: MIT */
/* Operations that random bytes seldom make: events and what names them, coalesced zones and
 * dirty rings; at ports and addresses that guests write to (calls_guest.c). */
#include "tests/fuzz/calls.h"

#include <kvm0/abi.h>
#include <string.h>

#include "tests/fuzz/machine/machine.h"

#define ARGUMENT   (4 * PAGE_SIZE)
#define RING_BYTES (4 * PAGE_SIZE)
#define RING_PAGES (RING_BYTES / PAGE_SIZE)

static s64 ioctl_with(u64 handle, u64 request, const void *arg, size_t size)
{
	memcpy((u8 *)(uintptr_t)MACHINE_MEMORY + ARGUMENT, arg, size);
	return calls_call(KVM0_CALL_IOCTL, handle, request, machine_address(ARGUMENT));
}

static void do_irqfd(u64 how)
{
	struct kvm_irqfd f = {.flags = how >> 3 & 3};
	u64 vm = calls_take_handle();

	f.fd = (u32)calls_take_handle();
	f.gsi = input_take(1) & 31;
	f.resamplefd = (u32)calls_take_handle();
	ioctl_with(vm, KVM_IRQFD, &f, sizeof(f));
}

static u64 take_place(bool port)
{
	return port ? CALLS_PORT + (input_take(1) & 7) : CALLS_DEVICE + (input_take(1) & 3) * 16;
}

static void do_ioeventfd(u64 how)
{
	struct kvm_ioeventfd e = {.flags = how >> 3 & 7, .len = input_take(1) & 15};
	u64 vm = calls_take_handle();

	e.fd = (s32)calls_take_handle();
	e.addr = take_place(e.flags & KVM_IOEVENTFD_FLAG_PIO);
	e.datamatch = input_take(1) & 3;
	ioctl_with(vm, KVM_IOEVENTFD, &e, sizeof(e));
}

static void do_zone(u64 how)
{
	struct kvm_coalesced_mmio_zone z = {.pio = how >> 3 & 1, .size = input_take(1)};
	u64 vm = calls_take_handle();

	z.addr = take_place(z.pio);
	ioctl_with(vm, how & 16 ? KVM_UNREGISTER_COALESCED_MMIO : KVM_REGISTER_COALESCED_MMIO, &z,
		   sizeof(z));
}

/* A VM with a ring, all of it in a slot that is logged. */
static void do_ring(u64 how)
{
	const struct kvm_enable_cap cap = {.cap = KVM_CAP_DIRTY_LOG_RING, .args[0] = RING_BYTES};
	const struct kvm_userspace_memory_region slot = {
		.flags = KVM_MEM_LOG_DIRTY_PAGES,
		.memory_size = 64 * PAGE_SIZE,
		.userspace_addr = machine_address(CALLS_GUEST_MEMORY)};
	s64 vm = calls_call(KVM0_CALL_IOCTL, 0, KVM_CREATE_VM, 0), vcpu;

	calls_remember(vm);
	ioctl_with((u64)vm, KVM_SET_USER_MEMORY_REGION, &slot, sizeof(slot));
	ioctl_with((u64)vm, KVM_ENABLE_CAP, &cap, sizeof(cap));
	vcpu = calls_call(KVM0_CALL_IOCTL, (u64)vm, KVM_CREATE_VCPU, 0);
	calls_remember(vcpu);
	calls_call(KVM0_CALL_SET_RUN_PAGE, (u64)vcpu, machine_address(16 * PAGE_SIZE), 0);
	for (u32 i = 0; i < RING_PAGES; i++) /* one page may be all of it, and the guest's memory */
		calls_call(KVM0_CALL_SET_RUN_PAGE, (u64)vcpu,
			   machine_address((how & 8 ? 130 : 24 + i) * PAGE_SIZE),
			   KVM_DIRTY_LOG_PAGE_OFFSET + i);
}

void calls_events(void)
{
	u64 how = input_take(1), a;

	switch (how & 7) {
	case 0:
		calls_remember(calls_call(KVM0_CALL_EVENT_CREATE, how >> 3 & 3, how >> 5 & 1, 0));
		break;
	case 1:
		a = calls_take_handle();
		calls_call(KVM0_CALL_EVENT_SIGNAL, a, how & 8 ? 1 : input_take(8), 0);
		break;
	case 2:
		calls_call(KVM0_CALL_EVENT_READ, calls_take_handle(), 0, 0);
		break;
	case 3:
	case 4:
		do_irqfd(how);
		break;
	case 5:
		do_ioeventfd(how);
		break;
	case 6:
		do_zone(how);
		break;
	case 7:
		do_ring(how);
		break;
	}
}
