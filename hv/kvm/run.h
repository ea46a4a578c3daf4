/* SPDX-License-Identifier: MIT */
/* What the files that carry out KVM_RUN share: run.c, run_exit.c, run_io.c, run_mmio.c,
 * run_msr.c, run_entry.c, run_requests.c, run_wait.c. */
#pragma once

#include "kvm/vcpu.h"

/* What becomes of the vCPU after an exit. */
enum exit_action {
	GO_ON,      /* enter the guest again */
	TO_USER,    /* KVM_RUN returns; kvm_run is filled */
	GO_SIGNAL,  /* KVM_RUN is interrupted */
	GO_STARTED, /* it returns -EAGAIN: something has come to a vCPU that had never run */
	GO_AGAIN, /* it returns "again": the control guest has an interrupt, or somebody to wake */
	GO_BLOCKED,
	GO_STOPPED, /* it returns "blocked" until it is time to look whether it is stopped still */
	GO_PAGE_WANTED,
	GO_INIT,
	GO_MACHINE_CHECK,
};

/* Where the data of KVM_EXIT_IO is in the run page, if it has no page of its own. */
#define RUN_IO_DATA_OFFSET 3072u
#define RUN_IO_DATA_SIZE   (PAGE_SIZE - RUN_IO_DATA_OFFSET)
#define RUN_IO_PAGE_OFFSET ((u32)(KVM_PIO_PAGE_OFFSET * PAGE_SIZE))
/* Pages of a vCPU's mapping. */
#define RUN_PAGES (KVM_COALESCED_MMIO_PAGE_OFFSET + 1u)
_Static_assert(sizeof(struct kvm_run) <= RUN_IO_DATA_OFFSET, "kvm_run");
_Static_assert(EMU_PIO_MAX <= RUN_IO_DATA_SIZE, "string I/O");

/* Queue an exception for the guest; on a triple fault TO_USER with KVM_EXIT_SHUTDOWN. */
enum exit_action vcpu_inject(struct vcpu *c, u8 vector, u32 error);

enum exit_action run_exit_io(struct vcpu *c, const struct vmx_exit *exit);
enum exit_action run_exit_ept(struct vcpu *c, const struct vmx_exit *exit);

enum exit_action run_rdmsr(struct vcpu *c);
enum exit_action run_wrmsr(struct vcpu *c);
/* The control guest has answered KVM_EXIT_X86_RDMSR, or with @write KVM_EXIT_X86_WRMSR. */
enum exit_action run_complete_msr(struct vcpu *c, bool write);

/* --- run_entry.c --- */

/* In guest mode, when nobody has asked anything of the vCPU: all that is to be done before the
 * entry.  It can make that fail, as a kick would. */
void run_prepare_entry(struct vcpu *c);

/* Inject what the interrupt controllers have, timers that are due among them.  Not only in guest
 * mode. */
void run_inject(struct vcpu *c);

/* Carry out what this vCPU has been asked for (vcpu_ask()).  Outside of guest mode. */
enum exit_action run_carry_out_requests(struct vcpu *c) __attribute__((noinline));

/* --- timers (run.c), and waiting (run_wait.c) --- */

/* The next time that a timer of this vCPU needs kvm0; the PIT is vCPU 0's. */
static inline u64 run_next_deadline(const struct vcpu *c)
{
	u64 own;

	if (!c->vm->chip)
		return IRQ_NEVER;
	own = timer_advance_begin(&c->advance, lapic_next_deadline(&c->lapic));
	return c->index ? own : MIN(own, irqchip_next_deadline(c->vm->chip));
}

/* Do what is due at @now. */
void run_expire_timers(struct vcpu *c, u64 now);

/* A vCPU that does not run and has no requests.  GO_ON: enter it; GO_BLOCKED, until *@deadline;
 * GO_STARTED: something has come to one that was never started. */
enum exit_action run_wait(struct vcpu *c, u64 *deadline);
/* Is there something that gets it going? */
bool run_wait_is_over(struct vcpu *c);
/* The run ends, or the vCPU may not wait any more: it is not polled for. */
void run_stop_polling(struct vcpu *c);
/* It is RUNNABLE from now on.  Loaded, outside of guest mode. */
void run_end_wait(struct vcpu *c);

/* The guest spins: GO_AGAIN if somebody else wants the CPU, else GO_ON. */
enum exit_action run_yield(const struct vcpu *c);
/* VMX_MONITOR and VMX_MWAIT. */
enum exit_action run_exit_mwait(struct vcpu *c, enum vmx_exit_kind kind);

/* Finish what the last exit to user space left to do. */
enum exit_action run_complete(struct vcpu *c);

/* KVM_EXIT_INTERNAL_ERROR with @suberror and @count words of @data. */
enum exit_action run_internal_error(struct vcpu *c, u32 suberror, u32 count, const u64 *data);

/* --- exits that come seldom (run_exit.c) --- */

enum exit_action run_exit_debug(struct vcpu *c, const struct vmx_exit *exit);
enum exit_action run_exit_cr_write(struct vcpu *c, const struct vmx_exit *exit);
enum exit_action run_exit_aside(struct vcpu *c);
enum exit_action run_exit_failed_entry(struct vcpu *c, const struct vmx_exit *exit);
enum exit_action run_exit_unknown(struct vcpu *c, const struct vmx_exit *exit);

/* Carry out the instruction at RIP in the emulator.  @ept: the exit that caused it, if it
 * was an EPT violation; @device: of a page that has no slot. */
enum exit_action run_emulate(struct vcpu *c, const struct vmx_exit *ept, bool device);

/* String I/O that the emulator has taken apart (run_io.c). */
enum exit_action run_string_out(struct vcpu *c, const struct emu_pio *p);
/* True: answered; false: kvm_run asks user space. */
bool run_string_in(struct vcpu *c, struct emu_pio *p);
void run_string_in_answer(struct vcpu *c, struct emu_pio *p);
void run_complete_in(struct vcpu *c);
