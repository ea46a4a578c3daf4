/* SPDX-License-Identifier: MIT */
/*
 * What the ABI tests and the benchmark need of the system under test, in two versions:
 * target_linux.c (a process, on /dev/kvm) and target_kvm0.c (in the control guest, hypercalls).
 * Everything else in tests/abi is the same for both.
 */
#pragma once

#include <stdarg.h>
#include <linux/kvm.h>
#include <linux/errno.h>
#include "guest/lib/types.h"
#include "guest/lib/string.h"

/* "Linux" or "kvm0". */
extern const char target_name[];
/*
 * True on kvm0, where every test has to run.  On Linux the machine's KVM may lack things (a
 * mode that it cannot run), and the tests that need them are skipped.
 */
extern const bool target_is_kvm0;

/*
 * Whether guests run on VMX.  False on a Linux machine whose KVM has another way (AMD's, or the
 * emulation of a virtual machine's): what differs there by nature is then skipped.
 */
bool t_has_vmx(void);

/* An address that is no memory at all to the caller: structures there are -EFAULT. */
#define T_BAD_ADDRESS 0x4000000000000000ull

/* The handle of the system, which KVM_CREATE_VM goes to. */
int t_system(void);
/* The ioctl; `arg` is the scalar or the structure's address.  >= 0, or -errno. */
long target_ioctl(int handle, u64 request, u64 arg);
/* Who wants to know of each ioctl and its result: record.c, or NULL. */
extern void (*target_watcher)(int handle, u64 request, u64 arg, long result);
/* 0, or -errno. */
long t_close(int handle);
/*
 * An event, which is what KVM_IRQFD and KVM_IOEVENTFD want for a file descriptor: eventfd(2),
 * never blocking.  A handle, or -errno.
 */
int t_event_create(u32 count, bool semaphore);
/* write(2) and read(2) on it: 0, or -errno. */
long t_event_signal(int event, u64 n);
long t_event_read(int event, u64 *value);
/* pread(2) on the handle of KVM_GET_STATS_FD: bytes read, or -errno. */
long t_read(int handle, void *to, u64 size, u64 position);
/*
 * Makes `count` pages of the vCPU's mapping, from page offset `first` on, accessible and returns
 * them (0: kvm_run); where KVM does not bring the memory, they are the zeroed pages `pages`.  NULL
 * if that failed.  At most four mappings of a vCPU.
 */
void *t_map(int vcpu, u32 first, u32 count, void *pages);
/*
 * KVM_RUN with the meaning that it has on Linux: a vCPU that waits blocks the caller.  0, or
 * -errno; -EINTR when the watchdog's time is over.
 */
long t_run(int vcpu);
/*
 * One KVM_RUN with as little around it as there can be, for measuring: at once again after an
 * interrupt of this machine, -EAGAIN where t_run() would block.
 */
long t_run_quick(int vcpu);
/* From now on runs may last so many milliseconds, of this machine's time, in all. */
void t_start_watchdog(u32 ms);
/*
 * Has a signal, T_SIGNAL_A or T_SIGNAL_B, pending for the one that runs the vCPU, which is the
 * caller: in so many milliseconds, during a t_run(), or with 0 at once.  Both are blocked but
 * for KVM_RUN with a mask that lets them through, and stay pending until they are taken.
 */
#define T_SIGNAL_A      10u /* SIGUSR1 */
#define T_SIGNAL_B      12u /* SIGUSR2 */
#define T_SIGNAL_BIT(n) (1ull << ((n)-1))
void t_signal(int vcpu, u32 signal, u32 ms);
/* Those of the set (T_SIGNAL_BIT) that are pending; they are so no longer. */
u64 t_take_signals(int vcpu, u64 set);
/*
 * `size` zeroed bytes at a multiple of 2 MiB, in pages that a memory slot may name; NULL if
 * there is no memory.  Never freed.
 */
void *t_alloc(u64 size);
void t_printf(const char *format, ...) __printf(1, 2);
void t_vprintf(const char *format, va_list args) __printf(1, 0);

static inline long t_ioctl(int handle, u64 request, u64 arg)
{
	long result = target_ioctl(handle, request, arg);

	if (target_watcher)
		target_watcher(handle, request, arg, result);
	return result;
}

static inline long t_ioctl_ptr(int handle, u64 request, const volatile void *arg)
{
	return t_ioctl(handle, request, (u64)(uintptr_t)arg);
}
