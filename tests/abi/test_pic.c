/* SPDX-License-Identifier: MIT */
/* The two 8259As: initialisation, priorities, ends of interrupts, poll, ELCR, cascade. */
#include "tests/abi/access.h"

#define MASTER 0x20
#define SLAVE  0xa0
#define ELCR   0x4d0
#define BASE   0x20 /* vectors; the slave's are behind */

#define ICW4_8086 0x01
#define ICW4_AEOI 0x02
#define ICW4_SFNM 0x10

#define EOI              0x20
#define EOI_OF(line)     (0x60 | (line))
#define ROTATE_EOI       0xa0
#define ROTATE_EOI_OF(n) (0xe0 | (n))
#define SET_LOWEST(n)    (0xc0 | (n))
#define ROTATE_AEOI(on)  ((on) ? 0x80 : 0)
#define READ_IRR         0x0a
#define READ_ISR         0x0b
#define POLL             0x0c

static void outb(struct machine *m, u16 port, u8 value)
{
	access_outb(m, port, value);
}

static void init_chip(struct machine *m, u16 port, u8 base, u8 cascade, u8 icw4)
{
	outb(m, port, 0x11);
	outb(m, port + 1, base);
	outb(m, port + 1, cascade);
	outb(m, port + 1, icw4);
}

/* All lines open. */
static void open(struct machine *m, u8 icw4)
{
	machine_need_vmx("the interrupts of a 64-bit guest");
	access_open(m, MACHINE_IRQCHIP);
	init_chip(m, MASTER, BASE, 4, icw4 | ICW4_8086);
	init_chip(m, SLAVE, BASE + 8, 2, (icw4 & ICW4_AEOI) | ICW4_8086);
}

static void line(const struct machine *m, u32 irq, u32 level)
{
	struct kvm_irq_level l = {.irq = irq, .level = level};

	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_IRQ_LINE, &l), 0);
}

static void pulse(const struct machine *m, u32 irq)
{
	line(m, irq, 1);
	line(m, irq, 0);
}

static u8 reg(struct machine *m, u16 port, u8 which)
{
	outb(m, port, which);
	return access_inb(m, port);
}

static struct kvm_pic_state state(const struct machine *m, u32 chip)
{
	struct kvm_irqchip c = {.chip_id = chip};

	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_GET_IRQCHIP, &c), 0);
	return c.chip.pic;
}

static void pic_init(void)
{
	struct machine m;

	open(&m, 0);
	outb(&m, MASTER + 1, 0xa5);
	CHECK_EQUAL(access_inb(&m, MASTER + 1), 0xa5);
	outb(&m, MASTER, 0x11); /* opens all lines, and waits for the rest */
	CHECK_EQUAL(access_inb(&m, MASTER + 1), 0);
	outb(&m, MASTER + 1, 0x4f); /* the low bits are the line's */
	outb(&m, MASTER + 1, 4);
	outb(&m, MASTER + 1, ICW4_8086);
	outb(&m, MASTER + 1, 0);
	CHECK_EQUAL(state(&m, 0).irq_base, 0x48);
	CHECK_EQUAL(state(&m, 0).init_state, 0);
	pulse(&m, 3);
	CHECK_EQUAL(access_take(&m), 0x4b);
	/* Without ICW4 the third word is the last, and modes of the one before end. */
	init_chip(&m, SLAVE, 0x70, 2, ICW4_8086 | ICW4_AEOI | ICW4_SFNM);
	CHECK_EQUAL(state(&m, 1).auto_eoi, 1);
	CHECK_EQUAL(state(&m, 1).special_fully_nested_mode, 1);
	outb(&m, SLAVE, 0x10);
	outb(&m, SLAVE + 1, 0x28);
	outb(&m, SLAVE + 1, 2);
	CHECK_EQUAL(state(&m, 1).init_state, 0);
	CHECK_EQUAL(state(&m, 1).auto_eoi, 0);
	outb(&m, SLAVE + 1, 0x77); /* the mask again */
	CHECK_EQUAL(access_inb(&m, SLAVE + 1), 0x77);
}

/* A line waits for the end of all that are before it. */
static void pic_priority(void)
{
	struct machine m;

	open(&m, 0);
	pulse(&m, 5);
	pulse(&m, 3);
	pulse(&m, 6);
	CHECK_EQUAL(reg(&m, MASTER, READ_IRR), 0x68);
	CHECK_EQUAL(access_take(&m), BASE + 3);
	CHECK_EQUAL(reg(&m, MASTER, READ_IRR), 0x60);
	CHECK_EQUAL(reg(&m, MASTER, READ_ISR), 0x08);
	pulse(&m, 1); /* comes in between */
	CHECK_EQUAL(access_take(&m), BASE + 1);
	outb(&m, MASTER, EOI);
	CHECK_EQUAL(access_take(&m), 0);
	CHECK_EQUAL(access_inb(&m, MASTER), 0x08); /* still ISR */
	outb(&m, MASTER, EOI);
	CHECK_EQUAL(access_take(&m), BASE + 5);
	outb(&m, MASTER, EOI_OF(6)); /* another's: nothing */
	CHECK_EQUAL(access_take(&m), 0);
	outb(&m, MASTER, EOI_OF(5));
	CHECK_EQUAL(access_take(&m), BASE + 6);
	outb(&m, MASTER, EOI);
	outb(&m, MASTER, EOI); /* there is none */
	CHECK_EQUAL(reg(&m, MASTER, READ_ISR), 0);
}

static void pic_rotate(void)
{
	struct machine m;

	open(&m, 0);
	outb(&m, MASTER, SET_LOWEST(4)); /* 5 is first now */
	CHECK_EQUAL(state(&m, 0).priority_add, 5);
	pulse(&m, 4);
	pulse(&m, 0);
	pulse(&m, 6);
	CHECK_EQUAL(access_take(&m), BASE + 6);
	outb(&m, MASTER, ROTATE_EOI); /* 7 is first */
	CHECK_EQUAL(state(&m, 0).priority_add, 7);
	CHECK_EQUAL(access_take(&m), BASE + 0);
	outb(&m, MASTER, ROTATE_EOI_OF(0));
	CHECK_EQUAL(state(&m, 0).priority_add, 1);
	CHECK_EQUAL(access_take(&m), BASE + 4);
	outb(&m, MASTER, EOI);
}

/* Each ends by itself; with rotation it is the last then. */
static void pic_auto_eoi(void)
{
	struct machine m;

	open(&m, ICW4_AEOI);
	pulse(&m, 3);
	pulse(&m, 5);
	CHECK_EQUAL(access_take(&m), (BASE + 3) << 8 | (BASE + 5));
	CHECK_EQUAL(reg(&m, MASTER, READ_ISR), 0);
	outb(&m, MASTER, ROTATE_AEOI(true));
	pulse(&m, 3);
	CHECK_EQUAL(access_take(&m), BASE + 3);
	CHECK_EQUAL(state(&m, 0).priority_add, 4);
	pulse(&m, 3);
	pulse(&m, 5);
	CHECK_EQUAL(access_take(&m), (BASE + 5) << 8 | (BASE + 3));
	outb(&m, MASTER, ROTATE_AEOI(false));
	pulse(&m, 6);
	CHECK_EQUAL(access_take(&m), BASE + 6);
	CHECK_EQUAL(state(&m, 0).priority_add, 4);
	pulse(&m, 12);
	CHECK_EQUAL(access_take(&m), BASE + 12);
	CHECK_EQUAL(reg(&m, SLAVE, READ_ISR), 0);
}

/* The slave's are behind the master's line 2, which has to be ended as well. */
static void pic_cascade(void)
{
	struct machine m;

	open(&m, 0);
	pulse(&m, 12);
	pulse(&m, 3);
	CHECK_EQUAL(access_take(&m), BASE + 12);
	CHECK_EQUAL(reg(&m, SLAVE, READ_ISR), 0x10);
	CHECK_EQUAL(reg(&m, MASTER, READ_ISR), 0x04);
	pulse(&m, 9); /* before it, but the master's line is in service */
	CHECK_EQUAL(access_take(&m), 0);
	outb(&m, SLAVE, EOI);
	outb(&m, MASTER, EOI);
	CHECK_EQUAL(access_take(&m), BASE + 9);
	outb(&m, SLAVE, EOI);
	outb(&m, MASTER, EOI);
	CHECK_EQUAL(access_take(&m), BASE + 3);
	outb(&m, MASTER, EOI);
	outb(&m, MASTER + 1, 4); /* masked at the master */
	pulse(&m, 10);
	CHECK_EQUAL(access_take(&m), 0);
	outb(&m, MASTER + 1, 0);
	CHECK_EQUAL(access_take(&m), BASE + 10);
	outb(&m, SLAVE, EOI);
	outb(&m, MASTER, EOI);
	/* Special fully nested: that line does not hold itself back. */
	open(&m, ICW4_SFNM);
	pulse(&m, 12);
	CHECK_EQUAL(access_take(&m), BASE + 12);
	pulse(&m, 9);
	CHECK_EQUAL(access_take(&m), BASE + 9);
	pulse(&m, 14);
	CHECK_EQUAL(access_take(&m), 0);
}

static void pic_masks(void)
{
	struct machine m;

	open(&m, 0);
	outb(&m, MASTER + 1, 0x08);
	pulse(&m, 3);
	pulse(&m, 4);
	CHECK_EQUAL(access_take(&m), BASE + 4);
	outb(&m, MASTER, EOI);
	outb(&m, MASTER + 1, 0x00); /* it was kept */
	CHECK_EQUAL(access_take(&m), BASE + 3);
	outb(&m, MASTER, 0x68); /* special mask mode, kept with the state */
	CHECK_EQUAL(state(&m, 0).special_mask, 1);
	outb(&m, MASTER, 0x48);
	CHECK_EQUAL(state(&m, 0).special_mask, 0);
}

/* The next read acknowledges and ends.  Old Linux leaves the bit out that says that there is one.
 */
static void pic_poll(void)
{
	const u8 found = target_is_kvm0 ? 0 : 0x80;
	struct machine m;

	open(&m, 0);
	outb(&m, MASTER, POLL);
	CHECK_EQUAL(access_inb(&m, MASTER), 0x07); /* none */
	pulse(&m, 5);
	pulse(&m, 3);
	outb(&m, MASTER, POLL);
	CHECK_EQUAL(access_inb(&m, MASTER) | found, 0x83);
	CHECK_EQUAL(reg(&m, MASTER, READ_ISR), 0);
	outb(&m, MASTER, POLL);
	CHECK_EQUAL(access_inb(&m, MASTER + 1) | found, 0x85);
	CHECK_EQUAL(access_take(&m), 0);
	pulse(&m, 11);
	outb(&m, SLAVE, POLL);
	CHECK_EQUAL(access_inb(&m, SLAVE) | found, 0x83);
	CHECK_EQUAL(access_take(&m), 0);
}

/* Some lines cannot be level-triggered.  One that is interrupts as long as it is high. */
static void pic_elcr(void)
{
	struct machine m;

	open(&m, 0);
	outb(&m, ELCR, 0xff);
	outb(&m, ELCR + 1, 0xff);
	CHECK_EQUAL(access_inb(&m, ELCR), 0xf8);
	CHECK_EQUAL(access_inb(&m, ELCR + 1), 0xde);
	line(&m, 5, 1);
	CHECK_EQUAL(access_take(&m), BASE + 5);
	CHECK_EQUAL(reg(&m, MASTER, READ_IRR), 0x20);
	outb(&m, MASTER, EOI);
	CHECK_EQUAL(access_take(&m), BASE + 5);
	line(&m, 5, 0);
	outb(&m, MASTER, EOI);
	CHECK_EQUAL(access_take(&m), 0);
	pulse(&m, 5); /* gone before anyone looked */
	CHECK_EQUAL(access_take(&m), 0);
	outb(&m, ELCR, 0);
	line(&m, 5, 1);
	CHECK_EQUAL(access_take(&m), BASE + 5);
	outb(&m, MASTER, EOI);
	CHECK_EQUAL(access_take(&m), 0);
	line(&m, 5, 0);
}

SUITE(pic, TEST(pic_init), TEST(pic_priority), TEST(pic_rotate), TEST(pic_auto_eoi),
      TEST(pic_cascade), TEST(pic_masks), TEST(pic_poll), TEST(pic_elcr));
