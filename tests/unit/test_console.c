/* SPDX-License-Identifier: MIT */
/* sources: hv/core/console.c hv/core/console_param.c hv/core/log.c hv/core/params.c hv/lib/printf.c
 *arch/x86/cpu/uart.c tests/unit/fake_uart.c */
/* The console that log, control guest and monitor share, and the log that outlives a reset. */
#include "fake_uart.h"

#include <linux/errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/console.h"
#include "core/log.h"
#include "cpu/tsc.h"

static void guest(const char *text)
{
	while (*text)
		console_guest_write((u8)*text++);
}

#define LOG(text)  "kvm0: test: " text "\r\n"
#define print(s)   console_print(s, strlen(s))
#define expect(s)  assert_string_equal(fake_uart_sent(), s)
#define log_it(s)  log_line(LOG_INFO, "test", s)
#define time_out() (tsc_khz = 0)

static void test_parameter(void **state)
{
	char text[40];

	(void)state;
	assert_int_equal(console_param("com1,9600"), 0);
	assert_int_equal(fake_uart_divisor(), 12);
	console_show_param(text, sizeof(text));
	assert_string_equal(text, "com1,9600");
	assert_int_equal(console_param("com1,9601"), -EINVAL);
	assert_int_equal(console_param("com3"), -EINVAL);
	assert_int_equal(console_param("none"), 0);
	assert_null(console_uart());
	log_it("to nobody");
	guest("x");
	assert_int_equal(console_guest_status(), UART_LSR_THRE | UART_LSR_TEMT);
	assert_int_equal(console_read(), -1);
	expect("");
	assert_int_equal(console_param("com1"), 0);
	assert_non_null(console_uart());
}

static void test_between_lines(void **state)
{
	(void)state;
	log_it("a");
	expect(LOG("a"));
	guest("one\r\n");
	log_it("b");
	guest("tw");
	log_it("c");
	log_it("d");
	console_show_log(false);
	expect("one\r\n" LOG("b") "tw");
	guest("o\r\nthree");
	expect("o\r\n" LOG("c") LOG("d") "three");
}

static void test_unfinished_line(void **state)
{
	(void)state;
	guest("prompt> ");
	log_it("a");
	expect("prompt> ");
	time_out();
	console_show_log(false);
	expect("\r\n" LOG("a") "prompt> ");
	console_show_log(false);
	expect("");
	guest("\r\033[Kother> ");
	log_it("b");
	expect("\r\033[Kother> \r\n" LOG("b") "\033[Kother> ");
}

static void test_at_once(void **state)
{
	(void)state;
	guest("busy");
	log_line(LOG_ERROR, "test", "bad");
	expect("busy\r\nkvm0: test: error: bad\r\nbusy");
	log_it("last");
	expect("");
	console_flush();
	expect("\r\n" LOG("last") "busy");
}

/* A line that is longer than what is kept of it keeps nobody waiting. */
static void test_long_line(void **state)
{
	char line[300];

	(void)state;
	memset(line, 'x', sizeof(line));
	line[299] = 0;
	guest(line);
	(void)fake_uart_sent();
	log_it("a");
	line[256] = 0;
	assert_memory_equal(fake_uart_sent(), "\r\n" LOG("a") "xxxx", 21);
	guest("\n");
	log_it("b");
	expect("\n" LOG("b"));
}

static void test_hold(void **state)
{
	(void)state;
	guest("promp");
	console_hold(true);
	expect("promp\r\n");
	guest("t> ");
	print("line\nmonitor> ");
	log_it("a");
	assert_int_equal(console_guest_status(), UART_LSR_THRE | UART_LSR_TEMT);
	expect("line\r\nmonitor> ");
	time_out();
	console_show_log(false);
	expect("\r\n" LOG("a") "monitor> ");
	console_hold(false);
	expect("\r\nprompt> ");
}

static void test_much_is_held(void **state)
{
	const char *sent;

	(void)state;
	guest("begin");
	console_hold(true);
	for (u32 i = 0; i < 4000; i++)
		guest("12345\n");
	(void)fake_uart_sent();
	console_hold(false);
	sent = fake_uart_sent();
	assert_memory_equal(sent, "kvm0: console: 7616 bytes of output before this are lost\r\n",
			    58);
	assert_int_equal(strlen(sent), 58 + 16384);
	assert_string_equal(sent + 58 + 16384 - 6, "12345\n");
}

/* What was held goes out as the UART takes it, and what comes meanwhile comes after it. */
static void test_slow_release(void **state)
{
	(void)state;
	console_hold(true);
	guest("0123456789abcdefghijklmn");
	fake_uart_set_busy(true);
	console_hold(false);
	expect("0123456789abcdef");
	assert_true(console_keeps_output());
	assert_int_equal(console_guest_status(), 0);
	guest("op\n");
	expect("");
	fake_uart_set_busy(false);
	assert_int_equal(console_guest_status(), UART_LSR_THRE | UART_LSR_TEMT);
	expect("ghijklmnop\n");
	assert_false(console_keeps_output());
}

/* The machine is switched off while the monitor is open. */
static void test_flush(void **state)
{
	(void)state;
	guest("it ");
	console_hold(true);
	print("monitor> ");
	guest("says\nbye ");
	log_it("off");
	(void)fake_uart_sent();
	console_flush();
	expect("\r\nit says\n" LOG("off") "bye ");
	log_it("then");
	console_flush();
	expect("\r\n" LOG("then") "bye ");
}

/* A UART that has stopped sending costs text, and not the CPU. */
static void test_stuck(void **state)
{
	(void)state;
	fake_uart_set_busy(true);
	guest("0123456789abcdefghij");
	expect("0123456789abcd"); /* there is the newline of the set-up before */
	fake_uart_set_busy(false);
	guest("k\n");
	expect("k\n");
}

/* --- the log after a reset --- */

/* A run of kvm0 with the log's area at @memory, that says what it finds there and logs @text. */
static void run(void *memory, const char *found, const char *text)
{
	static char before[LOG_AREA_SIZE];
	u64 position = 0;
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		log_it("early");
		log_keep(memory);
		before[log_read_before(before, sizeof(before) - 1, &position)] = 0;
		log_line(LOG_INFO, "test", "%s", text);
		_exit(found ? !strstr(before, found) : before[0]);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_reset(void **state)
{
	char *memory = mmap(NULL, LOG_AREA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);

	(void)state;
	assert_true(memory != MAP_FAILED);
	memset(memory, 0x5a, LOG_AREA_SIZE);
	run(memory, NULL, "first");
	run(memory, "kvm0: test: early\nkvm0: test: first\n", "second");
	run(memory, "kvm0: test: second\n", "third");
	memory[LOG_AREA_SIZE / 2] ^= 1;
	run(memory, NULL, "fourth");
	memory[8] ^= 1; /* how much was written */
	run(memory, NULL, "fifth");
	run(memory, "kvm0: test: fifth\n", "sixth");
	assert_int_equal(munmap(memory, LOG_AREA_SIZE), 0);
}

/* More lines than fit: the newest are there, in order, before and after a reset. */
static void test_full(void **state)
{
	char *memory = mmap(NULL, LOG_AREA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	u64 position = 0;
	char text[64];
	int status;

	(void)state;
	if (!fork()) {
		log_keep(memory);
		for (u32 i = 0; i < 5000; i++)
			log_line(LOG_INFO, "test", "line %u", i);
		_exit(log_read(text, 10, &position) != 10 || position <= 10 ||
		      log_end() - position > LOG_AREA_SIZE);
	}
	assert_true(wait(&status) > 0 && !status);
	run(memory, "kvm0: test: line 4998\nkvm0: test: line 4999\n", "");
	assert_int_equal(munmap(memory, LOG_AREA_SIZE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_parameter, fake_uart_setup),
		cmocka_unit_test_setup(test_between_lines, fake_uart_setup),
		cmocka_unit_test_setup(test_unfinished_line, fake_uart_setup),
		cmocka_unit_test_setup(test_at_once, fake_uart_setup),
		cmocka_unit_test_setup(test_long_line, fake_uart_setup),
		cmocka_unit_test_setup(test_hold, fake_uart_setup),
		cmocka_unit_test_setup(test_much_is_held, fake_uart_setup),
		cmocka_unit_test_setup(test_slow_release, fake_uart_setup),
		cmocka_unit_test_setup(test_flush, fake_uart_setup),
		cmocka_unit_test_setup(test_stuck, fake_uart_setup),
		cmocka_unit_test_setup(test_reset, fake_uart_setup),
		cmocka_unit_test_setup(test_full, fake_uart_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
