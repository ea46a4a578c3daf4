/* SPDX-License-Identifier: MIT */
/*
 * One virtual machine: a PC with a serial port, made of KVM's objects and run one KVM_RUN at a
 * time, its vCPUs on as many CPUs as one likes.  Nothing here knows whether it runs on kvm0 or
 * elsewhere: it calls guest/lib's hypercall.h, memory.h, time.h and rtc.h.
 *
 * vm_step() may be called on several CPUs, for different vCPUs of one VM; what they share is
 * guarded by vm->lock, which it takes itself.  All else but vm_input() and vm_input_room() needs
 * the VM to stand still: no vm_step() of it on any CPU.
 */
#pragma once

#include "guest/control/vmm/linux.h"
#include "guest/control/vmm/ram.h"
#include "guest/control/vmm/serial.h"
#include "guest/lib/lock.h"

struct kvm_run;

#define VM_EXIT_KINDS   40 /* KVM_EXIT_* counted each; what is above counts as the last */
#define VM_NAMED_MAX    32 /* unknown ports and pages that are named */
#define VM_CPUS_MAX     64u
#define VM_TSS_ADDRESS  0xfffbd000ull
#define VM_IDENTITY_MAP 0xfffbc000ull

/* What to run: the modules must stay where they are. */
struct vm_config {
	char name[32];
	char kernel_name[64];
	const void *kernel, *initrd;
	u64 kernel_size, initrd_size;
	u32 cpus;    /* 1 to VM_CPUS_MAX */
	u64 mem;     /* bytes, a multiple of 2 MiB */
	bool demand; /* its memory is found when it is touched */
	bool later; /* and then given late, and the guest told if it can do something else: run.c */
	char cmdline[LINUX_CMDLINE_MAX];
};

enum vm_state {
	VM_RUNS,
	VM_POWERED_OFF,
	VM_HALTED, /* all vCPUs are asleep: nothing can wake one; whoever finds out says so */
	VM_RESET,
	VM_FAILED, /* has been reported */
};

/* Where a VM's console output and the lines about it go. */
struct vm_sink {
	void *owner;
	void (*output)(void *owner, u8 byte);
	void (*report)(void *owner, const char *line);
};

/* The devices that are the VMM's own. */
struct vm_devices {
	struct serial serial;
	u8 cmos_index;
	u16 pm1_status, pm1_enable, pm1_control;
	u64 pm_timer_lag; /* ticks of the machine's TSC that were no time for the guest */
};

/* A vCPU is its own caller's of vm_step(). */
struct vm_vcpu {
	struct vm *vm;
	u32 handle;
	struct kvm_run *run;
	bool waits;   /* blocked: until the deadline or a wake-up, which clears this */
	bool asleep;  /* and no interrupt or timer can wake it: only another vCPU can */
	u64 deadline; /* TSC */
	u64 wanted;   /* the page that it gets after the next KVM_RUN, and KVM0_WANTED_*; 0: none */
};

struct vm {
	struct vm_config config;
	struct vm_sink sink;
	struct vm_vcpu vcpus[VM_CPUS_MAX]; /* config.cpus of them, by APIC ID */
	u32 handle;
	u64 run_size;
	struct lock lock; /* guards all below */
	enum vm_state state;
	struct ram ram;
	struct vm_devices devices;
	bool named; /* unknown ports and addresses are reported */
	u64 unknown_ports, unknown_mmio;
	u64 seen[VM_NAMED_MAX];
	u32 seen_count;
	u64 exits[VM_EXIT_KINDS];
};

/*
 * Builds the VM of *config up to its first instruction.  0, or -errno with why[] a whole
 * sentence; nothing is left behind then.
 */
int vm_create(struct vm *vm, const struct vm_config *config, const struct vm_sink *sink, char *why,
	      u64 why_size) __must_check;
/*
 * The same without anything in it: its memory is undefined and its vCPU as new, for a state
 * that comes from elsewhere.
 */
int vm_create_empty(struct vm *vm, const struct vm_config *config, const struct vm_sink *sink,
		    char *why, u64 why_size) __must_check;
/* Makes *to of *from, which is no more then. */
void vm_move(struct vm *to, struct vm *from);
void vm_destroy(struct vm *vm);
/* The same but for its memory, which is left for the caller. */
void vm_close(struct vm *vm);

/* Whether it goes on: it has not come to any of its ends. */
static inline bool vm_lives(const struct vm *vm)
{
	return READ_ONCE(vm->state) == VM_RUNS;
}

/*
 * One KVM_RUN, and what its exit asks for.  Behind it the VM may have come to an end (vm->state),
 * or the vCPU waits.  `others`: another vCPU waits for this CPU.  True if it is better to let that
 * one run: this one has been interrupted, spins, or has given somebody else something to do.
 */
bool vm_step(struct vm_vcpu *v, bool others);
/*
 * Completes the accesses that the last exits were about, without another instruction: behind it
 * KVM's state of the vCPUs is whole (KVM API, KVM_RUN).  False if that ended the VM: see
 * vm->state.
 */
bool vm_pause(struct vm *vm) __must_check;
/* Typed bytes for its console: how many are taken now, and one of them. */
u32 vm_input_room(const struct vm *vm);
void vm_input(struct vm *vm, u8 byte);
/* "IO" for KVM_EXIT_IO and so on; "other" for one without a name here. */
const char *vm_exit_name(u32 reason);

/* Between the files of vmm/. */
void vm_report(struct vm *vm, const char *format, ...) __printf(2, 3);
/* Reports KVM's registers of a vCPU. */
void vm_report_registers(const struct vm_vcpu *v);
