/* SPDX-License-Identifier: MIT */
/* sources: hv/kvm/handle.c */
/* Handles: references that they hold, numbers that come back late, and a full table. */
#include "fake.h"

#include <errno.h>
#include <string.h>

#include "kvm/handle.h"

#define VMS 3u

static struct vm vm[VMS];
static struct vcpu vcpu[VMS];
static struct event event[2];
static u32 freed;
static struct event *closed; /* the last one that irqfd.c was told of */

void vm_free(struct vm *v)
{
	assert_int_equal(v->refs, 0);
	freed++;
}

void event_free(struct event *e)
{
	assert_int_equal(e->refs, 0);
	freed++;
}

void irqfd_event_closed(struct event *e)
{
	assert_true(e->refs > 0);
	assert_int_equal(e->handle, 0);
	closed = e;
}

/* A handle for @v, or @c that is its vCPU, with the reference that it takes over. */
static int open_new(u32 v, struct vcpu *c)
{
	int h = handle_reserve();

	if (h < 0)
		return h;
	vm_get(&vm[v]);
	if (c)
		c->vm = &vm[v];
	handle_fill(h, c ? HANDLE_VCPU : HANDLE_VM, c ? (void *)c : &vm[v]);
	return h;
}

static int setup(void **state)
{
	memset(vm, 0, sizeof(vm));
	memset(vcpu, 0, sizeof(vcpu));
	memset(event, 0, sizeof(event));
	closed = NULL;
	freed = 0;
	return fake_reset(state);
}

static int teardown(void **state)
{
	(void)state;
	for (u32 h = 1; h < HANDLE_MAX; h++)
		(void)handle_close(h);
	for (u32 i = 0; i < VMS; i++)
		assert_int_equal(vm[i].refs, 0);
	return 0;
}

static void test_system(void **state)
{
	struct handle_ref ref;

	(void)state;
	assert_int_equal(handle_get(0, &ref), -EBADF);
	assert_int_equal(handle_close(0), -EBADF);
}

static void test_vm_and_vcpu(void **state)
{
	struct handle_ref ref;
	int h = open_new(0, NULL), c = open_new(0, &vcpu[0]);

	(void)state;
	assert_true(h > 0 && c > 0 && h != c);
	assert_int_equal(vm[0].refs, 2);
	assert_int_equal(vcpu[0].handle, c);

	assert_int_equal(handle_get((u64)h, &ref), 0);
	assert_int_equal(ref.kind, HANDLE_VM);
	assert_ptr_equal(ref.vm, &vm[0]);
	assert_int_equal(vm[0].refs, 3);
	handle_put(&ref);
	assert_int_equal(vm[0].refs, 2);

	assert_int_equal(handle_get((u64)c, &ref), 0);
	assert_int_equal(ref.kind, HANDLE_VCPU);
	assert_ptr_equal(ref.vcpu, &vcpu[0]);
	handle_put(&ref);

	/* A VM whose handle is closed lives on by its vCPU's. */
	assert_int_equal(handle_close((u64)h), 0);
	assert_int_equal(vm[0].refs, 1);
	assert_int_equal(handle_get((u64)c, &ref), 0);
	assert_int_equal(handle_close((u64)c), 0);
	assert_int_equal(vm[0].refs, 1); /* the call under way holds one still */
	assert_int_equal(vcpu[0].handle, 0);
	assert_int_equal(freed, 0);
	handle_put(&ref);
	assert_int_equal(vm[0].refs, 0);
	assert_int_equal(freed, 1);
}

/* An event belongs to no VM, and its irqfd hears of the end of its handle, not of its own. */
static void test_event(void **state)
{
	struct handle_ref ref;
	int h, v = open_new(0, NULL);

	(void)state;
	event_get(&event[0]);
	h = handle_open(HANDLE_EVENT, &event[0]);
	assert_true(h > 0 && h != v);
	assert_int_equal(event[0].handle, h);
	assert_int_equal(handle_get((u64)h, &ref), 0);
	assert_int_equal(ref.kind, HANDLE_EVENT);
	assert_ptr_equal(ref.event, &event[0]);
	assert_int_equal(event[0].refs, 2);
	assert_int_equal(handle_close((u64)v), 0);
	assert_null(closed);
	assert_int_equal(handle_close((u64)h), 0);
	assert_ptr_equal(closed, &event[0]);
	assert_int_equal(event[0].refs, 1);
	handle_put(&ref);
	assert_int_equal(event[0].refs, 0);
	assert_int_equal(freed, 2);
}

static void test_bad_handles(void **state)
{
	static const u64 bad[] = {1, HANDLE_MAX - 1, HANDLE_MAX, 1ull << 31, 1ull << 32, ~0ull};
	struct handle_ref ref;
	int h;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(handle_get(bad[i], &ref), -EBADF);
		assert_int_equal(handle_close(bad[i]), -EBADF);
	}
	h = open_new(0, NULL);
	/* The upper half counts. */
	assert_int_equal(handle_get((u64)h | 1ull << 32, &ref), -EBADF);
	assert_int_equal(handle_close((u64)h | 1ull << 32), -EBADF);
	assert_int_equal(handle_close((u64)h), 0);
	assert_int_equal(handle_close((u64)h), -EBADF);
	assert_int_equal(handle_get((u64)h, &ref), -EBADF);
	assert_int_equal(vm[0].refs, 0);
}

/* A number just closed is not the next one to be given. */
static void test_stale_handle(void **state)
{
	int first = open_new(0, NULL), second;
	struct handle_ref ref;

	(void)state;
	assert_int_equal(handle_close((u64)first), 0);
	second = open_new(1, NULL);
	assert_int_not_equal(first, second);
	assert_int_equal(handle_get((u64)first, &ref), -EBADF);
	assert_int_equal(handle_close((u64)second), 0);
}

/* A number that is only reserved is nobody's to use or close, and not given twice. */
static void test_reserved(void **state)
{
	int h = handle_reserve(), other = handle_reserve();
	struct handle_ref ref;

	(void)state;
	assert_true(h > 0 && other > 0 && h != other);
	assert_int_equal(handle_get((u64)h, &ref), -EBADF);
	assert_int_equal(handle_close((u64)h), -EBADF);
	handle_unreserve(h);
	handle_unreserve(other);
	assert_int_equal(handle_close((u64)h), -EBADF);
}

static void test_full(void **state)
{
	static bool seen[HANDLE_MAX];
	struct handle_ref ref;

	(void)state;
	memset(seen, 0, sizeof(seen));
	for (u32 i = 1; i < HANDLE_MAX; i++) {
		u32 v = i % VMS;
		int h = open_new(v, i % 2 ? &vcpu[v] : NULL);

		assert_in_range(h, 1, HANDLE_MAX - 1);
		assert_false(seen[h]);
		seen[h] = true;
	}
	assert_int_equal(handle_reserve(), -EMFILE);
	assert_int_equal(handle_close(77), 0);
	assert_int_equal(open_new(1, NULL), 77);
	assert_int_equal(handle_get(77, &ref), 0);
	assert_ptr_equal(ref.vm, &vm[1]);
	handle_put(&ref);
	assert_int_equal(handle_reserve(), -EMFILE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_system), TEST(test_vm_and_vcpu),  TEST(test_bad_handles),
		TEST(test_full),   TEST(test_stale_handle), TEST(test_reserved),
		TEST(test_event),
	};

	if (handle_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
