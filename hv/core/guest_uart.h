/* SPDX-License-Identifier: MIT */
/*
 * The console's UART as the control guest sees it: a 16550A whose bytes come and go by way of
 * core/console.h.  kvm0 alone reads what the real one receives, at each access of the guest's and
 * at polls, and gives it to the guest, or to the monitor while that is open.  The real one's
 * interrupt is the guest's.  Any CPU.
 */
#pragma once

#include "core/console_input.h"
#include "cpu/uart.h"

/* Begin, if there is a UART; with @monitor NULL there is no escape key.  Returns the UART's port,
 * 0: none.  Once, before the control guest runs. */
u16 guest_uart_init(const struct console_monitor *monitor);

/* The guest reads register @offset, below UART_PORTS, or writes @v to it. */
u8 guest_uart_in(u16 offset);
void guest_uart_out(u16 offset, u8 v);

/* Longest time between two polls. */
#define GUEST_UART_POLL_MS 50u

/* Call @poll, on any CPU, whenever it is time for that, whether there is a UART or not: one poll
 * for all that kvm0 has to look for.  Once, before the control guest runs. */
void guest_uart_poll_also(void (*poll)(void));
/* Is there anything to poll? */
bool guest_uart_is_polled(void);

/* Look for what was received and what waits to be shown, if it is time.  Returns the TSC at which
 * to call again; ~0: not any more.  Interrupts off, nothing held. */
u64 guest_uart_poll(void);
