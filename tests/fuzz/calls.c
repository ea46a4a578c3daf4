/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher under libFuzzer: an input is a program of hypercalls, changes of the
 * control guest's memory, and what guests do when they are entered.  It runs on the
 * machine of tests/fuzz/machine, whose own checks and the sanitizers watch.  After each
 * input every handle is closed, and nothing may be left.
 */
#include "tests/fuzz/machine/machine.h"

#include <kvm0/abi.h>
#include <string.h>

#include "abi/dispatch.h"
#include "kvm/handle.h"
#include "kvm/wake.h"
#include "tests/fuzz/calls.h"

#define MAX_OPS   200u
#define MAX_EXITS 200u

static struct input in;
static u64 run_page; /* of the vCPU made last */
static u32 exits_left;

/* Handles that calls have returned, the newest over the oldest. */
static struct {
	u64 value[16];
	u32 next;
} handles;

u64 input_take(u32 bytes)
{
	u64 v = 0;
	u32 n = (u32)MIN((size_t)bytes, in.left);

	memcpy(&v, in.at, n);
	in.at += n;
	in.left -= n;
	return v;
}

/* A number: one of few bytes mostly, and sometimes at an end of its range. */
static u64 take_number(void)
{
	u64 kind = input_take(1);

	switch (kind & 7) {
	case 0:
		return input_take(8);
	case 1:
		return input_take(4);
	case 2:
		return 0 - input_take(1);
	case 3:
		return 1ull << (input_take(1) & 63);
	case 4:
		return (1ull << (input_take(1) & 63)) - 1;
	case 5:
		return input_take(2);
	default:
		return kind >> 3;
	}
}

/* An address of the control guest's: mostly in its memory, in any page and at any offset. */
static u64 take_address(void)
{
	u64 page = input_take(1), kind = input_take(1);

	if (kind == 0xff)
		return take_number();
	if (kind & 1)
		return machine_address(page * PAGE_SIZE + PAGE_SIZE - (kind >> 1 & 0x7f));
	if (kind & 2) /* round the holes and the end */
		return machine_address(((page & 3) + 1) * SIZE_1M - (kind >> 2 & 0x3f) * 64);
	return machine_address(page * PAGE_SIZE + (kind >> 2 & 0x3f) * 64);
}

u64 calls_take_handle(void)
{
	u64 which = input_take(1);

	if (which == 0)
		return 0;
	if (which == 0xff)
		return take_number();
	return handles.value[(handles.next - which) & (ARRAY_SIZE(handles.value) - 1)];
}

static void *at_address(u64 address, u64 size)
{
	u64 offset = address - machine_address(0);

	if (offset >= MACHINE_MEMORY_SIZE || size > MACHINE_MEMORY_SIZE - offset)
		return NULL;
	if ((offset < MACHINE_KVM0_HOLE + MACHINE_HOLE_SIZE && offset + size > MACHINE_KVM0_HOLE) ||
	    (offset < MACHINE_RESERVED + MACHINE_HOLE_SIZE && offset + size > MACHINE_RESERVED))
		return NULL;
	return (u8 *)(uintptr_t)MACHINE_MEMORY + offset;
}

void calls_fill_memory(u64 address)
{
	u64 n = input_take(1), pointers = n & 3;
	u8 *to = at_address(address, 256);

	n >>= 2;
	if (n == 63)
		n = input_take(1);
	for (u64 i = 0; i < n; i++) {
		u8 byte = (u8)input_take(1);

		if (to)
			to[i] = byte;
	}
	while (pointers--) {
		u64 offset = input_take(1) & 0xf8, value = take_address();

		if (to)
			memcpy(to + offset, &value, sizeof(value));
	}
}

s64 calls_call(u64 number, u64 a, u64 b, u64 c)
{
	struct vmx_vcpu *v = machine_control();
	s64 result;

	vmx_load(v);
	v->gpr[GPR_RAX] = number;
	v->gpr[GPR_RDI] = a;
	v->gpr[GPR_RSI] = b;
	v->gpr[GPR_RDX] = c;
	if (hypercall(v) == HYPERCALL_INIT)
		vmx_unload_all();
	result = (s64)v->gpr[GPR_RAX];
	/* The errnos that Linux's calls give. */
	MACHINE_REQUIRE(result >= -133, "call %llu of 0x%llx gives %lld", number, b, result);
	this_cpu()->nmi_pending = 0;
	return result;
}

void calls_remember(s64 handle)
{
	if (handle > 0 && handle < (s64)HANDLE_MAX)
		handles.value[handles.next++ & (ARRAY_SIZE(handles.value) - 1)] = (u64)handle;
}

/* A memory slot in few bytes, as most random ones are refused. */
static u64 slot_argument(void)
{
	static const u32 slot_flags[] = {0, 1, 2, KVM0_MEM_ON_DEMAND, KVM0_MEM_ON_DEMAND | 1, 3};
	u64 address = machine_address(4 * PAGE_SIZE);
	struct kvm_userspace_memory_region r = {0};

	r.slot = (u32)input_take(1) & 7;
	r.flags = slot_flags[input_take(1) % ARRAY_SIZE(slot_flags)];
	r.guest_phys_addr = input_take(1) * PAGE_SIZE;
	r.guest_phys_addr <<= input_take(1) & 15;
	r.memory_size = (input_take(1) & 0x7f) * PAGE_SIZE;
	r.userspace_addr = machine_address(input_take(1) * 4 * PAGE_SIZE);
	memcpy(at_address(address, 256), &r, sizeof(r));
	return address;
}

static void op_ioctl(void)
{
	u64 handle = calls_take_handle(), which = input_take(1), arg = 0;
	u32 request = which < call_request_count ? call_requests[which] : (u32)take_number();
	s64 result;

	if (request == KVM_SET_USER_MEMORY_REGION && input_take(1) & 1) {
		arg = slot_argument();
	} else if (request >> 16 & 0x3fff) { /* it has a size: a structure */
		arg = take_address();
		calls_fill_memory(arg);
	} else {
		arg = take_number();
	}
	result = calls_call(KVM0_CALL_IOCTL, handle, request, arg);
	if (request == KVM_CREATE_DEVICE && !result && at_address(arg, 256))
		result = ((struct kvm_create_device *)at_address(arg, 256))->fd;
	calls_remember(result);
}

static void op_run(void)
{
	u64 handle = calls_take_handle();

	calls_call(KVM0_CALL_IOCTL, handle, KVM_RUN, 0);
}

static void op_run_page(void)
{
	u64 handle = calls_take_handle(), address = take_address(), number = input_take(1);

	if (number < 0x80) {
		address = ALIGN_DOWN(address, PAGE_SIZE);
		number &= 3;
	}
	calls_call(KVM0_CALL_SET_RUN_PAGE, handle, address, number);
}

/* Any call by its number; arguments are handles, addresses, numbers. */
static u64 take_argument(u32 kind)
{
	return kind == 0 ? take_number() : kind == 1 ? calls_take_handle() : take_address();
}

static void op_call(void)
{
	u64 number = input_take(1) & 31, kinds = input_take(1);
	u64 a = take_argument(kinds & 3), b = take_argument(kinds >> 2 & 3);
	u64 c = take_argument(kinds >> 4 & 3);

	if (kinds & 0x80)
		calls_fill_memory(a);
	if (kinds & 0x40)
		calls_fill_memory(b);
	calls_remember(calls_call(number, a, b, c));
}

/* Supply or withdraw pages of a slot. */
static void op_supply(void)
{
	const u64 address = machine_address(4 * PAGE_SIZE), vm = calls_take_handle();
	const u64 how = input_take(1);
	struct kvm0_supply s = {.pages = (u32)(how >> 2 & 15), .flags = (u32)(how >> 6 & 1)};

	s.guest_phys_addr = input_take(1) * PAGE_SIZE;
	s.address = machine_address(input_take(1) * PAGE_SIZE);
	memcpy(at_address(address, sizeof(s)), &s, sizeof(s));
	if (how & 1)
		calls_call(KVM0_CALL_SUPPLY, vm, address, 0);
	else
		calls_call(KVM0_CALL_WITHDRAW, vm, s.guest_phys_addr, s.pages);
}

/* The vCPU starts in real mode at 0:100, or in protected mode without paging. */
static void set_start(u64 vcpu, bool protected)
{
	const u64 at = machine_address(0);
	struct kvm_regs regs = {.rip = 0x100, .rsp = 0x8000, .rflags = 2};
	struct kvm_sregs *s = at_address(at, sizeof(*s));

	if (calls_call(KVM0_CALL_IOCTL, vcpu, KVM_GET_SREGS, at))
		return;
	s->cs.base = s->cs.selector = 0;
	s->ds.limit = s->es.limit = 0xffffffff;
	s->ds.g = s->es.g = 1;
	if (protected) {
		s->cr0 |= 1;
		s->cs.selector = 8;
		s->cs.limit = 0xffffffff;
		s->cs.g = s->cs.db = 1;
	}
	calls_call(KVM0_CALL_IOCTL, vcpu, KVM_SET_SREGS, at);
	memcpy(s, &regs, sizeof(regs));
	calls_call(KVM0_CALL_IOCTL, vcpu, KVM_SET_REGS, at);
}

/* KVM_SET_CPUID2 with all that is offered. */
static void set_cpuid(u64 vcpu)
{
	const u64 at = machine_address(8 * PAGE_SIZE);
	u32 *head = at_address(at, PAGE_SIZE);

	*head = PAGE_SIZE / sizeof(struct kvm_cpuid_entry2);
	if (!calls_call(KVM0_CALL_IOCTL, 0, KVM_GET_SUPPORTED_CPUID, at))
		calls_call(KVM0_CALL_IOCTL, vcpu, KVM_SET_CPUID2, at);
}

static void add_vcpu(u64 vm, u64 id, u64 options)
{
	u64 page = machine_address((16 + (handles.next & 31)) * PAGE_SIZE);
	s64 vcpu = calls_call(KVM0_CALL_IOCTL, vm, KVM_CREATE_VCPU, id);

	calls_remember(vcpu);
	if (vcpu < 0)
		return;
	calls_call(KVM0_CALL_SET_RUN_PAGE, (u64)vcpu, page, 0);
	run_page = page;
	if (options & 8)
		set_start((u64)vcpu, options & 16);
	if (options & 64)
		set_cpuid((u64)vcpu);
}

/* A VM with one vCPU or two that can run, which most programs want. */
static void op_machine(void)
{
	static const struct kvm_pit_config pit;
	struct kvm_userspace_memory_region slot = {.memory_size = 64 * PAGE_SIZE,
						   .userspace_addr =
							   machine_address(CALLS_GUEST_MEMORY)};
	const u64 options = input_take(1), at = machine_address(0);
	s64 vm = calls_call(KVM0_CALL_IOCTL, 0, KVM_CREATE_VM, 0);

	calls_remember(vm);
	if (vm < 0)
		return;
	memcpy(at_address(at, sizeof(slot)), &slot, sizeof(slot));
	calls_call(KVM0_CALL_IOCTL, (u64)vm, KVM_SET_USER_MEMORY_REGION, at);
	if (options & 1)
		calls_call(KVM0_CALL_IOCTL, (u64)vm, KVM_CREATE_IRQCHIP, 0);
	memcpy(at_address(at, sizeof(pit)), &pit, sizeof(pit));
	if (options & 32)
		calls_call(KVM0_CALL_IOCTL, (u64)vm, KVM_CREATE_PIT2, at);
	if (options & 128)
		add_vcpu((u64)vm, 1, options);
	add_vcpu((u64)vm, options >> 1 & 3, options);
}

static void do_op(void)
{
	switch (input_take(1) & 15) {
	case 0:
	case 1:
	case 2:
	case 15:
		op_ioctl();
		break;
	case 3:
	case 4:
		op_run();
		break;
	case 5:
		op_run_page();
		break;
	case 6:
		op_call();
		break;
	case 7:
		calls_fill_memory(take_address());
		break;
	case 8:
		calls_call(KVM0_CALL_CLOSE, calls_take_handle(), 0, 0);
		break;
	case 9:
		machine_on_cpu(input_take(1) % MACHINE_CPUS);
		break;
	case 10:
		if (input_take(1) & 1)
			machine_advance(take_number());
		else
			machine_alloc_limit = (s8)input_take(1);
		break;
	case 11:
		op_machine();
		break;
	case 12:
		op_supply();
		break;
	case 14:
		calls_events();
		break;
	case 13: /* an answer of user space's, or nonsense */
		calls_fill_memory(run_page + (input_take(2) & (PAGE_SIZE - 1)));
		break;
	}
}

static void guest(struct vmx_vcpu *v)
{
	if (!exits_left || !in.left) {
		machine_exit(1, 0, 0); /* external interrupt: the run ends */
		return;
	}
	exits_left--;
	calls_guest(v);
}

/* A new handle, and closed: numbers go up by one with each, and round. */
static u64 next_handle(void)
{
	s64 h = calls_call(KVM0_CALL_IOCTL, 0, KVM_CREATE_VM, 0);

	MACHINE_REQUIRE(h > 0 && !calls_call(KVM0_CALL_CLOSE, (u64)h, 0, 0),
			"a VM's handle is %lld", h);
	return (u64)h;
}

/* Closes all handles made since @first was the next. */
static void close_all(u64 first)
{
	machine_alloc_limit = -1;
	for (u64 h = first, last = next_handle(); h != last; h = (h + 1) % HANDLE_MAX)
		calls_call(KVM0_CALL_CLOSE, h, 0, 0);
	while (wake_take())
		;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
const char *__asan_default_options(void);

/* What boot took stays taken; leaks of inputs are found below. */
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static u32 pages, objects;
	u64 first;

	if (!percpu_count) {
		machine_boot();
		machine_guest = guest;
		pages = machine_pages;
		objects = machine_objects;
	}
	machine_reset();
	memset(&handles, 0, sizeof(handles));
	run_page = machine_address(0);
	in = (struct input){data, size};
	exits_left = MAX_EXITS;
	first = next_handle();
	for (u32 i = 0; i < MAX_OPS && in.left; i++)
		do_op();
	in.left = 0;
	close_all(first);
	MACHINE_REQUIRE(machine_pages == pages, "%d pages are left", (int)(machine_pages - pages));
	MACHINE_REQUIRE(machine_objects == objects, "%d objects are left",
			(int)(machine_objects - objects));
	return 0;
}
