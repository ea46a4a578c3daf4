/* SPDX-License-Identifier: MIT */
/* kvm0's log; see core/log.h. */
#include <stdarg.h>

#include "core/console.h"
#include "core/log.h"
#include "core/seizable.h"
#include "cpu/cache.h"
#include "lib/printf.h"
#include "lib/string.h"

#define LINE_MAX 256u

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

/* Guards the ring.  Rank: last, a leaf. */
static struct seizable log_lock;

#define AREA_MAGIC  0x31474f4c306d766bull /* "kvm0LOG1" */
#define AREA_HEADER 64u
#define RING_SIZE   (LOG_AREA_SIZE - AREA_HEADER)

/* As it lies in memory for the next boot to find. */
struct area {
	u64 magic;
	u64 written; /* bytes ever */
	u64 sum;     /* of each byte of the ring times its place, counted from 1 */
	u64 check;   /* of the three above */
	u8 reserved[AREA_HEADER - 4 * sizeof(u64)];
	char bytes[RING_SIZE];
};
_Static_assert(sizeof(struct area) == LOG_AREA_SIZE, "the log's area");

/* The ring until log_keep(), and then the one of the run before. */
static struct area first;
static struct area *log_ring = &first;

static u64 area_check(const struct area *a)
{
	return ~(a->magic + 3 * a->written + 5 * a->sum);
}

static bool area_is_sound(const struct area *a)
{
	u64 sum = 0;

	if (a->magic != AREA_MAGIC || a->check != area_check(a))
		return false;
	for (u64 i = 0; i < RING_SIZE; i++)
		sum += (u8)a->bytes[i] * (i + 1);
	return sum == a->sum;
}

/* A line is in the ring all at once: @n bytes, LINE_MAX at most.  And in memory, not only in a
 * cache that a reset forgets. */
static void ring_write(const char *text, size_t n)
{
	struct area *a = log_ring;
	u64 at = a->written % RING_SIZE, sum = a->sum;

	for (size_t i = 0; i < n; i++) {
		u64 place = (at + i) % RING_SIZE;

		sum += ((u64)(u8)text[i] - (u8)a->bytes[place]) * (place + 1);
		a->bytes[place] = text[i];
	}
	a->sum = sum;
	__atomic_store_n(&a->written, a->written + n, __ATOMIC_RELAXED);
	a->check = area_check(a);
	cache_flush(a->bytes + at, MIN(n, RING_SIZE - at));
	if (at + n > RING_SIZE)
		cache_flush(a->bytes, at + n - RING_SIZE);
	cache_flush(a, AREA_HEADER);
}

/* The newline that printf_vformat() may have left no room for. */
static size_t end_line(char *line, size_t n)
{
	n = MIN(n, LINE_MAX - 2);
	line[n++] = '\n';
	return n;
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

	if (!seizable_enter(&log_lock))
		return;
	ring_write(line, end_line(line, n));
	seizable_leave(&log_lock);
	console_show_log(level == LOG_ERROR);
}

void log_seize(void)
{
	if (seizable_is_seized(&log_lock))
		return;
	(void)seizable_seize(&log_lock);
	console_seize();
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
	n = end_line(line, n);
	ring_write(line, n);
	console_emergency(line, n);
}

u64 log_end(void)
{
	return __atomic_load_n(&log_ring->written, __ATOMIC_RELAXED);
}

static size_t area_read(const struct area *a, char *buf, size_t size, u64 *pos)
{
	u64 oldest = a->written > RING_SIZE ? a->written - RING_SIZE : 0, at = MAX(*pos, oldest);
	size_t n = 0;

	for (; n < size && at < a->written; n++, at++)
		buf[n] = a->bytes[at % RING_SIZE];
	*pos = at;
	return n;
}

size_t log_read(char *buf, size_t size, u64 *pos)
{
	size_t n;

	if (!seizable_enter(&log_lock))
		return 0;
	n = area_read(log_ring, buf, size, pos);
	seizable_leave(&log_lock);
	return n;
}

size_t log_read_before(char *buf, size_t size, u64 *pos)
{
	return log_ring == &first ? 0 : area_read(&first, buf, size, pos);
}

void log_keep(void *memory)
{
	struct area *kept = memory;
	bool sound = area_is_sound(kept);
	u64 *a = memory, *b = (u64 *)(void *)&first;

	first.magic = AREA_MAGIC;
	for (u32 i = 0; i < LOG_AREA_SIZE / sizeof(u64); i++) {
		u64 word = a[i];

		a[i] = b[i];
		b[i] = word;
	}
	kept->check = area_check(kept);
	cache_flush(kept, LOG_AREA_SIZE);
	log_ring = kept;
	if (!sound)
		first.written = 0;
	else
		log_info("log", "the log of the run before is there, %llu bytes: `log before`",
			 MIN(first.written, RING_SIZE));
}
