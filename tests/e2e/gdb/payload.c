/* SPDX-License-Identifier: MIT */
/* A guest for the case `gdb`: a kernel without an operating system, by the 64-bit boot protocol of
 * Linux, with symbols.  It counts, and says on its COM1 now and then that it lives. */

typedef unsigned long u64;

#define COM1     0x3f8
#define SAY_EACH 1000000u

volatile u64 counter, rounds;

static void put(char c)
{
	__asm__ volatile("outb %0, %1" : : "a"(c), "Nd"((unsigned short)COM1));
}

__attribute__((noinline)) void say(u64 n)
{
	static const char text[] = "payload: alive, round ";

	for (unsigned i = 0; i < sizeof(text) - 1; i++)
		put(text[i]);
	for (int shift = 12; shift >= 0; shift -= 4)
		put("0123456789abcdef"[n >> shift & 15]);
	put('\n');
}

__attribute__((noinline)) u64 step_on(u64 by)
{
	u64 next = counter + by;

	counter = next;
	return next;
}

void payload(void)
{
	for (;;)
		if (step_on(1) % SAY_EACH == 0)
			say(++rounds);
}
