/* SPDX-License-Identifier: MIT */
/* Accesses of guests to the interrupt controllers, by port and by MMIO: see irqchip.h. */
#include "kvm/irqchip/irqchip_lock.h"

/* Is an access of @size bytes to @port within @count ports from @first? */
static bool in_ports(u32 port, u32 size, u32 first, u32 count)
{
	return port >= first && port + size <= first + count;
}

static u32 access_pic(struct irqchip *c, u16 port, u32 size, bool is_write, u32 val)
{
	if (size != 1)
		return 0;
	if (!is_write)
		return pic_read(&c->pic, port);
	pic_write(&c->pic, port, (u8)val);
	return 0;
}

static u32 access_pit(struct irqchip *c, u16 port, bool is_write, u32 val, u64 now)
{
	if (!is_write)
		return pit_read(&c->pit, port & 3, now);
	pit_write(&c->pit, port & 3, (u8)val, now);
	return 0;
}

static u32 access_speaker(struct irqchip *c, bool is_write, u32 val, u64 now)
{
	if (!is_write)
		return pit_speaker_read(&c->pit, now);
	pit_speaker_write(&c->pit, (u8)val, now);
	return 0;
}

bool irqchip_pio(struct irqchip *c, u16 port, u32 size, bool is_write, u32 *val, u64 now)
{
	bool pic = (in_ports(port, size, 0x20, 2) || in_ports(port, size, 0xa0, 2) ||
		    in_ports(port, size, 0x4d0, 2)) &&
		   !c->split;
	bool pit = c->has_pit && in_ports(port, size, 0x40, 4);
	bool speaker = c->has_speaker && port == 0x61;
	struct irqchip_held held;
	u32 result;

	if (!pic && !pit && !speaker)
		return false;
	held = irqchip_hold(c);
	if (pic)
		result = access_pic(c, port, size, is_write, *val);
	else if (pit)
		result = access_pit(c, port, is_write, *val, now);
	else
		result = access_speaker(c, is_write, *val, now);
	irqchip_release(c, held);
	if (!is_write)
		*val = result;
	return true;
}

bool irqchip_mmio(struct irqchip *c, u32 index, gpa_t addr, u32 size, bool is_write, u64 *val,
		  u64 now)
{
	struct lapic *l = c->bus.lapic[index];
	u64 offset = addr.v - (l->base & PAGE_MASK);
	struct irqchip_held held;

	if (offset < PAGE_SIZE) {
		if (is_write)
			lapic_mmio_write(l, (u32)offset, size, *val, now);
		else
			*val = lapic_mmio_read(l, (u32)offset, size, now);
		return true;
	}
	offset = addr.v - c->ioapic.state.base_address;
	if (offset >= IOAPIC_SIZE || c->split)
		return false;
	held = irqchip_hold(c);
	if (is_write)
		ioapic_write(&c->ioapic, (u32)offset, size, (u32)*val);
	else
		*val = ioapic_read(&c->ioapic, (u32)offset, size);
	irqchip_release(c, held);
	return true;
}
