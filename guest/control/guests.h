/* SPDX-License-Identifier: MIT */
/*
 * The virtual machines that there are: numbers, consoles, restarts.  Called by the monitor's
 * loop and orders; vmm/ does the work of each one.
 */
#pragma once

#include "guest/control/vmm/snapshot.h"

#define GUESTS_MAX    8u
#define GUESTS_HELD   32768u /* bytes of output kept of a guest that is not attached */
#define GUESTS_QUEUED 512u   /* bytes typed that its serial port has not taken */

struct guest {
	bool used;
	u32 id; /* 1 .. GUESTS_MAX */
	struct vm vm;
	u8 held[GUESTS_HELD];
	u64 held_total; /* bytes ever held since the last attach */
	u8 queue[GUESTS_QUEUED];
	u32 queue_head, queue_tail;
};

/*
 * Makes a VM and gives it the console.  Its number, or -errno with why[] a sentence.
 */
int guests_start(const struct vm_config *config, char *why, u64 why_size) __must_check;
/* The same of a saved VM, which goes on where it was saved. */
int guests_restore(const struct snapshot *snapshot, char *why, u64 why_size) __must_check;
/*
 * Begins to migrate a VM into a new one, which then takes its place; guests_run() does the work.
 * 0, or -errno with why[].
 */
int guests_migrate(struct guest *g, u32 rounds, char *why, u64 why_size) __must_check;
/* Whether a migration is under way; there is one at a time. */
bool guests_migrating(void);
/* Ends a VM and frees all it has. */
void guests_stop(struct guest *g);
/* The one with this number, or NULL. */
struct guest *guests_find(u32 id);
u32 guests_count(void);

/* The guest that has the console, or NULL. */
struct guest *guests_attached(void);
void guests_attach(struct guest *g);
void guests_detach(void);
/* One byte typed for the attached guest. */
void guests_type(u8 byte);

/*
 * The boot CPU's share of the work: a step of one vCPU (sched.h), the next bit of a migration, and
 * what has to be done for VMs that have come to an end.  Returns the TSC until which nothing is to
 * be done, `limit` at most, or 0.
 */
u64 guests_run(u64 limit);
/* The step alone, as sched_turn(): all that the other CPUs do. */
u64 guests_step(u64 limit);
/* Whether unknown ports and addresses are to be named, for all VMs from now on. */
void guests_set_debug(bool on);
