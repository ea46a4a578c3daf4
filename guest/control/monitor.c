/* SPDX-License-Identifier: MIT */
/*
 * The event loop of the boot CPU, and what becomes of a line of orders; see monitor.h.  Each turn
 * takes what was typed and runs a vCPU for a while; the other CPUs do nothing but that.
 */
#include "guest/control/monitor.h"
#include "guest/control/guests.h"
#include "guest/control/order.h"
#include "guest/control/orders.h"
#include "guest/control/sched.h"
#include "guest/control/terminal.h"
#include "guest/lib/console.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/smp.h"
#include "guest/lib/string.h"
#include "guest/lib/time.h"

/* How often the UART is looked at, in case its interrupt does not come, and wake-ups that kvm0's
 * monitor has caused are fetched. */
#define LOOK_US 100000

static struct {
	char text[ORDER_MAX]; /* the line being carried out */
	const char *next;     /* the order in it that comes next, or NULL */
	bool waits;           /* `wait`: not before all VMs have ended */
	bool prompt;          /* the prompt is on the screen */
} m;

static void take_line(const char *text)
{
	u64 length = strlen(text);

	/* GRUB hands an argument with spaces on in quotes, which are not the order's own. */
	if (length >= 2 && text[0] == '"' && strchr(text + 1, '"') == text + length - 1) {
		text++;
		length -= 2;
	}
	if (length >= sizeof(m.text)) {
		terminal_say("the line of orders is too long: at most %u characters",
			     ORDER_MAX - 1);
		return;
	}
	memcpy(m.text, text, length);
	m.text[length] = 0;
	m.next = m.text;
}

/* Carries out what is left of the line; `wait`, and `migrate`, leave the rest for later. */
static void do_orders(void)
{
	static struct order order;
	char why[200];

	m.waits = m.waits && guests_count();
	if (m.next && !m.waits)
		sched_leave();
	while (m.next && !m.waits && !guests_migrating()) {
		if (order_next(&order, &m.next, why, sizeof(why))) {
			terminal_say("%s", why);
			m.next = NULL;
		} else if (order.count && !strcmp(order.word[0], "wait") && order.count == 1) {
			m.waits = guests_count() != 0;
		} else if (!orders_do(&order) && m.next) {
			terminal_say("the orders after it on this line are left out");
			m.next = NULL;
		}
	}
}

static void typed_at_prompt(u8 byte)
{
	switch (terminal_key(byte)) {
	case LINE_MORE:
		return;
	case LINE_ENTERED:
		terminal_leave();
		m.prompt = false;
		take_line(terminal_text());
		return;
	case LINE_TOO_LONG:
		terminal_leave();
		terminal_say("that line is too long: at most %u characters", LINE_SIZE - 1);
		break;
	case LINE_CANCELLED:
		break;
	}
	terminal_prompt();
}

static void take_input(void)
{
	int c;

	/* What is typed while a migration holds the prompt back waits for it. */
	if (guests_migrating() && !guests_attached())
		return;
	while ((c = console_getc()) >= 0) {
		if (!guests_attached()) {
			if (m.prompt)
				typed_at_prompt((u8)c);
			do_orders();
		} else if (c == TERMINAL_ESCAPE) {
			u32 id = guests_attached()->id;
			guests_detach();
			m.next = NULL;
			m.waits = false;
			console_printf("\nVM %u goes on without the console; attach %u gives it "
				       "back\n",
				       id, id);
		} else {
			guests_type((u8)c);
		}
	}
}

static void show_prompt(void)
{
	bool wanted = !guests_attached() && !m.next && !m.waits && !guests_migrating();

	if (wanted && !m.prompt)
		terminal_prompt();
	m.prompt = wanted;
}

static u64 run_vcpus(void)
{
	return guests_step(TIME_NEVER);
}

void __noreturn monitor_run(const struct boot *boot)
{
	u64 look = 0;

	terminal_init();
	orders_init(boot);
	take_line(boot->cmdline);
	sched_init();
	(void)smp_start();
	smp_set_work(run_vcpus);
	for (;;) {
		take_input();
		do_orders();
		show_prompt();
		if (rdtsc() >= look) {
			look = rdtsc() + time_us(LOOK_US);
			kvm0_fetch_wakes();
		}
		u64 until = guests_run(look);
		if (until && !console_has_input())
			idle_until(until);
	}
}
