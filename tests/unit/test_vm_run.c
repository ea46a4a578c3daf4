/* SPDX-License-Identifier: MIT */
/* Running a VM: what becomes of each way in which KVM_RUN ends, and bringing it to rest. */
/* sources: guest/control/vmm/run.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "guest/control/vmm/ports.h"
#include "guest/control/vmm/vm.h"
#include "guest/lib/hypercall.h"

#define VCPU   9u
#define SECOND 10u
#define DATA   2048u
#define AGAIN  1000 /* what a script ends with: immediate_exit decides */

/* One KVM_RUN: what it returns, with which detail, and the exit in kvm_run. */
struct run {
	s64 result;
	u64 detail;
	u32 reason;
	u16 port;
	u8 size, count;
};

static struct vm vm;
static struct vm_vcpu *const vcpu = &vm.vcpus[0];
static union {
	struct kvm_run run;
	u8 bytes[4096];
} page, second;
static const struct run *script;
static u32 reports, written, wanted_fails;
static u64 hinted;
static bool second_runs; /* the other vCPU has been run with immediate_exit */
static u32 writes[16];
static u64 supplied;
static struct kvm_regs regs;

s64 kvm0_run_once(u32 handle, u64 hints, u64 *detail)
{
	const struct run *r = script;

	*detail = 0;
	hinted = hints;
	if (handle == SECOND) {
		assert_int_equal(vm.vcpus[1].run->immediate_exit, 1);
		second_runs = true;
		return -EINTR;
	}
	assert_int_equal(handle, VCPU);
	*detail = r->detail;
	if (r->result == AGAIN)
		return page.run.immediate_exit ? -EINTR : KVM0_RUN_AGAIN;
	script++;
	page.run.exit_reason = r->reason;
	page.run.io.direction = KVM_EXIT_IO_OUT;
	page.run.io.port = r->port;
	page.run.io.size = r->size;
	page.run.io.count = r->count;
	page.run.io.data_offset = DATA;
	return r->result;
}

s64 kvm0_ioctl_ptr(u32 handle, u64 request, void *arg)
{
	assert_int_equal(handle, VCPU);
	if (request == KVM_GET_REGS)
		*(struct kvm_regs *)arg = regs;
	else
		assert_int_equal(request, KVM_GET_SREGS);
	return 0;
}

const char *kvm0_errno_name(s64 error)
{
	return strerror((int)-error);
}

void vm_report(struct vm *v, const char *format, ...)
{
	assert_ptr_equal(v, &vm);
	assert_non_null(format);
	reports++;
}

u32 ports_read(struct vm *v, u16 port, u32 size)
{
	(void)v;
	return port + size;
}

void ports_write(struct vm *v, u16 port, u32 size, u32 value)
{
	(void)size;
	writes[written++] = value;
	if (port == 0x604)
		v->state = VM_POWERED_OFF;
}

s64 ram_supply(struct ram *ram, u32 handle, u64 gpa)
{
	assert_ptr_equal(ram, &vm.ram);
	assert_int_equal(handle, vm.handle);
	supplied = gpa;
	return wanted_fails ? -ENOMEM : 0;
}

u32 serial_room(const struct serial *s)
{
	assert_ptr_equal(s, &vm.devices.serial);
	return 3;
}

void serial_receive(struct serial *s, u8 byte)
{
	(void)s;
	(void)byte;
}

static int setup(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof(vm));
	memset(&page, 0, sizeof(page));
	vm.config.cpus = 1;
	*vcpu = (struct vm_vcpu){.vm = &vm, .handle = VCPU, .run = &page.run};
	vm.handle = 8;
	vm.run_size = sizeof(page);
	reports = written = wanted_fails = 0;
	supplied = 0;
	second_runs = false;
	regs = (struct kvm_regs){.rflags = 0x202};
	return 0;
}

static enum vm_state step(struct run r)
{
	struct run runs[] = {r, {.result = AGAIN}};

	script = runs;
	assert_int_equal(vm_step(vcpu, false), r.result == KVM0_RUN_AGAIN);
	assert_int_equal(vm.lock.taken, 0);
	return vm.state;
}

static void test_port_writes(void **state)
{
	(void)state;
	memcpy(page.bytes + DATA, "abc", 3);
	assert_int_equal(
		step((struct run){.reason = KVM_EXIT_IO, .port = 1, .size = 1, .count = 3}),
		VM_RUNS);
	assert_int_equal(written, 3);
	assert_int_equal(writes[2], 'c');
	assert_int_equal(vm.exits[KVM_EXIT_IO], 1);
	assert_int_equal(
		step((struct run){.reason = KVM_EXIT_IO, .port = 1, .size = 3, .count = 1}),
		VM_FAILED);
}

static void test_blocked(void **state)
{
	(void)state;
	struct run blocked = {.result = KVM0_RUN_BLOCKED, .detail = 1000},
		   endless = {.result = KVM0_RUN_BLOCKED, .detail = KVM0_NO_DEADLINE};

	assert_int_equal(step(blocked), VM_RUNS);
	assert_true(vcpu->waits);
	assert_false(vcpu->asleep);
	assert_int_equal(vcpu->deadline, 1000);
	assert_int_equal(step((struct run){.result = KVM0_RUN_AGAIN}), VM_RUNS);
	assert_false(vcpu->waits);
	step(endless);
	assert_true(vcpu->waits);
	assert_false(vcpu->asleep);
	regs.rflags = 2;
	step(blocked);
	assert_false(vcpu->asleep);
	step(endless);
	assert_true(vcpu->asleep);
	assert_true(vm_lives(&vm));
}

static void test_hints(void **state)
{
	const struct run runs[] = {{.result = AGAIN}};

	(void)state;
	script = runs;
	assert_true(vm_step(vcpu, true));
	assert_int_equal(hinted, KVM0_RUN_NO_POLL);
	assert_true(vm_step(vcpu, false));
	assert_int_equal(hinted, 0);
}

/* What another vCPU has ended stays ended. */
static void test_a_vm_that_has_ended(void **state)
{
	(void)state;
	vm.state = VM_RESET;
	assert_int_equal(step((struct run){.reason = KVM_EXIT_SHUTDOWN}), VM_RESET);
	assert_int_equal(reports, 0);
}

static void test_page_wanted(void **state)
{
	(void)state;
	struct run wanted = {.result = KVM0_RUN_PAGE_WANTED, .detail = 0x5000 | KVM0_WANTED_WRITE};

	assert_int_equal(step(wanted), VM_RUNS);
	assert_int_equal(supplied, 0x5000);
	wanted_fails = 1;
	assert_int_equal(step(wanted), VM_FAILED);
	assert_true(reports > 0);
}

static void test_ends(void **state)
{
	const u32 reasons[] = {KVM_EXIT_SHUTDOWN, KVM_EXIT_FAIL_ENTRY, KVM_EXIT_INTERNAL_ERROR,
			       KVM_EXIT_UNKNOWN, 99};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(reasons); i++) {
		reports = 0;
		vm.state = VM_RUNS;
		assert_int_equal(step((struct run){.reason = reasons[i]}), VM_FAILED);
		assert_true(reports > 0);
	}
	vm.state = VM_RUNS;
	assert_int_equal(step((struct run){.result = -EINVAL}), VM_FAILED);
}

static void test_pause_completes_what_is_open(void **state)
{
	const struct run runs[] = {
		{.reason = KVM_EXIT_IO, .port = 1, .size = 1, .count = 1},
		{.result = KVM0_RUN_AGAIN},
		{.result = KVM0_RUN_PAGE_WANTED, .detail = 0x7000},
		{.reason = KVM_EXIT_MMIO},
		{.result = AGAIN},
	};

	(void)state;
	script = runs;
	vm.config.cpus = 2;
	vm.vcpus[1] = (struct vm_vcpu){.vm = &vm, .handle = SECOND, .run = &second.run};
	assert_true(vm_pause(&vm));
	assert_true(second_runs);
	assert_int_equal(second.run.immediate_exit, 0);
	assert_int_equal(script->result, AGAIN);
	assert_int_equal(written, 1);
	assert_int_equal(supplied, 0x7000);
	assert_int_equal(page.run.immediate_exit, 0);
}

static void test_pause_ends_the_vm(void **state)
{
	const struct run runs[] = {
		{.reason = KVM_EXIT_IO, .port = 0x604, .size = 1, .count = 1},
		{.result = AGAIN},
	};

	(void)state;
	script = runs;
	assert_false(vm_pause(&vm));
	assert_int_equal(vm.state, VM_POWERED_OFF);
	assert_int_equal(page.run.immediate_exit, 0);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_port_writes),
		TEST(test_blocked),
		TEST(test_hints),
		TEST(test_a_vm_that_has_ended),
		TEST(test_page_wanted),
		TEST(test_ends),
		TEST(test_pause_completes_what_is_open),
		TEST(test_pause_ends_the_vm),
	};
	return cmocka_run_group_tests_name("vm_run", tests, NULL, NULL);
}
