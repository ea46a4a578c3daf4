/* SPDX-License-Identifier: MIT */
/*
 * Parameters on kvm0's command line, "name=value name=value...".  Each layer that has
 * some owns a table of them; hv/main.c hands all tables over.
 */
#pragma once

#include "lib/types.h"

enum param_type {
	PARAM_BOOL, /* bool: 0 1 n y N Y off on; the bare name means 1 */
	PARAM_UINT, /* u32: decimal, or hexadecimal after 0x */
	PARAM_SIZE, /* u64: the same with an optional suffix K, M or G */
	PARAM_ENUM, /* u32: the index of the word in words[] */
	PARAM_FN,   /* parse() judges the value */
};

struct param {
	const char *name; /* '-' and '_' are the same in it, as for kernel modules */
	enum param_type type;
	void *value;                           /* to the type named above; unused for PARAM_FN */
	u64 min, max;                          /* PARAM_UINT, PARAM_SIZE; max 0: no limits */
	const char *const *words;              /* PARAM_ENUM; ended by NULL */
	int (*parse)(const char *value);       /* PARAM_FN; 0 or -EINVAL */
	void (*show)(char *text, size_t size); /* PARAM_FN */
	bool runtime;    /* can be changed while guests run: whoever uses it reads it once */
	const char *why; /* it has the value that it has, and no other: the reason */
};

struct param_table {
	const struct param *param;
	u32 count;
};

/*
 * Set what @cmdline says.  Each unknown name and each bad value costs one line
 * that names it, and is ignored.  Returns how many there were.
 */
u32 params_parse(const char *cmdline, const struct param_table *tables, u32 table_count);

/*
 * One parameter: 0; or nothing has changed, and -ENOENT: no such name; -EINVAL: bad value;
 * -EOPNOTSUPP: kvm0 has no other than the value that it has.
 */
int params_set(const struct param_table *tables, u32 table_count, const char *name,
	       const char *value);

/* --- at run time --- */

#define PARAM_TEXT_MAX 40u

/* From now on the parameters are those of @tables, which stay. */
void params_publish(const struct param_table *tables, u32 table_count);

/* Parameter number @n of all, or NULL: there are no more; the one with that name, or NULL. */
const struct param *params_at(u64 n);
const struct param *params_find(const char *name);
/* Its value, as it is written on the command line. */
void params_show(const struct param *p, char text[PARAM_TEXT_MAX]);
/* As params_set(); -EPERM: it is not one to be changed at run time. */
int params_change(const char *name, const char *value);

/* Parse all of @text as PARAM_SIZE does, or as PARAM_UINT but of 64 bits.  0, -EINVAL. */
int params_size(const char *text, u64 *out);
int params_number(const char *text, u64 *out) __must_check;
/* The same as PARAM_BOOL does. */
int params_bool(const char *text, bool *out) __must_check;
