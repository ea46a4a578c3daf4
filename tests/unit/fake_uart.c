/* SPDX-License-Identifier: MIT */
/* A 16550A for unit tests; see fake_uart.h.  Source: PC16550D data sheet. */
#include "fake_uart.h"

#include <asm/prctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/console.h"
#include "cpu/io.h"

#define FIFO 16u

static struct {
	char sent[1 << 17];
	u32 sent_count, in_fifo;
	struct {
		u8 byte, lsr;
	} received[1 << 13];
	u32 head, tail;
	u8 ier, lcr, mcr, msr, divisor[2];
	bool busy, thr_event;
} chip;

static struct percpu cpu;
u64 tsc_khz;

u8 io_in8(u16 port)
{
	bool ready = chip.head != chip.tail, dlab = chip.lcr & UART_LCR_DLAB;
	u8 *errors = &chip.received[chip.tail % ARRAY_SIZE(chip.received)].lsr, lsr;

	assert_in_range(port, UART_COM1, UART_COM1 + 7);
	switch (port - UART_COM1) {
	case UART_DATA:
		if (dlab)
			return chip.divisor[0];
		return ready ? chip.received[chip.tail++ % ARRAY_SIZE(chip.received)].byte : 0;
	case UART_IER:
		return dlab ? chip.divisor[1] : chip.ier;
	case UART_IIR:
		chip.thr_event = false;
		return UART_IIR_FIFO | UART_IIR_NONE;
	case UART_LSR:
		lsr = chip.in_fifo ? 0 : UART_LSR_THRE | UART_LSR_TEMT;
		if (ready) {
			lsr |= UART_LSR_READY | *errors;
			*errors = 0; /* it says so once */
		}
		return lsr;
	case UART_MSR:
		return chip.msr;
	default:
		fail_msg("register %u is read", port - UART_COM1);
		return 0;
	}
}

static void send(u8 v)
{
	assert_true(chip.in_fifo < FIFO); /* it would be lost */
	chip.sent[chip.sent_count++] = (char)v;
	chip.thr_event = false;
	if (chip.busy)
		chip.in_fifo++;
	else
		chip.thr_event = chip.ier & UART_IER_THRI;
}

static void set_ier(u8 v)
{
	if (!(v & UART_IER_THRI))
		chip.thr_event = false;
	else if (!(chip.ier & UART_IER_THRI))
		chip.thr_event = !chip.in_fifo;
	chip.ier = v;
}

void io_out8(u16 port, u8 v)
{
	assert_in_range(port, UART_COM1, UART_COM1 + 7);
	switch (port - UART_COM1) {
	case UART_DATA:
	case UART_IER:
		if (chip.lcr & UART_LCR_DLAB)
			chip.divisor[port - UART_COM1] = v;
		else if (port == UART_COM1)
			send(v);
		else
			set_ier(v);
		break;
	case UART_LCR:
		chip.lcr = v;
		break;
	case UART_MCR:
		chip.mcr = v;
		break;
	default:
		assert_int_equal(port, UART_COM1 + UART_FCR);
	}
}

const char *fake_uart_sent(void)
{
	static char text[sizeof(chip.sent)];

	memcpy(text, chip.sent, chip.sent_count);
	text[chip.sent_count] = 0;
	chip.sent_count = 0;
	return text;
}

void fake_uart_receive(u8 byte, u8 lsr)
{
	chip.received[chip.head % ARRAY_SIZE(chip.received)].byte = byte;
	chip.received[chip.head++ % ARRAY_SIZE(chip.received)].lsr = lsr;
}

void fake_uart_type(const char *text)
{
	while (*text)
		fake_uart_receive((u8)*text++, 0);
}

void fake_uart_set_busy(bool busy)
{
	chip.busy = busy;
	if (!busy && chip.in_fifo) {
		chip.in_fifo = 0;
		chip.thr_event = chip.ier & UART_IER_THRI;
	}
}

bool fake_uart_interrupts(void)
{
	return (chip.mcr & UART_MCR_OUT2) &&
	       (((chip.ier & UART_IER_RDI) && chip.head != chip.tail) || chip.thr_event ||
		((chip.ier & UART_IER_MSI) && (chip.msr & 0xf)));
}

void fake_uart_set_modem(u8 msr)
{
	chip.msr = msr;
}

u8 fake_uart_mcr(void)
{
	return chip.mcr;
}

u32 fake_uart_divisor(void)
{
	return chip.divisor[0] | (u32)chip.divisor[1] << 8;
}

int fake_uart_setup(void **state)
{
	(void)state;
	cpu.self = &cpu;
	assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu), 0);
	memset(&chip, 0, sizeof(chip));
	tsc_khz = 1ull << 40; /* no time passes */
	assert_int_equal(console_init(UART_COM1, UART_MAX_SPEED), 0);
	console_hold(false);
	console_print("\n", 1);
	(void)fake_uart_sent();
	return 0;
}
