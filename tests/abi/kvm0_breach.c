/* SPDX-License-Identifier: MIT */
/* Breaches of the rules for a control guest, and a hang, for the end-to-end tests: see
 * kvm0_breach.h. */
#include "guest/lib/hypercall.h"
#include "guest/lib/smp.h"
#include "guest/lib/time.h"
#include "tests/abi/kvm0_breach.h"
#include "tests/abi/kvm0_calls.h"

static void touch_kvm0(void)
{
	u64 start, end;

	if (!kvm0_own_range(&start, &end)) {
		t_printf("breach: no hole in the memory map\n");
		return;
	}
	t_printf("breach: reading 0x%llx\n", start);
	t_printf("breach: read 0x%x\n", *(const volatile u32 *)ptr(start));
}

#define RESET_PAGE 0xfffff000ull /* the first instruction is 16 bytes before its end */

/* MOV ECX, 1000000; LOOP to itself; OUT 0xf4, AL; JMP to the start: an exit each 50 ms or so. */
static const u8 slow_code[] = {0x66, 0xb9, 0x40, 0x42, 0x0f, 0x00, 0x67,
			       0xe2, 0xfd, 0xe6, 0xf4, 0xeb, 0xf3};

static struct {
	s64 vcpu;
	volatile u64 exits;
	volatile bool touched; /* from here on each exit is one too many */
} other;

/* A vCPU with that code; its handle, or negative. */
static s64 slow_vcpu(void)
{
	u8 *pages = t_alloc(2 * PAGE_SIZE);
	struct kvm_userspace_memory_region slot = {.guest_phys_addr = RESET_PAGE,
						   .memory_size = PAGE_SIZE,
						   .userspace_addr = addr(pages)};
	s64 vm = t_ioctl(t_system(), KVM_CREATE_VM, 0);
	s64 vcpu = vm < 0 ? vm : t_ioctl((int)vm, KVM_CREATE_VCPU, 0);

	if (!pages || vcpu < 0)
		return -1;
	memcpy(pages + PAGE_SIZE - 16, slow_code, sizeof(slow_code));
	if (t_ioctl_ptr((int)vm, KVM_SET_USER_MEMORY_REGION, &slot))
		return -1;
	return t_map((int)vcpu, 0, 1, pages + PAGE_SIZE) ? vcpu : -1;
}

static void run_for_ever(void *arg)
{
	u64 deadline;

	(void)arg;
	for (;;) {
		kvm0_run_once((u32)other.vcpu, 0, &deadline);
		other.exits++;
		if (other.touched)
			t_printf("breach: CPU 1 still runs a guest\n");
	}
}

/* Nothing more may come from CPU 1, which is in the guest then. */
static void touch_kvm0_while_running(void)
{
	other.vcpu = slow_vcpu();
	if (other.vcpu < 0 || smp_start() < 2 || smp_call(1, run_for_ever, NULL)) {
		t_printf("breach: no run on CPU 1\n");
		return;
	}
	for (u64 start = rdtsc(); !other.exits; cpu_pause())
		if (rdtsc() - start > time_us(1000000)) {
			t_printf("breach: CPU 1's guest does not run\n");
			return;
		}
	other.touched = true;
	touch_kvm0();
}

static void triple_fault(void)
{
	static const struct {
		u16 limit;
		u64 base;
	} __packed no_idt;

	t_printf("breach: faulting without handlers\n");
	__asm__ volatile("lidt %0; ud2" : : "m"(no_idt) : "memory");
}

static void hang(void)
{
	t_printf("breach: hanging with interrupts off\n");
	__asm__ volatile("cli");
	for (;;)
		cpu_pause();
}

void kvm0_breach(const struct boot *boot)
{
	if (!strcmp(boot->cmdline, "touch-kvm0"))
		touch_kvm0();
	else if (!strcmp(boot->cmdline, "touch-kvm0-while-running"))
		touch_kvm0_while_running();
	else if (!strcmp(boot->cmdline, "triple-fault"))
		triple_fault();
	else if (!strcmp(boot->cmdline, "hang"))
		hang();
}
