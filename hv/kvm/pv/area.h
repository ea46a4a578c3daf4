/* SPDX-License-Identifier: MIT */
/*
 * A piece of a guest's memory that the guest has named by an MSR, to be read and written through
 * the memory slots as they are at that time: it may have gone, or be read-only, by then.
 */
#pragma once

#include "kvm/vcpu.h"

struct pv_area {
	u64 gpa;
	u32 size; /* bytes; 0: there is none */
};

/* What became of an access. */
enum pv_access {
	PV_DONE,
	PV_ABSENT, /* c->wanted says which page the control guest is to supply: then once more */
	PV_NONE,   /* nothing there, or (writes) memory that may not be written to */
};

static inline bool pv_area_is_set(const struct pv_area *area)
{
	return area->size != 0;
}

/*
 * Read or write @len bytes at @offset of an area that is set; at most a page.  A write enters the
 * dirty log.  Up to 8 bytes that are aligned are one access.  What crosses into another page can
 * have been done in part when the result is not PV_DONE.  Outside of guest mode; vm->lock is not
 * held.
 */
enum pv_access pv_area_read(struct vcpu *c, const struct pv_area *area, u32 offset, void *buf,
			    u32 len) __must_check;
enum pv_access pv_area_write(struct vcpu *c, const struct pv_area *area, u32 offset,
			     const void *buf, u32 len) __must_check;

/* The same for what other vCPUs may be reading: the version of 4 bytes at @version_at, @old before,
 * is odd while the rest changes, and even and another one afterwards. */
enum pv_access pv_area_publish(struct vcpu *c, const struct pv_area *area, u32 version_at, u32 old,
			       u32 offset, const void *buf, u32 len) __must_check;
