/* SPDX-License-Identifier: MIT */
/*
 * The dirty log under libFuzzer: a VM at work is copied, as a migration does it, while slots
 * move, tables are dropped and pages supplied and withdrawn.  However writes are seen (by
 * faults, flags or lists) and reported (by bitmaps or rings), the copy is right in the end.
 * Runs on the machine of tests/fuzz/machine.
 */
#include <kvm0/abi.h>
#include <string.h>

#include "abi/dispatch.h"
#include "kvm/handle.h"
#include "kvm/mmu.h"
#include "tests/fuzz/machine/machine.h"
#include "vmx/caps.h"
#include "vmx/vmcs.h"

#define VCPUS      2u
#define RING_BYTES (4 * PAGE_SIZE)
#define RING_PAGES (RING_BYTES / PAGE_SIZE)
#define ENTRIES    (RING_BYTES / sizeof(struct kvm_dirty_gfn))
#define MAX_OPS    150u

/* Offsets in the control guest's memory. */
#define AT_ARGUMENT 0u
#define AT_BITS     (4 * PAGE_SIZE)
#define AT_RUN      (8 * PAGE_SIZE)
#define AT_RINGS    (16 * PAGE_SIZE)
#define AT_MEMORY   (4 * SIZE_1M)

/* Two slots: one with a large page in it, and one of an odd size. */
#define SLOTS 2u
static const struct {
	u32 pages;
	u64 offset, base;
} slots[SLOTS] = {{512 + 67, AT_MEMORY, 4 * SIZE_1M}, {70, AT_MEMORY + 3 * SIZE_1M, SIZE_1G}};
#define PAGES_MAX 1024u

static struct {
	u8 copy[SLOTS][PAGES_MAX]; /* of each page's first byte */
	u64 base[SLOTS];           /* where the slot is now */
	bool logged[SLOTS];
	bool rings, on_demand, manual;
	u64 vm, vcpu[VCPUS];
	u32 next[VCPUS]; /* the ring's entry that is read next */
} t;

static struct {
	const u8 *at;
	size_t left;
} in;

/* What the guest still has to do. */
static struct {
	u32 count;
	u32 slot, page, step;
	bool write;
} work;

static u32 take(void)
{
	if (!in.left)
		return 0;
	in.left--;
	return *in.at++;
}

static u32 take_page(u32 slot)
{
	u32 high = take();

	return (high << 8 | take()) % slots[slot].pages;
}

static u8 *at(u64 offset)
{
	return (u8 *)(uintptr_t)MACHINE_MEMORY + offset;
}

static s64 call(u64 number, u64 a, u64 b, u64 c)
{
	struct vmx_vcpu *v = machine_control();

	vmx_load(v);
	v->gpr[GPR_RAX] = number;
	v->gpr[GPR_RDI] = a;
	v->gpr[GPR_RSI] = b;
	v->gpr[GPR_RDX] = c;
	(void)hypercall(v);
	this_cpu()->nmi_pending = 0;
	return (s64)v->gpr[GPR_RAX];
}

static s64 ioctl(u64 handle, u64 request, u64 arg)
{
	return call(KVM0_CALL_IOCTL, handle, request, arg);
}

static s64 ioctl_with(u64 handle, u64 request, const void *arg, size_t size)
{
	memcpy(at(AT_ARGUMENT), arg, size);
	return ioctl(handle, request, machine_address(AT_ARGUMENT));
}

static u8 *byte_of(u32 slot, u32 page)
{
	return at(slots[slot].offset + page * PAGE_SIZE);
}

static void copy_page_of(u32 slot, u64 page)
{
	MACHINE_REQUIRE(page < slots[slot].pages, "page %llu of slot %u is dirty", page, slot);
	t.copy[slot][page] = *byte_of(slot, (u32)page);
}

/* --- collecting --- */

static void copy_bits(u32 slot)
{
	const u64 *bits = (void *)at(AT_BITS);

	for (u32 i = 0; i < slots[slot].pages; i++)
		if (bits[i / 64] >> i % 64 & 1)
			copy_page_of(slot, i);
}

static void collect_bitmap(u32 slot, bool all)
{
	struct kvm_dirty_log log = {.slot = slot, .dirty_bitmap = (void *)machine_address(AT_BITS)};
	struct kvm_clear_dirty_log part = {.slot = slot, .dirty_bitmap = log.dirty_bitmap};
	u32 pages = slots[slot].pages;

	if (ioctl_with(t.vm, KVM_GET_DIRTY_LOG, &log, sizeof(log)))
		return;
	if (!t.manual) {
		copy_bits(slot);
		return;
	}
	part.first_page = all ? 0 : take() % 12 * 64;
	part.num_pages = all ? pages : take() % 4 * 64;
	if (part.first_page < pages && part.first_page + part.num_pages > pages)
		part.num_pages = pages - (u32)part.first_page;
	/* Only what is cleared is copied. */
	for (u32 i = 0; i < pages; i++)
		if (i < part.first_page || i >= part.first_page + part.num_pages)
			((u64 *)(void *)at(AT_BITS))[i / 64] &= ~BIT(i % 64);
	memmove(at(AT_BITS) + PAGE_SIZE, at(AT_BITS) + part.first_page / 8, PAGE_SIZE / 2);
	part.dirty_bitmap = (void *)machine_address(AT_BITS + PAGE_SIZE);
	if (!ioctl_with(t.vm, KVM_CLEAR_DIRTY_LOG, &part, sizeof(part)))
		copy_bits(slot);
}

/* The copies are made when the entries are the vCPU's again. */
static void collect_rings(void)
{
	static struct {
		u32 slot;
		u64 page;
	} list[VCPUS * ENTRIES];
	u32 count = 0;
	s64 back;

	for (u32 n = 0; n < VCPUS; n++) {
		struct kvm_dirty_gfn *ring = (void *)at(AT_RINGS + n * RING_BYTES);

		for (;; t.next[n]++) {
			struct kvm_dirty_gfn *e = &ring[t.next[n] % ENTRIES];

			if (e->flags != KVM_DIRTY_GFN_F_DIRTY)
				break;
			MACHINE_REQUIRE(count < ARRAY_SIZE(list) && e->slot < SLOTS, "bad entry");
			list[count].slot = e->slot;
			list[count++].page = e->offset;
			e->flags = KVM_DIRTY_GFN_F_RESET;
		}
	}
	back = ioctl(t.vm, KVM_RESET_DIRTY_RINGS, 0);
	MACHINE_REQUIRE(back == (s64)count, "%lld of %u entries are free", back, count);
	while (count--)
		copy_page_of(list[count].slot, list[count].page);
}

static void collect(bool all)
{
	if (t.rings) {
		collect_rings();
		return;
	}
	for (u32 slot = 0; slot < SLOTS; slot++)
		if (t.logged[slot])
			collect_bitmap(slot, all);
}

/* --- the guest --- */

static void guest(struct vmx_vcpu *v)
{
	(void)v;
	while (work.count) {
		u64 a = t.base[work.slot] + work.page % slots[work.slot].pages * PAGE_SIZE;

		if (!machine_touch(a, work.write))
			return; /* an exit; again after that */
		work.page += work.step;
		work.count--;
	}
	machine_exit(1, 0, 0);
}

static void supply(u32 slot, u32 page, u32 pages, bool writable)
{
	struct kvm0_supply s = {.guest_phys_addr = t.base[slot] + page * PAGE_SIZE,
				.address = machine_address(slots[slot].offset + page * PAGE_SIZE),
				.pages = MIN(pages, slots[slot].pages - page),
				.flags = writable ? KVM0_SUPPLY_WRITABLE : 0};

	memcpy(at(AT_ARGUMENT), &s, sizeof(s));
	call(KVM0_CALL_SUPPLY, t.vm, machine_address(AT_ARGUMENT), 0);
}

static void supply_wanted(u64 wanted)
{
	for (u32 slot = 0; slot < SLOTS; slot++) {
		u64 offset = (wanted & PAGE_MASK) - t.base[slot];
		u32 page = (u32)(offset / PAGE_SIZE), first = take() & 1 ? page & ~511u : page;

		if (offset / PAGE_SIZE < slots[slot].pages)
			supply(slot, first, page - first + 1 + take() * 4,
			       wanted & KVM0_WANTED_WRITE);
	}
}

static void run(void)
{
	u32 n = take() % VCPUS;

	machine_on_cpu(take() % MACHINE_CPUS);
	work.slot = take() % SLOTS;
	work.page = take_page(work.slot);
	work.step = take() % 16;
	work.count = take();
	if (work.count == 255)
		work.count = 700; /* more than fits a list */
	work.write = take() & 3;
	for (u32 i = 0; i < 2000 && work.count; i++) {
		struct kvm_run *page = (void *)at(AT_RUN + n * PAGE_SIZE);
		s64 r = ioctl(t.vcpu[n], KVM_RUN, 0);

		if (r == KVM0_RUN_PAGE_WANTED)
			supply_wanted(machine_control()->gpr[GPR_RDX]);
		else if (!r && page->exit_reason == KVM_EXIT_DIRTY_RING_FULL)
			collect_rings();
		else
			break;
	}
	work.count = 0;
}

/* kvm0 writes for the guest, as its emulator does. */
static void own_write(void)
{
	u32 n = take() % VCPUS, slot = take() % SLOTS, page = take_page(slot);
	struct handle_ref ref;
	u8 value = (u8)take();

	MACHINE_REQUIRE(!handle_get(t.vcpu[n], &ref), "no vCPU");
	(void)mmu_write(ref.vcpu, gpa(t.base[slot] + page * PAGE_SIZE), &value, 1);
	handle_put(&ref);
}

/* --- the VM --- */

static s64 set_slot(u32 slot, u64 base, bool logged)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot,
		.flags = (logged ? KVM_MEM_LOG_DIRTY_PAGES : 0) |
			 (t.on_demand ? KVM0_MEM_ON_DEMAND : 0),
		.guest_phys_addr = base,
		.memory_size = slots[slot].pages * PAGE_SIZE,
		.userspace_addr = t.on_demand ? 0 : machine_address(slots[slot].offset)};
	s64 err = ioctl_with(t.vm, KVM_SET_USER_MEMORY_REGION, &r, sizeof(r));

	if (err)
		return err;
	t.base[slot] = base;
	/* What was written without being logged is copied when it begins to be. */
	for (u32 i = 0; i < slots[slot].pages && !t.logged[slot]; i++)
		copy_page_of(slot, i);
	t.logged[slot] = logged;
	return 0;
}

static void change_slot(void)
{
	u32 slot = take() % SLOTS, how = take();
	u64 move = how & 2 ? (how >> 2 & 15) * PAGE_SIZE : 0;

	(void)set_slot(slot, how & 2 ? slots[slot].base + move : t.base[slot],
		       how & 1 ? t.logged[slot] : !t.logged[slot]);
}

static void change_supply(void)
{
	u32 slot = take() % SLOTS, page = take_page(slot), how = take();

	if (how & 1)
		supply(slot, how & 2 ? page & ~511u : page, how * 4, how & 4);
	else
		call(KVM0_CALL_WITHDRAW, t.vm, t.base[slot] + page * PAGE_SIZE,
		     MIN(how / 2 + 1, slots[slot].pages - page));
}

static void enable(u32 cap, u64 value)
{
	struct kvm_enable_cap c = {.cap = cap, .args[0] = value};

	if (!ioctl_with(t.vm, KVM_ENABLE_CAP, &c, sizeof(c)) &&
	    cap == KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2)
		t.manual = value;
}

static const u64 manual_options[] = {0, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE,
				     KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE |
					     KVM_DIRTY_LOG_INITIALLY_SET};

static void open_slots(bool logged)
{
	for (u32 slot = 0; slot < SLOTS; slot++)
		(void)set_slot(slot, slots[slot].base, logged);
}

/* @mode: how the CPU tells of writes. */
static void open_vm(u32 mode, u32 options)
{
	static struct vmx_config of_cpu;

	if (!of_cpu.revision)
		of_cpu = vmx_config;
	vmx_config = of_cpu;
	if (mode != DIRTY_BY_LIST)
		vmx_config.guest.cpu2 &= ~(u32)CPU2_PML;
	if (mode == DIRTY_BY_FAULT)
		vmx_config.ept_flags = false;
	vmx_config.ept_1g = options & 64;
	memset(&t, 0, sizeof(t));
	t.on_demand = options & 1;
	t.vm = (u64)ioctl(0, KVM_CREATE_VM, 0);
	if (options & 2) {
		if (options & 128)
			enable(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, manual_options[2]);
		open_slots(options & 16);
		if (t.on_demand)
			supply(0, 0, 600, true);
		open_slots(options & 4);
	}
	t.rings = options & 8;
	if (t.rings)
		enable(KVM_CAP_DIRTY_LOG_RING, RING_BYTES);
	else
		enable(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, manual_options[(options >> 4) % 3]);
	if (!(options & 2))
		open_slots(options & 4);
	for (u32 n = 0; n < VCPUS; n++) {
		t.vcpu[n] = (u64)ioctl(t.vm, KVM_CREATE_VCPU, n);
		call(KVM0_CALL_SET_RUN_PAGE, t.vcpu[n], machine_address(AT_RUN + n * PAGE_SIZE), 0);
		for (u32 i = 0; i < RING_PAGES && t.rings; i++)
			call(KVM0_CALL_SET_RUN_PAGE, t.vcpu[n],
			     machine_address(AT_RINGS + n * RING_BYTES + i * PAGE_SIZE),
			     KVM_DIRTY_LOG_PAGE_OFFSET + i);
	}
}

static void do_op(void)
{
	u32 op = take() & 15;

	switch (op) {
	case 8:
	case 9:
		collect(false);
		break;
	case 10:
		own_write();
		break;
	case 11:
		change_slot();
		break;
	case 12:
	case 13:
		change_supply();
		break;
	case 14: /* all that is mapped goes */
		ioctl(t.vm, KVM_SET_NR_MMU_PAGES, take() & 1 ? 64 : 1);
		ioctl(t.vm, KVM_SET_NR_MMU_PAGES, take() & 1 ? 64 : 100000);
		break;
	case 15:
		if (take() & 1)
			machine_alloc_limit = (int)(take() & 7);
		else if (!t.rings)
			enable(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, manual_options[take() % 3]);
		break;
	default:
		run();
		machine_alloc_limit = -1;
		break;
	}
}

static void check_copies(void)
{
	machine_alloc_limit = -1;
	collect(true);
	for (u32 slot = 0; slot < SLOTS; slot++)
		for (u32 i = 0; i < slots[slot].pages && t.logged[slot]; i++)
			MACHINE_REQUIRE(t.copy[slot][i] == *byte_of(slot, i),
					"a write to page %u of slot %u is lost", i, slot);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static u32 pages, objects;

	if (!percpu_count) {
		machine_boot();
		machine_guest = guest;
		pages = machine_pages;
		objects = machine_objects;
	}
	machine_reset();
	in.at = data;
	in.left = size;
	open_vm(take() % 3, take());
	for (u32 i = 0; i < MAX_OPS && in.left; i++)
		do_op();
	in.left = 0;
	check_copies();
	for (u32 n = 0; n < VCPUS; n++)
		call(KVM0_CALL_CLOSE, t.vcpu[n], 0, 0);
	call(KVM0_CALL_CLOSE, t.vm, 0, 0);
	MACHINE_REQUIRE(machine_pages == pages && machine_objects == objects,
			"%d pages and %d objects are left", (int)(machine_pages - pages),
			(int)(machine_objects - objects));
	return 0;
}
