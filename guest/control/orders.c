/* SPDX-License-Identifier: MIT */
/* What each order does; see orders.h. */
#include "guest/control/orders.h"
#include "guest/control/orders_vm.h"
#include "guest/control/guests.h"
#include "guest/control/terminal.h"
#include "guest/lib/console.h"
#include "guest/lib/format.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/memory.h"
#include "guest/lib/power.h"
#include "guest/lib/rtc.h"
#include "guest/lib/smp.h"
#include "guest/lib/string.h"
#include "guest/lib/time.h"

static const struct boot *boot;

void orders_init(const struct boot *b)
{
	boot = b;
	terminal_say("control guest: %u modules, %llu MiB free; help lists the orders",
		     b->module_count, memory_free_bytes() / SIZE_1M);
	if (b->modules_dropped)
		terminal_say("%u modules more than %u: they are left out", b->modules_dropped,
			     BOOT_MAX_MODULES);
	if (!kvm0_present())
		terminal_say("kvm0 is not below this (no CPUID signature): run is refused");
	else if (kvm0_version() != KVM0_ABI_VERSION)
		terminal_say("kvm0 has hypercall ABI %u, this was built for %u: run may fail",
			     kvm0_version(), KVM0_ABI_VERSION);
}

/* What a module looks like. */
static void describe(const struct boot_module *module, char *to, u64 size)
{
	static const struct {
		u8 length;
		char magic[8];
		const char *kind;
	} kinds[] = {
		{2, "\x1f\x8b", "gzip"},
		{6, "070701", "cpio archive"},
		{4, "\x28\xb5\x2f\xfd", "zstd"},
		{6,
		 "\xfd"
		 "7zXZ",
		 "xz"},
		{4,
		 "\x7f"
		 "ELF",
		 "ELF program"},
	};
	struct linux_image image;
	char why[160];

	if (!linux_check(&image, module->start, module->size, why, sizeof(why))) {
		format_text(to, size, "Linux kernel, boot protocol %u.%02u", image.version >> 8,
			    image.version & 0xffu);
		return;
	}
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
		if (module->size >= kinds[i].length &&
		    !memcmp(module->start, kinds[i].magic, kinds[i].length)) {
			format_text(to, size, "%s", kinds[i].kind);
			return;
		}
	format_text(to, size, "data");
}

static bool do_ls(const struct order *order)
{
	char kind[64];

	(void)order;
	if (!boot->module_count)
		terminal_say("no modules: add module2 lines to grub.cfg");
	for (u32 i = 0; i < boot->module_count; i++) {
		const struct boot_module *module = &boot->modules[i];
		describe(module, kind, sizeof(kind));
		terminal_say("%-20s %9llu KiB at 0x%08llx  %s", module->name,
			     (module->size + 1023) / 1024, addr(module->start), kind);
	}
	return true;
}

const struct boot_module *orders_module(const char *name)
{
	const struct boot_module *module = boot_find_module(boot, name);

	if (!module)
		terminal_say("no module '%s': ls lists those that there are", name);
	return module;
}

static bool do_log(const struct order *order)
{
	static char text[1024];
	u64 position = 0;
	s64 n;

	if (order->count > 1) {
		if (strcmp(order->word[1], "before")) {
			terminal_say("log: '%s'? It is log, or log before", order->word[1]);
			return false;
		}
		position = KVM0_LOG_BEFORE;
	}
	while ((n = kvm0_read_log(text, sizeof(text), &position)) > 0)
		for (s64 i = 0; i < n; i++)
			console_putc(text[i]);
	if (n < 0)
		terminal_say("kvm0's log cannot be read: %s", kvm0_errno_name(n));
	return n >= 0;
}

static bool do_date(const struct order *order)
{
	struct rtc_date d;

	(void)order;
	rtc_date(&d);
	terminal_say("%04u-%02u-%02u %02u:%02u:%02u", d.year, d.month, d.day, d.hour, d.minute,
		     d.second);
	return true;
}

static void count_me(void *arg)
{
	__atomic_add_fetch((u32 *)arg, 1, __ATOMIC_RELEASE);
}

static bool do_cpus(const struct order *order)
{
	static u32 answered;

	(void)order;
	answered = 1;
	for (u32 i = 1; i < smp_count(); i++)
		if (smp_call(i, count_me, &answered) || !smp_wait(i, time_us(100000)))
			terminal_say("CPU %u does not answer", i);
	terminal_say("%u CPUs, %u of them answer; TSC %llu kHz", smp_count(), answered,
		     time_tsc_hz() / 1000);
	return answered == smp_count();
}

static void show_param(const struct kvm0_param *p)
{
	terminal_say("  %s=%s%s", p->name, p->value,
		     p->flags & KVM0_PARAM_FIXED     ? " (fixed)"
		     : p->flags & KVM0_PARAM_RUNTIME ? ""
						     : " (set at boot)");
}

static void copy_text(char *to, const char *from)
{
	size_t n = MIN(strlen(from), (size_t)KVM0_PARAM_TEXT - 1);

	memcpy(to, from, n);
	to[n] = 0;
}

static bool do_param(const struct order *order)
{
	struct kvm0_param p = {0};
	s64 r = 0;

	if (order->count == 1) {
		for (u64 i = 0; kvm0_get_param(&p, i) == 0; i++)
			show_param(&p);
		return true;
	}
	copy_text(p.name, order->word[1]);
	if (order->count == 3) {
		copy_text(p.value, order->word[2]);
		r = kvm0_set_param(&p);
	}
	if (!r)
		r = kvm0_get_param(&p, KVM0_PARAM_NAMED);
	if (!r)
		show_param(&p);
	else
		terminal_say("%s: %s", order->word[1],
			     r == -ENOENT       ? "no such parameter: param lists them"
			     : r == -EPERM      ? "it can be set at boot only"
			     : r == -EOPNOTSUPP ? "kvm0 has no other value for it"
						: "not a value that it can have");
	return !r;
}

static bool do_debug(const struct order *order)
{
	static bool on;

	(void)order;
	on = !on;
	guests_set_debug(on);
	terminal_say("unknown ports and addresses of guests are %s", on ? "named" : "not named");
	return true;
}

static bool do_poweroff(const struct order *order)
{
	(void)order;
	power_off();
}

static bool do_reboot(const struct order *order)
{
	(void)order;
	power_reset();
}

static bool __noreturn do_hang(const struct order *order)
{
	(void)order;
	terminal_say("this CPU hangs now, with interrupts off");
	cpu_irq_off();
	for (;;)
		cpu_pause();
}

static bool do_help(const struct order *order);

static const struct {
	const char *verb;
	u32 most; /* words */
	bool (*carry_out)(const struct order *order);
	const char *arguments, *help;
} verbs[] = {
	{"run", ORDER_WORDS, orders_vm_run,
	 " KERNEL [initrd=MODULE] [cpus=N] [mem=SIZE] [memory=demand] [pages=later] [name=NAME]"
	 " [-- ...]",
	 "start a Linux kernel as a VM"},
	{"ls", 1, do_ls, "", "list the modules"},
	{"vms", 1, orders_vm_vms, "", "list the VMs with their exits, and the saved ones"},
	{"stats", 2, orders_stats, " N", "show what KVM has counted for each vCPU of VM N"},
	{"trace", 1, orders_trace, "", "write out kvm0's trace, for scripts/trace"},
	{"attach", 2, orders_vm_attach, " N", "give VM N the console (Ctrl-] takes it back)"},
	{"stop", 2, orders_vm_stop, " N", "end VM N"},
	{"save", 3, orders_vm_save, " N [name=NAME]", "keep VM N's state and memory; it goes on"},
	{"restore", 2, orders_vm_restore, " NAME", "make a new VM of a saved one"},
	{"forget", 2, orders_vm_forget, " NAME", "give a saved VM's memory back"},
	{"migrate", 3, orders_vm_migrate, " N [rounds=COUNT]",
	 "move VM N, while it runs, into a new VM"},
	{"balloon", 3, orders_vm_balloon, " N SIZE",
	 "take memory from VM N, which has it on demand, until it touches it"},
	{"wait", 1, NULL, "", "go on with the line's next order when all VMs have ended"},
	{"cpus", 1, do_cpus, "", "count the CPUs that answer"},
	{"param", 3, do_param, " [NAME [VALUE]]", "show or set kvm0's parameters"},
	{"date", 1, do_date, "", "show the date and time of the machine's clock"},
	{"log", 2, do_log, " [before]", "show kvm0's log, or that of the run before the reset"},
	{"debug", 1, do_debug, "", "name unknown ports and addresses that guests use, or not"},
	{"hang", 1, do_hang, "",
	 "spin with interrupts off, for good: kvm0's monitor can be reached"},
	{"reboot", 1, do_reboot, "", "reset the machine"},
	{"poweroff", 1, do_poweroff, "", "switch the machine off"},
	{"help", 1, do_help, "", "show this; orders on one line are separated by ;"},
};

static bool do_help(const struct order *order)
{
	(void)order;
	for (u32 i = 0; i < ARRAY_SIZE(verbs); i++)
		terminal_say("  %s%s: %s", verbs[i].verb, verbs[i].arguments, verbs[i].help);
	return true;
}

bool orders_do(const struct order *order)
{
	if (!order->count)
		return true;
	for (u32 i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].verb, order->word[0]))
			continue;
		if (order->count <= verbs[i].most && verbs[i].carry_out)
			return verbs[i].carry_out(order);
		terminal_say("too many words: %s%s", verbs[i].verb, verbs[i].arguments);
		return false;
	}
	terminal_say("unknown order '%s': help lists them", order->word[0]);
	return false;
}
