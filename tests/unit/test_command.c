/* SPDX-License-Identifier: MIT */
/* sources: hv/monitor/command.c hv/core/params.c hv/lib/printf.c */
/* Lines of the monitor: words, errors as one line, the numbers of VMs and vCPUs, completion. */
#include "fake.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "monitor/command.h"
#include "monitor/park.h"

static char printed[4096];
static u32 calls, words;
static char last[COMMAND_WORDS][32];
static int answer;

void monitor_print(const char *fmt, ...)
{
	size_t n = strlen(printed);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(printed + n, sizeof(printed) - n, fmt, ap);
	va_end(ap);
}

/* VMs 1 and 7, the latter with vCPUs 0 and 5. */
static struct vcpu vcpu[3] = {{.id = 0}, {.id = 0}, {.id = 5}};
static struct vm vms[2] = {{.id = 1, .vcpu_count = 1, .vcpus = {&vcpu[0]}},
			   {.id = 7, .vcpu_count = 2, .vcpus = {&vcpu[1], &vcpu[2]}}};
u32 percpu_count = 2;
static struct vmx_vcpu control;

struct vm *vm_after(const struct vm *vm)
{
	return !vm ? &vms[0] : vm == &vms[0] ? &vms[1] : NULL;
}

struct vmx_vcpu *park_control(u32 cpu)
{
	return cpu == 1 ? &control : NULL;
}

static int note(u32 argc, char *const *argv)
{
	calls++;
	words = argc;
	for (u32 i = 0; i < argc; i++)
		snprintf(last[i], sizeof(last[i]), "%s", argv[i]);
	return answer;
}

static const struct command first[] = {
	{"vm", "N", "a VM", note, complete_vm, 1, 1},
	{"vms", "", "all", note, NULL, 0, 0},
};
static const struct command second[] = {
	{"many", "...", "words", note, complete_vcpu, 0, COMMAND_WORDS - 1},
};
static COMMAND_SET(set_1, first);
static COMMAND_SET(set_2, second);
const struct command_set *const command_sets[] = {&set_1, &set_2, NULL};

static int run(const char *text)
{
	char line[LINE_SIZE + 100];

	snprintf(line, sizeof(line), "%s", text);
	printed[0] = 0;
	calls = 0;
	return command_run(line);
}

/* The line is an error that is said in one line, which has @part in it, and nothing is done. */
static void refused(const char *line, int err, const char *part)
{
	assert_int_equal(run(line), err);
	assert_int_equal(calls, 0);
	assert_non_null(strstr(printed, part));
	assert_ptr_equal(strchr(printed, '\n'), printed + strlen(printed) - 1);
}

static void test_words(void **state)
{
	(void)state;
	assert_int_equal(run("  vm \t 12  "), 0);
	assert_int_equal(calls, 1);
	assert_int_equal(words, 2);
	assert_string_equal(last[0], "vm");
	assert_string_equal(last[1], "12");
	assert_int_equal(run("many a b c d e f g h i j k l m n o"), 0);
	assert_int_equal(words, COMMAND_WORDS);
	assert_string_equal(last[15], "o");
	assert_int_equal(run(""), 0);
	assert_int_equal(run(" \t"), 0);
	assert_int_equal(calls, 0);
	assert_string_equal(printed, "");
}

static void test_errors(void **state)
{
	static const int known[] = {-ENOENT, -EACCES, -EBUSY,     -EFAULT,
				    -ENOMEM, -EPERM,  -EOPNOTSUPP};

	(void)state;
	answer = 0;
	refused("vmx", -ENOENT, "unknown command");
	refused("VM 1", -ENOENT, "unknown command");
	refused("\x1b[Z", -ENOENT, "unknown command");
	refused("vm", -EINVAL, "usage: vm N");
	refused("vm 1 2", -EINVAL, "usage: vm N");
	refused("many a b c d e f g h i j k l m n o p", -E2BIG, "too many words");
	for (u32 i = 0; i < ARRAY_SIZE(known); i++) {
		answer = known[i];
		assert_int_equal(run("vms"), known[i]);
		assert_int_equal(strncmp(printed, "vms: ", 5), 0);
		assert_null(strstr(printed, "error"));
	}
	answer = -EMFILE;
	assert_int_equal(run("vms"), -EMFILE);
	assert_string_equal(printed, "vms: error 24\n");
	answer = 0;
}

static void test_numbers(void **state)
{
	u64 v;

	(void)state;
	assert_int_equal(arg_number("18446744073709551615", &v), 0);
	assert_int_equal(v, UINT64_MAX);
	assert_int_equal(arg_number("0xFfff800000000000", &v), 0);
	assert_int_equal(v, 0xffff800000000000);
	assert_int_equal(arg_number("", &v), -EINVAL);
	assert_int_equal(arg_number("0x", &v), -EINVAL);
	assert_int_equal(arg_number("12a", &v), -EINVAL);
	assert_int_equal(arg_number("-1", &v), -EINVAL);
	assert_int_equal(arg_number("18446744073709551616", &v), -EINVAL);
}

static void test_vms(void **state)
{
	struct vmx_vcpu *v;
	struct vcpu *c;
	struct vm *vm;

	(void)state;
	assert_int_equal(arg_vm("7", &vm), 0);
	assert_ptr_equal(vm, &vms[1]);
	assert_int_equal(arg_vm("2", &vm), -ENOENT);
	assert_int_equal(arg_vm("0", &vm), -EACCES);
	assert_int_equal(arg_vm("x", &vm), -EINVAL);
	assert_int_equal(arg_vcpu("7.5", &c), 0);
	assert_ptr_equal(c, &vcpu[2]);
	assert_int_equal(arg_vcpu("7.1", &c), -ENOENT); /* by its id, not its index */
	assert_int_equal(arg_vcpu("7", &c), -EINVAL);
	assert_int_equal(arg_vcpu("7.", &c), -EINVAL);
	assert_int_equal(arg_vcpu(".5", &c), -EINVAL);
	assert_int_equal(arg_vcpu("0.1", &c), -EACCES);
	assert_int_equal(arg_vcpu("00000000000000007.5", &c), -EINVAL);
	assert_int_equal(arg_any_vcpu("1.0", &v, &c), 0);
	assert_ptr_equal(v, &vcpu[0].vmx);
	assert_ptr_equal(c, &vcpu[0]);
	assert_int_equal(arg_any_vcpu("0.1", &v, &c), 0);
	assert_ptr_equal(v, &control);
	assert_null(c);
	assert_int_equal(arg_any_vcpu("0.0", &v, &c), -ENOENT);
	assert_int_equal(arg_any_vcpu("0.4294967297", &v, &c), -ENOENT);
	assert_int_equal(arg_any_vcpu("0", &v, &c), -EINVAL);
}

static void test_completion(void **state)
{
	(void)state;
	assert_string_equal(command_words("", 0)(0), "vm");
	assert_string_equal(command_words("  v", 3)(2), "many");
	assert_null(command_words("v", 1)(3));
	assert_string_equal(command_words("vm ", 3)(1), "7");
	assert_null(command_words("vm 7", 4)(2));
	assert_null(command_words("vm 7 ", 5)); /* it has one argument */
	assert_null(command_words("vms ", 4));
	assert_null(command_words("nothing ", 8));
	assert_string_equal(command_words("many 7.", 7)(2), "7.5");
	assert_null(complete_vcpu(3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),      cmocka_unit_test(test_errors),
		cmocka_unit_test(test_numbers),    cmocka_unit_test(test_vms),
		cmocka_unit_test(test_completion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
