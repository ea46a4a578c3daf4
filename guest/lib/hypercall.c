/* SPDX-License-Identifier: MIT */
/* Calls to kvm0; see hypercall.h. */
#include "guest/lib/hypercall.h"
#include "guest/lib/cpu.h"
#include "guest/lib/string.h"

#define CPUID_HYPERVISOR (1u << 31) /* leaf 1, ECX */
#define WAKE_HANDLE      0x7fffffffu

static u32 version;
static void (*wake_hook)(u32 handle);

void kvm0_init(void)
{
	if (!(cpuid(1, 0).ecx & CPUID_HYPERVISOR))
		return;
	struct cpuid_regs r = cpuid(KVM0_CPUID_SIGNATURE_LEAF, 0);
	if (r.eax < KVM0_CPUID_VERSION_LEAF || memcmp(&r.ebx, KVM0_CPUID_SIGNATURE, 12))
		return;
	version = cpuid(KVM0_CPUID_VERSION_LEAF, 0).eax;
}

_Static_assert(offsetof(struct cpuid_regs, edx) == offsetof(struct cpuid_regs, ebx) + 8,
	       "the signature is compared in one piece");

bool kvm0_present(void)
{
	return version != 0;
}
u32 kvm0_version(void)
{
	return version;
}
void kvm0_on_wake(void (*hook)(u32 handle))
{
	wake_hook = hook;
}

/* Not inline: it is rare. */
static __attribute__((noinline)) void deliver_wakes(u64 wake)
{
	for (;;) {
		if (wake_hook)
			wake_hook((u32)wake & WAKE_HANDLE);
		if (!(wake & KVM0_WAKE_MORE))
			break;
		wake = kvm0_call(KVM0_CALL_NEXT_WAKE, 0, 0, 0).wake;
	}
}

void kvm0_fetch_wakes(void)
{
	u64 wake = kvm0_call(KVM0_CALL_NEXT_WAKE, 0, 0, 0).wake;

	if (wake)
		deliver_wakes(wake);
}

static inline struct kvm0_result call4(u64 number, u64 a, u64 b, u64 c, u64 d)
{
	if (!version)
		return (struct kvm0_result){.value = -ENOSYS};
	struct kvm0_result r = kvm0_call4(number, a, b, c, d);
	if (r.wake)
		deliver_wakes(r.wake);
	return r;
}

static inline struct kvm0_result call(u64 number, u64 a, u64 b, u64 c)
{
	return call4(number, a, b, c, 0);
}

s64 kvm0_ioctl(u32 handle, u64 request, u64 arg)
{
	return call(KVM0_CALL_IOCTL, handle, request, arg).value;
}

s64 kvm0_ioctl_ptr(u32 handle, u64 request, void *arg)
{
	return kvm0_ioctl(handle, request, addr(arg));
}

s64 kvm0_close(u32 handle)
{
	return call(KVM0_CALL_CLOSE, handle, 0, 0).value;
}

s64 kvm0_set_page(u32 vcpu, u32 number, const void *page)
{
	return call(KVM0_CALL_SET_RUN_PAGE, vcpu, addr(page), number).value;
}

s64 kvm0_event_create(u64 count, u64 flags)
{
	return call(KVM0_CALL_EVENT_CREATE, count, flags, 0).value;
}

s64 kvm0_event_signal(u32 event, u64 n)
{
	return call(KVM0_CALL_EVENT_SIGNAL, event, n, 0).value;
}

s64 kvm0_event_read(u32 event, u64 *value)
{
	struct kvm0_result r = call(KVM0_CALL_EVENT_READ, event, 0, 0);

	if (!r.value)
		*value = r.second;
	return r.value;
}

s64 kvm0_read(u32 handle, void *to, u64 size, u64 position)
{
	/* Nobody is woken by this one. */
	return version ? kvm0_call4(KVM0_CALL_READ, handle, addr(to), size, position).value
		       : -ENOSYS;
}

s64 kvm0_read_trace(u32 cpu, void *to, u64 size, u64 *position)
{
	struct kvm0_result r = call4(KVM0_CALL_READ_TRACE, cpu, addr(to), size, *position);

	if (r.value >= 0)
		*position = r.second;
	return r.value;
}

s64 kvm0_read_log(char *to, u64 size, u64 *position)
{
	struct kvm0_result r = call(KVM0_CALL_READ_LOG, addr(to), size, *position);

	if (r.value >= 0)
		*position = r.second;
	return r.value;
}

s64 kvm0_supply(u32 vm, u64 gpa, const void *memory, u32 pages, u32 flags)
{
	struct kvm0_supply s = {
		.guest_phys_addr = gpa, .address = addr(memory), .pages = pages, .flags = flags};

	return call(KVM0_CALL_SUPPLY, vm, addr(&s), 0).value;
}

s64 kvm0_withdraw(u32 vm, u64 gpa, u64 pages)
{
	return call(KVM0_CALL_WITHDRAW, vm, gpa, pages).value;
}

s64 kvm0_signal(u32 vcpu, u32 signal)
{
	return call(KVM0_CALL_SIGNAL, vcpu, signal, 0).value;
}

u64 kvm0_take_signals(u32 vcpu, u64 set)
{
	struct kvm0_result r = call(KVM0_CALL_TAKE_SIGNALS, vcpu, set, 0);

	return r.value ? 0 : r.second;
}

s64 kvm0_get_param(struct kvm0_param *p, u64 number)
{
	return call(KVM0_CALL_GET_PARAM, addr(p), number, 0).value;
}

s64 kvm0_set_param(struct kvm0_param *p)
{
	return call(KVM0_CALL_SET_PARAM, addr(p), 0, 0).value;
}

s64 kvm0_run_once(u32 vcpu, u64 hints, u64 *detail)
{
	struct kvm0_result r = call4(KVM0_CALL_IOCTL, vcpu, KVM_RUN, 0, hints);

	*detail = r.second;
	return r.value;
}

const char *kvm0_errno_name(s64 error)
{
	static const struct {
		u32 number;
		const char *name;
	} table[] = {
		{EPERM, "EPERM"},         {ENOENT, "ENOENT"},
		{EINTR, "EINTR"},         {EIO, "EIO"},
		{ENXIO, "ENXIO"},         {E2BIG, "E2BIG"},
		{EBADF, "EBADF"},         {EAGAIN, "EAGAIN"},
		{ENOMEM, "ENOMEM"},       {EFAULT, "EFAULT"},
		{EBUSY, "EBUSY"},         {EEXIST, "EEXIST"},
		{ENODEV, "ENODEV"},       {EINVAL, "EINVAL"},
		{EMFILE, "EMFILE"},       {ENOTTY, "ENOTTY"},
		{ENOSPC, "ENOSPC"},       {ENOSYS, "ENOSYS"},
		{ETIMEDOUT, "ETIMEDOUT"}, {EOPNOTSUPP, "EOPNOTSUPP"},
	};
	u64 number = error < 0 ? 0 - (u64)error : (u64)error;

	for (u32 i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].number == number)
			return table[i].name;
	return "error";
}
