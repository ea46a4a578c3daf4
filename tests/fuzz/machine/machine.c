/* SPDX-License-Identifier: MIT */
/* CPUs, time, the memory map and the pool of the machine; see machine.h. */
#include "tests/fuzz/machine/cpu.h"

#include <asm/prctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/console.h"
#include "core/guest_uart.h"
#include "core/log.h"
#include "core/memmap.h"
#include "core/page.h"
#include "core/panic.h"
#include "core/trace.h"
#include "cpu/apic.h"
#include "cpu/msr_index.h"
#include "cpu/regs.h"
#include "cpu/trap.h"
#include "cpu/tsc.h"
#include "kvm/handle.h"

static struct cpu cpus[MACHINE_CPUS];
static u64 clock_ticks;

struct percpu *percpu_by_index[MAX_CPUS];
u32 percpu_count;
u64 image_phys_base;
const u64 boot_entry_tsc = 1;
u64 tsc_khz = 2000000;
bool tsc_is_one = true;
u32 trap_stop_all;

__noreturn void machine_broken(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "machine: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	abort();
}

__noreturn void panic_at(const char *file, int line, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	machine_broken("panic: %s:%d: %s", file, line, text);
}

__noreturn void refuse(const char *cause, const char *remedy_fmt, ...)
{
	(void)remedy_fmt;
	machine_broken("refused: %s", cause);
}

int console_init(u16 port, u32 speed)
{
	(void)port;
	(void)speed;
	return 0;
}

int console_param(const char *value)
{
	(void)value;
	return 0;
}

void console_show_param(char *text, size_t size)
{
	printf_format(text, size, "none");
}

void console_show_log(bool now)
{
	static u64 shown;
	char text[256];
	size_t n;

	(void)now;
	while ((n = log_read(text, sizeof(text), &shown)) > 0)
		if (getenv("MACHINE_LOG"))
			fwrite(text, 1, n, stderr);
}

void console_seize(void) {}

void console_emergency(const char *text, size_t n)
{
	fwrite(text, 1, n, stderr);
}

u64 guest_uart_poll(void)
{
	return ~0ull;
}

/* --- CPUs --- */

struct cpu *machine_cpu(void)
{
	return &cpus[this_cpu()->index];
}

/* this_cpu() reads GS:0, which a process may point where it likes. */
void machine_on_cpu(u32 n)
{
	MACHINE_REQUIRE(!syscall(SYS_arch_prctl, ARCH_SET_GS, &cpus[n].percpu), "ARCH_SET_GS");
}

struct vmx_vcpu *machine_control(void)
{
	return &machine_cpu()->control;
}

/* The target is in the control guest, and sees to its NMI at once. */
void cpu_kick(struct percpu *target)
{
	u32 from = this_cpu()->index;

	MACHINE_REQUIRE(target->index != from, "a CPU kicks itself");
	machine_on_cpu(target->index);
	target->kick = 1;
	vmx_take_kick();
	machine_on_cpu(from);
}

void cpu_want(struct percpu *p, u32 what)
{
	p->wanted |= what;
	p->kick = 1;
}

void nmi_receive(const struct trap_frame *f)
{
	(void)f;
	this_cpu()->nmi_pending++;
	this_cpu()->kick = 1;
}

void nmi_set_restart_window(const void *start, const void *end, const void *abort)
{
	(void)start;
	(void)end;
	(void)abort;
}

u64 trap_idt_base(void)
{
	return 0xffffffff80000000ull;
}

u32 apic_id(void)
{
	return this_cpu()->index;
}

/* --- time --- */

u64 rdtsc(void)
{
	clock_ticks += 20;
	return clock_ticks;
}

void machine_advance(u64 ticks)
{
	clock_ticks += ticks;
}

void udelay(u64 us)
{
	machine_advance(us * tsc_khz / 1000);
}

/* --- the pool --- */

u32 machine_pages, machine_objects;
int machine_alloc_limit = -1;

#define POOL_PAGES 2048u

static void *take(size_t align, size_t size, u32 *live)
{
	void *p;

	if (!machine_alloc_limit)
		return NULL;
	if (machine_alloc_limit > 0)
		machine_alloc_limit--;
	p = aligned_alloc(align, ALIGN_UP(size, align));
	MACHINE_REQUIRE(p, "the host has no memory");
	(*live)++;
	return memset(p, 0, ALIGN_UP(size, align));
}

static void give_back(void *p, u32 *live)
{
	if (!p)
		return;
	MACHINE_REQUIRE(*live, "more is freed than was taken");
	(*live)--;
	free(p);
}

void *page_alloc_order(unsigned order)
{
	if (machine_pages >= POOL_PAGES)
		return NULL;
	return take(PAGE_SIZE << MIN(order, 9u), PAGE_SIZE << order, &machine_pages);
}

void *page_alloc(void)
{
	return page_alloc_order(0);
}

void page_free_order(void *pages, unsigned order)
{
	(void)order;
	give_back(pages, &machine_pages);
}

void page_free(void *page)
{
	give_back(page, &machine_pages);
}

void *object_alloc(size_t size)
{
	return size && size <= 64 * 1024 ? take(64, size, &machine_objects) : NULL;
}

void object_free(void *object, size_t size)
{
	(void)size;
	give_back(object, &machine_objects);
}

u64 page_total(void)
{
	return POOL_PAGES;
}

u64 page_unused(void)
{
	return POOL_PAGES - MIN(machine_pages, POOL_PAGES);
}

bool page_room_for(u64 pages)
{
	return page_unused() > 64 + pages && machine_alloc_limit;
}

bool page_room(void)
{
	return page_room_for(0);
}

/* --- boot --- */

u64 machine_address(u64 offset)
{
	return virt_to_phys((const void *)(uintptr_t)MACHINE_MEMORY).v + offset;
}

static void lay(u64 offset, u64 size, enum memmap_type type)
{
	MACHINE_REQUIRE(!memmap_add(&memmap, machine_address(offset), size, type), "memmap");
	if (type != MEM_RAM)
		MACHINE_REQUIRE(
			!mprotect((void *)(uintptr_t)(MACHINE_MEMORY + offset), size, PROT_NONE),
			"mprotect");
}

static void boot_memory(void)
{
	void *want = (void *)(uintptr_t)MACHINE_MEMORY;
	void *got = mmap(want, MACHINE_MEMORY_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	MACHINE_REQUIRE(got == want, "no memory at the fixed address");
	lay(0, MACHINE_MEMORY_SIZE, MEM_RAM);
	lay(MACHINE_KVM0_HOLE, MACHINE_HOLE_SIZE, MEM_KVM0);
	lay(MACHINE_RESERVED, MACHINE_HOLE_SIZE, MEM_RESERVED);
}

static void boot_cpu(u32 n)
{
	struct cpu *c = &cpus[n];
	const char *remedy, *why;

	c->percpu.self = &c->percpu;
	c->percpu.index = n;
	c->percpu.apic_id = n;
	c->cr0 = 0x80050033;
	c->cr3 = 0x1000;
	c->cr4 = 0x20;
	c->dr6 = 0xffff0ff0;
	c->xcr0 = XCR0_X87;
	percpu_by_index[n] = &c->percpu;
	percpu_count = n + 1;
	machine_on_cpu(n);
	wrmsr(MSR_EFER, EFER_LMA | EFER_LME | EFER_NXE | EFER_SCE);
	wrmsr(MSR_PAT, 0x0007040600070406ull);
	why = vmx_probe(&remedy);
	MACHINE_REQUIRE(!why, "CPU %u: %s", n, why);
	MACHINE_REQUIRE(!vmx_cpu_enable(), "VMXON");
	MACHINE_REQUIRE(!vmx_vcpu_init(&c->control, true, machine_address(0) | 0x1e, 1),
			"the control guest's virtual CPU");
	vmx_allow(&c->control, CR4_KNOWN & ~CR4_SMXE, vmx_host_xcr0());
}

void machine_boot(void)
{
	boot_memory();
	MACHINE_REQUIRE(!handle_init(), "no memory for handles");
	for (u32 n = 0; n < MACHINE_CPUS; n++)
		boot_cpu(n);
	trace_init(MACHINE_CPUS);
	trace_mask = (u32)BIT(KVM0_TRACE_TYPES) - 1 + TRACE_EXIT_TICKS;
}

void machine_reset(void)
{
	u8 *memory = (u8 *)(uintptr_t)MACHINE_MEMORY;

	MACHINE_REQUIRE(!madvise(memory, MACHINE_MEMORY_SIZE, MADV_DONTNEED), "madvise");
	machine_alloc_limit = -1;
	clock_ticks = 1000000000;
	machine_on_cpu(0);
}
