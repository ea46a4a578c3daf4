/* SPDX-License-Identifier: MIT */
/*
 * The control guest's UART; see core/guest_uart.h.
 *
 * Interrupts: the real UART's is wired to the guest's controller, so kvm0 makes it come by what it
 * writes to the real IER.  Received data enabled by the guest raise it as ever.  Where kvm0 has
 * something for the guest that the real UART knows nothing of (bytes that a poll has taken out of
 * it), it enables the transmitter's interrupt as well, which comes at once if the transmitter is
 * empty, else when it is.  What the guest reads in IIR is this file's alone.  A byte that was the
 * monitor's leaves the guest with an interrupt without a cause, as IIR then says.
 */
#include "core/guest_uart.h"
#include "core/console_input.h"
#include "core/console.h"
#include "core/spinlock.h"
#include "cpu/tsc.h"

#define MSR_DELTA 0x0fu
#define OPEN_MS   1u /* between polls while somebody types to the monitor, or output waits */

static struct {
	struct spinlock lock; /* rank: above the console's; guards all of this */
	const struct uart *uart;
	u8 ier, lcr, mcr, scr, divisor[2];
	bool fifos;              /* FCR bit 0 */
	u8 modem;                /* MSR's deltas, until it is read */
	bool thr_event;          /* the interrupt of an empty transmitter is due */
	bool thr_waited;         /* the guest has written since it was last seen empty */
	u8 real_ier;             /* as written */
	u64 poll_at;             /* TSC */
	void (*poll_also)(void); /* NULL: nothing; constant */
} g;

u16 guest_uart_init(const struct console_monitor *monitor)
{
	g.uart = console_uart();
	console_input_init(monitor);
	g.lcr = UART_LCR_8N1;
	g.divisor[0] = 1;
	return g.uart ? g.uart->port : 0;
}

/* --- interrupts --- */

/* What IIR says (PC16550D, "Interrupt Identification Register"). */
static u8 cause(void)
{
	if ((g.ier & UART_IER_RLSI) && console_input_lost(false))
		return UART_IIR_RLSI;
	if ((g.ier & UART_IER_RDI) && console_input_ready())
		return UART_IIR_RDI;
	if ((g.ier & UART_IER_THRI) && g.thr_event)
		return UART_IIR_THRI;
	if ((g.ier & UART_IER_MSI) && g.modem)
		return UART_IIR_MSI;
	return UART_IIR_NONE;
}

/* Learn what has happened to the real one.  Returns the transmitter's bits of LSR. */
static u8 look(void)
{
	u8 status;

	console_input_receive();
	status = console_guest_status();
	if (g.thr_waited && (status & UART_LSR_THRE)) {
		g.thr_waited = false;
		g.thr_event = true;
	}
	if (g.ier & UART_IER_MSI)
		g.modem |= uart_in(g.uart, UART_MSR) & MSR_DELTA;
	return status;
}

/* Have the real one raise its interrupt, or not. */
static void set_interrupt(void)
{
	u8 ier = g.ier & (UART_IER_RDI | UART_IER_MSI);

	if (cause() != UART_IIR_NONE || ((g.ier & UART_IER_THRI) && g.thr_waited))
		ier |= UART_IER_THRI;
	if (ier != g.real_ier)
		uart_out(g.uart, UART_IER, ier);
	g.real_ier = ier;
}

/* --- registers --- */

static u8 read_iir(void)
{
	u8 iir = cause();

	if (iir == UART_IIR_THRI)
		g.thr_event = false;
	return iir | (g.fifos ? UART_IIR_FIFO : 0);
}

static u8 read_lsr(u8 status)
{
	return status | (console_input_lost(true) ? UART_LSR_LOST : 0) |
	       (console_input_ready() ? UART_LSR_READY : 0);
}

/* In loopback DTR is wired to DSR, RTS to CTS, OUT1 to RI, OUT2 to DCD. */
static u8 read_msr(void)
{
	u8 msr = g.modem;

	if (g.mcr & UART_MCR_LOOP)
		return (u8)((g.mcr & UART_MCR_DTR) << 5 | (g.mcr & UART_MCR_RTS) << 3 |
			    (g.mcr & (UART_MCR_OUT1 | UART_MCR_OUT2)) << 4);
	g.modem = 0;
	return msr | uart_in(g.uart, UART_MSR);
}

static u8 read_register(u16 offset, u8 status)
{
	bool dlab = g.lcr & UART_LCR_DLAB;

	switch (offset) {
	case UART_DATA:
		return dlab ? g.divisor[0] : console_input_take();
	case UART_IER:
		return dlab ? g.divisor[1] : g.ier;
	case UART_IIR:
		return read_iir();
	case UART_LCR:
		return g.lcr;
	case UART_MCR:
		return g.mcr;
	case UART_LSR:
		return read_lsr(status);
	case UART_MSR:
		return read_msr();
	default:
		return g.scr;
	}
}

static void write_data(u8 v)
{
	g.thr_event = false;
	g.thr_waited = true;
	if (g.mcr & UART_MCR_LOOP)
		console_input_give(v);
	else
		console_guest_write(v);
}

static void write_ier(u8 v, u8 status)
{
	u8 added = v & ~g.ier;

	g.ier = v & 0xf;
	/* Enabled while the transmitter is empty, the interrupt comes at once. */
	if ((added & UART_IER_THRI) && (status & UART_LSR_THRE))
		g.thr_event = true;
}

static void write_fcr(u8 v)
{
	bool fifos = v & UART_FCR_ENABLE;

	if (fifos != g.fifos || (v & UART_FCR_CLEAR_RX))
		console_input_clear();
	g.fifos = fifos;
}

/* kvm0's own DTR and RTS stay, for what is typed to the monitor; the interrupt goes out when the
 * guest lets it, which in loopback it does not. */
static void write_mcr(u8 v)
{
	u8 pins = v & UART_MCR_LOOP ? 0 : v & (UART_MCR_OUT1 | UART_MCR_OUT2);

	g.mcr = v & 0x1f;
	uart_out(g.uart, UART_MCR, UART_MCR_DTR | UART_MCR_RTS | pins);
}

/* Speed and format are kvm0's: divisor and LCR have no effect but to be read back. */
static void write_register(u16 offset, u8 v, u8 status)
{
	bool dlab = g.lcr & UART_LCR_DLAB;

	if (offset <= UART_DIVISOR_HIGH && dlab)
		g.divisor[offset] = v;
	else if (offset == UART_DATA)
		write_data(v);
	else if (offset == UART_IER)
		write_ier(v, status);
	else if (offset == UART_FCR)
		write_fcr(v);
	else if (offset == UART_LCR)
		g.lcr = v;
	else if (offset == UART_MCR)
		write_mcr(v);
	else if (offset == UART_SCR)
		g.scr = v;
}

u8 guest_uart_in(u16 offset)
{
	u8 v;

	spin_lock(&g.lock);
	v = read_register(offset, look());
	set_interrupt();
	spin_unlock(&g.lock);
	return v;
}

void guest_uart_out(u16 offset, u8 v)
{
	spin_lock(&g.lock);
	write_register(offset, v, look());
	set_interrupt();
	spin_unlock(&g.lock);
}

/* --- the poll --- */

static void poll(u64 now)
{
	bool soon;

	if (g.poll_also)
		g.poll_also();
	if (g.uart) {
		(void)look();
		set_interrupt();
	}
	soon = console_input_poll(now) || console_keeps_output();
	WRITE_ONCE(g.poll_at, now + tsc_khz * (soon ? OPEN_MS : GUEST_UART_POLL_MS));
}

void guest_uart_poll_also(void (*poll_it)(void))
{
	g.poll_also = poll_it;
}

bool guest_uart_is_polled(void)
{
	return g.uart || g.poll_also;
}

u64 guest_uart_poll(void)
{
	u64 now = rdtsc();

	if (!guest_uart_is_polled())
		return ~0ull;
	if (now >= READ_ONCE(g.poll_at) && spin_trylock(&g.lock)) {
		poll(now);
		spin_unlock(&g.lock);
		console_show_log(false);
	}
	return READ_ONCE(g.poll_at);
}
