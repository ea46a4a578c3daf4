/* SPDX-License-Identifier: MIT */
/* Parameters on the command line; see core/params.h. */
#include <linux/errno.h>

#include "core/log.h"
#include "core/params.h"
#include "lib/printf.h"
#include "lib/string.h"

#define WORD_MAX 128u

static int digit(char c, unsigned base)
{
	int v = c >= '0' && c <= '9'   ? c - '0'
		: c >= 'a' && c <= 'f' ? c - 'a' + 10
		: c >= 'A' && c <= 'F' ? c - 'A' + 10
				       : 99;

	return v < (int)base ? v : -1;
}

/* The number that @text starts with; *@rest is what follows.  -EINVAL: none, or it
 * does not fit in 64 bits. */
static int number(const char *text, u64 *out, const char **rest)
{
	unsigned base = 10;
	u64 v = 0;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	if (digit(*text, base) < 0)
		return -EINVAL;
	for (; digit(*text, base) >= 0; text++)
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, (u64)digit(*text, base), &v))
			return -EINVAL;
	*out = v;
	*rest = text;
	return 0;
}

int params_number(const char *text, u64 *out)
{
	const char *rest;
	int err = number(text, out, &rest);

	return err || *rest ? -EINVAL : 0;
}

int params_size(const char *text, u64 *out)
{
	const char *rest;
	unsigned shift = 0;
	u64 v;

	if (number(text, &v, &rest))
		return -EINVAL;
	switch (*rest) {
	case 'K':
	case 'k':
		shift = 10;
		break;
	case 'M':
	case 'm':
		shift = 20;
		break;
	case 'G':
	case 'g':
		shift = 30;
		break;
	}
	if (rest[shift ? 1 : 0] || v > UINT64_MAX >> shift)
		return -EINVAL;
	*out = v << shift;
	return 0;
}

int params_bool(const char *text, bool *out)
{
	static const char *const no[] = {"0", "n", "N", "off"}, *const yes[] = {"1", "y", "Y",
										"on"};

	for (u32 i = 0; i < ARRAY_SIZE(no); i++) {
		if (!strcmp(text, no[i]) || !strcmp(text, yes[i])) {
			*out = !strcmp(text, yes[i]);
			return 0;
		}
	}
	return -EINVAL;
}

static int set_enum(u32 *to, const char *const *words, const char *value)
{
	for (u32 i = 0; words[i]; i++) {
		if (!strcmp(value, words[i])) {
			*to = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_number(const struct param *p, const char *value)
{
	u64 v;
	int err = p->type == PARAM_SIZE ? params_size(value, &v) : params_number(value, &v);

	if (err || (p->max && (v < p->min || v > p->max)))
		return -EINVAL;
	if (p->type == PARAM_SIZE)
		*(u64 *)p->value = v;
	else if (v > UINT32_MAX)
		return -EINVAL;
	else
		*(u32 *)p->value = (u32)v;
	return 0;
}

static int parse_value(const struct param *p, const char *value)
{
	if (!value)
		value = p->type == PARAM_BOOL ? "1" : "";
	switch (p->type) {
	case PARAM_BOOL:
		return params_bool(value, p->value);
	case PARAM_ENUM:
		return set_enum(p->value, p->words, value);
	case PARAM_FN:
		return p->parse(value);
	default:
		return set_number(p, value);
	}
}

static size_t value_size(enum param_type type)
{
	return type == PARAM_BOOL ? sizeof(bool) : type == PARAM_SIZE ? sizeof(u64) : sizeof(u32);
}

/* One that cannot change takes its own value. */
static int set_value(const struct param *p, const char *value)
{
	struct param copy = *p;
	u64 wanted = 0;
	int err;

	if (!p->why)
		return parse_value(p, value);
	copy.value = &wanted;
	err = parse_value(&copy, value);
	if (!err && memcmp(&wanted, p->value, value_size(p->type)))
		err = -EOPNOTSUPP;
	return err;
}

static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
			return false;
	return *a == *b;
}

static const struct param *find(const struct param_table *tables, u32 table_count, const char *name)
{
	for (u32 t = 0; t < table_count; t++)
		for (u32 i = 0; i < tables[t].count; i++)
			if (same_name(tables[t].param[i].name, name))
				return &tables[t].param[i];
	return NULL;
}

int params_set(const struct param_table *tables, u32 table_count, const char *name,
	       const char *value)
{
	const struct param *p = find(tables, table_count, name);

	return p ? set_value(p, value) : -ENOENT;
}

/* What params_publish() was given. */
static struct {
	const struct param_table *tables;
	u32 count;
} published;

void params_publish(const struct param_table *tables, u32 table_count)
{
	published.tables = tables;
	published.count = table_count;
}

const struct param *params_at(u64 n)
{
	for (u32 t = 0; t < published.count; n -= published.tables[t++].count)
		if (n < published.tables[t].count)
			return &published.tables[t].param[n];
	return NULL;
}

const struct param *params_find(const char *name)
{
	return find(published.tables, published.count, name);
}

int params_change(const char *name, const char *value)
{
	const struct param *p = params_find(name);

	if (!p)
		return -ENOENT;
	if (!p->runtime && !p->why)
		return -EPERM;
	return set_value(p, value);
}

void params_show(const struct param *p, char text[PARAM_TEXT_MAX])
{
	switch (p->type) {
	case PARAM_BOOL:
		printf_format(text, PARAM_TEXT_MAX, "%c", *(const bool *)p->value ? 'Y' : 'N');
		break;
	case PARAM_UINT:
		printf_format(text, PARAM_TEXT_MAX, "%u", *(const u32 *)p->value);
		break;
	case PARAM_SIZE:
		printf_format(text, PARAM_TEXT_MAX, "%llu", *(const u64 *)p->value);
		break;
	case PARAM_ENUM:
		printf_format(text, PARAM_TEXT_MAX, "%s", p->words[*(const u32 *)p->value]);
		break;
	case PARAM_FN:
		p->show(text, PARAM_TEXT_MAX);
		break;
	}
}

/* A value that was refused costs one line. */
static void report(const struct param_table *tables, u32 table_count, const char *name,
		   const char *value, int err)
{
	const struct param *p = find(tables, table_count, name);
	char now[PARAM_TEXT_MAX];

	if (err == -EOPNOTSUPP) {
		params_show(p, now);
		log_error("params", "parameter '%s' stays %s: %s", name, now, p->why);
	} else if (p) {
		log_error("params", "bad value '%s' for parameter '%s' ignored", value, name);
	} else {
		log_error("params", "unknown parameter '%s' ignored", name);
	}
}

/* "name" or "name=value", which is taken apart. */
static u32 set_word(const struct param_table *tables, u32 table_count, char *word)
{
	char *value = NULL;
	int err;

	for (char *c = word; *c && !value; c++) {
		if (*c == '=') {
			*c = 0;
			value = c + 1;
		}
	}
	err = params_set(tables, table_count, word, value);
	if (err)
		report(tables, table_count, word, value ? value : "", err);
	return err ? 1 : 0;
}

u32 params_parse(const char *cmdline, const struct param_table *tables, u32 table_count)
{
	u32 bad = 0;

	for (;;) {
		char word[WORD_MAX];
		size_t n = 0;

		while (*cmdline == ' ' || *cmdline == '\t')
			cmdline++;
		if (!*cmdline)
			return bad;
		while (cmdline[n] && cmdline[n] != ' ' && cmdline[n] != '\t')
			n++;
		if (n >= WORD_MAX) {
			log_error("params", "parameter '%.32s...' is too long and ignored",
				  cmdline);
			bad++;
		} else {
			memcpy(word, cmdline, n);
			word[n] = 0;
			bad += set_word(tables, table_count, word);
		}
		cmdline += n;
	}
}
