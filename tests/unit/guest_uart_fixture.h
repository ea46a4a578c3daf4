/* SPDX-License-Identifier: MIT */
/* What the tests of the control guest's UART share: the guest, and the monitor. */
#pragma once

#include "fake_uart.h"

#include "core/guest_uart.h"

extern struct fake_monitor {
	bool open;
	char typed[64]; /* what it was given */
	u32 count, polls;
} fake_monitor;

/* The guest's accesses. */
#define in(r)     guest_uart_in(UART_##r)
#define out(r, v) guest_uart_out(UART_##r, (u8)(v))

/* What it reads until there is no more, at most 63 bytes. */
const char *typed_to_guest(void);
/* A poll that is due. */
void poll_now(void);

/* A cmocka setup function: fake_uart_setup(), and a driver has set the guest's UART up. */
int guest_uart_setup(void **state);
