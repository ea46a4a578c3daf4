/* SPDX-License-Identifier: MIT */
/* The text of orders; see order.h. */
#include <linux/errno.h>
#include "guest/control/order.h"
#include "guest/lib/format.h"
#include "guest/lib/string.h"

#define MEM_LEAST (4 * SIZE_1M)
#define MEM_MOST  (256 * SIZE_1G)

/* Length of the first order in text. */
static u32 order_length(const char *text)
{
	bool quoted = false;
	u32 n = 0;

	for (; text[n] && (quoted || text[n] != ';'); n++)
		if (text[n] == '"')
			quoted = !quoted;
	return n;
}

int order_next(struct order *order, const char **text, char *why, u64 why_size)
{
	const char *from = *text;
	u32 length = order_length(from);

	order->count = 0;
	order->rest = NULL;
	*text = from[length] ? from + length + 1 : NULL;
	if (length >= sizeof(order->buffer)) {
		format_text(why, why_size, "an order of %u characters is too long: at most %u",
			    length, ORDER_MAX - 1);
		return -E2BIG;
	}
	memcpy(order->buffer, from, length);
	while (length && order->buffer[length - 1] == ' ')
		length--;
	order->buffer[length] = 0;
	for (char *p = order->buffer; *p;) {
		if (*p == ' ') {
			*p++ = 0;
			continue;
		}
		if (!strncmp(p, "--", 2) && (p[2] == ' ' || !p[2])) {
			for (*p = 0, p += 2; *p == ' ';)
				p++;
			order->rest = p;
			return 0;
		}
		if (order->count == ORDER_WORDS) {
			format_text(why, why_size, "an order has at most %u words", ORDER_WORDS);
			return -E2BIG;
		}
		order->word[order->count++] = p;
		while (*p && *p != ' ')
			p++;
	}
	return 0;
}

int order_parse_number(const char *text, u32 *number)
{
	u64 v = 0;

	for (*number = 0; *text >= '0' && *text <= '9'; text++) {
		v = v * 10 + (u64)(*text - '0');
		if (v > ~0u)
			return -EINVAL;
		*number = (u32)v;
		if (!text[1])
			return 0;
	}
	return -EINVAL;
}

int order_parse_size(const char *text, u64 *bytes)
{
	char digits[12];
	size_t n = strlen(text);
	u32 number;

	if (n < 2 || n > sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, n - 1);
	digits[n - 1] = 0;
	if (order_parse_number(digits, &number))
		return -EINVAL;
	switch (text[n - 1]) {
	case 'k':
	case 'K':
		*bytes = number * 1024ull;
		return 0;
	case 'm':
	case 'M':
		*bytes = number * SIZE_1M;
		return 0;
	case 'g':
	case 'G':
		*bytes = number * SIZE_1G;
		return 0;
	default:
		return -EINVAL;
	}
}

static int parse_mem(struct order_run *run, const char *text, char *why, u64 why_size)
{
	if (order_parse_size(text, &run->mem)) {
		format_text(why, why_size, "bad size '%s': give a number with M or G, as mem=256M",
			    text);
		return -EINVAL;
	}
	if (run->mem < MEM_LEAST || run->mem > MEM_MOST) {
		format_text(why, why_size, "mem=%s is out of range: from %lluM to %lluG", text,
			    MEM_LEAST / SIZE_1M, MEM_MOST / SIZE_1G);
		return -EINVAL;
	}
	run->mem = ALIGN_UP(run->mem, SIZE_2M);
	return 0;
}

static int parse_cpus(struct order_run *run, const char *text, char *why, u64 why_size)
{
	if (!order_parse_number(text, &run->cpus) && run->cpus && run->cpus <= VM_CPUS_MAX)
		return 0;
	format_text(why, why_size, "bad number of CPUs '%s': from 1 to %u, as cpus=2", text,
		    VM_CPUS_MAX);
	return -EINVAL;
}

/* The value of a word "key=value", or NULL for another word. */
static const char *value_of(const char *word, const char *key)
{
	size_t n = strlen(key);

	return !strncmp(word, key, n) && word[n] == '=' ? word + n + 1 : NULL;
}

/* Whether what was given goes together.  0, or -EINVAL with why[]. */
static int check_run(const struct order_run *run, char *why, u64 why_size)
{
	if (!run->kernel) {
		format_text(why, why_size,
			    "which kernel? run KERNEL [initrd=MODULE] [cpus=N] [mem=SIZE] "
			    "[memory=demand] [pages=later] [name=NAME] [-- command line]; "
			    "ls lists the modules");
		return -EINVAL;
	}
	if (run->later && !run->demand) {
		format_text(why, why_size, "pages=later goes with memory=demand");
		return -EINVAL;
	}
	if (strlen(run->cmdline) >= LINUX_CMDLINE_MAX) {
		format_text(why, why_size,
			    "the kernel's command line is too long: at most %u bytes",
			    LINUX_CMDLINE_MAX - 1);
		return -EINVAL;
	}
	return 0;
}

int order_parse_run(const struct order *order, struct order_run *run, char *why, u64 why_size)
{
	int err = 0;

	*run = (struct order_run){.cmdline = order->rest ? order->rest : "", .cpus = 1};
	for (u32 i = 1; i < order->count && !err; i++) {
		const char *word = order->word[i], *value;
		if ((value = value_of(word, "initrd")) && *value) {
			run->initrd = value;
		} else if ((value = value_of(word, "name")) && *value) {
			run->name = value;
		} else if ((value = value_of(word, "mem"))) {
			err = parse_mem(run, value, why, why_size);
		} else if ((value = value_of(word, "cpus"))) {
			err = parse_cpus(run, value, why, why_size);
		} else if (!strcmp(word, "memory=demand")) {
			run->demand = true;
		} else if (!strcmp(word, "pages=later")) {
			run->later = true;
		} else if (i == 1 && !strchr(word, '=')) {
			run->kernel = word;
		} else {
			format_text(why, why_size,
				    "unknown parameter '%s': run knows initrd=, cpus=, mem=, "
				    "memory=demand, pages=later, name=, and after -- the kernel's "
				    "command line",
				    word);
			return -EINVAL;
		}
	}
	return err ? err : check_run(run, why, why_size);
}

int order_parse_one(const struct order *order, const char *key, const char **subject,
		    const char **value, char *why, u64 why_size)
{
	*subject = *value = NULL;
	for (u32 i = 1; i < order->count; i++) {
		const char *word = order->word[i], *v = key ? value_of(word, key) : NULL;
		if (v && *v && !*value) {
			*value = v;
		} else if (i == 1 && !strchr(word, '=')) {
			*subject = word;
		} else {
			format_text(why, why_size, "unknown parameter '%s': help shows those of %s",
				    word, order->word[0]);
			return -EINVAL;
		}
	}
	return 0;
}
