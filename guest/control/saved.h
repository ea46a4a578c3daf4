/* SPDX-License-Identifier: MIT */
/* The saved VMs that there are, by name.  Called by the orders. */
#pragma once

#include "guest/control/guests.h"

#define SAVED_MAX 4u

/*
 * Saves a VM, which goes on.  One of the same name is replaced.  0, or -errno with why[] a
 * sentence and all as it was.
 */
int saved_save(struct guest *g, const char *name, char *why, u64 why_size) __must_check;
/* The one with this name, or NULL. */
const struct snapshot *saved_find(const char *name);
/* Forgets one.  False if there is none of this name. */
bool saved_forget(const char *name);
/* Says which there are. */
void saved_list(void);
