/* SPDX-License-Identifier: MIT */
/*
 * What the files check*.c share: the state of one check of the current VMCS, and the
 * rules that host and guest have in common.
 */
#pragma once

#include "core/log.h"
#include "vmx/caps.h"
#include "vmx/vcpu.h"

enum control_word { WORD_PIN, WORD_CPU, WORD_CPU2, WORD_EXIT, WORD_ENTRY, WORD_COUNT };

struct check {
	u32 phys_bits, linear_bits; /* of addresses (CPUID 80000008H:EAX); the caller's */
	u32 failures;
	u32 word[WORD_COUNT]; /* control fields of the VMCS; cpu2 0 if it is not used */
	u32 event;            /* VM-entry interruption information, 0 if not valid */
};

/* One rule: if it does not hold, count that and log the rest, a format and values. */
#define RULE(c, holds, ...)                                                                        \
	do {                                                                                       \
		if (!(holds)) {                                                                    \
			log_error("vmx", __VA_ARGS__);                                             \
			(c)->failures++;                                                           \
		}                                                                                  \
	} while (0)

static inline bool check_has(const struct check *c, enum control_word word, u64 bit)
{
	return c->word[word] & bit;
}

static inline bool check_canonical(u64 address, u32 bits)
{
	u32 shift = 64 - bits;

	return (u64)((s64)(address << shift) >> shift) == address;
}

/* No bit of @address below @align (a power of two) or beyond the physical width. */
static inline bool check_physical(const struct check *c, u64 address, u64 align)
{
	return !(address & (align - 1)) && !(address >> c->phys_bits);
}

struct check_field {
	u64 field;
	const char *name;
};

/* All @n fields of @f, which are of @who ("host", "guest"), hold canonical addresses. */
void check_all_canonical(struct check *c, const char *who, const struct check_field *f, size_t n,
			 u32 bits);
void check_pat(struct check *c, const char *who, u64 pat);
/* Only bits that EFER has; LMA as @long_mode; LME as LMA unless paging is off. */
void check_efer(struct check *c, const char *who, u64 efer, bool long_mode, bool paging);
void check_cet(struct check *c, const char *who, u64 s_cet, u64 ssp);

/* The rules, by the section of SDM vol. 3, chapter VM Entries, that has them. */
void check_controls(struct check *c); /* "Checks on VMX Controls" */
void check_event(struct check *c);    /* "VM-Entry Control Fields", event injection */
void check_host(struct check *c);     /* "Checks on Host ..." */
void check_guest(struct check *c);    /* "Checks on the Guest State Area" */
void check_segments(struct check *c); /* "Checks on Guest Segment Registers" */

/* vmx_check_vmcs() for a CPU with the address widths in @c, the rest of which is 0. */
bool check_vmcs(struct check *c);
