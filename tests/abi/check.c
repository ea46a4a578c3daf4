/* SPDX-License-Identifier: MIT */
/* The tests' report: see check.h.  Called by the main programs and by every test. */
#include <stdarg.h>
#include "tests/abi/check.h"
#include "tests/abi/record.h"

#define MAX_HANDLES 4096

/* A test's time. */
#define TEST_MS 10000

static struct {
	struct check_counts counts;
	enum check_style style;
	const struct test *test; /* the one that runs */
	void *env[5];            /* where the end of a test goes on: __builtin_setjmp */
	u8 *memory;
	u64 memory_size, memory_used;
	int handles[MAX_HANDLES];
	u32 handle_count;
} state;

const char *check_name(void)
{
	return state.test->name;
}

const void *check_arg(void)
{
	return state.test->arg;
}

static void close_all(void)
{
	while (state.handle_count)
		t_close(state.handles[--state.handle_count]);
}

int check_handle(const char *file, int line, const char *what, long handle)
{
	if (handle < 0)
		check_fail(file, line, "%s: %ld", what, handle);
	if (state.handle_count == MAX_HANDLES)
		check_fail(file, line, "%s: too many handles for one test", what);
	state.handles[state.handle_count++] = (int)handle;
	return (int)handle;
}

void check_close(int handle)
{
	for (u32 i = 0; i < state.handle_count; i++) {
		if (state.handles[i] != handle)
			continue;
		for (u32 j = i + 1; j < state.handle_count; j++)
			state.handles[j - 1] = state.handles[j];
		state.handle_count--;
		CHECK_RESULT(t_close(handle), 0);
		return;
	}
	check_fail(__FILE__, __LINE__, "handle %d is not open", handle);
}

void *check_pages(u64 size)
{
	u64 at = ALIGN_UP(state.memory_used, size >= SIZE_2M ? SIZE_2M : PAGE_SIZE);

	size = ALIGN_UP(size, PAGE_SIZE);
	if (at + size > state.memory_size)
		check_fail(__FILE__, __LINE__, "no memory for a test: %llu bytes", size);
	state.memory_used = at + size;
	memset(state.memory + at, 0, size);
	return state.memory + at;
}

static void __noreturn leave(void)
{
	__builtin_longjmp(state.env, 1);
}

void check_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	t_printf(state.style == CHECK_TESTS ? "not ok %s: %s:%d: " : "%s FAILED at %s:%d: ",
		 check_name(), file, line);
	va_start(args, format);
	t_vprintf(format, args);
	va_end(args);
	t_printf("\n");
	state.counts.failed++;
	leave();
}

void check_skip(const char *format, ...)
{
	va_list args;

	t_printf(state.style == CHECK_TESTS ? "skip %s: " : "# %s skipped: ", check_name());
	va_start(args, format);
	t_vprintf(format, args);
	va_end(args);
	t_printf("\n");
	state.counts.skipped++;
	leave();
}

void check_equal(const char *file, int line, const char *what, u64 got, u64 want)
{
	if (got != want)
		check_fail(file, line, "%s is 0x%llx, not 0x%llx", what, got, want);
}

void check_result(const char *file, int line, const char *what, long got, long want)
{
	if (got != want)
		check_fail(file, line, "%s gives %ld, not %ld", what, got, want);
}

/* Not inlined: the place that __builtin_longjmp returns to must be in a function of its own. */
static void __attribute__((noinline)) run_test(const struct test *test)
{
	u32 passed = state.counts.passed;

	state.test = test;
	state.memory_used = 0;
	t_start_watchdog(TEST_MS);
	if (__builtin_setjmp(state.env) == 0) {
		test->run();
		if (state.style == CHECK_TESTS)
			t_printf("ok %s\n", test->name);
		state.counts.passed++;
	}
	close_all();
	record_test_ended(state.counts.passed > passed);
}

struct check_counts check_run(const struct suite *const *suites, u32 count, u64 memory,
			      enum check_style style)
{
	state.style = style;
	state.memory = t_alloc(memory);
	state.memory_size = state.memory ? memory : 0;
	for (u32 i = 0; i < count; i++) {
		t_printf("# %s\n", suites[i]->name);
		for (u32 j = 0; j < suites[i]->count; j++)
			run_test(&suites[i]->tests[j]);
	}
	return state.counts;
}
