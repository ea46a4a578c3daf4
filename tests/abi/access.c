/* SPDX-License-Identifier: MIT */
/* Devices driven step by step: see access.h. */
#include "tests/abi/access.h"

void access_open(struct machine *m, u32 options)
{
	machine_open(m, MODE_LONG, options | MACHINE_CPUID);
	for (u32 v = 0x20; v <= 0xff; v++)
		machine_set_vector(m, (u8)v, access_stubs + (v - 0x20) * ACCESS_STUB);
}

struct machine access_add_vcpu(struct machine *m, u32 id)
{
	struct machine other = *m;

	other.vcpu = machine_add_vcpu(m, id, &other.run);
	return other;
}

void access_set(struct machine *m, u64 address, u32 value)
{
	m->regs.rdi = address;
	m->regs.rsi = value;
	machine_do(m, access_write);
}

u32 access_get(struct machine *m, u64 address)
{
	m->regs.rdi = address;
	machine_do(m, access_read);
	return (u32)machine_regs(m).rax;
}

void access_outb(struct machine *m, u16 port, u8 value)
{
	m->regs.rdx = port;
	m->regs.rax = value;
	machine_do(m, access_out);
}

u8 access_inb(struct machine *m, u16 port)
{
	m->regs.rdx = port;
	machine_do(m, access_in);
	return (u8)machine_regs(m).rax;
}

u64 access_noted(struct machine *m)
{
	u32 *count = machine_at(m, GPA_VARS + VAR_LOGGED);
	const u8 *log = machine_at(m, GPA_VARS + VAR_LOG);
	u64 all = 0;

	CHECK(*count <= 8);
	for (u32 i = 0; i < *count; i++)
		all = all << 8 | log[i];
	*count = 0;
	return all;
}

u64 access_take(struct machine *m)
{
	machine_do(m, access_window);
	return access_noted(m);
}

static u32 *apic_page(const struct machine *m)
{
	static u32 page[KVM_APIC_REG_SIZE / 4];

	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_GET_LAPIC, page), 0);
	return page;
}

u32 access_apic(const struct machine *m, u32 reg)
{
	return apic_page(m)[reg / 4];
}

void access_set_apic(const struct machine *m, u32 reg, u32 value)
{
	u32 *page = apic_page(m);

	page[reg / 4] = value;
	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_SET_LAPIC, page), 0);
}

bool access_vector(const struct machine *m, u32 bitmap, u8 vector)
{
	return access_apic(m, bitmap + vector / 32 * 0x10u) >> vector % 32 & 1;
}

u8 access_take_irr(const struct machine *m)
{
	u32 *page = apic_page(m);

	for (u32 v = 255; v; v--) {
		u32 *word = &page[(ACCESS_IRR + v / 32 * 0x10) / 4];

		if (!(*word >> v % 32 & 1))
			continue;
		*word &= ~(1u << v % 32);
		CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_SET_LAPIC, page), 0);
		return (u8)v;
	}
	return 0;
}
