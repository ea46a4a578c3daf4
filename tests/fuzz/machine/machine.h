/* SPDX-License-Identifier: MIT */
/*
 * A machine for kvm0 to run on inside a host process: CPUs with VMX, a page pool, memory
 * of a control guest.  Everything in arch/x86/vmx, hv/kvm and hv/abi is the real source;
 * what is replaced are instructions (the headers in include/) and what lies below.
 * The machine aborts when kvm0 does what would panic or break a real one: a VMCS that is
 * not current or active elsewhere, an entry whose controls or host state are wrong, an
 * XRSTOR of a bad image, an EPT that maps what is not the control guest's.
 */
#pragma once

#include "cpu/percpu.h"
#include "vmx/vmx.h"

#define MACHINE_CPUS 2u

/* The control guest's memory, at this address of the process: 8 MiB with a hole that is
 * kvm0's and a reserved one, which cannot be touched. */
#define MACHINE_MEMORY      0x300000000000ull
#define MACHINE_MEMORY_SIZE (8u << 20)
#define MACHINE_KVM0_HOLE   (1u << 20)
#define MACHINE_RESERVED    (3u << 20)
#define MACHINE_HOLE_SIZE   (16u << 10)

/* How the machine ends when kvm0 is wrong. */
__noreturn void machine_broken(const char *fmt, ...) __printf(1, 2);
#define MACHINE_REQUIRE(c, ...)                                                                    \
	do {                                                                                       \
		if (!(c))                                                                          \
			machine_broken(__VA_ARGS__);                                               \
	} while (0)

/* Once: CPUs in VMX operation, with a control guest's virtual CPU each. */
void machine_boot(void);
/* Memory is zero, nothing is limited, CPU 0 runs, its clock stands at a fixed time. */
void machine_reset(void);
/* Go on as CPU @n. */
void machine_on_cpu(u32 n);
struct vmx_vcpu *machine_control(void);
/* The clock goes on by @ticks. */
void machine_advance(u64 ticks);

/* Physical address of an offset in the memory above. */
u64 machine_address(u64 offset);

/* The pool: what is taken now, and how many allocations succeed from now on (< 0: all). */
extern u32 machine_pages, machine_objects;
extern int machine_alloc_limit;

/*
 * A guest is entered: this fills in the VMCS's exit fields (machine_exit()) and may
 * change the guest's registers, or touch memory as the guest does (machine_touch()).
 */
extern void (*machine_guest)(struct vmx_vcpu *v);
void machine_exit(u32 reason, u64 qualification, u32 length);
/* The event in the VM-entry field was not delivered: an exit came in between.  Or @info, one
 * that the guest caused. */
void machine_vectoring(u32 info);
void machine_ept_violation(u64 gpa, u64 gva, u64 qualification);
/* The guest reads or writes a byte at @gpa if the EPT lets it; false: it does not. */
bool machine_touch(u64 gpa, bool write);
