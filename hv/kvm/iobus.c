/* SPDX-License-Identifier: MIT */
/* Writes that are taken here: see iobus.h. */
#include "kvm/iobus.h"

/* Out of line: most writes have nobody here. */
__attribute__((noinline)) bool iobus_write(struct iobus *b, enum iobus_kind kind, u64 addr, u32 len,
					   u64 value)
{
	bool taken;

	spin_lock(&b->lock);
	taken = ioeventfd_write(b, kind, addr, len, value) ||
		coalesced_write(b, kind, addr, len, value);
	spin_unlock(&b->lock);
	return taken;
}

void iobus_release(struct iobus *b)
{
	ioeventfd_release_all(b);
	coalesced_release_all(b);
}
