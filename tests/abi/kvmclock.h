/* SPDX-License-Identifier: MIT */
/* What the tests of kvmclock share. */
#pragma once

#include <linux/kvm_para.h>
#include "tests/abi/machine.h"

/* A vCPU's page, and the wall clock (KVM documentation, KVM Specific MSRs). */
struct clock_page {
	u32 version, pad0;
	u64 tsc_timestamp, system_time;
	u32 tsc_to_system_mul;
	s8 tsc_shift;
	u8 flags, pad[2];
};
struct clock_wall {
	u32 version, sec, nsec;
};
#define CLOCK_STABLE  1u
#define CLOCK_STOPPED 2u

/* Where the guests have them. */
#define GPA_CLOCK GPA_BUFFER
#define GPA_WALL  (GPA_BUFFER + 0x100)

/* A 64-bit machine. */
void clock_machine(struct machine *m, u32 options);
/* The guest writes an MSR. */
void clock_wrmsr(struct machine *m, u32 msr, u64 value);
/* The guest names GPA_CLOCK, and starts with clock_read. */
void clock_start(struct machine *m);
/* The time in the running guest; it is what KVM_GET_CLOCK says before, after, or between. */
#define clock_read_guest(m) clock_read_at(__FILE__, __LINE__, m)
u64 clock_read_at(const char *file, int line, struct machine *m);
/* KVM_GET_CLOCK. */
struct kvm_clock_data clock_get(const struct machine *m);
/* KVM_SET_CLOCK. */
void clock_set(const struct machine *m, u64 clock, u32 flags, u64 realtime);
/* The page in the guest's memory, which has to be complete. */
struct clock_page clock_page(const struct machine *m, u64 gpa);
