/* SPDX-License-Identifier: MIT */
/* KVM_REGISTER_COALESCED_MMIO: writes that are collected in the ring page. */
#include "tests/abi/machine.h"

#define RING_ENTRIES                                                                               \
	((u32)((PAGE_SIZE - sizeof(struct kvm_coalesced_mmio_ring)) /                              \
	       sizeof(struct kvm_coalesced_mmio)))
#define MAX_DEVICES 1000u /* on one bus of a VM */

static long zone(int vm, u64 request, u64 addr, u32 size, u32 pio)
{
	struct kvm_coalesced_mmio_zone z = {.addr = addr, .size = size, .pio = pio};

	return t_ioctl_ptr(vm, request, &z);
}

static long add(int vm, u64 addr, u32 size, u32 pio)
{
	return zone(vm, KVM_REGISTER_COALESCED_MMIO, addr, size, pio);
}

static long cut(int vm, u64 addr, u32 size, u32 pio)
{
	return zone(vm, KVM_UNREGISTER_COALESCED_MMIO, addr, size, pio);
}

static int new_vm(bool irqchip)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	if (irqchip)
		CHECK_RESULT(t_ioctl(vm, KVM_CREATE_IRQCHIP, 0), 0);
	return vm;
}

/* The ring, which is in the mapping of each vCPU. */
static struct kvm_coalesced_mmio_ring *ring_of(const struct machine *m)
{
	return (void *)((u8 *)m->run + KVM_COALESCED_MMIO_PAGE_OFFSET * PAGE_SIZE);
}

static void expect_entry(const struct machine *m, u32 at, u64 addr, u32 len, u32 pio, u64 data)
{
	struct kvm_coalesced_mmio entry;
	u64 got = 0;

	memcpy(&entry, &ring_of(m)->coalesced_mmio[at], sizeof(entry));
	CHECK_EQUAL(entry.phys_addr, addr);
	CHECK_EQUAL(entry.len, len);
	CHECK_EQUAL(entry.pio, pio);
	memcpy(&got, entry.data, len);
	CHECK_EQUAL(got, data);
}

static void coalesced_arguments(void)
{
	int vm = new_vm(false);

	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO),
		     KVM_COALESCED_MMIO_PAGE_OFFSET);
	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_PIO), 1);
	CHECK(t_ioctl(t_system(), KVM_GET_VCPU_MMAP_SIZE, 0) >=
	      (long)((KVM_COALESCED_MMIO_PAGE_OFFSET + 1) * PAGE_SIZE));
	CHECK_RESULT(t_ioctl(vm, KVM_REGISTER_COALESCED_MMIO, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl(vm, KVM_UNREGISTER_COALESCED_MMIO, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(add(vm, GPA_MMIO, PAGE_SIZE, 2), -EINVAL);
	CHECK_RESULT(cut(vm, GPA_MMIO, PAGE_SIZE, 2), -EINVAL);
	CHECK_RESULT(add(vm, GPA_MMIO, PAGE_SIZE, 0), 0);
	/* Twice, empty, beyond the end, more ports than there are: nobody minds. */
	CHECK_RESULT(add(vm, GPA_MMIO, PAGE_SIZE, 0), 0);
	CHECK_RESULT(add(vm, GPA_MMIO, 0, 0), 0);
	CHECK_RESULT(add(vm, ~0ull, 0xffffffff, 0), 0);
	CHECK_RESULT(add(vm, 0xfff0, 0xffffffff, 1), 0);
	CHECK_RESULT(cut(vm, GPA_MMIO + SIZE_1M, 1, 0), 0);
	CHECK_RESULT(cut(vm, GPA_MMIO, PAGE_SIZE, 1), 0);
	CHECK_RESULT(cut(vm, GPA_MMIO, PAGE_SIZE, 0), 0);
}

static void fill(int vm, u32 pio, u32 room)
{
	for (u32 i = 0; i < room; i++)
		CHECK_RESULT(add(vm, GPA_MMIO * (1 - pio) + 8 * i, 4, pio), 0);
	CHECK_RESULT(add(vm, 0, 1, pio), -ENOSPC);
	CHECK_RESULT(cut(vm, GPA_MMIO * (1 - pio) + 8, 4, pio), 0);
	CHECK_RESULT(add(vm, 0, 1, pio), 0);
	CHECK_RESULT(add(vm, 0, 1, pio), -ENOSPC);
}

/* There is room for 1000 devices on a bus, among them those of the kernel. */
static void coalesced_limits(void)
{
	int vm = new_vm(false), irqchip = new_vm(true);

	fill(vm, 0, MAX_DEVICES);
	fill(vm, 1, MAX_DEVICES);
	fill(irqchip, 0, MAX_DEVICES - 1);
	fill(irqchip, 1, MAX_DEVICES - 3);
}

/* long_mmio_write: ten stores, the last at 0x10 + 4 RBX. */
static void coalesced_mmio(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	CHECK_RESULT(add(m.vm, GPA_MMIO, 16, 0), 0);
	m.regs.rdi = GPA_MMIO;
	machine_start(&m, long_mmio_write);
	machine_run(&m, KVM_EXIT_MMIO);
	CHECK_EQUAL(m.run->mmio.phys_addr, GPA_MMIO + 0x10);
	CHECK_EQUAL(ring_of(&m)->first, 0);
	CHECK_EQUAL(ring_of(&m)->last, 9);
	expect_entry(&m, 0, GPA_MMIO, 1, 0, 0x11);
	expect_entry(&m, 1, GPA_MMIO, 2, 0, 0x2211);
	expect_entry(&m, 3, GPA_MMIO, 8, 0, 0x8877665544332211);
	expect_entry(&m, 7, GPA_MMIO + 8, 8, 0, 0xfffffffffffffffe);
	expect_entry(&m, 8, GPA_MMIO, 1, 0, 0x22);
	machine_run_out(&m, PORT_DONE);
	/* Reads are exits, and a write that only begins in the zone is too. */
	machine_start(&m, long_load);
	machine_run(&m, KVM_EXIT_MMIO);
	machine_run_out(&m, PORT_DONE);
	m.regs.rdi = GPA_MMIO + 12;
	machine_start(&m, long_store);
	machine_run(&m, KVM_EXIT_MMIO);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(ring_of(&m)->last, 9);
	CHECK_RESULT(cut(m.vm, GPA_MMIO, 16, 0), 0);
	m.regs.rdi = GPA_MMIO;
	machine_start(&m, long_store);
	machine_run(&m, KVM_EXIT_MMIO);
	machine_run_out(&m, PORT_DONE);
}

/* To unregister part of a zone is to unregister it, and all others that hold the part. */
static void coalesced_unregister(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	CHECK_RESULT(add(m.vm, GPA_MMIO, 16, 0), 0);
	CHECK_RESULT(add(m.vm, GPA_MMIO, 64, 0), 0);
	CHECK_RESULT(add(m.vm, GPA_MMIO + 64, 16, 0), 0);
	m.regs.rdi = GPA_MMIO;
	CHECK_RESULT(cut(m.vm, GPA_MMIO, 128, 0), 0);
	machine_do(&m, long_store);
	CHECK_EQUAL(ring_of(&m)->last, 1);
	CHECK_RESULT(cut(m.vm, GPA_MMIO + 8, 1, 0), 0);
	machine_start(&m, long_store);
	machine_run(&m, KVM_EXIT_MMIO);
	machine_run_out(&m, PORT_DONE);
	m.regs.rdi = GPA_MMIO + 64;
	machine_do(&m, long_store);
	CHECK_EQUAL(ring_of(&m)->last, 2);
}

/* A full ring: writes are exits until the owner has made room. */
static void coalesced_full(void)
{
	struct kvm_coalesced_mmio_ring *ring;
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	ring = ring_of(&m);
	CHECK_RESULT(add(m.vm, GPA_MMIO, PAGE_SIZE, 0), 0);
	m.regs.rdi = GPA_MMIO;
	m.regs.rcx = RING_ENTRIES + 2;
	machine_start(&m, long_mmio_stosd);
	machine_run(&m, KVM_EXIT_MMIO);
	/* Linux before 6.12 takes the room modulo 2^32 first. */
	if (!target_is_kvm0 && ring->last == 0xffffffffu % RING_ENTRIES)
		check_skip("this Linux finds its ring full too early");
	CHECK_EQUAL(ring->last, RING_ENTRIES - 1);
	CHECK_EQUAL(m.run->mmio.phys_addr, GPA_MMIO + 4 * (RING_ENTRIES - 1));
	ring->first = 1;
	machine_run(&m, KVM_EXIT_MMIO);
	CHECK_EQUAL(ring->last, 0);
	CHECK_EQUAL(m.run->mmio.phys_addr, GPA_MMIO + 4 * (RING_ENTRIES + 1));
	expect_entry(&m, RING_ENTRIES - 1, GPA_MMIO + 4 * RING_ENTRIES, 4, 0, 0);
	machine_run_out(&m, PORT_DONE);
}

/* The page is its owner's: whatever is in the indices, nothing else is written. */
static void coalesced_bad_ring(void)
{
	static const u32 bad[] = {RING_ENTRIES, RING_ENTRIES + 1, 0x7fffffff, 0xffffffff};
	struct kvm_coalesced_mmio_ring *ring;
	struct machine m;

	machine_open(&m, MODE_LONG, 0);
	ring = ring_of(&m);
	CHECK_RESULT(add(m.vm, GPA_MMIO, PAGE_SIZE, 0), 0);
	m.regs.rdi = GPA_MMIO;
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		ring->first = 0;
		ring->last = bad[i];
		machine_start(&m, long_store);
		machine_run(&m, KVM_EXIT_MMIO);
		CHECK_EQUAL(ring->last, bad[i]);
		machine_run_out(&m, PORT_DONE);
		ring->first = bad[i];
		ring->last = 3;
		machine_start(&m, long_store);
		if (!t_run(m.vcpu) && m.run->exit_reason == KVM_EXIT_MMIO)
			machine_run_out(&m, PORT_DONE);
	}
}

static void coalesced_ports(void)
{
	struct machine m;

	machine_open(&m, MODE_REAL, 0);
	CHECK_RESULT(add(m.vm, PORT_TEST, 2, 1), 0);
	machine_start(&m, real_out_sizes);
	machine_run(&m, KVM_EXIT_IO);
	CHECK_EQUAL(m.run->io.size, 4);
	CHECK_EQUAL(ring_of(&m)->last, 2);
	u64 value = *(u32 *)(void *)machine_io_data(&m);
	expect_entry(&m, 0, PORT_TEST, 1, 1, value & 0xff);
	expect_entry(&m, 1, PORT_TEST, 2, 1, value & 0xffff);
}

SUITE(coalesced, TEST(coalesced_arguments), TEST(coalesced_limits), TEST(coalesced_mmio),
      TEST(coalesced_unregister), TEST(coalesced_full), TEST(coalesced_bad_ring),
      TEST(coalesced_ports));
