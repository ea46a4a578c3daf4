/* SPDX-License-Identifier: MIT */
/* How early a timer begins to expire: see timer_advance.h. */
#include "kvm/timer_advance.h"
#include <linux/errno.h>
#include "cpu/tsc.h"
#include "lib/printf.h"
#include "lib/string.h"

#define ADAPTIVE     (-1)
#define ADAPTIVE_NS  1000u  /* where it begins */
#define ADVANCE_MAX  5000u  /* ns, for which the CPU does nothing else */
#define SAMPLE_MAX   10000u /* ticks; more is something else's */
#define SAMPLE_SHARE 8

static s32 advance_ns = ADAPTIVE;

static int parse(const char *value)
{
	u64 ns;

	if (!strcmp(value, "-1")) {
		WRITE_ONCE(advance_ns, ADAPTIVE);
		return 0;
	}
	if (params_size(value, &ns) || ns > ADVANCE_MAX)
		return -EINVAL;
	WRITE_ONCE(advance_ns, (s32)ns);
	return 0;
}

static void show(char *text, size_t size)
{
	printf_format(text, size, "%d", READ_ONCE(advance_ns));
}

static const struct param params[] = {
	{.name = "lapic_timer_advance_ns",
	 .type = PARAM_FN,
	 .parse = parse,
	 .show = show,
	 .runtime = true},
};
const struct param_table timer_advance_params = {params, ARRAY_SIZE(params)};

static u32 ticks_of(u32 ns)
{
	const struct irq_clock clock = {.tsc_khz = (u32)tsc_khz};

	return (u32)irq_clock_ticks(&clock, ns);
}

void timer_advance_init(struct timer_advance *a)
{
	s32 ns = READ_ONCE(advance_ns);

	a->adapts = ns == ADAPTIVE;
	a->ticks = ticks_of(a->adapts ? ADAPTIVE_NS : (u32)ns);
}

/* It took @taken ticks to get here. */
static void learn(struct timer_advance *a, u64 taken)
{
	s64 ticks = a->ticks;

	if (taken > SAMPLE_MAX)
		return;
	ticks += ((s64)taken - ticks) / SAMPLE_SHARE;
	a->ticks = MIN((u32)ticks, ticks_of(ADVANCE_MAX));
}

u64 timer_advance_wait(struct timer_advance *a, u64 deadline, u64 now, bool armed)
{
	if (a->adapts && armed)
		learn(a, now - timer_advance_begin(a, deadline));
	while (now < deadline) {
		__builtin_ia32_pause();
		now = rdtsc();
	}
	return now;
}
