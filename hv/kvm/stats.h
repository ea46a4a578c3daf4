/* SPDX-License-Identifier: MIT */
/*
 * Statistics of VMs and vCPUs, with the names that Linux's KVM has for them and behind those some
 * of kvm0's own, and the file of them that KVM_GET_STATS_FD gives (KVM API, KVM_GET_STATS_FD).
 */
#pragma once

#include <linux/kvm.h>
#include "lib/types.h"

/*
 * TOTAL counts events since the object was made, NOW is as it is, NS adds nanoseconds up; each is a
 * u64.  HIST is a histogram: element n counts values of n bits, the last one those of more as well.
 */
#define STATS_HISTOGRAM 32u
#define VM_STATS(TOTAL, NOW)                                                                       \
	TOTAL(remote_tlb_flush)                                                                    \
	TOTAL(remote_tlb_flush_requests)                                                           \
	NOW(pages_4k)                                                                              \
	NOW(pages_2m)                                                                              \
	NOW(pages_1g)

#define VCPU_STATS(TOTAL, NOW, NS, HIST)                                                           \
	TOTAL(halt_successful_poll)                                                                \
	TOTAL(halt_attempted_poll)                                                                 \
	TOTAL(halt_poll_invalid)                                                                   \
	TOTAL(halt_wakeup)                                                                         \
	NS(halt_poll_success_ns)                                                                   \
	NS(halt_poll_fail_ns)                                                                      \
	NS(halt_wait_ns)                                                                           \
	HIST(halt_poll_success_hist)                                                               \
	HIST(halt_poll_fail_hist)                                                                  \
	HIST(halt_wait_hist)                                                                       \
	NOW(blocking)                                                                              \
	TOTAL(pf_taken)                                                                            \
	TOTAL(pf_fixed)                                                                            \
	TOTAL(pf_emulate)                                                                          \
	TOTAL(pf_guest)                                                                            \
	TOTAL(tlb_flush)                                                                           \
	TOTAL(exits)                                                                               \
	TOTAL(io_exits)                                                                            \
	TOTAL(mmio_exits)                                                                          \
	TOTAL(signal_exits)                                                                        \
	TOTAL(irq_window_exits)                                                                    \
	TOTAL(nmi_window_exits)                                                                    \
	TOTAL(l1d_flush)                                                                           \
	TOTAL(halt_exits)                                                                          \
	TOTAL(request_irq_exits)                                                                   \
	TOTAL(irq_exits)                                                                           \
	TOTAL(host_state_reload)                                                                   \
	TOTAL(fpu_reload)                                                                          \
	TOTAL(insn_emulation)                                                                      \
	TOTAL(insn_emulation_fail)                                                                 \
	TOTAL(hypercalls)                                                                          \
	TOTAL(irq_injections)                                                                      \
	TOTAL(nmi_injections)                                                                      \
	TOTAL(directed_yield_attempted)                                                            \
	TOTAL(directed_yield_successful)                                                           \
	TOTAL(preemption_reported)                                                                 \
	TOTAL(preemption_other)

/* kvm0's own.  REASONS: an element for each basic exit reason; what is in ticks of the TSC counts
 * while exit_ticks= is on. */
#define STATS_REASONS 80u
#define EXIT_STATS(REASONS, REASON_TICKS, TICKS)                                                   \
	REASONS(exit_reason_count)                                                                 \
	REASON_TICKS(exit_reason_ticks)                                                            \
	TICKS(guest_ticks)

#define STATS_FIELD(name)        u64 name;
#define STATS_HIST_FIELD(name)   u64 name[STATS_HISTOGRAM];
#define STATS_REASON_FIELD(name) u64 name[STATS_REASONS];

/* Counted by whoever owns the object, with vm->lock held or the vCPU taken; read by anyone. */
struct vm_stats {
	VM_STATS(STATS_FIELD, STATS_FIELD)
};
struct vcpu_stats {
	VCPU_STATS(STATS_FIELD, STATS_FIELD, STATS_FIELD, STATS_HIST_FIELD)
};

/* All values of a file: of a VM the first part, of a vCPU the others, of the system all. */
struct stats_values {
	struct vm_stats vm;
	struct vcpu_stats vcpu; /* with those that are counted elsewhere */
	EXIT_STATS(STATS_REASON_FIELD, STATS_REASON_FIELD, STATS_FIELD)
};

struct vm;
struct vcpu;

/* Add them to @v. */
void stats_add_vm(const struct vm *vm, struct stats_values *v);
void stats_add_vcpu(const struct vcpu *c, struct stats_values *v);
/* ... those of all VMs and vCPUs that have a handle. */
void stats_add_system(struct stats_values *v);

/* One read of the file: its values are those of one moment. */
struct stats_file {
	u32 first, count, values; /* the first value, descriptors, values */
	char id[48];
	union {
		struct stats_values v;
		u64 value[sizeof(struct stats_values) / sizeof(u64)];
	};
};

/* Zeroed before. */
void stats_of_system(struct stats_file *f);
void stats_of_vm(const struct vm *vm, struct stats_file *f);
void stats_of_vcpu(const struct vcpu *c, struct stats_file *f);
/* A VM with the sums over its vCPUs. */
void stats_of_whole_vm(const struct vm *vm, struct stats_file *f);

/* The file is a row of pieces: piece @n, from 0 on, is put in @piece.  Its bytes; 0: there are no
 * more. */
#define STATS_PIECE 64u
u32 stats_piece(const struct stats_file *f, u32 n, u8 *piece);

/* The name of descriptor @n of the file, and its first value, of *@size; NULL: there are no more.
 */
const char *stats_at(const struct stats_file *f, u32 n, const u64 **value, u32 *size);
