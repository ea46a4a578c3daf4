/* SPDX-License-Identifier: MIT */
/*
 * The fake core of the unit tests; see fake.h.  Everything that kvm0 itself
 * defines is weak here.
 */
#include "fake.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/page.h"
#include "core/panic.h"
#include "core/trace.h"
#include "cpu/io.h"

#define WEAK __attribute__((weak))

char fake_panic_text[256];
char fake_log_text[256];
unsigned fake_log_count;
unsigned fake_pages_live;
unsigned fake_objects_live;
int fake_alloc_limit = -1;

WEAK u32 trace_mask;

WEAK void trace_write(u32 type, u32 vm, u32 vcpu, u32 what, u64 a, u64 b, u64 c, u64 d)
{
	(void)type, (void)vm, (void)vcpu, (void)what, (void)a, (void)b, (void)c, (void)d;
}

WEAK enum log_level log_threshold = LOG_DEBUG;

int fake_reset(void **state)
{
	(void)state;
	fake_panic_text[0] = fake_log_text[0] = 0;
	fake_log_count = fake_pages_live = fake_objects_live = 0;
	fake_alloc_limit = -1;
	return 0;
}

int fake_check_leaks(void **state)
{
	(void)state;
	if (fake_pages_live || fake_objects_live) {
		print_error("not given back: %u pages, %u objects\n", fake_pages_live,
			    fake_objects_live);
		return -1;
	}
	return 0;
}

WEAK void log_line(enum log_level level, const char *subsystem, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(fake_log_text, sizeof(fake_log_text), "%s: ", subsystem);

	(void)level;
	va_start(ap, fmt);
	if (n > 0 && (size_t)n < sizeof(fake_log_text))
		vsnprintf(fake_log_text + n, sizeof(fake_log_text) - (size_t)n, fmt, ap);
	va_end(ap);
	fake_log_count++;
}

/* Ends the test, or the expect_assert_failure() that waits for it. */
static __noreturn void stop(const char *what)
{
	mock_assert(0, fake_panic_text, what, 0);
	abort();
}

WEAK __noreturn void panic_at(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	(void)file;
	(void)line;
	va_start(ap, fmt);
	vsnprintf(fake_panic_text, sizeof(fake_panic_text), fmt, ap);
	va_end(ap);
	stop("panic");
}

WEAK __noreturn void refuse(const char *cause, const char *remedy_fmt, ...)
{
	va_list ap;
	int n = snprintf(fake_panic_text, sizeof(fake_panic_text), "cannot start: %s; ", cause);

	va_start(ap, remedy_fmt);
	if (n > 0 && (size_t)n < sizeof(fake_panic_text))
		vsnprintf(fake_panic_text + n, sizeof(fake_panic_text) - (size_t)n, remedy_fmt, ap);
	va_end(ap);
	stop("refuse");
}

WEAK u8 io_in8(u16 port)
{
	(void)port;
	return 0xff;
}

WEAK void io_out8(u16 port, u8 v)
{
	(void)port;
	(void)v;
}

static void *zeroed(size_t align, size_t size, unsigned *live)
{
	size_t whole = ALIGN_UP(size, align);
	void *p;

	if (fake_alloc_limit == 0)
		return NULL;
	if (fake_alloc_limit > 0)
		fake_alloc_limit--;
	p = aligned_alloc(align, whole);
	if (!p)
		return NULL;
	(*live)++;
	return memset(p, 0, whole);
}

WEAK void *page_alloc(void)
{
	return zeroed(PAGE_SIZE, PAGE_SIZE, &fake_pages_live);
}

WEAK void *page_alloc_order(unsigned order)
{
	return zeroed(PAGE_SIZE << order, PAGE_SIZE << order, &fake_pages_live);
}

WEAK bool page_room(void)
{
	return true;
}

WEAK bool page_room_for(u64 pages)
{
	(void)pages;
	return true;
}

WEAK void page_free(void *page)
{
	if (page)
		fake_pages_live--;
	free(page);
}

WEAK void page_free_order(void *pages, unsigned order)
{
	(void)order;
	page_free(pages);
}

WEAK void *object_alloc(size_t size)
{
	return zeroed(64, size, &fake_objects_live);
}

WEAK void object_free(void *object, size_t size)
{
	(void)size;
	if (object)
		fake_objects_live--;
	free(object);
}
