/* SPDX-License-Identifier: MIT */
/* sources: hv/kvm/event.c */
/* Events: counts and their limits, who is woken when, and an irqfd that comes first. */
#include "fake.h"

#include <errno.h>

#include "kvm/event.h"
#include "kvm/irqfd.h"
#include "kvm/wake.h"

static u32 raised, woken, wakes;

void irqfd_raise(struct irqfd *f)
{
	assert_non_null(f);
	raised++;
}

void wake_add(u32 handle)
{
	woken = handle;
	wakes++;
}

static struct event *e;

static int setup(void **state)
{
	int err = fake_reset(state);

	raised = woken = wakes = 0;
	e = event_create(0, false);
	e->handle = 5;
	return err;
}

static int teardown(void **state)
{
	event_put(e);
	return fake_check_leaks(state);
}

static u64 taken(void)
{
	u64 value;

	assert_int_equal(event_read(e, &value), 0);
	return value;
}

static void test_no_memory(void **state)
{
	(void)state;
	fake_alloc_limit = 0;
	assert_null(event_create(1, true));
	fake_alloc_limit = -1;
}

static void test_limits(void **state)
{
	u64 value;

	(void)state;
	assert_int_equal(event_add(e, ~0ull), -EINVAL);
	assert_int_equal(event_add(e, ~0ull - 1), 0);
	assert_int_equal(event_add(e, 1), -EAGAIN);
	assert_int_equal(event_add(e, 0), 0);
	/* kvm0's own signals reach the last number, and stay there. */
	event_signal(e);
	event_signal(e);
	assert_int_equal(event_add(e, 0), -EAGAIN);
	assert_true(taken() == ~0ull);
	assert_int_equal(event_read(e, &value), -EAGAIN);
	assert_int_equal(value, 0);
}

/* Told once, and only to somebody who has read it empty. */
static void test_wakes(void **state)
{
	u64 value;

	(void)state;
	event_signal(e);
	assert_int_equal(wakes, 0);
	assert_int_equal(taken(), 1);
	event_signal(e);
	assert_int_equal(wakes, 0);
	(void)taken();
	assert_int_equal(event_read(e, &value), -EAGAIN);
	assert_int_equal(event_add(e, 0), 0);
	assert_int_equal(wakes, 0);
	event_signal(e);
	assert_int_equal(wakes, 1);
	assert_int_equal(woken, 5);
	event_signal(e);
	assert_int_equal(wakes, 1);
}

static void test_irqfd(void **state)
{
	u64 value;

	(void)state;
	e->irqfd = (struct irqfd *)(void *)&value; /* only handed on */
	assert_int_equal(event_read(e, &value), -EAGAIN);
	event_signal(e);
	assert_int_equal(event_add(e, 7), 0);
	assert_int_equal(event_add(e, 0), 0);
	assert_int_equal(raised, 3);
	/* Nothing is left for those who wait. */
	assert_int_equal(wakes, 0);
	assert_int_equal(event_read(e, &value), -EAGAIN);
	/* Of a semaphore there is. */
	e->semaphore = true;
	assert_int_equal(event_add(e, 3), 0);
	assert_int_equal(raised, 4);
	assert_int_equal(wakes, 1);
	assert_int_equal(taken(), 1);
	assert_int_equal(taken(), 1);
	assert_int_equal(event_read(e, &value), -EAGAIN);
	assert_int_equal(event_add(e, ~0ull), -EINVAL);
	assert_int_equal(raised, 4);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_no_memory),
		TEST(test_limits),
		TEST(test_wakes),
		TEST(test_irqfd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
