/* SPDX-License-Identifier: MIT */
/* The boot order of a guest image, from start.asm to guest_main(). */
#include "guest/lib/init.h"
#include "guest/lib/acpi.h"
#include "guest/lib/boot.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/memory.h"
#include "guest/lib/paging.h"
#include "guest/lib/power.h"
#include "guest/lib/time.h"
#include "guest/lib/trap.h"

#define MULTIBOOT2_MAGIC 0x36d76289u

extern const u8 image_start[], image_end[];
void __noreturn guest_start(u32 magic, const void *info);

static struct boot boot;

void __noreturn guest_start(u32 magic, const void *info)
{
	console_init();
	trap_init();
	smp_init_boot_cpu();
	if (magic != MULTIBOOT2_MAGIC) {
		console_printf("not started by a multiboot2 loader (magic 0x%x): use GRUB's "
			       "multiboot2 command, or kvm0\n",
			       magic);
		cpu_stop();
	}
	if (boot_parse(&boot, info)) {
		console_printf("the loader's multiboot2 information at %p is malformed\n", info);
		cpu_stop();
	}
	boot.image_start = addr(image_start);
	boot.image_end = addr(image_end);
	memory_init(&boot);
	paging_init(&boot);
	smp_init_apic();
	time_init();
	acpi_init(&boot);
	kvm0_init();
	console_enable_irq();
	cpu_irq_on();
	guest_main(&boot);
	power_off();
}
