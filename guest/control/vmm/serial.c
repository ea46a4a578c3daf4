/* SPDX-License-Identifier: MIT */
/* A 16550A UART; see serial.h.  Source: PC16550D data sheet, Registers. */
#include "guest/control/vmm/serial.h"
#include "guest/lib/string.h"

enum {
	REG_DATA = 0,
	REG_IER = 1,
	REG_IIR_FCR = 2,
	REG_LCR = 3,
	REG_MCR = 4,
	REG_LSR = 5,
	REG_MSR = 6,
	REG_SCRATCH = 7,
};

#define IER_RECEIVE 0x01
#define IER_THR     0x02
#define IER_LINE    0x04
#define IER_MASK    0x0f

#define IIR_NONE    0x01
#define IIR_THR     0x02
#define IIR_RECEIVE 0x04
#define IIR_LINE    0x06
#define IIR_TIMEOUT 0x0c
#define IIR_FIFO    0xc0

#define FCR_ENABLE   0x01
#define FCR_CLEAR_RX 0x02

#define LCR_DLAB 0x80

#define MCR_DTR  0x01
#define MCR_RTS  0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08
#define MCR_LOOP 0x10
#define MCR_MASK 0x1f

#define LSR_READY     0x01
#define LSR_OVERRUN   0x02
#define LSR_THR_EMPTY 0x20
#define LSR_IDLE      0x40

#define MSR_CTS 0x10
#define MSR_DSR 0x20
#define MSR_RI  0x40
#define MSR_DCD 0x80

/* Without the FIFO one byte fits. */
static u32 capacity(const struct serial *s)
{
	return s->fcr & FCR_ENABLE ? SERIAL_FIFO : 1;
}

/* Bytes at which "received data" is told: FCR bits 7:6. */
static u32 trigger(const struct serial *s)
{
	static const u8 levels[] = {1, 4, 8, 14};
	return s->fcr & FCR_ENABLE ? levels[s->fcr >> 6] : 1;
}

/* The interrupt of the highest priority. */
static u8 pending(const struct serial *s)
{
	if ((s->ier & IER_LINE) && s->lsr_errors)
		return IIR_LINE;
	if ((s->ier & IER_RECEIVE) && s->count)
		return s->count >= trigger(s) ? IIR_RECEIVE : IIR_TIMEOUT;
	if ((s->ier & IER_THR) && s->thr_interrupt)
		return IIR_THR;
	return IIR_NONE;
}

/* OUT2 gates the interrupt on a PC; in loop-back the outputs are cut off. */
static void update_irq(struct serial *s)
{
	bool level = pending(s) != IIR_NONE && (s->mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;

	if (level == s->line)
		return;
	s->line = level;
	s->set_irq(s->owner, level);
}

void serial_init(struct serial *s, void *owner, void (*output)(void *owner, u8 byte),
		 void (*set_irq)(void *owner, bool level))
{
	memset(s, 0, sizeof(*s));
	s->owner = owner;
	s->output = output;
	s->set_irq = set_irq;
	s->divisor[0] = 1;
}

void serial_restore(struct serial *s, const struct serial *from)
{
	struct serial leads = *s;

	*s = *from;
	s->owner = leads.owner;
	s->output = leads.output;
	s->set_irq = leads.set_irq;
}

static u8 read_data(struct serial *s)
{
	u8 byte = 0;

	if (s->count) {
		byte = s->fifo[s->head];
		s->head = (s->head + 1) % SERIAL_FIFO;
		s->count--;
	}
	update_irq(s);
	return byte;
}

static u8 read_iir(struct serial *s)
{
	u8 id = pending(s);

	if (id == IIR_THR) {
		s->thr_interrupt = false;
		update_irq(s);
	}
	return (u8)(id | (s->fcr & FCR_ENABLE ? IIR_FIFO : 0));
}

static u8 read_lsr(struct serial *s)
{
	u8 v = (u8)(LSR_THR_EMPTY | LSR_IDLE | s->lsr_errors | (s->count ? LSR_READY : 0));

	s->lsr_errors = 0;
	update_irq(s);
	return v;
}

/* The other end is always there; in loop-back the modem outputs come back in. */
static u8 read_msr(const struct serial *s)
{
	if (!(s->mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	return (u8)((s->mcr & MCR_RTS ? MSR_CTS : 0) | (s->mcr & MCR_DTR ? MSR_DSR : 0) |
		    (s->mcr & MCR_OUT1 ? MSR_RI : 0) | (s->mcr & MCR_OUT2 ? MSR_DCD : 0));
}

u8 serial_read(struct serial *s, u32 offset)
{
	bool dlab = s->lcr & LCR_DLAB;

	switch (offset) {
	case REG_DATA:
		return dlab ? s->divisor[0] : read_data(s);
	case REG_IER:
		return dlab ? s->divisor[1] : s->ier;
	case REG_IIR_FCR:
		return read_iir(s);
	case REG_LCR:
		return s->lcr;
	case REG_MCR:
		return s->mcr;
	case REG_LSR:
		return read_lsr(s);
	case REG_MSR:
		return read_msr(s);
	default:
		return s->scratch;
	}
}

/* Sent at once: the holding register is empty again before the guest can look. */
static void write_data(struct serial *s, u8 value)
{
	if (s->mcr & MCR_LOOP)
		serial_receive(s, value);
	else
		s->output(s->owner, value);
	s->thr_interrupt = true;
}

static void write_fcr(struct serial *s, u8 value)
{
	if ((value ^ s->fcr) & FCR_ENABLE || value & FCR_CLEAR_RX)
		s->count = 0;
	s->fcr = value & (FCR_ENABLE | 0xc0);
}

void serial_write(struct serial *s, u32 offset, u8 value)
{
	bool dlab = s->lcr & LCR_DLAB;

	switch (offset) {
	case REG_DATA:
		if (dlab)
			s->divisor[0] = value;
		else
			write_data(s, value);
		break;
	case REG_IER:
		if (dlab) {
			s->divisor[1] = value;
			break;
		}
		/* Turning it on with the register empty tells so at once. */
		if (value & ~s->ier & IER_THR)
			s->thr_interrupt = true;
		s->ier = value & IER_MASK;
		break;
	case REG_IIR_FCR:
		write_fcr(s, value);
		break;
	case REG_LCR:
		s->lcr = value;
		break;
	case REG_MCR:
		s->mcr = value & MCR_MASK;
		break;
	case REG_SCRATCH:
		s->scratch = value;
		break;
	default: /* LSR and MSR are read-only */
		break;
	}
	update_irq(s);
}

u32 serial_room(const struct serial *s)
{
	if (s->mcr & MCR_LOOP || s->count >= capacity(s))
		return 0;
	return capacity(s) - s->count;
}

void serial_receive(struct serial *s, u8 byte)
{
	if (s->count >= capacity(s)) {
		s->lsr_errors |= LSR_OVERRUN;
	} else {
		s->fifo[(s->head + s->count) % SERIAL_FIFO] = byte;
		s->count++;
	}
	update_irq(s);
}
