/* SPDX-License-Identifier: MIT */
/* The record of requests and their results: see record.h.  Called by check.c and suites.c. */
#include "tests/abi/record.h"

#define SYSTEM (1u << RECORD_SYSTEM)
#define VM     (1u << RECORD_VM)
#define VCPU   (1u << RECORD_VCPU)
#define DEVICE (1u << RECORD_DEVICE)

#define REQUEST(name, kinds) {#name, name, kinds},
const struct record_request record_requests[] = {
#include "tests/abi/requests.def"
};
const u32 record_request_count = ARRAY_SIZE(record_requests);

#define MAX_HANDLE 8192
#define MAX_ERRNO  192u
#define MAX_CAP    1024u
#define NO_PROBE   0x7fffffff
#define NONE       0xffffu

static const char *const kind_names[RECORD_KINDS] = {"system", "vm", "vcpu", "device"};

/* What one test, or all that passed, have seen. */
struct seen {
	u32 ok;
	u64 errnos[MAX_ERRNO / 64];
};

static struct {
	struct seen test, all;
	long probe;
} cells[ARRAY_SIZE(record_requests)][RECORD_KINDS];

/* Requests with the same number, but other sizes, in a chain. */
static u16 first_of[256], next_of[ARRAY_SIZE(record_requests)];
/* enum record_kind + 1 of each handle; 0: not known. */
static u8 kind_of[MAX_HANDLE];

void (*target_watcher)(int handle, u64 request, u64 arg, long result);

static void set_kind(long handle, enum record_kind kind)
{
	if (handle >= 0 && handle < MAX_HANDLE)
		kind_of[handle] = (u8)(kind + 1);
}

static void note_new_handle(u64 request, u64 arg, long result)
{
	if (request == KVM_CREATE_VM)
		set_kind(result, RECORD_VM);
	else if (request == KVM_CREATE_VCPU)
		set_kind(result, RECORD_VCPU);
	else if (request == KVM_CREATE_DEVICE)
		set_kind((long)((const struct kvm_create_device *)(uintptr_t)arg)->fd,
			 RECORD_DEVICE);
	else if (request == KVM_GET_STATS_FD)
		set_kind(result, RECORD_DEVICE);
}

/* May be called on several CPUs at once. */
static void watch(int handle, u64 request, u64 arg, long result)
{
	u32 kind = handle == t_system()                 ? RECORD_SYSTEM + 1
		   : handle >= 0 && handle < MAX_HANDLE ? kind_of[handle]
							: 0;
	u32 i = first_of[request & 0xff];

	while (i != NONE && record_requests[i].request != request)
		i = next_of[i];
	if (i == NONE || !kind)
		return;
	struct seen *s = &cells[i][kind - 1].test;

	if (result >= 0) {
		__atomic_fetch_add(&s->ok, 1, __ATOMIC_RELAXED);
		note_new_handle(request, arg, result);
	} else if (result > -(long)MAX_ERRNO) {
		u64 bit = 1ull << (-result & 63);
		__atomic_fetch_or(&s->errnos[-result / 64], bit, __ATOMIC_RELAXED);
	}
}

void record_start(void)
{
	memset(first_of, 0xff, sizeof(first_of));
	for (u32 i = 0; i < record_request_count; i++) {
		u32 number = record_requests[i].request & 0xff;

		next_of[i] = first_of[number];
		first_of[number] = (u16)i;
		for (u32 k = 0; k < RECORD_KINDS; k++)
			cells[i][k].probe = NO_PROBE;
	}
	target_watcher = watch;
}

void record_test_ended(bool passed)
{
	for (u32 i = 0; target_watcher && i < record_request_count; i++)
		for (u32 k = 0; k < RECORD_KINDS; k++) {
			struct seen *test = &cells[i][k].test, *all = &cells[i][k].all;

			all->ok += passed ? test->ok : 0;
			for (u32 j = 0; passed && j < ARRAY_SIZE(all->errnos); j++)
				all->errnos[j] |= test->errnos[j];
			*test = (struct seen){0};
		}
}

void record_probe(u32 i, enum record_kind kind, long result)
{
	cells[i][kind].probe = result;
}

static void print_request(u32 i, u32 kind)
{
	const struct seen *s = &cells[i][kind].all;
	const char *comma = "";

	t_printf("api: request %s %s ok=%u errnos=", record_requests[i].name, kind_names[kind],
		 s->ok);
	for (u32 e = 0; e < MAX_ERRNO; e++)
		if (s->errnos[e / 64] >> (e % 64) & 1) {
			t_printf("%s%u", comma, e);
			comma = ",";
		}
	t_printf(" probe=%ld\n", cells[i][kind].probe);
}

static void print_capabilities(void)
{
	long vm = target_ioctl(t_system(), KVM_CREATE_VM, 0);

	for (u64 cap = 0; cap < MAX_CAP; cap++) {
		long on_system = target_ioctl(t_system(), KVM_CHECK_EXTENSION, cap);
		long on_vm = target_ioctl((int)vm, KVM_CHECK_EXTENSION, cap);

		if (on_system || on_vm)
			t_printf("api: cap %llu %ld %ld\n", cap, on_system, on_vm);
	}
	t_close((int)vm);
}

void record_print(void)
{
	t_printf("api: target %s\n", target_name);
	for (u32 i = 0; i < record_request_count; i++)
		for (u32 k = 0; k < RECORD_KINDS; k++)
			if (record_requests[i].kinds >> k & 1)
				print_request(i, k);
	print_capabilities();
}
