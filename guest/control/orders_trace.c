/* SPDX-License-Identifier: MIT */
/* The order `trace`: kvm0's trace as text for scripts/trace; see orders_vm.h. */
#include "guest/control/orders_vm.h"
#include "guest/control/terminal.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"
#include "guest/lib/time.h"

#define EVENTS 64u /* of a call */

_Static_assert(sizeof(struct kvm0_trace_event) == 8 * sizeof(u64), "words of an event");

static u64 words[EVENTS][8];

/* A line for each event: its words as hexadecimal numbers. */
static s64 write_events(u32 cpu)
{
	u64 position = 0;
	s64 r;

	while ((r = kvm0_read_trace(cpu, words, sizeof(words), &position)) > 0)
		for (u32 i = 0; i < (u64)r / sizeof(words[0]); i++) {
			const u64 *w = words[i];

			terminal_say("T %llx %llx %llx %llx %llx %llx %llx %llx", w[0], w[1], w[2],
				     w[3], w[4], w[5], w[6], w[7]);
		}
	return r;
}

bool orders_trace(const struct order *order)
{
	struct kvm0_param was = {.name = "trace"}, none = {.name = "trace", .value = "none"};

	(void)order;
	/* What is read does not become more meanwhile. */
	if (kvm0_get_param(&was, KVM0_PARAM_NAMED) || kvm0_set_param(&none)) {
		terminal_say("kvm0 has no trace");
		return false;
	}
	terminal_say("@@TRACE %llu kHz, on: %s", time_tsc_hz() / 1000, was.value);
	for (u32 cpu = 0; write_events(cpu) == 0; cpu++)
		;
	terminal_say("@@END");
	(void)kvm0_set_param(&was);
	return true;
}
