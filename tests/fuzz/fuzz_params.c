/* SPDX-License-Identifier: MIT */
/* A command line: parameters stay within their limits whatever it says. */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/params.h"

static bool flag;
static u32 number, choice;
static u64 size_value;
static const char *const words[] = {"low", "middle", "high", NULL};

static int take(const char *value)
{
	return strlen(value) % 2 ? -EINVAL : 0;
}

static const struct param params[] = {
	{.name = "a_flag", .type = PARAM_BOOL, .value = &flag},
	{.name = "number", .type = PARAM_UINT, .value = &number, .min = 1, .max = 64},
	{.name = "size", .type = PARAM_SIZE, .value = &size_value, .min = 4096, .max = 1 << 30},
	{.name = "choice", .type = PARAM_ENUM, .value = &choice, .words = words},
	{.name = "fn", .type = PARAM_FN, .parse = take},
};

static u32 good(u32 which, u8 *buf)
{
	static const char *const lines[] = {
		"a_flag=1 number=0x10 size=3M choice=high fn=ab",
		"a-flag number=64 size=0x100000  size=1G\tchoice=low",
		"fn= a_flag=off unknown=1 =2 number",
	};

	memcpy(buf, lines[which], strlen(lines[which]));
	return (u32)strlen(lines[which]);
}

static bool run(const u8 *data, u32 size)
{
	const struct param_table tables[] = {{params, 2}, {params + 2, 3}};
	char *line = malloc((size_t)size + 1);
	u32 bad;

	if (!line)
		abort();
	memcpy(line, data, size);
	line[size] = 0;
	number = 5;
	choice = 1;
	size_value = 8192;
	bad = params_parse(line, tables, ARRAY_SIZE(tables));
	free(line);
	if (number < 1 || number > 64 || choice > 2 || size_value < 4096 || size_value > 1 << 30 ||
	    bad > size)
		abort();
	return bad == 0;
}

const struct fuzz_target fuzz_params = {"params", good, 3, NULL, run};
