/* SPDX-License-Identifier: MIT */
/* The order in which kvm0 boots. */
#include "abi/control.h"
#include "abi/control_port.h"
#include "abi/requests.h"
#include "core/console.h"
#include "core/guest_uart.h"
#include "core/log.h"
#include "core/memmap.h"
#include "core/page.h"
#include "core/panic.h"
#include "core/params.h"
#include "core/trace.h"
#include "cpu/acpi.h"
#include "cpu/apic.h"
#include "cpu/regs.h"
#include "cpu/rtc.h"
#include "cpu/tsc.h"
#include "kvm/absent.h"
#include "kvm/halt.h"
#include "kvm/msr.h"
#include "kvm/vm_clock.h"
#include "lib/string.h"
#include "main.h"
#include "monitor/shutdown.h"
#include "mm/cpus.h"
#include "mm/memory.h"
#include "mm/paging.h"
#include "monitor/monitor.h"
#include "monitor/gdb.h"
#include "monitor/crash.h"
#include "multiboot2.h"
#include "vmx/vmx.h"

static struct mb2_info boot_info;
static struct acpi_info acpi;

/* How far the other CPUs are; each counts itself once. */
static struct {
	u32 usable, refused;
	u32 go; /* set by the boot CPU: the control guest may be entered */
} cpus;

static void read_boot_info(u32 magic, u32 mbi)
{
	const void *at = phys_to_virt(hpa(mbi));

	if (magic != MB2_BOOT_MAGIC || mb2_parse(at, SIZE_4G - mbi, &boot_info))
		refuse(boot_info.problem ? boot_info.problem : "not loaded by multiboot2",
		       "boot by GRUB 2.02 or newer, with fewer or shorter modules and options");
}

static void read_params(void)
{
	static struct param_table tables[15]; /* to stay: see params_publish() */
	const struct param_table all[] = {log_params,   memory_params,        cpus_params,
					  vmx_params,   mitigate_params,      vm_params,
					  msr_params,   time_params,          clock_params,
					  halt_params,  timer_advance_params, absent_params,
					  panic_params, trace_params,         gdb_params};

	_Static_assert(sizeof(all) == sizeof(tables), "tables of parameters");
	memcpy(tables, all, sizeof(tables));
	params_publish(tables, ARRAY_SIZE(tables));
	(void)params_parse(boot_info.cmdline, tables, ARRAY_SIZE(tables));
	if (boot_info.problem)
		log_warn("boot", "%s", boot_info.problem);
}

static void read_acpi(void)
{
	const struct mb2_blob *copy =
		boot_info.rsdp_new.size ? &boot_info.rsdp_new : &boot_info.rsdp_old;
	const void *rsdp = copy->size ? copy->data : acpi_find_rsdp(memory_map_firmware);
	u32 size = copy->size ? copy->size : 36;

	if (!rsdp)
		refuse("there are no ACPI tables", "turn on ACPI in the firmware's setup");
	if (acpi_parse(rsdp, size, memory_map_firmware, &acpi))
		refuse("the ACPI tables are unusable", "update the firmware (the table %s %s)",
		       acpi.table, acpi.problem);
}

static void init_apic(void)
{
	if (paging_map_direct(apic_base(), PAGE_SIZE, true))
		refuse("the local APIC cannot be mapped",
		       "update the firmware (IA32_APIC_BASE %#llx)", apic_base().v);
	apic_init(apic_base());
}

static void init_clock(void)
{
	enum tsc_source source;
	u64 seconds;

	if (tsc_calibrate(acpi.pm_timer, &source))
		refuse("the TSC's frequency cannot be measured",
		       "turn on the 8254 timer or the ACPI PM timer in the firmware's setup");
	if (source == TSC_FROM_CPUID)
		log_warn("clock", "neither PIT nor ACPI PM timer runs: trusting CPUID");
	seconds = rtc_read();
	if (seconds)
		vm_clock_set_realtime(seconds);
	else
		log_warn("clock", "the real-time clock is not set: guests' wall clock is wrong");
}

/* Why this CPU cannot be used, or NULL once it is in VMX operation. */
static const char *enter_vmx(const char **remedy)
{
	const char *why = vmx_probe(remedy);

	if (!why && vmx_cpu_enable()) {
		*remedy = "update the firmware";
		why = "VMXON fails";
	}
	return why;
}

static void init_vmx(void)
{
	const char *remedy, *why = enter_vmx(&remedy);

	if (why)
		refuse(why, "%s", remedy);
	__atomic_fetch_add(&cpus.usable, 1, __ATOMIC_RELEASE);
}

/* Acquire: pairs with the releases in cpu_main(). */
static u32 cpus_decided(void)
{
	return __atomic_load_n(&cpus.usable, __ATOMIC_ACQUIRE) +
	       __atomic_load_n(&cpus.refused, __ATOMIC_ACQUIRE);
}

static void print_summary(void)
{
	u64 kept = memmap_bytes(&memmap, MEM_KVM0);

	while (cpus_decided() < percpu_count)
		__builtin_ia32_pause();
	log_info("boot", "%u CPUs up, VMX with %s, TSC %llu kHz", cpus.usable, vmx_features(),
		 tsc_khz);
	log_info("boot", "mitigations: %s", vmx_mitigations());
	log_info("boot", "%llu MiB of memory, %llu MiB kept by kvm0", memory_total() >> 20,
		 (kept + SIZE_1M - 1) >> 20);
}

/* The console's ports are kvm0's, and the control guest has others like them; the GDB stub's it has
 * not. */
static void init_guest_uart(void)
{
	static struct control_ports ports = {
		.count = UART_PORTS, .in = guest_uart_in, .out = guest_uart_out};
	static struct control_ports absent = {.count = UART_PORTS};
	static const struct console_monitor monitor = {monitor_is_open, monitor_open, monitor_close,
						       monitor_input, monitor_poll};

	ports.first = guest_uart_init(&monitor);
	if (ports.first)
		control_ports_add(&ports);
	absent.first = gdb_begin(ports.first);
	if (absent.first) {
		control_ports_add(&absent);
		guest_uart_poll_also(gdb_poll);
	}
	if (guest_uart_is_polled())
		vmx_limit_timer(tsc_khz * GUEST_UART_POLL_MS);
}

static __noreturn void start_control_guest(void)
{
	struct control_image image;

	shutdown_init(&acpi);
	init_guest_uart();
	if (handle_init())
		refuse("the memory pool is too small", "give kvm0 more: pool=64M");
	caps_init(cpus.usable);
	trace_init(percpu_count);
	control_init();
	control_image_load(&boot_info, &image);
	/* Release: all of the above comes before any other CPU enters the guest. */
	__atomic_store_n(&cpus.go, 1, __ATOMIC_RELEASE);
	control_run(&image);
}

/* The second half, on the boot CPU's own stack. */
static void boot(void)
{
	read_acpi();
	init_apic();
	init_clock();
	init_vmx();
	cpus_start(&acpi, cpu_main);
	print_summary();
	start_control_guest();
}

void cpu_main(struct percpu *p)
{
	const char *remedy, *why = NULL;

	if (!cpus_wanted(p))
		log_info("boot", "CPU %u is parked: maxcpus=", p->index);
	else
		why = enter_vmx(&remedy);
	if (why)
		log_error("boot", "CPU %u (APIC id %u) is not used: %s; %s", p->index, p->apic_id,
			  why, remedy);
	if (why || !cpus_wanted(p)) {
		__atomic_fetch_add(&cpus.refused, 1, __ATOMIC_RELEASE);
		vmx_park();
	}
	__atomic_fetch_add(&cpus.usable, 1, __ATOMIC_RELEASE);
	/* Acquire: pairs with start_control_guest(). */
	while (!__atomic_load_n(&cpus.go, __ATOMIC_ACQUIRE))
		__builtin_ia32_pause();
	control_run(NULL);
}

void kvm0_main(u32 magic, u32 mbi)
{
	cpus_init_boot();
	crash_init();
	(void)console_init(CONSOLE_DEFAULT_PORT, CONSOLE_DEFAULT_SPEED);
	read_boot_info(magic, mbi);
	read_params();
	memory_init(&boot_info);
	cpus_init_stacks(boot);
}
