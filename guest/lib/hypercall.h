/* SPDX-License-Identifier: MIT */
/*
 * Calls to kvm0 (kvm0/abi.h).  Memory is identity-mapped, so a structure's pointer is its
 * address.  Where kvm0 is not there (kvm0_present() false) a call would raise #UD: all but
 * kvm0_call() then answer -ENOSYS.
 */
#pragma once

#include <kvm0/abi.h>
#include <linux/errno.h>
#include "guest/lib/types.h"

struct kvm0_result {
	s64 value;  /* RAX */
	u64 second; /* RDX */
	u64 wake;   /* RSI: KVM0_WAKE_* */
};

/* Looks for kvm0's CPUID signature.  Called by the start code. */
void kvm0_init(void);
bool kvm0_present(void);
/* KVM0_ABI_VERSION of the running kvm0; 0 without. */
u32 kvm0_version(void);

/* The bare calls, for those that want every register; wake-ups are the caller's to handle. */
static inline struct kvm0_result kvm0_call(u64 number, u64 a, u64 b, u64 c)
{
	struct kvm0_result r;

	__asm__ volatile("vmcall"
			 : "=a"(r.value), "=d"(r.second), "=S"(r.wake)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "memory", "cc");
	return r;
}

static inline struct kvm0_result kvm0_call4(u64 number, u64 a, u64 b, u64 c, u64 d)
{
	struct kvm0_result r;

	__asm__ volatile("vmcall"
			 : "=a"(r.value), "=d"(r.second), "=S"(r.wake)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "c"(d)
			 : "memory", "cc");
	return r;
}

/*
 * The calls of kvm0/abi.h.  Each fetches all wake-ups that it was told of, and calls the
 * function given to kvm0_on_wake() (NULL: none) with the handle, or KVM0_WAKE_ALL, on this CPU.
 */
s64 kvm0_ioctl(u32 handle, u64 request, u64 arg);
s64 kvm0_ioctl_ptr(u32 handle, u64 request, void *arg);
s64 kvm0_close(u32 handle);
/* `number`: the page offset in the vCPU's mapping, 0 for kvm_run. */
s64 kvm0_set_page(u32 vcpu, u32 number, const void *page);
/* An event: its handle, or -errno; adding to it; taking from it, -EAGAIN if there is nothing
 * (then the next signal is told to kvm0_on_wake()'s function). */
s64 kvm0_event_create(u64 count, u64 flags);
s64 kvm0_event_signal(u32 event, u64 n);
s64 kvm0_event_read(u32 event, u64 *value);
/* Bytes of statistics (KVM_GET_STATS_FD), from `position` on, or -errno. */
s64 kvm0_read(u32 handle, void *to, u64 size, u64 position);
/* Events of a CPU's trace: bytes copied, *position as below. */
s64 kvm0_read_trace(u32 cpu, void *to, u64 size, u64 *position);
/* Bytes copied; *position is what to ask for next, 0 at first, or KVM0_LOG_BEFORE. */
s64 kvm0_read_log(char *to, u64 size, u64 *position);
/* Signals: see kvm0/abi.h.  kvm0_take_signals() is 0 for what is not a vCPU. */
s64 kvm0_signal(u32 vcpu, u32 signal);
u64 kvm0_take_signals(u32 vcpu, u64 set);
/* Parameters: see struct kvm0_param.  `number`: KVM0_PARAM_NAMED for the one with p->name. */
s64 kvm0_get_param(struct kvm0_param *p, u64 number);
s64 kvm0_set_param(struct kvm0_param *p);
void kvm0_on_wake(void (*hook)(u32 handle));
/* Fetch the wake-ups that no call of this CPU's has caused: kvm0's monitor does, on the boot CPU.
 */
void kvm0_fetch_wakes(void);

/*
 * Supply `pages` pages of this machine's memory at `memory` to a slot with KVM0_MEM_ON_DEMAND, and
 * withdraw them.  `flags`: KVM0_SUPPLY_*.  The number that were supplied, or -errno; 0 or -errno.
 */
s64 kvm0_supply(u32 vm, u64 gpa, const void *memory, u32 pages, u32 flags);
s64 kvm0_withdraw(u32 vm, u64 gpa, u64 pages);

/*
 * One KVM_RUN, with `hints` (KVM0_RUN_NO_POLL).  KVM's result (0: see kvm_run; or -errno), or
 * KVM0_RUN_AGAIN, or one of these with *detail set: KVM0_RUN_BLOCKED, until when (TSC;
 * KVM0_NO_DEADLINE: no end), and
 * KVM0_RUN_PAGE_WANTED, the page and KVM0_WANTED_*.
 */
s64 kvm0_run_once(u32 vcpu, u64 hints, u64 *detail);

/* "EINVAL" for -EINVAL or EINVAL; "error" for one without a name here. */
const char *kvm0_errno_name(s64 error);
