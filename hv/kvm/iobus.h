/* SPDX-License-Identifier: MIT */
/*
 * What takes a guest's writes to ports and device memory without an exit to user space:
 * ioeventfds, which signal an event, and coalesced zones, whose writes are collected in a ring
 * that the control guest empties when it likes.  Pure bookkeeping but for the signals.
 */
#pragma once

#include <linux/kvm.h>
#include "core/spinlock.h"
#include "kvm/event.h"

/* Where a write goes; the third is s390's, on which an ioeventfd can be made and waits in vain. */
enum iobus_kind { IOBUS_MMIO, IOBUS_PIO, IOBUS_CCW, IOBUS_KINDS };

/* As in Linux: devices of a VM on one bus, ioeventfds not counted. */
#define IOBUS_MAX_ZONES 1000u
/* Ioeventfds of a VM. */
#define IOBUS_MAX_EVENTS 4096u

struct iobus {
	struct spinlock lock;   /* rank 4: guards all of this */
	u32 users[IOBUS_KINDS]; /* how many there are of both; read without the lock */
	u32 zones[IOBUS_KINDS];
	u32 events;
	struct ioeventfd **table; /* by hash of the address; NULL: none yet */
	struct zone *zone;
	/* The page for the coalesced writes, the control guest's; NULL: not named yet. */
	struct kvm_coalesced_mmio_ring *ring;
};

/* Could a write there be taken? */
static inline bool iobus_takes(const struct iobus *b, enum iobus_kind kind)
{
	return READ_ONCE(b->users[kind]) != 0;
}

/* What the @len bytes (1 to 8) of a write make of the eight bytes that hold them. */
static inline u64 iobus_value(u64 bytes, u32 len)
{
	return bytes & ~0ull >> (64 - 8 * len);
}

/* A guest writes @len bytes, which are iobus_value().  False: nobody takes it. */
bool iobus_write(struct iobus *b, enum iobus_kind kind, u64 addr, u32 len, u64 value);

/* The VM goes. */
void iobus_release(struct iobus *b);

/* --- ioeventfd.c --- */

/* Can that be assigned?  0, or -EINVAL: length, flags, or a range that wraps. */
int ioeventfd_check(const struct kvm_ioeventfd *arg) __must_check;

/*
 * KVM_IOEVENTFD, with @e for its fd; checked.  0.  To assign: -EEXIST: another could take the
 * same write; -ENOSPC: there are IOBUS_MAX_EVENTS; -ENOMEM.  To deassign: -ENOENT.
 */
int ioeventfd_change(struct iobus *b, const struct kvm_ioeventfd *arg,
		     struct event *e) __must_check;
/* Locked. */
bool ioeventfd_write(struct iobus *b, enum iobus_kind kind, u64 addr, u32 len, u64 value);
void ioeventfd_release_all(struct iobus *b);

/* --- coalesced.c --- */

/* KVM_REGISTER_COALESCED_MMIO.  @devices: others of the VM that are on its bus.  0; -EINVAL:
 * pio; -ENOSPC; -ENOMEM. */
int coalesced_register(struct iobus *b, const struct kvm_coalesced_mmio_zone *z,
		       u32 devices) __must_check;
/* KVM_UNREGISTER_COALESCED_MMIO: all zones that hold all of @z, if any.  0; -EINVAL: pio. */
int coalesced_unregister(struct iobus *b, const struct kvm_coalesced_mmio_zone *z) __must_check;
/* Locked. */
bool coalesced_write(struct iobus *b, enum iobus_kind kind, u64 addr, u32 len, u64 value);
void coalesced_release_all(struct iobus *b);
