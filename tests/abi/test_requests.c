/* SPDX-License-Identifier: MIT */
/*
 * All requests on all kinds of handles: one on a kind that Linux does not have it on is
 * refused as Linux does.  The answers on their own kinds to a bad argument go on record.
 */
#include "tests/abi/machine.h"
#include "tests/abi/record.h"

/* -1: this KVM has no device of that type. */
static int open_device(int vm)
{
	struct kvm_create_device device = {.type = KVM_DEV_TYPE_VFIO};

	if (t_ioctl_ptr(vm, KVM_CREATE_DEVICE, &device) < 0)
		return -1;
	return CHECK_HANDLE((long)device.fd);
}

/* A handle of that kind; -1: there is none. */
static int open_handle(enum record_kind kind)
{
	int vm;

	if (kind == RECORD_SYSTEM)
		return t_system();
	vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	if (kind == RECORD_VCPU)
		return CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	return kind == RECORD_DEVICE ? open_device(vm) : vm;
}

static void requests_on_other_kinds(void)
{
	static const long unknown[RECORD_KINDS] = {-EINVAL, -ENOTTY, -EINVAL, -ENOTTY};

	for (u32 kind = 0; kind < RECORD_KINDS; kind++) {
		int handle = open_handle(kind);

		for (u32 i = 0; handle >= 0 && i < record_request_count; i++) {
			const struct record_request *r = &record_requests[i];
			long got;

			if (r->kinds >> kind & 1)
				continue;
			got = t_ioctl(handle, r->request, T_BAD_ADDRESS);
			if (got != unknown[kind])
				check_fail(__FILE__, __LINE__, "%s on kind %u: %ld", r->name, kind,
					   got);
		}
	}
}

/* Not a check: what exists, and is not tested otherwise, is told from what does not. */
static void requests_probe(void)
{
	for (u32 kind = 0; kind < RECORD_KINDS; kind++)
		for (u32 i = 0; i < record_request_count; i++) {
			const struct record_request *r = &record_requests[i];
			int handle = r->kinds >> kind & 1 ? open_handle(kind) : -1;
			long got;

			if (handle < 0)
				continue;
			got = target_ioctl(handle, r->request, T_BAD_ADDRESS);
			record_probe(i, kind, got);
			if (got > 0 && r->request == KVM_GET_STATS_FD)
				t_close((int)got);
		}
}

SUITE(requests, TEST(requests_on_other_kinds), TEST(requests_probe));
