/* SPDX-License-Identifier: MIT */
/* Live migration: rounds, their end, the memory that arrives, and what can go wrong. */
/* sources: guest/control/vmm/migrate.c guest/control/vmm/ram.c guest/control/vmm/demand.c
 * guest/control/vmm/pages.c guest/lib/format.c tests/unit/vmm_memory.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "guest/control/vmm/migrate.h"
#include "guest/lib/hypercall.h"
#include "tests/unit/vmm_memory.h"

/* Of the guest; pages of its memory, with the hole. */
#define MEM   (8 * SIZE_1M)
#define PAGES (MEM / PAGE_SIZE)
#define OLD   1u
#define NEW   2u

static struct migration m;
static struct vm vm;
static bool dirty[PAGES]; /* by page of the guest: written and not told yet */
static bool logs, create_fails, ends, state_fails;
static s64 log_result;
static u32 reports;
static char why[256];

const char *kvm0_errno_name(s64 error)
{
	return strerror((int)-error);
}

static s64 tell_dirty(const struct kvm_dirty_log *log)
{
	struct ram_slot slot;

	assert_true(logs);
	assert_true(ram_slot(&vm.ram, log->slot, &slot));
	for (u64 i = 0; i < slot.size / PAGE_SIZE; i++) {
		u64 *word = (u64 *)log->dirty_bitmap + i / 64, page = slot.gpa / PAGE_SIZE + i;
		if (i % 64 == 0)
			*word = 0;
		*word |= (u64)dirty[page] << i % 64;
		dirty[page] = false;
	}
	return log_result;
}

s64 kvm0_ioctl_ptr(u32 handle, u64 request, void *arg)
{
	assert_int_equal(handle, OLD);
	if (request == KVM_GET_DIRTY_LOG)
		return tell_dirty(arg);
	assert_int_equal(request, KVM_SET_USER_MEMORY_REGION);
	logs = ((struct kvm_userspace_memory_region *)arg)->flags & KVM_MEM_LOG_DIRTY_PAGES;
	return 0;
}

int vm_create_empty(struct vm *v, const struct vm_config *config, const struct vm_sink *sink,
		    char *text, u64 size)
{
	(void)text;
	(void)size;
	memset(v, 0, sizeof(*v));
	if (create_fails)
		return -ENOMEM;
	v->config = *config;
	v->sink = *sink;
	v->handle = NEW;
	fake_largest = SIZE_2M; /* in other parts than the source */
	return ram_alloc(&v->ram, config->mem);
}

void vm_move(struct vm *to, struct vm *from)
{
	*to = *from;
	memset(from, 0, sizeof(*from));
}

void vm_close(struct vm *v)
{
	v->handle = 0;
}
void vm_destroy(struct vm *v)
{
	vm_close(v);
	ram_free(&v->ram);
}
bool vm_pause(struct vm *v)
{
	assert_int_equal(m.state, MIGRATE_LAST); /* its vCPUs must stand still in this step alone */
	assert_int_equal(v->handle, OLD);
	return !ends;
}

void vm_report(struct vm *v, const char *format, ...)
{
	assert_ptr_equal(v, &vm);
	assert_non_null(format);
	reports++;
}

int snapshot_state_get(struct snapshot *s, struct vm *v, char *text, u64 size)
{
	(void)s;
	(void)text;
	(void)size;
	assert_int_equal(v->handle, OLD);
	return 0;
}

int snapshot_state_set(const struct snapshot *s, struct vm *v, char *text, u64 size)
{
	(void)s;
	(void)text;
	(void)size;
	assert_int_equal(v->handle, NEW);
	return state_fails ? -EINVAL : 0;
}

/* The guest writes a page. */
static void touch(u64 page)
{
	u8 *at = ram_at(&vm.ram, page * PAGE_SIZE, PAGE_SIZE);

	if (!at)
		return;
	*(u32 *)(at + (u64)rand() % (PAGE_SIZE / 4) * 4) = (u32)rand();
	dirty[page] = true;
}

void snapshot_free(struct snapshot *s)
{
	(void)s;
}

static int setup(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	memset(&vm, 0, sizeof(vm));
	memset(dirty, 0, sizeof(dirty));
	logs = create_fails = ends = state_fails = false;
	log_result = 0;
	reports = 0;
	fake_memory_reset();
	vm.config.mem = MEM;
	vm.handle = OLD;
	srand(1);
	if (ram_alloc(&vm.ram, MEM))
		return -1;
	for (u64 page = 0; page < PAGES; page++)
		touch(page);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	migrate_cancel(&m);
	vm_destroy(&vm);
	return fake_live != 0;
}

static void begin(u32 rounds)
{
	assert_int_equal(migrate_start(&m, &vm, rounds, why, sizeof(why)), 0);
	assert_true(logs);
}

/* Runs it to its end; the guest writes `pages` random pages between steps. */
static void go(u32 pages)
{
	static u8 copy[MEM];

	for (u32 steps = 0; m.state != MIGRATE_NONE; steps++) {
		assert_true(steps < 10000);
		for (u32 i = 0; i < pages && m.state == MIGRATE_COPIES; i++)
			touch((u64)rand() % PAGES);
		for (u64 at = 0; vm.handle == OLD && at < MEM; at += PAGE_SIZE)
			if (ram_at(&vm.ram, at, PAGE_SIZE))
				memcpy(copy + at, ram_at(&vm.ram, at, PAGE_SIZE), PAGE_SIZE);
		migrate_step(&m);
	}
	assert_int_equal(vm.handle, NEW);
	for (u64 at = 0; at < MEM; at += PAGE_SIZE)
		if (ram_at(&vm.ram, at, PAGE_SIZE))
			assert_memory_equal(ram_at(&vm.ram, at, PAGE_SIZE), copy + at, PAGE_SIZE);
}

static void test_a_guest_that_stands_still(void **state)
{
	(void)state;
	memset(dirty, 0, sizeof(dirty));
	begin(MIGRATE_ROUNDS);
	go(0);
	assert_int_equal(m.all_pages, PAGES - 32);
	assert_int_equal(m.round, 3); /* all, nothing, and the last look */
	assert_int_equal(reports, 3);
}

static void test_a_guest_that_writes_little(void **state)
{
	(void)state;
	begin(MIGRATE_ROUNDS);
	go(3);
	assert_true(m.pages <= 64);
}

static void test_a_guest_that_writes_all_the_time(void **state)
{
	(void)state;
	begin(MIGRATE_ROUNDS);
	go(500);
	assert_true(m.round <= MIGRATE_ROUNDS + 1);
}

static void test_rounds_are_limited(void **state)
{
	(void)state;
	begin(1);
	go(10);
	assert_int_equal(m.round, 2);
}

static void test_no_room(void **state)
{
	(void)state;
	create_fails = true;
	assert_int_equal(migrate_start(&m, &vm, 1, why, sizeof(why)), -ENOMEM);
	assert_int_equal(m.state, MIGRATE_NONE);
	assert_false(logs);
}

/* It is given up, and the source stays as it was, without a log. */
static void expect_given_up(void)
{
	for (u32 steps = 0; m.state != MIGRATE_NONE; steps++) {
		assert_true(steps < 10000);
		migrate_step(&m);
	}
	assert_int_equal(vm.handle, OLD);
	assert_false(logs);
}

static void test_the_log_fails(void **state)
{
	(void)state;
	begin(MIGRATE_ROUNDS);
	log_result = -EFAULT;
	expect_given_up();
}

static void test_the_state_is_refused(void **state)
{
	(void)state;
	begin(MIGRATE_ROUNDS);
	state_fails = true;
	expect_given_up();
}

static void test_the_guest_ends(void **state)
{
	(void)state;
	begin(MIGRATE_ROUNDS);
	ends = true;
	expect_given_up();
}

static void test_cancel(void **state)
{
	(void)state;
	begin(MIGRATE_ROUNDS);
	migrate_step(&m);
	migrate_cancel(&m);
	assert_int_equal(m.state, MIGRATE_NONE);
	assert_false(logs);
	assert_null(m.other.ram.parts[0].host);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_guest_that_stands_still),
		TEST(test_a_guest_that_writes_little),
		TEST(test_a_guest_that_writes_all_the_time),
		TEST(test_rounds_are_limited),
		TEST(test_no_room),
		TEST(test_the_log_fails),
		TEST(test_the_state_is_refused),
		TEST(test_the_guest_ends),
		TEST(test_cancel),
	};
	return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
