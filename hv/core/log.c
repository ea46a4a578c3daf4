/* SPDX-License-Identifier: MIT */
/* kvm0's log; see core/log.h. */
#include <stdarg.h>

#include "core/console.h"
#include "core/log.h"
#include "core/spinlock.h"
#include "cpu/percpu.h"
#include "lib/printf.h"
#include "lib/string.h"

#define LINE_MAX  256u
#define RING_SIZE (64u * 1024)

#define SEIZE_TRIES 2000000u

enum log_level log_threshold = LOG_INFO;

static const char *const level_words[] = {"error", "warn", "info", "debug", NULL};
static const struct param params[] = {
	{.name = "loglevel",
	 .type = PARAM_ENUM,
	 .value = &log_threshold,
	 .words = level_words,
	 .runtime = true},
	{.name = "console", .type = PARAM_FN, .parse = console_param, .show = console_show_param},
};
const struct param_table log_params = {params, ARRAY_SIZE(params)};
_Static_assert(sizeof(enum log_level) == sizeof(u32), "PARAM_ENUM writes a u32");

/* Guards the ring and the console.  Rank: last, a leaf. */
static struct spinlock log_lock;
static u32 log_seized_by; /* CPU index + 1 once log_seize() has taken it over */

static struct {
	u64 written; /* bytes ever */
	char bytes[RING_SIZE];
} log_ring;

static void ring_write(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		log_ring.bytes[log_ring.written++ % RING_SIZE] = text[i];
}

/* The caller holds the lock or has seized the log. */
static void emit(char *line, size_t n)
{
	if (n > LINE_MAX - 2) /* printf_vformat() left no room for the newline */
		n = LINE_MAX - 2;
	line[n++] = '\n';
	ring_write(line, n);
	console_write(line, n);
}

void log_line(enum log_level level, const char *subsystem, const char *fmt, ...)
{
	char line[LINE_MAX];
	va_list ap;
	size_t n;

	n = printf_format(line, sizeof(line), "kvm0: %s: %s", subsystem,
			  level == LOG_ERROR  ? "error: "
			  : level == LOG_WARN ? "warning: "
					      : "");
	va_start(ap, fmt);
	n += printf_vformat(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);

	if (READ_ONCE(log_seized_by))
		return;
	spin_lock(&log_lock);
	if (!log_seized_by)
		emit(line, n);
	spin_unlock(&log_lock);
}

void log_write_raw(const char *text, size_t n)
{
	u32 owner = READ_ONCE(log_seized_by);

	if (owner && owner != this_cpu()->index + 1)
		return;
	if (!owner)
		spin_lock(&log_lock);
	console_write(text, n);
	if (!owner)
		spin_unlock(&log_lock);
}

void log_seize(void)
{
	u32 tries = 0;

	if (READ_ONCE(log_seized_by))
		return;
	/* Long enough for the holder to finish its line at 9600 baud. */
	while (!spin_trylock(&log_lock) && ++tries < SEIZE_TRIES)
		__builtin_ia32_pause();
	WRITE_ONCE(log_seized_by, this_cpu()->index + 1);
	if (tries == SEIZE_TRIES)
		console_write("\n", 1); /* inside somebody's line */
}

void log_emergency(const char *fmt, ...)
{
	char line[LINE_MAX];
	va_list ap;
	size_t n = printf_format(line, sizeof(line), "kvm0: ");

	va_start(ap, fmt);
	n += printf_vformat(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
	log_seize();
	emit(line, n);
}

size_t log_read(char *buf, size_t size, u64 *pos)
{
	u64 oldest, at = *pos;
	size_t n = 0;

	spin_lock(&log_lock);
	oldest = log_ring.written > RING_SIZE ? log_ring.written - RING_SIZE : 0;
	if (at < oldest)
		at = oldest;
	for (; n < size && at < log_ring.written; n++, at++)
		buf[n] = log_ring.bytes[at % RING_SIZE];
	spin_unlock(&log_lock);
	*pos = at;
	return n;
}
