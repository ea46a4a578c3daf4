/* SPDX-License-Identifier: MIT */
/* Events by themselves: counts, limits, lifetimes.  The oracle is Linux's eventfd(2). */
#include "tests/abi/check.h"

static int new_event(u32 count, bool semaphore)
{
	return CHECK_HANDLE(t_event_create(count, semaphore));
}

static u64 taken(int event)
{
	u64 value = 0;

	CHECK_RESULT(t_event_read(event, &value), 0);
	return value;
}

static void event_counts(void)
{
	int e = new_event(0, false), other = new_event(7, false);
	u64 value;

	CHECK(e > 0 && other > 0 && e != other);
	CHECK_RESULT(t_event_read(e, &value), -EAGAIN);
	CHECK_RESULT(t_event_signal(e, 1), 0);
	CHECK_RESULT(t_event_signal(e, 0), 0);
	CHECK_RESULT(t_event_signal(e, 0x100000000), 0);
	CHECK_EQUAL(taken(e), 0x100000001);
	CHECK_RESULT(t_event_read(e, &value), -EAGAIN);
	CHECK_EQUAL(taken(other), 7);
	CHECK_RESULT(t_event_read(other, &value), -EAGAIN);
	CHECK_RESULT(t_event_signal(e, 0), 0);
	CHECK_RESULT(t_event_read(e, &value), -EAGAIN);
	CHECK_EQUAL(taken(new_event(0xffffffff, false)), 0xffffffff);
}

static void event_semaphore(void)
{
	int e = new_event(2, true);
	u64 value;

	CHECK_RESULT(t_event_signal(e, 1), 0);
	for (u32 i = 0; i < 3; i++)
		CHECK_EQUAL(taken(e), 1);
	CHECK_RESULT(t_event_read(e, &value), -EAGAIN);
}

/* The greatest count is 2^64-2, and what would go beyond changes nothing. */
static void event_limits(void)
{
	int e = new_event(0, false);

	CHECK_RESULT(t_event_signal(e, ~0ull), -EINVAL);
	CHECK_RESULT(t_event_signal(e, ~0ull - 1), 0);
	CHECK_RESULT(t_event_signal(e, 1), -EAGAIN);
	CHECK_RESULT(t_event_signal(e, ~0ull - 1), -EAGAIN);
	CHECK_RESULT(t_event_signal(e, ~0ull), -EINVAL);
	CHECK_RESULT(t_event_signal(e, 0), 0);
	CHECK_EQUAL(taken(e), ~0ull - 1);
	CHECK_RESULT(t_event_signal(e, 5), 0);
	CHECK_RESULT(t_event_signal(e, ~0ull - 6), 0);
	CHECK_RESULT(t_event_signal(e, 1), -EAGAIN);
	CHECK_EQUAL(taken(e), ~0ull - 1);
}

static void event_lifetime(void)
{
	int e = new_event(1, false);
	u64 value;

	check_close(e);
	CHECK_RESULT(t_event_signal(e, 1), -EBADF);
	CHECK_RESULT(t_event_read(e, &value), -EBADF);
	CHECK_RESULT(t_close(e), -EBADF);
	CHECK_RESULT(t_event_signal(-1, 1), -EBADF);
}

/* An event is none of KVM's objects, and these are no events. */
static void event_other_kinds(void)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	int vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	int e = new_event(0, false);
	u64 value;

	CHECK_RESULT(t_ioctl(e, KVM_GET_API_VERSION, 0), -ENOTTY);
	CHECK_RESULT(t_ioctl(e, KVM_CREATE_VCPU, 1), -ENOTTY);
	CHECK_RESULT(t_ioctl(e, KVM_RUN, 0), -ENOTTY);
	CHECK(!t_map(e, 0, 1, check_pages(PAGE_SIZE)));
	CHECK_RESULT(t_event_signal(vm, 1), -EINVAL);
	CHECK_RESULT(t_event_signal(vcpu, 1), -EINVAL);
	CHECK_RESULT(t_event_read(vcpu, &value), -EINVAL);
	CHECK_RESULT(t_event_signal(t_system(), 1), -EINVAL);
}

SUITE(event, TEST(event_counts), TEST(event_semaphore), TEST(event_limits), TEST(event_lifetime),
      TEST(event_other_kinds));
