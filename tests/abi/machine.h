/* SPDX-License-Identifier: MIT */
/*
 * A small virtual machine for the tests that run guests: memory with the payloads, one vCPU
 * in the mode wanted, and runs whose exits are checked.  Layout: guest/payloads/layout.h.
 */
#pragma once

#include "guest/payloads/payloads.h"
#include "tests/abi/check.h"

enum machine_mode { MODE_REAL, MODE_PROT, MODE_LONG };

/* Options of machine_open(). */
#define MACHINE_IRQCHIP 1u
#define MACHINE_PIT     2u  /* and the irqchip */
#define MACHINE_CPUID   4u  /* KVM_SET_CPUID2 with machine_guest_cpuid() */
#define MACHINE_RING    8u  /* dirty rings of the smallest size: ring_bytes */
#define MACHINE_LOGGED  16u /* slot 0 is, from before there are rings */
#define MACHINE_SPLIT   32u /* the irqchip, split, with MACHINE_USER_PINS reserved routes */
#define MACHINE_BARE    64u /* no vCPU yet: machine_add_vcpu() makes the first, m->vcpu */
#define MACHINE_APICS   (MACHINE_IRQCHIP | MACHINE_PIT | MACHINE_SPLIT)

#define MACHINE_USER_PINS 24u

#define MACHINE_MAX_CPUID 256

struct machine {
	enum machine_mode mode;
	u32 options;
	int vm, vcpu;
	struct kvm_run *run;
	u32 ring_bytes;
	u8 *low, *high;       /* memory of slots 0 and 1 */
	struct kvm_regs regs; /* what machine_start() sets; rip aside the test's to change */
};

struct cpuid_table {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entries[MACHINE_MAX_CPUID];
};

/*
 * Makes the machine.  Skips the test if this host's KVM cannot run a guest in that mode (never
 * on kvm0).  All objects are closed behind the test.
 */
void machine_open(struct machine *m, enum machine_mode mode, u32 options);
/*
 * Makes its VM and vCPU anew, with the same memory and nothing of the state; those before are
 * closed already.
 */
void machine_reopen(struct machine *m);
/* A further vCPU of the same kind; its kvm_run in *run. */
int machine_add_vcpu(struct machine *m, u32 id, struct kvm_run **run);

/* Makes all that KVM_GET_VCPU_MMAP_SIZE has of the vCPU accessible; NULL if that failed. */
struct kvm_run *machine_map_run(int vcpu);

/* KVM_GET_SUPPORTED_CPUID. */
void machine_supported_cpuid(struct cpuid_table *table);
/* The same less VMX (Linux may offer nesting), the same on whichever CPU this runs. */
void machine_guest_cpuid(struct cpuid_table *table);
/* Skips the test on a Linux machine without VMX: `what` does not work the same there. */
void machine_need_vmx(const char *what);
/* The entry of that leaf in the table, or NULL. */
struct kvm_cpuid_entry2 *machine_cpuid(struct cpuid_table *table, u32 function, u32 index);

/* The guest's memory at a physical address of slot 0 or 1. */
void *machine_at(const struct machine *m, u64 gpa);
u32 machine_u32(const struct machine *m, u64 gpa);
u64 machine_u64(const struct machine *m, u64 gpa);
/* KVM_SET_USER_MEMORY_REGION. */
long machine_slot(int vm, u32 slot, u32 flags, u64 gpa, u64 size, const void *memory);
/* Where a payload's routine is in the guest. */
u64 machine_entry(const char *routine);

/* Points a vector of the guest's interrupt table at a routine. */
void machine_set_vector(struct machine *m, u8 vector, const char *handler);
/* Sets regs, with rip at the routine. */
void machine_start(struct machine *m, const char *routine);
/* The registers as they are now. */
struct kvm_regs machine_regs(const struct machine *m);
struct kvm_sregs machine_sregs(const struct machine *m);
void machine_set_sregs(const struct machine *m, const struct kvm_sregs *sregs);

/* What KVM counts for a VM or a vCPU by that name (KVM_GET_STATS_FD); in test_stats.c. */
u64 stats_of(int handle, const char *name);
/* The same of a handle that is the file's. */
u64 stats_of_file(int fd, const char *name);
/* An array of @handle's: kvm0's own, by exit reason. */
#define STATS_ARRAY 80u
void stats_array(int handle, const char *name, u64 values[STATS_ARRAY]);

/* Enables the local APIC in its SVR, by KVM_SET_LAPIC. */
void machine_enable_apic(const struct machine *m);

/* KVM_RUN, which has to end in this exit. */
#define machine_run(m, exit) machine_run_at(__FILE__, __LINE__, m, exit)
void machine_run_at(const char *file, int line, struct machine *m, u32 exit);
/* KVM_RUN, which has to end in a write of one byte to the port; returns the byte. */
#define machine_run_out(m, port) machine_run_out_at(__FILE__, __LINE__, m, port)
u8 machine_run_out_at(const char *file, int line, struct machine *m, u16 port);
/* KVM_RUN, which has to end in this access to MMIO; a read's answer is @data. */
#define machine_mmio_write(m, address, len, data)                                                  \
	machine_mmio_write_at(__FILE__, __LINE__, m, address, len, data)
void machine_mmio_write_at(const char *file, int line, struct machine *m, u64 address, u32 len,
			   u64 data);
#define machine_mmio_read(m, address, len, data)                                                   \
	machine_mmio_read_at(__FILE__, __LINE__, m, address, len, data)
void machine_mmio_read_at(const char *file, int line, struct machine *m, u64 address, u32 len,
			  u64 data);
/* machine_start() and a run to DONE. */
#define machine_do(m, routine)                                                                     \
	do {                                                                                       \
		machine_start(m, routine);                                                         \
		machine_run_out(m, PORT_DONE);                                                     \
	} while (0)

/* The data of a KVM_EXIT_IO. */
static inline u8 *machine_io_data(const struct machine *m)
{
	return (u8 *)m->run + m->run->io.data_offset;
}

/* KVM_GET_MSRS and KVM_SET_MSRS of one MSR, which has to succeed. */
u64 machine_get_msr(const struct machine *m, u32 index);
void machine_set_msr(const struct machine *m, u32 index, u64 value);
