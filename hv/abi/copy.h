/* SPDX-License-Identifier: MIT */
/*
 * Memory of the control guest that a hypercall names.  Every address is checked
 * against the control guest's own map first; a structure is copied once, and only
 * the copy is looked at.
 */
#pragma once

#include "lib/addr.h"

/* 0, or -EFAULT: not all of it is the control guest's RAM. */
int copy_in(void *to, u64 from, size_t size) __must_check;
int copy_out(u64 to, const void *from, size_t size) __must_check;

/*
 * The @size bytes at @address, checked: for lists that would be long to copy.  What is in them may
 * change at any time, so each entry is copied once, and only that copy is looked at.  NULL: not all
 * of it is the control guest's RAM.
 */
void *copy_span(u64 address, size_t size) __must_check;

/* Would both be possible?  For what is copied piece by piece. */
bool copy_possible(u64 address, size_t size) __must_check;

/* The page at @address, to keep; NULL if it is not the control guest's RAM. */
void *copy_page(u64 address) __must_check;
