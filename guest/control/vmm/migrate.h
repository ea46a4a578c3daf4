/* SPDX-License-Identifier: MIT */
/*
 * Live migration of a VM into another one: its memory is copied while it runs, then what it has
 * written meanwhile (KVM's dirty log), and so on until that is little; then it stands still
 * while the rest and its state are moved.  One machine is both ends.  The work is done in small
 * steps while the VM runs on other CPUs, or between its runs; called by guests.c.
 */
#pragma once

#include "guest/control/vmm/snapshot.h"

enum migrate_state {
	MIGRATE_NONE,
	MIGRATE_COPIES, /* the source runs */
	MIGRATE_LAST,   /* the next step moves the rest: the source must stand still for it */
	MIGRATE_MOVED,  /* the destination has taken over; the old memory is being cleared */
};

struct migration {
	enum migrate_state state;
	struct vm *vm;        /* the source; it becomes the destination */
	struct vm other;      /* the destination; then what is left of the source */
	u32 round, rounds;    /* the present one, from 1 on, and the last before it stands still */
	struct ram_slot slot; /* being copied */
	u32 slot_number;
	u64 page;   /* the next one in it */
	u64 *dirty; /* its pages to copy */
	u64 dirty_size;
	u64 pages, all_pages, last_pages; /* copied: in this round, in all, in the one before */
	u64 round_start;                  /* TSC */
};

#define MIGRATE_ROUNDS 8u

/*
 * Begins.  0, or -errno with why[] a sentence; the VM goes on in any case.  `rounds`: copying
 * rounds at most, 1 or more.
 */
int migrate_start(struct migration *m, struct vm *vm, u32 rounds, char *why,
		  u64 why_size) __must_check;
/* A step; to be called until m->state is MIGRATE_NONE. */
void migrate_step(struct migration *m);
/* Gives it up. */
void migrate_cancel(struct migration *m);
