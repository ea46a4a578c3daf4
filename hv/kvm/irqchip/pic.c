/* SPDX-License-Identifier: MIT */
/* The two 8259A interrupt controllers: see pic.h. */
#include "kvm/irqchip/pic.h"

#define CASCADE 2u /* the master's line that the slave's INTR drives */
#define NO_LINE (-1)

enum { INIT_DONE, INIT_ICW2, INIT_ICW3, INIT_ICW4 }; /* what init_state waits for */

static u8 line_bit(u32 line)
{
	return (u8)(1u << (line & 7));
}

/* The lines of @chip are numbered from 0 or 8 in acked and unmasked. */
static u16 pic_lines(u32 chip, u8 lines)
{
	return (u16)(lines << (chip * 8));
}

static int chip_set_line(struct kvm_pic_state *s, u32 line, bool level)
{
	u8 bit = line_bit(line);
	int result = 1;

	if (s->elcr & bit) {
		if (level) {
			result = !(s->irr & bit);
			s->irr |= bit;
			s->last_irr |= bit;
		} else {
			s->irr &= (u8)~bit;
			s->last_irr &= (u8)~bit;
		}
	} else if (level) {
		if (!(s->last_irr & bit)) {
			result = !(s->irr & bit);
			s->irr |= bit;
		}
		s->last_irr |= bit;
	} else {
		s->last_irr &= (u8)~bit;
	}
	return s->imr & bit ? -1 : result;
}

/* Rank of the highest-priority line in @lines: 0 is highest, 8 if there is none. */
static u32 chip_rank(const struct kvm_pic_state *s, u8 lines)
{
	u32 rotated = ((u32)lines << 8 | lines) >> (s->priority_add & 7) & 0xff;

	return rotated ? (u32)__builtin_ctz(rotated) : 8;
}

/* The line that @chip would interrupt for, or NO_LINE. */
static int chip_request(const struct pic *p, u32 chip)
{
	const struct kvm_pic_state *s = &p->chip[chip];
	u32 rank = chip_rank(s, s->irr & (u8)~s->imr);
	u8 in_service = s->isr;

	/* The slave may interrupt again while its own interrupt is in service. */
	if (s->special_fully_nested_mode && chip == 0)
		in_service &= (u8)~line_bit(CASCADE);
	/* A masked line in service does not hold back lower ones. */
	if (s->special_mask)
		in_service &= (u8)~s->imr;
	if (rank >= chip_rank(s, in_service))
		return NO_LINE;
	return (int)((rank + s->priority_add) & 7);
}

/* Is there such a line?  Most often that is seen without its rank. */
static bool chip_requests(const struct pic *p, u32 chip)
{
	const struct kvm_pic_state *s = &p->chip[chip];

	if (!(s->irr & (u8)~s->imr))
		return false;
	return !s->isr || chip_request(p, chip) != NO_LINE;
}

void pic_update(struct pic *p)
{
	if (chip_requests(p, 1)) {
		chip_set_line(&p->chip[0], CASCADE, true);
		chip_set_line(&p->chip[0], CASCADE, false);
	}
	WRITE_ONCE(p->output, chip_requests(p, 0));
}

static void chip_end(struct pic *p, u32 chip, u32 line)
{
	p->chip[chip].isr &= (u8)~line_bit(line);
	p->acked |= pic_lines(chip, line_bit(line));
}

void pic_init(struct pic *p)
{
	*p = (struct pic){0};
	p->chip[0].elcr_mask = 0xf8; /* timer, keyboard and cascade are always edges */
	p->chip[1].elcr_mask = 0xde; /* so are the clock and the coprocessor */
}

int pic_set_line(struct pic *p, u32 line, bool level)
{
	struct kvm_pic_state *s = &p->chip[line >> 3 & 1];
	u8 irr = s->irr;
	int result = chip_set_line(s, line, level);

	if (s->irr != irr)
		pic_update(p);
	return result;
}

int pic_peek(const struct pic *p)
{
	int line = chip_request(p, 0);

	if (line == NO_LINE)
		return -1;
	if (line != CASCADE)
		return p->chip[0].irq_base + line;
	line = chip_request(p, 1);
	return p->chip[1].irq_base + (line == NO_LINE ? 7 : line);
}

/* INTA at @chip.  Returns the line, 7 if the request is gone (spurious). */
static u32 chip_acknowledge(struct pic *p, u32 chip)
{
	struct kvm_pic_state *s = &p->chip[chip];
	int request = chip_request(p, chip);
	u32 line = (u32)request & 7;

	if (request == NO_LINE)
		return 7;
	s->isr |= line_bit(line);
	if (!(s->elcr & line_bit(line)))
		s->irr &= (u8)~line_bit(line);
	if (s->auto_eoi) {
		if (s->rotate_on_auto_eoi)
			s->priority_add = (line + 1) & 7;
		chip_end(p, chip, line);
	}
	return line;
}

u8 pic_acknowledge(struct pic *p)
{
	/* A spurious 7 of the master is no cascade, so the slave is left alone. */
	u32 line = chip_acknowledge(p, 0);
	u32 vector = p->chip[0].irq_base + line;

	if (line == CASCADE)
		vector = p->chip[1].irq_base + chip_acknowledge(p, 1);
	pic_update(p);
	return (u8)vector;
}

static void write_icw1(struct pic *p, u32 chip, u8 val)
{
	struct kvm_pic_state *s = &p->chip[chip];

	/* Edges that were not served are lost, as if they had ended. */
	p->acked |= pic_lines(chip, s->isr | (s->irr & (u8)~s->elcr));
	p->unmasked |= pic_lines(chip, s->imr);
	s->init4 = val & 1;
	s->last_irr = 0;
	s->irr &= s->elcr;
	s->imr = 0;
	s->isr = 0;
	s->priority_add = 0;
	s->special_mask = 0;
	s->read_reg_select = 0;
	s->poll = 0;
	if (!s->init4) {
		s->special_fully_nested_mode = 0;
		s->auto_eoi = 0;
	}
	s->init_state = INIT_ICW2;
	pic_update(p);
}

/* OCW2: end of interrupt and rotation. */
static void write_ocw2(struct pic *p, u32 chip, u8 val)
{
	struct kvm_pic_state *s = &p->chip[chip];
	bool rotate = val & 0x80, specific = val & 0x40, eoi = val & 0x20;
	u32 line = val & 7, rank;

	if (!eoi && !specific) {
		s->rotate_on_auto_eoi = rotate;
		return;
	}
	if (!eoi && !rotate)
		return; /* no operation */
	if (!specific) {
		rank = chip_rank(s, s->isr);
		if (rank == 8)
			return;
		line = (rank + s->priority_add) & 7;
	}
	if (rotate)
		s->priority_add = (line + 1) & 7;
	if (eoi)
		chip_end(p, chip, line);
	pic_update(p);
}

static void write_ocw3(struct pic *p, u32 chip, u8 val)
{
	struct kvm_pic_state *s = &p->chip[chip];

	if (val & 0x04)
		s->poll = 1;
	if (val & 0x02)
		s->read_reg_select = val & 1;
	if (val & 0x40) {
		s->special_mask = val >> 5 & 1;
		pic_update(p);
	}
}

/* The odd port: the mask, or the rest of an initialisation. */
static void write_data(struct pic *p, u32 chip, u8 val)
{
	struct kvm_pic_state *s = &p->chip[chip];

	switch (s->init_state) {
	case INIT_ICW2:
		s->irq_base = val & 0xf8;
		s->init_state = INIT_ICW3;
		break;
	case INIT_ICW3: /* where the cascade is: fixed on a PC */
		s->init_state = s->init4 ? INIT_ICW4 : INIT_DONE;
		break;
	case INIT_ICW4:
		s->special_fully_nested_mode = val >> 4 & 1;
		s->auto_eoi = val >> 1 & 1;
		s->init_state = INIT_DONE;
		pic_update(p);
		break;
	default:
		p->unmasked |= pic_lines(chip, s->imr & (u8)~val);
		s->imr = val;
		pic_update(p);
		break;
	}
}

void pic_write(struct pic *p, u16 port, u8 val)
{
	u32 chip = port >> 7 & 1;

	if (port >= 0x4d0) {
		chip = port & 1;
		p->chip[chip].elcr = val & p->chip[chip].elcr_mask;
	} else if (port & 1) {
		write_data(p, chip, val);
	} else if (val & 0x10) {
		write_icw1(p, chip, val);
	} else if (val & 0x08) {
		write_ocw3(p, chip, val);
	} else {
		write_ocw2(p, chip, val);
	}
}

/* A read in poll mode: acknowledge and end at once, as KVM does. */
static u8 poll_read(struct pic *p, u32 chip)
{
	struct kvm_pic_state *master = &p->chip[0];
	int request = chip_request(p, chip);
	u32 line = (u32)request & 7;

	p->chip[chip].poll = 0;
	if (request != NO_LINE) {
		if (chip == 1) {
			master->isr &= (u8)~line_bit(CASCADE);
			master->irr &= (u8)~line_bit(CASCADE);
		}
		p->chip[chip].irr &= (u8)~line_bit(line);
		chip_end(p, chip, line);
	}
	pic_update(p);
	return request == NO_LINE ? 7 : (u8)(0x80 | line);
}

u8 pic_read(struct pic *p, u16 port)
{
	u32 chip = port >> 7 & 1;
	const struct kvm_pic_state *s = &p->chip[chip];

	if (port >= 0x4d0)
		return p->chip[port & 1].elcr;
	if (s->poll)
		return poll_read(p, chip);
	if (port & 1)
		return s->imr;
	return s->read_reg_select ? s->isr : s->irr;
}
