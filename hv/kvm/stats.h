/* SPDX-License-Identifier: MIT */
/*
 * Statistics of VMs and vCPUs, with the names that Linux's KVM has for them, and the file
 * of them that KVM_GET_STATS_FD gives (KVM API, KVM_GET_STATS_FD).
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
	TOTAL(tlb_flush)                                                                           \
	TOTAL(exits)                                                                               \
	TOTAL(io_exits)                                                                            \
	TOTAL(mmio_exits)                                                                          \
	TOTAL(signal_exits)                                                                        \
	TOTAL(irq_window_exits)                                                                    \
	TOTAL(nmi_window_exits)                                                                    \
	TOTAL(halt_exits)                                                                          \
	TOTAL(request_irq_exits)                                                                   \
	TOTAL(irq_exits)                                                                           \
	TOTAL(fpu_reload)                                                                          \
	TOTAL(insn_emulation)                                                                      \
	TOTAL(insn_emulation_fail)                                                                 \
	TOTAL(hypercalls)                                                                          \
	TOTAL(irq_injections)                                                                      \
	TOTAL(nmi_injections)                                                                      \
	TOTAL(directed_yield_attempted)                                                            \
	TOTAL(directed_yield_successful)

#define STATS_FIELD(name)      u64 name;
#define STATS_HIST_FIELD(name) u64 name[STATS_HISTOGRAM];

/* Counted by whoever owns the object, with vm->lock held or the vCPU taken; read by anyone. */
struct vm_stats {
	VM_STATS(STATS_FIELD, STATS_FIELD)
};
struct vcpu_stats {
	VCPU_STATS(STATS_FIELD, STATS_FIELD, STATS_FIELD, STATS_HIST_FIELD)
};

struct vm;
struct vcpu;

/* One read of the file: its values are those of one moment. */
struct stats_file {
	const struct stats_name *names;
	u32 count, values;
	char id[48];
	union {
		struct vm_stats vm;
		struct vcpu_stats vcpu;
		u64 value[sizeof(struct vcpu_stats) / sizeof(u64)];
	};
};

void stats_of_vm(const struct vm *vm, struct stats_file *f);
void stats_of_vcpu(const struct vcpu *c, struct stats_file *f);

/* The file is a row of pieces: piece @n, from 0 on, is put in @piece.  Its bytes; 0: there are no
 * more. */
#define STATS_PIECE 64u
u32 stats_piece(const struct stats_file *f, u32 n, u8 *piece);
