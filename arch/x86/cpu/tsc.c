/* SPDX-License-Identifier: MIT */
/* The time-stamp counter; see cpu/tsc.h. */
#include <linux/errno.h>

#include "cpu/io.h"
#include "cpu/regs.h"
#include "cpu/tsc.h"

#define PIT_HZ         1193182ull
#define PIT_CHANNEL_2  0x42
#define PIT_COMMAND    0x43
#define PIT_MODE_0_CH2 0xb0u /* channel 2, low and high byte, interrupt on count */

#define PORT_B          0x61
#define PORT_B_GATE     BIT(0)
#define PORT_B_SPEAKER  BIT(1)
#define PORT_B_OUT      BIT(5)
#define PORT_B_WRITABLE 0x0fu

#define PM_TIMER_HZ   3579545ull
#define PM_TIMER_MASK 0xffffffu

#define MEASURE_MS 10u
#define ROUNDS     3u
#define POLL_MAX   10000000u /* port reads, a microsecond each on real hardware */

#define MEETINGS 200u /* turns of both CPUs together */

u64 tsc_khz;
bool tsc_is_one = true;

/* The meeting of two CPUs.  Who has the turn owns the rest. */
static struct {
	u32 turn;
	u64 tsc, behind;
} meeting;

/* TSC ticks of one countdown of channel 2; 0 if it does not count. */
static u64 measure_by_pit(void)
{
	const u32 count = (u32)(PIT_HZ * MEASURE_MS / 1000);
	u8 port_b = io_in8(PORT_B) & PORT_B_WRITABLE;
	u64 start, end;
	u32 polls = 0;

	io_out8(PORT_B, (u8)((port_b & ~PORT_B_SPEAKER) | PORT_B_GATE));
	io_out8(PIT_COMMAND, PIT_MODE_0_CH2);
	io_out8(PIT_CHANNEL_2, count & 0xff);
	io_out8(PIT_CHANNEL_2, (u8)(count >> 8));
	start = rdtsc();
	while (!(io_in8(PORT_B) & PORT_B_OUT) && polls < POLL_MAX)
		polls++;
	end = rdtsc();
	io_out8(PORT_B, port_b);
	/* The output is high at once, or never, where there is no such timer. */
	return polls >= 10 && polls < POLL_MAX ? end - start : 0;
}

static u64 measure_by_pm_timer(u16 port)
{
	const u32 count = (u32)(PM_TIMER_HZ * MEASURE_MS / 1000);
	u32 first = io_in32(port), polls = 0;
	u64 start = rdtsc();

	while (((io_in32(port) - first) & PM_TIMER_MASK) < count && polls < POLL_MAX)
		polls++;
	return polls >= 10 && polls < POLL_MAX ? rdtsc() - start : 0;
}

/* The least of several rounds: what disturbs one only makes it longer. */
static u64 best_khz(u64 (*measure)(u16), u16 port)
{
	u64 best = 0;

	for (u32 i = 0; i < ROUNDS; i++) {
		u64 ticks = measure(port);

		if (!ticks)
			return 0;
		best = best ? MIN(best, ticks) : ticks;
	}
	return best / MEASURE_MS;
}

static u64 measure_pit(u16 unused)
{
	(void)unused;
	return measure_by_pit();
}

/* SDM vol. 2, CPUID, leaves 15H (exact; 0: unknown) and 16H. */
static u64 khz_by_crystal(void)
{
	struct cpuid r;

	if (cpuid(0, 0).eax < 0x15)
		return 0;
	r = cpuid(0x15, 0);
	return r.eax && r.ebx ? (u64)r.ecx * r.ebx / r.eax / 1000 : 0;
}

static u64 khz_by_cpuid(void)
{
	u64 khz = khz_by_crystal();

	if (!khz && cpuid(0, 0).eax >= 0x16)
		khz = (cpuid(0x16, 0).eax & 0xffff) * 1000ull;
	return khz;
}

/* A measurement of 10 ms is off by some 100 parts of a million, seconds a day: what CPUID says is
 * better, if it agrees. */
static u64 refined(u64 measured, u64 exact)
{
	u64 off = exact > measured ? exact - measured : measured - exact;

	return exact && off <= measured / 1000 ? exact : measured;
}

int tsc_calibrate(u16 pm_timer, enum tsc_source *source)
{
	*source = TSC_FROM_PIT;
	tsc_khz = best_khz(measure_pit, 0);
	if (!tsc_khz && pm_timer) {
		*source = TSC_FROM_PM_TIMER;
		tsc_khz = best_khz(measure_by_pm_timer, pm_timer);
	}
	if (!tsc_khz) {
		*source = TSC_FROM_CPUID;
		tsc_khz = khz_by_cpuid();
	}
	tsc_khz = refined(tsc_khz, khz_by_crystal());
	return tsc_khz ? 0 : -ENODEV;
}

u64 tsc_meet(u32 side)
{
	u64 behind;

	for (u32 i = side; i < MEETINGS; i += 2) {
		u64 now;

		/* Acquire: pairs with the release below, of the other CPU. */
		while (__atomic_load_n(&meeting.turn, __ATOMIC_ACQUIRE) != i)
			__builtin_ia32_pause();
		/* Not read before the turn has come (SDM vol. 2, RDTSC). */
		__asm__ volatile("lfence" : : : "memory");
		now = rdtsc();
		if (now < meeting.tsc)
			meeting.behind = MAX(meeting.behind, meeting.tsc - now);
		meeting.tsc = now;
		__atomic_store_n(&meeting.turn, i + 1, __ATOMIC_RELEASE);
	}
	if (side)
		return 0;
	while (__atomic_load_n(&meeting.turn, __ATOMIC_ACQUIRE) != MEETINGS)
		__builtin_ia32_pause();
	behind = meeting.behind;
	meeting.turn = 0; /* for the next CPU, which is not started yet */
	meeting.tsc = meeting.behind = 0;
	return behind;
}

void udelay(u64 us)
{
	u64 start = rdtsc(), ticks = us * tsc_khz / 1000;

	while (rdtsc() - start < ticks)
		__builtin_ia32_pause();
}
