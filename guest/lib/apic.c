/* SPDX-License-Identifier: MIT */
/* The local APIC; see apic.h.  SDM vol. 3, Advanced Programmable Interrupt Controller. */
#include "guest/lib/apic.h"
#include "guest/lib/cpu.h"
#include "guest/lib/trap.h"

#define MSR_APIC_BASE    0x1bu
#define APIC_BASE_X2APIC 0x400ull
#define APIC_BASE_ENABLE 0x800ull
#define APIC_BASE_ADDR   0xffffff000ull
#define MSR_X2APIC       0x800u

/* Register numbers: the xAPIC's offset divided by 16. */
enum {
	APIC_ID = 0x02,
	APIC_TPR = 0x08,
	APIC_EOI = 0x0b,
	APIC_SPURIOUS = 0x0f,
	APIC_ICR = 0x30,
	APIC_ICR_HIGH = 0x31,
	APIC_LVT_TIMER = 0x32,
	APIC_LVT_LINT0 = 0x35,
	APIC_LVT_LINT1 = 0x36,
	APIC_TIMER_INITIAL = 0x38,
	APIC_TIMER_CURRENT = 0x39,
	APIC_TIMER_DIVIDE = 0x3e,
};

#define SPURIOUS_ENABLE 0x100u
#define LVT_MASKED      0x10000u
#define LVT_EXTINT      0x700u
#define LVT_NMI         0x400u
#define DIVIDE_BY_1     0x0bu
#define ICR_PENDING     0x1000u
#define ICR_ASSERT      0x4000u
#define ICR_LEVEL       0x8000u
#define ICR_INIT        0x500u
#define ICR_STARTUP     0x600u

static u64 base(void)
{
	return rdmsr(MSR_APIC_BASE);
}

static u32 read(u32 reg)
{
	u64 b = base();

	if (b & APIC_BASE_X2APIC)
		return (u32)rdmsr(MSR_X2APIC + reg);
	return *(volatile u32 *)ptr((b & APIC_BASE_ADDR) + reg * 16);
}

static void write(u32 reg, u32 v)
{
	u64 b = base();

	if (b & APIC_BASE_X2APIC)
		wrmsr(MSR_X2APIC + reg, v);
	else
		*(volatile u32 *)ptr((b & APIC_BASE_ADDR) + reg * 16) = v;
}

void apic_init(bool boot_cpu)
{
	if (!(base() & APIC_BASE_ENABLE))
		wrmsr(MSR_APIC_BASE, base() | APIC_BASE_ENABLE);
	write(APIC_TPR, 0);
	write(APIC_SPURIOUS, SPURIOUS_ENABLE | TRAP_VECTOR_SPURIOUS);
	write(APIC_LVT_LINT0, boot_cpu ? LVT_EXTINT : LVT_MASKED);
	write(APIC_LVT_LINT1, boot_cpu ? LVT_NMI : LVT_MASKED);
	write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
	write(APIC_LVT_TIMER, TRAP_VECTOR_TIMER);
	write(APIC_TIMER_INITIAL, 0);
}

u32 apic_id(void)
{
	return base() & APIC_BASE_X2APIC ? read(APIC_ID) : read(APIC_ID) >> 24;
}

void apic_eoi(void)
{
	write(APIC_EOI, 0);
}

static void send(u32 target, u32 command)
{
	if (base() & APIC_BASE_X2APIC) {
		wrmsr(MSR_X2APIC + APIC_ICR, (u64)target << 32 | command);
		return;
	}
	/* An interrupt handler that also sends must not come between the two halves. */
	u64 flags;
	__asm__ volatile("pushfq; pop %0; cli" : "=r"(flags) : : "memory");
	while (read(APIC_ICR) & ICR_PENDING)
		cpu_pause();
	write(APIC_ICR_HIGH, target << 24);
	write(APIC_ICR, command);
	__asm__ volatile("push %0; popfq" : : "r"(flags) : "memory", "cc");
}

void apic_send(u32 target, u8 vector)
{
	send(target, ICR_ASSERT | vector);
}
void apic_send_init(u32 target)
{
	send(target, ICR_ASSERT | ICR_LEVEL | ICR_INIT);
}
void apic_send_startup(u32 target, u8 page)
{
	send(target, ICR_ASSERT | ICR_STARTUP | page);
}

void apic_timer_start(u32 ticks)
{
	write(APIC_TIMER_INITIAL, ticks);
}
u32 apic_timer_left(void)
{
	return read(APIC_TIMER_CURRENT);
}
