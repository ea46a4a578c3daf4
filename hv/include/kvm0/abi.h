/* SPDX-License-Identifier: MIT */
/*
 * The hypercall ABI of kvm0, version 1: what a control guest calls and gets.
 *
 * Everything that KVM defines (request numbers, structures, capability and exit
 * numbers, errnos) comes from the Linux UAPI headers; this file adds only what
 * KVM has no word for, because kvm0 neither sleeps nor takes interrupts and has
 * no file descriptors.
 *
 * A call is a VMCALL at CPL 0 of the control guest, with
 *   RAX  call number (KVM0_CALL_*)
 *   RDI, RSI, RDX, RCX  the call's arguments
 * and comes back with
 *   RAX  the result: >= 0, or a negative errno, as KVM's ioctl gives it
 *   RDX  the call's second result (KVM0_RUN_BLOCKED: the deadline...), else 0
 *   RSI  who is to be woken: see KVM0_WAKE_*
 * All other registers are kept.  A call from CPL 1 to 3 gets -EPERM; an unknown
 * call number gets -ENOSYS.
 */
#pragma once

#include <linux/kvm.h>

#define KVM0_ABI_VERSION 1

/*
 * A control guest is entered on the boot CPU as a multiboot2 kernel.  All other CPUs of
 * the MADT are in the wait-for-SIPI state then: a SIPI starts them; an INIT before it is
 * allowed and changes nothing.
 */

/*
 * CPUID leaf 0x40000000 in the control guest: EAX is the highest leaf, and
 * EBX, ECX, EDX spell the signature.  Leaf 0x40000001: EAX is KVM0_ABI_VERSION.
 */
#define KVM0_CPUID_SIGNATURE_LEAF 0x40000000u
#define KVM0_CPUID_VERSION_LEAF   0x40000001u
#define KVM0_CPUID_SIGNATURE      "kvm0kvm0kvm0"

/* Leaf 0x40000002: EDX:EAX is the TSC at the moment the boot loader entered kvm0. */
#define KVM0_CPUID_ENTRY_TSC_LEAF 0x40000002u

/*
 * An ioctl.  RDI: handle; RSI: request, KVM's own number (KVM_RUN...); RDX: the
 * scalar, or the physical address of the structure, which may cross pages.
 * Handle 0 is the system (/dev/kvm); KVM_CREATE_VM and KVM_CREATE_VCPU return
 * others, always > 0.  -EBADF: no such handle.  -ENOTTY, and -EINVAL on the system
 * and on vCPUs, as in Linux: the request is not one of this kind of handle.
 * -EFAULT: the address is not memory of the control guest.  -EAGAIN: another CPU is
 * using the vCPU right now; call again.
 */
#define KVM0_CALL_IOCTL 0

/* Close the handle RDI.  0, or -EBADF. */
#define KVM0_CALL_CLOSE 1

/*
 * Name a page that kvm0 shares with the owner of the vCPU with handle RDI: RSI is its
 * physical address, page-aligned, in the control guest's memory, RDX its number.  It
 * takes the place of mmap() on a vCPU's file descriptor, at that page offset: 0 is
 * kvm_run, without which KVM_RUN is -EINVAL; KVM_PIO_PAGE_OFFSET has the data of port I/O, which
 * lies behind kvm_run until it is named (kvm_run->io.data_offset tells);
 * KVM_COALESCED_MMIO_PAGE_OFFSET is the ring of the coalesced writes of the whole VM: the page
 * named last counts, so name the same one for all its vCPUs.  0, -EBADF, -ENOTTY, -EINVAL, -EFAULT,
 * -EAGAIN as above.
 */
#define KVM0_CALL_SET_RUN_PAGE 2

/*
 * Copy kvm0's log to RDI, at most RSI bytes, from position RDX, which counts all
 * bytes ever logged; 0 starts at the oldest byte that is kept.  Returns the bytes
 * copied (0: nothing newer) and in RDX the position to ask for next.
 * With KVM0_LOG_BEFORE in RDX it is the log of the run before that is read, if memory has
 * outlived the reset between the two; else there is nothing in it.
 */
#define KVM0_CALL_READ_LOG 3
#define KVM0_LOG_BEFORE    (1ull << 63)

/* The next one to wake, in RSI as below.  Returns 0. */
#define KVM0_CALL_NEXT_WAKE 4

/* kvm0's memory pool: returns the pages of 4 KiB that are free, and in RDX all there are. */
#define KVM0_CALL_POOL 5

/*
 * A flag of KVM_SET_USER_MEMORY_REGION beside KVM's: the slot's pages are supplied one by
 * one when the guest wants them, and its userspace_addr says nothing.  It cannot be changed
 * while the slot exists.
 */
#define KVM0_MEM_ON_DEMAND (1u << 30)

/*
 * Supply pages of such a slot.  RDI: the VM; RSI: physical address of a struct
 * kvm0_supply.  Returns how many pages the guest has got: all, or those before the first
 * that failed.  If none has, an errno: -EBADF; -ENOTTY: not a VM; -EFAULT: the structure or
 * the pages are not all the control guest's RAM; -EINVAL: alignment, a flag, no page or more
 * than KVM0_SUPPLY_MAX, not all in one slot of this kind, or writable in a slot with
 * KVM_MEM_READONLY; -EEXIST: another page is there already; -ENOMEM: kvm0's pool is empty.
 * Supplying the same page again with KVM0_SUPPLY_WRITABLE makes it writable; to take that
 * right away the page is withdrawn and supplied again.  kvm0 may forget what it was
 * supplied with (KVM_SET_NR_MMU_PAGES; a slot that moves), and then asks for it again.
 */
#define KVM0_CALL_SUPPLY 6

#define KVM0_SUPPLY_WRITABLE 1u
#define KVM0_SUPPLY_MAX      65536u

struct kvm0_supply {
	__u64 guest_phys_addr; /* page-aligned, as address is */
	__u64 address;         /* of the first page, in the control guest's physical memory */
	__u32 pages;           /* how many, one behind the other in both */
	__u32 flags;           /* KVM0_SUPPLY_* */
};

/*
 * Withdraw pages of such a slot.  RDI: the VM; RSI: guest-physical address, page-aligned;
 * RDX: number of pages.  When it returns, no vCPU on any CPU reads or writes them any more,
 * nor does kvm0, and the dirty log has what was written.  Pages that are not supplied are
 * passed over.  0, or -EBADF, -ENOTTY, -EINVAL: alignment, no page, not all in one slot of
 * this kind.
 */
#define KVM0_CALL_WITHDRAW 7

/*
 * Signals, which on Linux end a KVM_RUN.  kvm0 knows no threads: a signal is pending for a
 * vCPU, from KVM0_CALL_SIGNAL until KVM0_CALL_TAKE_SIGNALS, as it were for the thread that
 * is to run the vCPU.  While one is pending that the mask of KVM_SET_SIGNAL_MASK does not
 * block (without a mask all count), KVM_RUN finishes what the last exit left open and then
 * ends, without entering the guest, with -EINTR and KVM_EXIT_INTR.
 *
 * KVM0_CALL_SIGNAL: signal RSI (1 to 64) is pending for the vCPU RDI, as after tgkill().
 * It may be called from any CPU, also while the vCPU runs, which ends that run, or is
 * blocked, which wakes it.  0, -EBADF, -ENOTTY, -EINVAL.
 *
 * KVM0_CALL_TAKE_SIGNALS: those of the set RSI (bit n - 1: signal n) that are pending for
 * the vCPU RDI are so no longer, and are returned in RDX, as by sigtimedwait().  0, -EBADF,
 * -ENOTTY.
 */
#define KVM0_CALL_SIGNAL       8
#define KVM0_CALL_TAKE_SIGNALS 9
#define KVM0_SIGNAL_MAX        64u

/*
 * Events: what Linux's eventfd is, for KVM_IRQFD and KVM_IOEVENTFD, whose fd is then an
 * event's handle.  An event is a count of signals.
 *
 * Make one (eventfd(2)): RDI is the initial count, of 32 bits, RSI 0 or KVM0_EVENT_SEMAPHORE
 * (EFD_SEMAPHORE): a read takes 1 instead of all.  Returns a handle, > 0, closed like the
 * others; -EINVAL, -ENOMEM, -EMFILE.  Closing it ends its irqfd, as in Linux.
 */
#define KVM0_CALL_EVENT_CREATE 10
#define KVM0_EVENT_SEMAPHORE   1u

/*
 * Signal the event RDI: add RSI to the count (write(2)).  0; -EBADF; -EINVAL: not an
 * event, or 2^64-1; -EAGAIN: the count would be more than 2^64-2.  An event that has an irqfd
 * becomes an interrupt instead, in this call.
 */
#define KVM0_CALL_EVENT_SIGNAL 11

/*
 * Read the event RDI (read(2)): 0, with what was taken in RDX, > 0.  -EAGAIN: the count is 0;
 * the next signal that makes it greater, whoever gives it, is reported as a wake-up of the
 * event's handle (below), once.  This is how to wait for one: there is no blocking read.  While
 * nobody has read it empty its signals are only counted.  -EBADF, -EINVAL as above.
 */
#define KVM0_CALL_EVENT_READ 12

/*
 * Parameters: those of kvm0's command line, among them the ones of Linux's modules kvm and
 * kvm_intel.  Names and values are as they are written there, ended by a NUL; in names '-' and
 * '_' are the same, and a flag's value reads Y or N.
 *
 * KVM0_CALL_GET_PARAM: RDI: address of a struct kvm0_param; RSI: the number of a parameter, from
 * 0, or KVM0_PARAM_NAMED for the one that `name` names.  Fills the structure.  0, -EFAULT,
 * -EINVAL: the name is not ended; -ENOENT: no such parameter, or the last one was before.
 *
 * KVM0_CALL_SET_PARAM: RDI: address of a struct kvm0_param with `name` and `value`.  0, -EFAULT,
 * -EINVAL: not ended, or not a value that it can have; -ENOENT: no such parameter; -EPERM: it can
 * be set on the command line only; -EOPNOTSUPP: kvm0 has no other than the value that it has.
 */
#define KVM0_CALL_GET_PARAM 13
#define KVM0_CALL_SET_PARAM 14

#define KVM0_PARAM_NAMED (~0ull)
#define KVM0_PARAM_TEXT  40 /* bytes of a name or a value, with the NUL */

#define KVM0_PARAM_RUNTIME 1u /* can be set at run time */
#define KVM0_PARAM_FIXED   2u /* has the one value that it can have */

struct kvm0_param {
	char name[KVM0_PARAM_TEXT];
	char value[KVM0_PARAM_TEXT];
	__u32 flags; /* KVM0_PARAM_*; kvm0 sets it */
	__u32 reserved;
};

/*
 * Read the statistics with handle RDI (KVM_GET_STATS_FD; 0: the sums over all VMs and vCPUs, in
 * the same format) as pread(2) does: to the address RSI, at most RDX bytes, from position RCX on.
 * Returns the bytes copied, 0 at the end.  -EBADF; -ESPIPE: not such a handle; -EINVAL: the
 * position is negative; -EFAULT; -ENOMEM: kvm0's pool is empty.
 */
#define KVM0_CALL_READ 15

/*
 * Read the trace of CPU RDI (docs/debugging.md): events to the address RSI, at most RDX bytes of
 * them and whole ones only, from position RCX on, which counts the events of that CPU from boot on;
 * 0 starts at the oldest one that is kept.  Returns the bytes copied (0: nothing newer), and in RDX
 * the position to ask for next.  -EINVAL: there is no such CPU; -EFAULT.
 */
#define KVM0_CALL_READ_TRACE 16

/* The types of events, by the names that the parameter trace= has for them, and their words. */
#define KVM0_TRACE_ENTRY     0  /* what: event to deliver; RIP, error code, RVI and SVI, RFLAGS */
#define KVM0_TRACE_EXIT      1  /* what: reason; qualification, RIP, IDT-vectoring, event */
#define KVM0_TRACE_INJECT    2  /* what: event to deliver, if there is one; RIP, error code */
#define KVM0_TRACE_EPT       3  /* violation; what: qualification; guest-physical, linear address */
#define KVM0_TRACE_MMIO      4  /* what: flags and bytes; address, value */
#define KVM0_TRACE_PIO       5  /* what: flags and bytes; port, value */
#define KVM0_TRACE_MSR       6  /* what: index; value, flags */
#define KVM0_TRACE_CPUID     7  /* what: leaf; subleaf, EBX:EAX, EDX:ECX */
#define KVM0_TRACE_HYPERCALL 8  /* a guest's; what: number; two arguments, result */
#define KVM0_TRACE_IPI       9  /* what: ICR's low half; destination */
#define KVM0_TRACE_TIMER     10 /* of the local APIC; what: 0 set, 1 fired; deadline (TSC) */
#define KVM0_TRACE_HALT      11 /* what: 0 halted, 1 KVM_RUN ends; deadline (TSC) */
#define KVM0_TRACE_WAKE      12 /* what: 0 goes on, 1 is waked by this CPU */
#define KVM0_TRACE_SLOT      13 /* what: slot; guest-physical address, bytes, flags, result */
#define KVM0_TRACE_IOCTL     14 /* what: request, or ~number of a call; handle, argument, result */
#define KVM0_TRACE_TYPES     15

/* Flags in MMIO's and PIO's `what`, and in MSR's data[1]. */
#define KVM0_TRACE_BYTES  0xffu
#define KVM0_TRACE_WRITE  0x100u /* MMIO, MSR: it is a write; PIO: OUT */
#define KVM0_TRACE_STRING 0x200u /* PIO: INS or OUTS, of which only this is told */
#define KVM0_TRACE_FAULT  0x400u /* MSR: the guest has got #GP */

/* ENTRY is followed by this exit "reason" where a kick came first. */
#define KVM0_TRACE_NOT_ENTERED 0xffffu
#define KVM0_TRACE_NO_VCPU     0xffffu

struct kvm0_trace_event {
	__u64 tsc;
	__u64 number; /* of the CPU's events, from 1 on */
	__u32 vm;     /* a number as in statistics' names, or 0: the control guest ... */
	__u16 vcpu;   /* ... and then its CPU; KVM0_TRACE_NO_VCPU: of none */
	__u8 cpu;     /* that has written it */
	__u8 type;    /* KVM0_TRACE_* */
	__u32 what;
	__u32 reserved;
	__u64 data[4];
};

/*
 * Results of KVM_RUN beside KVM's own (0: see kvm_run->exit_reason, or an errno).
 * KVM0_RUN_AGAIN: an interrupt for the control guest is pending, or somebody is to be
 * woken (RSI), or kvm0 needed the CPU; see to it and call again.
 * KVM0_RUN_BLOCKED: the vCPU waits for an event.  RDX is the value of the TSC at
 * which to call again if it is not woken before; KVM0_NO_DEADLINE if only a
 * wake-up ends it.  Calling again early is harmless.
 * KVM0_RUN_PAGE_WANTED: the vCPU, or kvm0 for it, has touched a page of a slot with
 * KVM0_MEM_ON_DEMAND that is not supplied, or not for writing.  RDX is the page's
 * guest-physical address, and in its bit 0 (KVM0_WANTED_WRITE) whether it is to be written.
 * Supply it and call again: the instruction is carried out anew.
 */
#define KVM0_RUN_AGAIN       1
#define KVM0_RUN_BLOCKED     2
#define KVM0_RUN_PAGE_WANTED 3
#define KVM0_NO_DEADLINE     (~0ull)
#define KVM0_WANTED_WRITE    1ull
#define KVM0_WANTED_ASYNC    2ull

/*
 * Hints of a KVM_RUN call, in RCX; unknown ones are ignored.
 * KVM0_RUN_NO_POLL: somebody else wants this CPU.  Do not wait on it for an event of a halted vCPU
 * (halt_poll_ns), and end the run with KVM0_RUN_AGAIN when the vCPU spins, and after 10 ms if it
 * has kvm0's interrupt controllers.
 * KVM0_RUN_PAGES_LATER: what is wanted with KVM0_RUN_PAGE_WANTED takes a while.  A guest that has
 * asynchronous page faults (MSR_KVM_ASYNC_PF_EN) and can take one now is told, and RDX has
 * KVM0_WANTED_ASYNC: call KVM_RUN again at once, the guest does something else meanwhile.  Supply
 * the page whenever it is there; the guest is told then, and if its vCPU is blocked it is one to
 * wake (RSI).
 */
#define KVM0_RUN_NO_POLL     1ull
#define KVM0_RUN_PAGES_LATER 2ull

/*
 * RSI after every call: 0, or in the low 31 bits the handle of a vCPU that was blocked
 * and now has an event to take, or that a guest has yielded to (KVM_HC_SCHED_YIELD,
 * KVM_HC_KICK_CPU), or of an event (KVM0_CALL_EVENT_READ) that was read empty and
 * has been signalled; with KVM0_WAKE_MORE there are others to be fetched with
 * KVM0_CALL_NEXT_WAKE.  The handle KVM0_WAKE_ALL stands for every blocked vCPU and every
 * event that was read empty.  A KVM_RUN that has somebody to wake ends for it, with
 * KVM0_RUN_AGAIN if nothing else did.
 */
#define KVM0_WAKE_MORE 0x80000000u
#define KVM0_WAKE_ALL  0x7fffffffu
