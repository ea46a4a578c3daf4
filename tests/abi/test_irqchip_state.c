/* SPDX-License-Identifier: MIT */
/* KVM_GET_IRQCHIP and KVM_SET_IRQCHIP, the PIT's state, KVM_REINJECT_CONTROL. */
#include "tests/abi/machine.h"

static int new_vm(bool irqchip)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	if (irqchip)
		CHECK_RESULT(t_ioctl(vm, KVM_CREATE_IRQCHIP, 0), 0);
	return vm;
}

static int new_pit_vm(void)
{
	struct kvm_pit_config config = {.flags = 0xfff0}; /* those that mean nothing */
	int vm = new_vm(true);

	CHECK_RESULT(t_ioctl_ptr(vm, KVM_CREATE_PIT2, &config), 0);
	return vm;
}

/* What it has now; until the next call. */
static const struct kvm_irqchip *get_chip(int vm, u32 id)
{
	static struct kvm_irqchip c;

	memset(&c, 0, sizeof(c));
	c.chip_id = id;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_GET_IRQCHIP, &c), 0);
	CHECK_EQUAL(c.chip_id, id);
	return &c;
}

static void set_chip(int vm, const struct kvm_irqchip *c)
{
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SET_IRQCHIP, c), 0);
}

static void set_line(int vm, u32 irq, u32 level)
{
	struct kvm_irq_level line = {.irq = irq, .level = level};

	CHECK_RESULT(t_ioctl_ptr(vm, KVM_IRQ_LINE, &line), 0);
}

static void irqchip_state_errors(void)
{
	static const u64 requests[] = {KVM_GET_IRQCHIP, KVM_SET_IRQCHIP};
	struct kvm_irqchip c = {.chip_id = 0};
	int vm = new_vm(true), without = new_vm(false);

	for (u32 i = 0; i < 2; i++) {
		c.chip_id = 0;
		CHECK_RESULT(t_ioctl(without, requests[i], T_BAD_ADDRESS), -EFAULT);
		CHECK_RESULT(t_ioctl_ptr(without, requests[i], &c), -ENXIO);
		CHECK_RESULT(t_ioctl(vm, requests[i], T_BAD_ADDRESS), -EFAULT);
		c.chip_id = 3;
		CHECK_RESULT(t_ioctl_ptr(vm, requests[i], &c), -EINVAL);
		c.chip_id = 0xffffffff;
		CHECK_RESULT(t_ioctl_ptr(vm, requests[i], &c), -EINVAL);
	}
}

static void irqchip_state_new(void)
{
	const struct kvm_irqchip *c;
	int vm = new_vm(true);

	c = get_chip(vm, KVM_IRQCHIP_PIC_MASTER);
	CHECK_EQUAL(c->chip.pic.elcr_mask, 0xf8);
	CHECK_EQUAL(c->chip.pic.irr | c->chip.pic.imr | c->chip.pic.isr | c->chip.pic.irq_base, 0);
	CHECK_EQUAL(get_chip(vm, KVM_IRQCHIP_PIC_SLAVE)->chip.pic.elcr_mask, 0xde);
	c = get_chip(vm, KVM_IRQCHIP_IOAPIC);
	CHECK_EQUAL(c->chip.ioapic.base_address, GPA_IOAPIC);
	CHECK_EQUAL(c->chip.ioapic.id | c->chip.ioapic.ioregsel | c->chip.ioapic.irr, 0);
	for (u32 i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
		CHECK_EQUAL(c->chip.ioapic.redirtbl[i].bits, 0x10000);
}

/* Every bit that is set is there again, and what is pending behind the slave shows. */
static void irqchip_state_pic(void)
{
	struct kvm_irqchip c = {.chip_id = KVM_IRQCHIP_PIC_SLAVE};
	const struct kvm_irqchip *got;
	int vm = new_vm(true);

	for (u32 i = 0; i < sizeof(c.chip.pic); i++)
		((u8 *)&c.chip.pic)[i] = (u8)(0x81 + i);
	c.chip.pic.imr = 0xff;
	set_chip(vm, &c);
	got = get_chip(vm, KVM_IRQCHIP_PIC_SLAVE);
	CHECK(!memcmp(&got->chip.pic, &c.chip.pic, sizeof(c.chip.pic)));
	memset(&c.chip.pic, 0, sizeof(c.chip.pic));
	c.chip.pic.irr = 1 << 4;
	set_chip(vm, &c);
	CHECK_EQUAL(get_chip(vm, KVM_IRQCHIP_PIC_MASTER)->chip.pic.irr, 1 << 2);
	set_line(vm, 13, 1);
	CHECK_EQUAL(get_chip(vm, KVM_IRQCHIP_PIC_SLAVE)->chip.pic.irr, 3 << 4);
	CHECK_EQUAL(get_chip(vm, KVM_IRQCHIP_PIC_SLAVE)->chip.pic.last_irr, 1 << 5);
}

/* The lines that are high: those that are masked stay, an edge that was delivered is gone. */
static void irqchip_state_ioapic(void)
{
	const struct kvm_irqchip *got;
	struct kvm_irqchip c;
	int vm = new_vm(true);

	CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	c = *get_chip(vm, KVM_IRQCHIP_IOAPIC);
	c.chip.ioapic.base_address = 0xfec10000;
	c.chip.ioapic.id = 7;
	c.chip.ioapic.ioregsel = 0x12;
	c.chip.ioapic.irr = 1u << 20 | 1u << 21 | 0xffu << 24;
	c.chip.ioapic.pad = 5;
	c.chip.ioapic.redirtbl[20].bits = 0x11200000001aa60;  /* masked? no: edge, to nobody */
	c.chip.ioapic.redirtbl[21].bits = 0xff0000000001c071; /* level, masked, remote IRR */
	c.chip.ioapic.redirtbl[22].bits = 0x0000000000004172; /* edge, remote IRR */
	c.chip.ioapic.redirtbl[23].bits = ~0ull;
	set_chip(vm, &c);
	got = get_chip(vm, KVM_IRQCHIP_IOAPIC);
	for (u32 i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
		CHECK_EQUAL(got->chip.ioapic.redirtbl[i].bits, c.chip.ioapic.redirtbl[i].bits);
	CHECK_EQUAL(got->chip.ioapic.base_address, 0xfec10000);
	CHECK_EQUAL(got->chip.ioapic.id, 7);
	CHECK_EQUAL(got->chip.ioapic.ioregsel, 0x12);
	CHECK_EQUAL(got->chip.ioapic.irr, 1u << 20 | 1u << 21);
	set_line(vm, 22, 1); /* an edge, to an APIC that is disabled: tried once */
	CHECK_EQUAL(get_chip(vm, KVM_IRQCHIP_IOAPIC)->chip.ioapic.irr, 1u << 20 | 1u << 21);
	set_line(vm, 21, 1);
	set_line(vm, 21, 0);
	CHECK_EQUAL(get_chip(vm, KVM_IRQCHIP_IOAPIC)->chip.ioapic.irr, 1u << 20);
}

static struct kvm_pit_state2 get_pit(int vm)
{
	struct kvm_pit_state2 s = {.reserved = {1, 2, 3}};

	CHECK_RESULT(t_ioctl_ptr(vm, KVM_GET_PIT2, &s), 0);
	return s;
}

static void pit_state_errors(void)
{
	static const u64 requests[] = {KVM_GET_PIT, KVM_SET_PIT, KVM_SET_PIT2,
				       KVM_REINJECT_CONTROL};
	struct kvm_pit_state2 s = {.flags = 0};
	int vm = new_vm(true), without = new_vm(false);

	for (u32 i = 0; i < ARRAY_SIZE(requests); i++) {
		CHECK_RESULT(t_ioctl(without, requests[i], T_BAD_ADDRESS), -EFAULT);
		CHECK_RESULT(t_ioctl_ptr(without, requests[i], &s), -ENXIO);
		CHECK_RESULT(t_ioctl_ptr(vm, requests[i], &s), -ENXIO);
	}
	CHECK_RESULT(t_ioctl(without, KVM_GET_PIT2, T_BAD_ADDRESS), -ENXIO);
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_GET_PIT2, &s), -ENXIO);
	CHECK_RESULT(t_ioctl(new_pit_vm(), KVM_GET_PIT2, T_BAD_ADDRESS), -EFAULT);
	/* The old call to create it takes no structure, and is as the new with a speaker. */
	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_PIT, T_BAD_ADDRESS), 0);
	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_PIT, 0), -EEXIST);
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_GET_PIT2, &s), 0);
}

static void pit_state_new(void)
{
	struct kvm_pit_state2 s = get_pit(new_pit_vm());

	CHECK_EQUAL(s.flags, 0);
	for (u32 i = 0; i < 3; i++) {
		CHECK_EQUAL(s.channels[i].count, 0x10000);
		CHECK_EQUAL(s.channels[i].mode, 0xff);
		CHECK_EQUAL(s.channels[i].gate, i != 2);
		CHECK_EQUAL(s.channels[i].rw_mode, 0);
	}
	for (u32 i = 0; i < ARRAY_SIZE(s.reserved); i++)
		CHECK_EQUAL(s.reserved[i], 0);
}

/* All is taken as it is, but for a count of 0. */
static void pit_state_set(void)
{
	struct kvm_pit_state2 s, got;
	int vm = new_pit_vm();

	memset(&s, 0xa5, sizeof(s));
	s.channels[1].count = 0;
	s.channels[2].count = 0xffffffff;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SET_PIT2, &s), 0);
	got = get_pit(vm);
	CHECK_EQUAL(got.flags, 0xa5a5a5a5);
	CHECK_EQUAL(got.reserved[0], 0);
	s.channels[1].count = 0x10000;
	for (u32 i = 0; i < 3; i++) {
		s.channels[i].count_load_time = got.channels[i].count_load_time;
		CHECK(!memcmp(&got.channels[i], &s.channels[i], sizeof(s.channels[i])));
	}
	/* The old structure has the channels alone. */
	s.channels[0].mode = 2;
	s.channels[0].count = 1000;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SET_PIT, &s), 0);
	got = get_pit(vm);
	CHECK_EQUAL(got.flags, 0xa5a5a5a5);
	CHECK_EQUAL(got.channels[0].count, 1000);
	memset(&got, 0, sizeof(got));
	got.flags = 77;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_GET_PIT, &got), 0);
	CHECK_EQUAL(got.channels[0].count, 1000);
	CHECK_EQUAL(got.flags, 77);
}

static bool ticks(int vm)
{
	return get_chip(vm, KVM_IRQCHIP_PIC_MASTER)->chip.pic.irr & 1;
}

/* A PIT that has just been set ticks within so many calls; it does so without a run in Linux,
 * and at the next one on kvm0. */
static bool ticks_within(struct machine *m, u32 calls)
{
	for (u32 i = 0; i < calls; i++) {
		machine_run_out(m, PORT_DONE);
		if (ticks(m->vm))
			return true;
		for (volatile u32 j = 0; j < 5000; j++)
			;
	}
	return false;
}

/* While the HPET stands in for it channel 0 does not tick, and keeps its mode. */
static void pit_state_hpet(void)
{
	struct kvm_irqchip c;
	struct kvm_pit_state2 s;
	struct machine m;

	machine_open(&m, MODE_LONG, MACHINE_PIT | MACHINE_CPUID);
	machine_start(&m, long_done);
	s = get_pit(m.vm);
	s.channels[0].mode = 2;
	s.channels[0].count = 1193;
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_SET_PIT2, &s), 0);
	CHECK(ticks_within(&m, 100000));
	s.flags = KVM_PIT_FLAGS_HPET_LEGACY;
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_SET_PIT2, &s), 0);
	CHECK_EQUAL(get_pit(m.vm).channels[0].mode, 2);
	c = *get_chip(m.vm, KVM_IRQCHIP_PIC_MASTER);
	c.chip.pic.irr = 0;
	set_chip(m.vm, &c);
	CHECK(!ticks_within(&m, 400));
	s.flags = 0;
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_SET_PIT2, &s), 0);
	CHECK(ticks_within(&m, 100000));
}

static void pit_reinject(void)
{
	struct kvm_reinject_control control = {.pit_reinject = 1};
	int vm = new_pit_vm();

	CHECK_RESULT(t_ioctl_ptr(vm, KVM_REINJECT_CONTROL, &control), 0);
	control.pit_reinject = 0;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_REINJECT_CONTROL, &control), 0);
	control.pit_reinject = 0xff;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_REINJECT_CONTROL, &control), 0);
}

SUITE(irqchip_state, TEST(irqchip_state_errors), TEST(irqchip_state_new), TEST(irqchip_state_pic),
      TEST(irqchip_state_ioapic), TEST(pit_state_errors), TEST(pit_state_new), TEST(pit_state_set),
      TEST(pit_state_hpet), TEST(pit_reinject));
