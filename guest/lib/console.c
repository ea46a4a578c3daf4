/* SPDX-License-Identifier: MIT */
/* The serial console on COM1; see console.h. */
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/format.h"
#include "guest/lib/trap.h"

/* 16550 registers, as offsets of COM1's base. */
#define COM1         0x3f8
#define UART_DATA    (COM1 + 0)
#define UART_IER     (COM1 + 1)
#define UART_IIR_FCR (COM1 + 2)
#define UART_LCR     (COM1 + 3)
#define UART_MCR     (COM1 + 4)
#define UART_LSR     (COM1 + 5)

#define IER_RECEIVE   0x01
#define FCR_ON_CLEAR  0x07
#define LCR_8N1       0x03
#define LCR_DIVISOR   0x80
#define MCR_DTR_RTS   0x03
#define MCR_IRQ       0x08 /* OUT2 lets the interrupt out on a PC */
#define LSR_READY     0x01
#define LSR_THR_EMPTY 0x20
#define LSR_ALL_SENT  0x40
#define LSR_ABSENT    0xff

#define FIFO_SIZE   16
#define CONSOLE_IRQ 4
/* Polls of the line status before a byte is written regardless: a stuck UART stops nobody. */
#define MAX_POLLS 1000000u

/* Filled with interrupts off on the boot CPU only. */
static u8 ring[1024];
static u32 ring_head, ring_tail;
/* The CPU that holds the console, counted from 1, and how often. */
static u32 holder, depth;
/* Bytes that fit into the transmit FIFO since it was last seen empty. */
static u32 room;

void console_init(void)
{
	outb(UART_IER, 0);
	outb(UART_LCR, LCR_DIVISOR | LCR_8N1);
	outb(UART_DATA, 1); /* divisor 1: 115200 */
	outb(UART_IER, 0);
	outb(UART_LCR, LCR_8N1);
	outb(UART_IIR_FCR, FCR_ON_CLEAR);
	outb(UART_MCR, MCR_DTR_RTS);
}

/* Takes what the UART has; interrupts must be off. */
static void drain(void)
{
	for (u32 n = 0; n < 256; n++) {
		u8 lsr = inb(UART_LSR);
		if (lsr == LSR_ABSENT || !(lsr & LSR_READY))
			return;
		u8 c = inb(UART_DATA);
		if (ring_head - ring_tail < sizeof(ring))
			ring[ring_head++ % sizeof(ring)] = c;
	}
}

static void on_irq(void)
{
	(void)inb(UART_IIR_FCR);
	drain();
	pic_eoi(CONSOLE_IRQ);
}

void console_enable_irq(void)
{
	trap_set_handler(TRAP_VECTOR_PIC + CONSOLE_IRQ, on_irq);
	outb(UART_MCR, MCR_DTR_RTS | MCR_IRQ);
	outb(UART_IER, IER_RECEIVE);
	pic_unmask(CONSOLE_IRQ);
}

void console_lock(void)
{
	u32 me = cpu_this()->index + 1;

	if (READ_ONCE(holder) != me) {
		/* Acquire: pairs with the release in console_unlock(). */
		for (u32 tries = 0, none = 0; tries < MAX_POLLS; tries++, none = 0) {
			if (__atomic_compare_exchange_n(&holder, &none, me, false, __ATOMIC_ACQUIRE,
							__ATOMIC_RELAXED))
				break;
			cpu_pause();
		}
		WRITE_ONCE(holder, me);
		depth = 0;
	}
	depth++;
}

void console_unlock(void)
{
	/* It may have been taken away from this CPU. */
	if (READ_ONCE(holder) == cpu_this()->index + 1 && !--depth)
		__atomic_store_n(&holder, 0, __ATOMIC_RELEASE);
}

static void put(char c)
{
	for (u32 n = 0; !room && n < MAX_POLLS && !(inb(UART_LSR) & LSR_THR_EMPTY); n++)
		cpu_pause();
	room = room ? room - 1 : FIFO_SIZE - 1;
	outb(UART_DATA, (u8)c);
}

void console_put_raw(char c)
{
	console_lock();
	put(c);
	console_unlock();
}

void console_flush(void)
{
	for (u32 n = 0; n < MAX_POLLS && !(inb(UART_LSR) & LSR_ALL_SENT); n++)
		cpu_pause();
}

void console_putc(char c)
{
	console_lock();
	if (c == '\n')
		put('\r');
	put(c);
	console_unlock();
}

void console_printf(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	format_text_v(text, sizeof(text), format, args);
	va_end(args);
	console_lock();
	for (const char *c = text; *c; c++)
		console_putc(*c);
	console_unlock();
}

bool console_has_input(void)
{
	cpu_irq_off();
	drain();
	cpu_irq_on();
	return READ_ONCE(ring_head) != READ_ONCE(ring_tail);
}

int console_getc(void)
{
	if (!console_has_input())
		return -1;
	cpu_irq_off();
	int c = ring[ring_tail++ % sizeof(ring)];
	cpu_irq_on();
	return c;
}
