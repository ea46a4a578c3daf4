/* SPDX-License-Identifier: MIT */
/*
 * The text of orders: how a line is cut into orders, and one order into its words.  Pure; who
 * carries them out is monitor.c.
 */
#pragma once

#include "guest/control/vmm/vm.h"

#define ORDER_MAX   2560u
#define ORDER_WORDS 16u

/* One order, cut up. */
struct order {
	char buffer[ORDER_MAX];
	u32 count; /* words; word[0] is the verb */
	const char *word[ORDER_WORDS];
	const char *rest; /* what follows "--", or NULL */
};

/* The parameters of `run`, by name. */
struct order_run {
	const char *kernel, *initrd; /* module names; initrd NULL: none */
	const char *name;
	const char *cmdline; /* "" if none */
	u32 cpus;            /* 1 to VM_CPUS_MAX */
	u64 mem;             /* bytes, a multiple of 2 MiB; 0: not given */
	bool demand;         /* memory=demand */
	bool later;          /* pages=later */
};

/*
 * Cuts the first order off *text (orders are separated by ';' outside double quotes) and
 * splits it.  *text moves on, to NULL after the last one.  0; -E2BIG with why[] if it has
 * too many characters or words.  An empty order has no words.
 */
int order_next(struct order *order, const char **text, char *why, u64 why_size) __must_check;

/* Reads `run`.  0, or -EINVAL with why[] a sentence. */
int order_parse_run(const struct order *order, struct order_run *run, char *why,
		    u64 why_size) __must_check;

/*
 * Reads an order of the form VERB [SUBJECT] [KEY=VALUE] with the one key that it has (NULL: none).
 * What is not there is NULL.  0, or -EINVAL with why[] a sentence.
 */
int order_parse_one(const struct order *order, const char *key, const char **subject,
		    const char **value, char *why, u64 why_size) __must_check;

/* "256M", "1G", "65536K".  0 or -EINVAL. */
int order_parse_size(const char *text, u64 *bytes) __must_check;
/* Decimal number.  0 or -EINVAL. */
int order_parse_number(const char *text, u32 *number) __must_check;
