/* SPDX-License-Identifier: MIT */
/*
 * Addresses, a type for each space, so that mixing them does not compile:
 * hpa_t is the machine's physical memory, gpa_t a guest's physical memory, gva_t
 * a guest's linear address.  A host virtual address is an ordinary pointer.
 * For the control guest alone, gpa and hpa are the same number, and
 * cg_identity() says so where that is used.
 */
#pragma once

#include "lib/types.h"

typedef struct {
	u64 v;
} hpa_t;
typedef struct {
	u64 v;
} gpa_t;
typedef struct {
	u64 v;
} gva_t;

static inline hpa_t hpa(u64 v)
{
	return (hpa_t){v};
}
static inline gpa_t gpa(u64 v)
{
	return (gpa_t){v};
}
static inline gva_t gva(u64 v)
{
	return (gva_t){v};
}

/* The control guest is identity-mapped (docs/architecture.md). */
static inline hpa_t cg_identity(gpa_t a)
{
	return hpa(a.v);
}
