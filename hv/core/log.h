/* SPDX-License-Identifier: MIT */
/*
 * kvm0's log: one line a call, "kvm0: SUBSYSTEM: text", with a severity, to the
 * console and to a ring that the control guest reads (KVM0_CALL_READ_LOG).  It is in the ring at
 * once, and on the console when that is free (core/console.h); errors at once.
 * Callers give no newline.  Safe on any CPU; not from NMI context.
 */
#pragma once

#include "core/params.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

extern enum log_level log_threshold;        /* set at boot from the parameter loglevel= */
extern const struct param_table log_params; /* loglevel=, console= */

void log_line(enum log_level level, const char *subsystem, const char *fmt, ...) __printf(3, 4);

#define log_at(level, ...)                                                                         \
	do {                                                                                       \
		if ((level) <= log_threshold)                                                      \
			log_line(level, __VA_ARGS__);                                              \
	} while (0)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__) /* (subsystem, fmt, ...) */
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

/* For what a guest can trigger: at most LOG_GUEST_BURST lines a call site. */
#define LOG_GUEST_BURST 10u
#define log_guest(level, ...)                                                                      \
	do {                                                                                       \
		static u32 lines_;                                                                 \
		if ((level) <= log_threshold &&                                                    \
		    __atomic_fetch_add(&lines_, 1, __ATOMIC_RELAXED) < LOG_GUEST_BURST)            \
			log_line(level, __VA_ARGS__);                                              \
	} while (0)

/* Copy from the ring, as KVM0_CALL_READ_LOG has it; @pos is read and advanced.
 * Returns the bytes copied to @buf. */
size_t log_read(char *buf, size_t size, u64 *pos);
/* The position behind the newest line. */
u64 log_end(void);
/* The same as log_read() from the log of the run before, if that is there. */
size_t log_read_before(char *buf, size_t size, u64 *pos);

#define LOG_AREA_SIZE (64u * 1024)
/*
 * From now on the ring is at @memory, LOG_AREA_SIZE bytes that the next boot will find if memory
 * outlives the reset and nobody else has written there, which a checksum tells.  What is there now
 * is the log of the run before, if it is one.  Boot CPU alone, once.
 */
void log_keep(void *memory);

/*
 * For panic() and refuse(): take the log's lock for good, by force if it does not
 * come free in a bounded time.  From then on the log belongs to this CPU alone, and
 * the lines of the others are dropped.
 */
void log_seize(void);

/* A line whatever the threshold, "kvm0: text", after log_seize(). */
void log_emergency(const char *fmt, ...) __printf(1, 2);
