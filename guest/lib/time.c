/* SPDX-License-Identifier: MIT */
/* Time; see time.h. */
#include "guest/lib/time.h"
#include "guest/lib/apic.h"
#include "guest/lib/console.h"
#include "guest/lib/trap.h"

/* Channel 2 of the PIT, whose gate and output are bits of port 0x61. */
#define PIT_CHANNEL2 0x42
#define PIT_CONTROL  0x43
#define PIT_MODE0    0xb0 /* channel 2, both bytes, interrupt on terminal count */
#define PORT_B       0x61
#define PORT_B_GATE  0x01
#define PORT_B_SPEAK 0x02
#define PORT_B_OUT   0x20
#define PIT_HZ       1193182u
#define PIT_TICKS    (PIT_HZ / 100) /* 10 ms */
#define MAX_POLLS    10000000u
#define GUESS_HZ     1000000000ull

static u64 tsc_hz, apic_hz;

static void on_timer(void)
{
	WRITE_ONCE(cpu_this()->alarm, 0);
	apic_eoi();
}

/* One measurement, about 10 ms; false if the PIT does not count. */
static bool measure(u64 *tsc, u64 *apic)
{
	u8 port_b = (u8)((inb(PORT_B) & ~(PORT_B_SPEAK | PORT_B_OUT)) | PORT_B_GATE);
	u32 polls = 0;

	outb(PORT_B, port_b & (u8)~PORT_B_GATE);
	outb(PIT_CONTROL, PIT_MODE0);
	outb(PIT_CHANNEL2, PIT_TICKS & 0xff);
	outb(PIT_CHANNEL2, PIT_TICKS >> 8);
	apic_timer_start(~0u);
	outb(PORT_B, port_b);
	u64 start = rdtsc();
	u32 apic_start = apic_timer_left();
	while (!(inb(PORT_B) & PORT_B_OUT))
		if (++polls == MAX_POLLS)
			return false;
	*tsc = (rdtsc() - start) * PIT_HZ / PIT_TICKS;
	*apic = (u64)(apic_start - apic_timer_left()) * PIT_HZ / PIT_TICKS;
	apic_timer_start(0);
	return true;
}

void time_init(void)
{
	u64 tsc, apic;

	trap_set_handler(TRAP_VECTOR_TIMER, on_timer);
	for (u32 i = 0; i < 2; i++) {
		if (!measure(&tsc, &apic))
			break;
		/* The firmware's own interrupts only ever make it longer. */
		if (!i || tsc < tsc_hz)
			tsc_hz = tsc;
		if (!i || apic < apic_hz)
			apic_hz = apic;
	}
	if (!tsc_hz || !apic_hz) {
		console_printf("the PIT does not count: times are guesses\n");
		tsc_hz = apic_hz = GUESS_HZ;
	}
	apic_timer_start(0);
}

u64 time_tsc_hz(void)
{
	return tsc_hz;
}
u64 time_apic_hz(void)
{
	return apic_hz;
}
u64 time_us(u64 us)
{
	return us * tsc_hz / 1000000;
}

void time_delay_us(u64 us)
{
	u64 start = rdtsc(), ticks = time_us(us);

	while (rdtsc() - start < ticks)
		cpu_pause();
}

/* Timer ticks from now to the deadline, at least 1. */
static u32 timer_ticks(u64 tsc)
{
	u64 now = rdtsc(), left = tsc > now ? tsc - now : 0;

	/* Cut to one second: whoever waits asks again, and nothing overflows. */
	left = MIN(left, tsc_hz);
	u64 ticks = left * (apic_hz / 1000) / (tsc_hz / 1000 + 1) + 1;
	return (u32)MIN(ticks, 0xffffffffull);
}

void time_alarm(u64 tsc)
{
	struct cpu *cpu = cpu_this();

	if (tsc == READ_ONCE(cpu->alarm))
		return;
	WRITE_ONCE(cpu->alarm, tsc);
	apic_timer_start(tsc == TIME_NEVER ? 0 : timer_ticks(tsc));
}

void idle_until(u64 tsc)
{
	struct cpu *cpu = cpu_this();

	cpu_irq_off();
	if (!READ_ONCE(cpu->irq_seen) && tsc > rdtsc()) {
		if (tsc != TIME_NEVER)
			apic_timer_start(timer_ticks(tsc));
		/* STI takes effect after the next instruction: no interrupt fits between. */
		__asm__ volatile("sti; hlt; cli" : : : "memory");
		if (tsc != TIME_NEVER) {
			apic_timer_start(0);
			WRITE_ONCE(cpu->alarm, TIME_NEVER);
		}
	}
	WRITE_ONCE(cpu->irq_seen, 0);
	cpu_irq_on();
}
