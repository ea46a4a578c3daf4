/* SPDX-License-Identifier: MIT */
/* sources: hv/core/trace_text.c hv/core/params.c hv/lib/printf.c */
/* The trace: rings that wrap and are read while they are written, masks, and what is shown. */
#include "fake.h"

#include <asm/prctl.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/trace.h"
#include "cpu/layout.h"
#include "cpu/percpu.h"
#include "cpu/tsc.h"

#define EVENTS 64u /* of a ring of 4 KiB */

u64 tsc_khz = 1000;
static struct percpu cpu_data[2];
static u64 clock_now;

static u64 fake_rdtsc(void)
{
	return __atomic_add_fetch(&clock_now, 1, __ATOMIC_RELAXED);
}

#define rdtsc fake_rdtsc
#include "core/trace.c"

static void on_cpu(u32 n)
{
	cpu_data[n].self = &cpu_data[n];
	cpu_data[n].index = n;
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu_data[n]))
		fail_msg("ARCH_SET_GS");
}

static const struct param *find(const char *name)
{
	for (u32 i = 0; i < trace_params.count; i++)
		if (!strcmp(trace_params.param[i].name, name))
			return &trace_params.param[i];
	fail_msg("no parameter %s", name);
	return NULL;
}

static int set(const char *name, const char *value)
{
	return params_set(&trace_params, 1, name, value);
}

static void shows(const char *name, const char *value)
{
	char text[PARAM_TEXT_MAX];

	params_show(find(name), text);
	assert_string_equal(text, value);
}

static int setup(void **state)
{
	(void)state;
	on_cpu(0);
	clock_now = 0;
	trace_set_types(0);
	trace_clear();
	return 0;
}

static void write_n(u64 n)
{
	trace_write(KVM0_TRACE_EXIT, 1, 2, (u32)n, n, n + 1, n + 2, n + 3);
}

/* The numbers of the events that are there, from @from on: they are these. */
static void assert_kept(u32 cpu, u64 from, u64 first, u64 count)
{
	struct kvm0_trace_event e;

	for (u64 n = 0; n < count; n++) {
		assert_true(trace_read(cpu, &from, &e));
		assert_int_equal(e.data[0], first + n);
		assert_int_equal(e.data[3], first + n + 3);
		assert_int_equal(e.number, from);
		assert_int_equal(e.cpu, cpu);
		assert_int_equal(e.vm, 1);
		assert_int_equal(e.vcpu, 2);
	}
	assert_false(trace_read(cpu, &from, &e));
}

static void test_wrap(void **state)
{
	u64 before = 0;
	struct kvm0_trace_event e;

	(void)state;
	while (trace_read(0, &before, &e))
		;
	assert_int_equal(trace_count(0), 0);
	for (u64 n = 0; n < EVENTS; n++)
		write_n(n);
	assert_kept(0, before, 0, EVENTS);
	assert_kept(0, before + 10, 10, EVENTS - 10);
	write_n(EVENTS);
	assert_kept(0, 0, 1, EVENTS);
	for (u64 n = EVENTS + 1; n < 5 * EVENTS / 2; n++)
		write_n(n);
	assert_int_equal(trace_count(0), EVENTS);
	assert_kept(0, 0, 3 * EVENTS / 2, EVENTS);
	assert_kept(0, ~0ull, 0, 0);
	trace_clear();
	assert_kept(0, 0, 0, 0);
	write_n(7);
	assert_kept(0, 0, 7, 1);
	assert_int_equal(trace_count(0), 1);
}

/* A CPU without a ring. */
static void test_none(void **state)
{
	(void)state;
	on_cpu(1);
	write_n(1);
	assert_kept(1, 0, 0, 0);
}

static void test_masks(void **state)
{
	u64 at = 0;
	struct kvm0_trace_event e;
	u32 types;

	(void)state;
	assert_int_equal(set("trace", "exit,mmio"), 0);
	assert_int_equal(trace_mask, 1u << KVM0_TRACE_EXIT | 1u << KVM0_TRACE_MMIO);
	shows("trace", "exit,mmio");
	trace(KVM0_TRACE_ENTRY, 1, 0, 0, 0, 0, 0, 0);
	trace(KVM0_TRACE_MMIO, 1, 0, 4, 0xfee00000, 1, 0, 0);
	assert_true(trace_read(0, &at, &e));
	assert_int_equal(e.type, KVM0_TRACE_MMIO);
	assert_false(trace_read(0, &at, &e));
	assert_int_equal(set("exit_ticks", "1"), 0);
	assert_int_equal(set("trace", "all"), 0);
	shows("trace", "all");
	shows("exit_ticks", "Y");
	assert_true(trace_mask & TRACE_EXIT_TICKS);
	assert_int_equal(set("trace", "none"), 0);
	shows("trace", "none");
	assert_int_equal(trace_mask, TRACE_EXIT_TICKS);
	assert_int_equal(set("exit_ticks", "off"), 0);
	shows("exit_ticks", "N");
	assert_int_equal(trace_mask, 0);
	assert_int_equal(set("trace", "0x7ffe"), 0);
	shows("trace", "0x7ffe"); /* the names are too long */
	assert_int_equal(set("trace", "entry,entry"), 0);
	shows("trace", "entry");
	for (u32 i = 0; i < 8; i++) {
		static const char *const bad[] = {"",          "exits",  "exit,", ",exit",
						  "exit mmio", "0x8000", "-1",    "none,nothing"};

		assert_int_equal(set("trace", bad[i]), -EINVAL);
		assert_int_equal(trace_types(bad[i], &types), -EINVAL);
	}
	assert_int_equal(set("exit_ticks", "2"), -EINVAL);
	assert_int_equal(set("exit_ticks", "never"), -EINVAL);
	assert_int_equal(set("exit_ticks", ""), -EINVAL);
	shows("trace", "entry");
}

static char printed[8][TRACE_LINE];
static u32 printed_count;

static void __printf(1, 2) print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(printed[printed_count++ % 8], TRACE_LINE, fmt, ap);
	va_end(ap);
}

static void test_text(void **state)
{
	(void)state;
	clock_now = 12345678 - 1;
	trace_write(KVM0_TRACE_EXIT, 1, 0, 48, 0x181, 0xffffffff81000000, 0, 0);
	trace_write(KVM0_TRACE_EXIT, 1, 0, 0x80000021, 0, 0xfff0, 0, 0);
	trace_write(KVM0_TRACE_PIO, 1, 0, 1 | KVM0_TRACE_WRITE, 0x3f8, 0x41, 0, 0);
	trace_write(KVM0_TRACE_MSR, 1, 0, 0x1b, 0xfee00900, KVM0_TRACE_FAULT, 0, 0);
	trace_write(KVM0_TRACE_TIMER, 1, 0, 0, 12346682, 0, 0, 0);
	trace_write(KVM0_TRACE_HALT, 1, 0, 1, ~0ull, 0, 0, 0);
	trace_write(KVM0_TRACE_SLOT, 1, KVM0_TRACE_NO_VCPU, 3, 0, 0x1000, 0, (u64)-17);
	trace_write(KVM0_TRACE_IOCTL, 0, 0, 0xae80, 2, 0, 0, 0);
	printed_count = 0;
	trace_print_last(0, 100, print);
	assert_int_equal(printed_count, 8);
	assert_string_equal(printed[0], "    12.345678  0 1.0  exit EPT_VIOLATION qual 0x181 rip "
					"0xffffffff81000000 vectoring 0x0 info 0x0");
	assert_non_null(strstr(printed[1], "exit ENTRY_GUEST_STATE failed qual"));
	assert_non_null(strstr(printed[2], "pio out 1 port 0x3f8 value 0x41"));
	assert_non_null(strstr(printed[3], "msr read #GP index 0x1b value 0xfee00900"));
	assert_non_null(strstr(printed[4], "timer set deadline +1000 us"));
	assert_non_null(strstr(printed[5], "halt blocked no deadline"));
	assert_non_null(
		strstr(printed[6], "1.-  slot slot 3 gpa 0x0 bytes 0x1000 flags 0x0 result -17"));
	assert_non_null(strstr(printed[7], "0.0  ioctl 0xae80 handle 2 arg 0x0 result 0"));
	printed_count = 0;
	trace_print_last(0, 3, print);
	assert_int_equal(printed_count, 3);
	assert_non_null(strstr(printed[0], "blocked"));
	printed_count = 0;
	trace_print_last(TRACE_ALL_CPUS, 1, print);
	assert_int_equal(printed_count, 1);
	assert_non_null(strstr(printed[0], "ioctl"));
}

static void __printf(1, 2) print_and_write(const char *fmt, ...)
{
	(void)fmt;
	printed_count++;
	assert_true(printed_count <= EVENTS);
	write_n(printed_count);
}

/* It ends, though events come as fast as they are shown. */
static void test_text_meanwhile(void **state)
{
	(void)state;
	for (u32 n = 0; n < EVENTS; n++)
		write_n(n);
	printed_count = 0;
	trace_print_last(0, EVENTS, print_and_write);
	assert_true(printed_count > 0);
}

/* No event is longer than its line, whatever is in it, and each name fits. */
static void test_long_lines(void **state)
{
	struct kvm0_trace_event e;
	char line[TRACE_LINE];

	(void)state;
	memset(&e, 0xff, sizeof(e));
	for (u32 type = 0; type < 256; type++) {
		e.type = (u8)type;
		trace_line(&e, line);
		assert_true(strlen(line) < TRACE_LINE - 1);
	}
	assert_string_equal(trace_exit_name(10), "CPUID");
	assert_string_equal(trace_exit_name(35), "?");
	assert_string_equal(trace_exit_name(64), "XRSTORS");
	assert_string_equal(trace_exit_name(65), "?");
	assert_string_equal(trace_exit_name(KVM0_TRACE_NOT_ENTERED), "NOT_ENTERED");
}

#define MANY 2000000u

static u32 done;

static void *writer(void *unused)
{
	(void)unused;
	on_cpu(0);
	for (u64 n = 0; n < MANY; n++)
		write_n(n);
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* Read while it is written, and overrun all the time: each event is whole, and none comes twice. */
static void test_concurrent(void **state)
{
	struct kvm0_trace_event e;
	u64 at = 0, read = 0, last = 0;
	pthread_t thread;
	bool more;

	(void)state;
	done = 0;
	while (trace_read(0, &at, &e))
		;
	assert_int_equal(pthread_create(&thread, NULL, writer, NULL), 0);
	do {
		more = !__atomic_load_n(&done, __ATOMIC_ACQUIRE);
		while (trace_read(0, &at, &e)) {
			assert_int_equal(e.data[1], e.data[0] + 1);
			assert_int_equal(e.data[2], e.data[0] + 2);
			assert_int_equal(e.data[3], e.data[0] + 3);
			assert_int_equal(e.what, e.data[0]);
			assert_true(e.number > last && e.number == at);
			last = e.number;
			read++;
		}
	} while (more);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(e.data[0], MANY - 1);
	assert_true(read >= EVENTS);
}

static void test_sizes(void **state)
{
	(void)state;
	assert_int_equal(set("trace_kib", "2049"), -EINVAL);
	assert_int_equal(set("trace_kib", "3"), 0);
	fake_alloc_limit = 1;
	trace_init(2); /* memory for one of them */
	fake_alloc_limit = -1;
	assert_int_equal(fake_pages_live, 1);
	assert_int_equal(fake_log_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes), /* first: it makes the ring */
		cmocka_unit_test_setup(test_wrap, setup),
		cmocka_unit_test_setup(test_none, setup),
		cmocka_unit_test_setup(test_masks, setup),
		cmocka_unit_test_setup(test_text, setup),
		cmocka_unit_test_setup(test_text_meanwhile, setup),
		cmocka_unit_test_setup(test_long_lines, setup),
		cmocka_unit_test_setup(test_concurrent, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
