/* SPDX-License-Identifier: MIT */
/* The 8254 as a guest sees it, port 0x61, and what becomes of ticks that the guest has missed. */
#include "tests/abi/access.h"

#define CHANNEL(n) ((u16)(0x40 + (n)))
#define CONTROL    0x43
#define SPEAKER    0x61
#define WORD       0x30
#define LATCH      0x00
#define READ_BACK  0xc0 /* without the bits that say what not */
#define NO_COUNT   0x20
#define NO_STATUS  0x10

static void open(struct machine *m)
{
	struct kvm_pit_config config = {.flags = KVM_PIT_SPEAKER_DUMMY};

	access_open(m, MACHINE_IRQCHIP);
	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_CREATE_PIT2, &config), 0);
}

static void load(struct machine *m, u32 channel, u8 mode, u16 count)
{
	access_outb(m, CONTROL, (u8)(channel << 6 | WORD | mode << 1));
	access_outb(m, CHANNEL(channel), (u8)count);
	access_outb(m, CHANNEL(channel), (u8)(count >> 8));
}

static u16 word(struct machine *m, u32 channel)
{
	u8 low = access_inb(m, CHANNEL(channel));

	return (u16)(low | access_inb(m, CHANNEL(channel)) << 8);
}

static struct kvm_pit_channel_state channel(const struct machine *m, u32 n)
{
	struct kvm_pit_state2 s;

	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_GET_PIT2, &s), 0);
	return s.channels[n];
}

static void pit_status(void)
{
	struct machine m;

	open(&m);
	for (u8 control = 0x10; control < 0x40; control++) {
		u8 mode = control >> 1 & 7, seen = mode > 5 ? mode - 4 : mode;

		access_outb(&m, CONTROL, control);
		access_outb(&m, CONTROL, READ_BACK | NO_COUNT | 2);
		CHECK_EQUAL(access_inb(&m, CHANNEL(0)) & 0x3f, (control & 0x31) | seen << 1);
	}
	/* Both latched: the status comes first, then the count. */
	load(&m, 2, 2, 0x4321);
	access_outb(&m, CONTROL, READ_BACK | 8);
	CHECK_EQUAL(access_inb(&m, CHANNEL(2)) & 0x3f, WORD | 4);
	CHECK_EQUAL(word(&m, 2), channel(&m, 2).latched_count);
	/* None of both, and of no channel. */
	access_outb(&m, CONTROL, READ_BACK | NO_COUNT | NO_STATUS | 0xe);
	access_outb(&m, CONTROL, READ_BACK);
	CHECK_EQUAL(channel(&m, 2).count_latched, 0);
	CHECK_EQUAL(channel(&m, 2).status_latched, 0);
}

static void pit_latch(void)
{
	struct machine m;
	u16 first;

	open(&m);
	load(&m, 2, 2, 0xffff);
	access_outb(&m, CONTROL, 2 << 6 | LATCH);
	CHECK_EQUAL(channel(&m, 2).count_latched, 3);
	first = channel(&m, 2).latched_count;
	access_outb(&m, CONTROL, 2 << 6 | LATCH); /* the first one stays */
	CHECK_EQUAL(channel(&m, 2).latched_count, first);
	CHECK_EQUAL(word(&m, 2), first);
	CHECK_EQUAL(channel(&m, 2).count_latched, 0);
	/* One byte alone: the low one, or the high one of a count whose other is 0. */
	access_outb(&m, CONTROL, 2 << 6 | 0x10 | 4);
	access_outb(&m, CHANNEL(2), 0x80);
	CHECK_EQUAL(channel(&m, 2).count, 0x80);
	CHECK(access_inb(&m, CHANNEL(2)) <= 0x80);
	access_outb(&m, CONTROL, 2 << 6 | 0x20 | 4);
	access_outb(&m, CHANNEL(2), 0x80);
	CHECK_EQUAL(channel(&m, 2).count, 0x8000);
	load(&m, 2, 2, 0);
	CHECK_EQUAL(channel(&m, 2).count, 0x10000);
}

/* Mode 0: the output rises when the count has run out.  Port 0x61 shows it, and the gate. */
static void pit_speaker(void)
{
	struct machine m;
	u32 i;

	open(&m);
	CHECK_EQUAL(access_inb(&m, SPEAKER) & 3, 0);
	access_outb(&m, SPEAKER, 0xff);
	CHECK_EQUAL(access_inb(&m, SPEAKER) & 3, 3);
	CHECK_EQUAL(channel(&m, 2).gate, 1);
	access_outb(&m, SPEAKER, 1);
	CHECK_EQUAL(access_inb(&m, SPEAKER) & 0xc3, 1);
	load(&m, 2, 0, 0xffff);
	CHECK_EQUAL(access_inb(&m, SPEAKER) & 0x20, 0);
	load(&m, 2, 0, 10);
	for (i = 0; i < 10000 && !(access_inb(&m, SPEAKER) & 0x20); i++)
		;
	CHECK(i < 10000);
	access_outb(&m, CONTROL, READ_BACK | NO_COUNT | 8);
	CHECK_EQUAL(access_inb(&m, CHANNEL(2)) & 0x80, 0x80);
}

/* The gate's rise starts the count anew in modes 1, 2, 3 and 5. */
static void pit_gate(void)
{
	struct machine m;

	open(&m);
	for (u8 mode = 0; mode < 6; mode++) {
		s64 before;

		load(&m, 2, mode, 0x8000);
		access_outb(&m, SPEAKER, 0);
		before = channel(&m, 2).count_load_time;
		access_outb(&m, SPEAKER, 1);
		CHECK_EQUAL(channel(&m, 2).count_load_time > before, mode != 0 && mode != 4);
		before = channel(&m, 2).count_load_time;
		access_outb(&m, SPEAKER, 1); /* no rise */
		CHECK_EQUAL(channel(&m, 2).count_load_time, before);
	}
}

static u64 now_ms(const struct machine *m)
{
	struct kvm_clock_data c;

	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_GET_CLOCK, &c), 0);
	return c.clock / 1000000;
}

/* Ticks of 5 ms that come to a guest that takes none for 100 ms, and then all for as long. */
static u32 ticks(bool reinject)
{
	struct kvm_reinject_control control = {.pit_reinject = reinject};
	static const u8 words[] = {0x20, 4, 3}; /* vectors, cascade, 8086 with automatic EOI */
	struct machine m;
	u64 start;
	u32 *count;

	open(&m);
	count = machine_at(&m, GPA_VARS + VAR_LOGGED);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_REINJECT_CONTROL, &control), 0);
	access_outb(&m, 0x20, 0x11);
	for (u32 i = 0; i < ARRAY_SIZE(words); i++)
		access_outb(&m, 0x21, words[i]);
	load(&m, 0, 2, 5966);
	machine_start(&m, long_done);
	for (start = now_ms(&m); now_ms(&m) - start < 100;)
		machine_run_out(&m, PORT_DONE);
	for (start = now_ms(&m); now_ms(&m) - start < 100;)
		machine_do(&m, access_window);
	return *count;
}

static void pit_reinjected(void)
{
	u32 with, without;

	machine_need_vmx("the interrupts of a 64-bit guest");
	with = ticks(true);
	without = ticks(false);
	if (with < 33 || with > 42)
		check_fail(__FILE__, __LINE__, "%u ticks of 40", with);
	if (without < 14 || without > 24)
		check_fail(__FILE__, __LINE__, "%u ticks of 21", without);
}

SUITE(pit, TEST(pit_status), TEST(pit_latch), TEST(pit_speaker), TEST(pit_gate),
      TEST(pit_reinjected));
