/* SPDX-License-Identifier: MIT */
/* The tests' target in the control guest: hypercalls to kvm0.  See target.h. */
#include "tests/abi/target.h"
#include "guest/lib/apic.h"
#include "guest/lib/console.h"
#include "guest/lib/format.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/memory.h"
#include "guest/lib/time.h"

const char target_name[] = "kvm0";
const bool target_is_kvm0 = true;

static u64 watchdog = TIME_NEVER;

/* The signal to come. */
static struct {
	u64 due; /* TSC; TIME_NEVER: none */
	int vcpu;
	u32 signal;
} coming = {.due = TIME_NEVER};

bool t_has_vmx(void)
{
	return true;
}

int t_system(void)
{
	return 0;
}

long target_ioctl(int handle, u64 request, u64 arg)
{
	return (long)kvm0_ioctl((u32)handle, request, arg);
}

long t_close(int handle)
{
	return (long)kvm0_close((u32)handle);
}

int t_event_create(u32 count, bool semaphore)
{
	return (int)kvm0_event_create(count, semaphore ? KVM0_EVENT_SEMAPHORE : 0);
}

long t_event_signal(int event, u64 n)
{
	return (long)kvm0_event_signal((u32)event, n);
}

long t_event_read(int event, u64 *value)
{
	return (long)kvm0_event_read((u32)event, value);
}

long t_read(int handle, void *to, u64 size, u64 position)
{
	return (long)kvm0_read((u32)handle, to, size, position);
}

void *t_map(int vcpu, u32 first, u32 count, void *pages)
{
	for (u32 i = 0; i < count; i++)
		if (kvm0_set_page((u32)vcpu, first + i, (u8 *)pages + i * PAGE_SIZE))
			return NULL;
	return pages;
}

/* The same time in ticks of the local APIC's timer; what does not fit is asked for again. */
static u32 ticks_to_watchdog(void)
{
	u64 now = rdtsc();
	u64 end = MIN(watchdog, coming.due);
	u64 left = end > now ? end - now : 0;
	u64 ms = left / (time_tsc_hz() / 1000) + 1;

	return (u32)MIN(ms * (time_apic_hz() / 1000), 0xffffffffull);
}

long t_run(int vcpu)
{
	u64 deadline;
	s64 r;

	for (;;) {
		/* An interrupt at the end of the time: it ends a run that would not end itself. */
		apic_timer_start(ticks_to_watchdog());
		r = kvm0_run_once((u32)vcpu, 0, &deadline);
		if (r != KVM0_RUN_AGAIN && r != KVM0_RUN_BLOCKED)
			break;
		if (rdtsc() >= watchdog) {
			r = -EINTR;
			break;
		}
		if (rdtsc() >= coming.due)
			t_signal(coming.vcpu, coming.signal, 0);
		else if (r == KVM0_RUN_BLOCKED)
			idle_until(MIN(deadline, MIN(watchdog, coming.due)));
	}
	apic_timer_start(0);
	if (target_watcher)
		target_watcher(vcpu, KVM_RUN, 0, (long)r);
	return (long)r;
}

long t_run_quick(int vcpu)
{
	u64 deadline;
	s64 r;

	do
		r = kvm0_run_once((u32)vcpu, 0, &deadline);
	while (r == KVM0_RUN_AGAIN);
	return r == KVM0_RUN_BLOCKED ? -EAGAIN : (long)r;
}

void t_start_watchdog(u32 ms)
{
	watchdog = rdtsc() + time_us(ms * 1000ull);
}

void t_signal(int vcpu, u32 signal, u32 ms)
{
	coming.due = ms ? rdtsc() + time_us(ms * 1000ull) : TIME_NEVER;
	coming.vcpu = vcpu;
	coming.signal = signal;
	if (!ms)
		kvm0_signal((u32)vcpu, signal);
}

u64 t_take_signals(int vcpu, u64 set)
{
	return kvm0_take_signals((u32)vcpu, set);
}

void *t_alloc(u64 size)
{
	return memory_alloc(size, SIZE_2M);
}

void t_printf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	t_vprintf(format, args);
	va_end(args);
}

void t_vprintf(const char *format, va_list args)
{
	char text[400];

	format_text_v(text, sizeof(text), format, args);
	console_printf("%s", text);
}
