/* SPDX-License-Identifier: MIT */
/* What the orders about VMs do; see orders_vm.h. */
#include "guest/control/orders_vm.h"
#include "guest/control/orders.h"
#include "guest/control/guests.h"
#include "guest/control/saved.h"
#include "guest/control/sched.h"
#include "guest/control/terminal.h"
#include "guest/control/vmm/migrate.h"
#include "guest/lib/format.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"
#include "guest/lib/time.h"

#define MEM_DEFAULT (256 * SIZE_1M)
/* Left for the control guest's own pages when mem= is not given. */
#define MEM_SPARE (4 * SIZE_1M)

static u64 default_mem(void)
{
	u64 most = ram_available();

	return MIN(MEM_DEFAULT, most > MEM_SPARE ? most - MEM_SPARE : most);
}

bool orders_vm_run(const struct order *order)
{
	static struct vm_config config;
	struct order_run run;
	char why[256];

	if (order_parse_run(order, &run, why, sizeof(why))) {
		terminal_say("%s", why);
		return false;
	}
	if (!kvm0_present()) {
		terminal_say("run needs kvm0 below: boot kvm0.elf with this as its first module");
		return false;
	}
	const struct boot_module *kernel = orders_module(run.kernel);
	const struct boot_module *initrd = run.initrd ? orders_module(run.initrd) : NULL;
	if (!kernel || (run.initrd && !initrd))
		return false;
	memset(&config, 0, sizeof(config));
	format_text(config.name, sizeof(config.name), "%s", run.name ? run.name : run.kernel);
	format_text(config.kernel_name, sizeof(config.kernel_name), "%s", run.kernel);
	format_text(config.cmdline, sizeof(config.cmdline), "%s", run.cmdline);
	config.kernel = kernel->start;
	config.kernel_size = kernel->size;
	config.initrd = initrd ? initrd->start : NULL;
	config.initrd_size = initrd ? initrd->size : 0;
	config.cpus = run.cpus;
	config.demand = run.demand;
	config.later = run.later;
	config.mem = run.mem ? run.mem : run.demand ? MEM_DEFAULT : default_mem();
	if (guests_start(&config, why, sizeof(why)) < 0) {
		terminal_say("%s", why);
		return false;
	}
	return true;
}

static const char *state_name(const struct vm *vm)
{
	for (u32 i = 0; i < vm->config.cpus; i++)
		if (!READ_ONCE(vm->vcpus[i].waits))
			return "runs";
	return "waits";
}

static void list_exits(const struct vm *vm)
{
	char text[256];
	size_t n = 0;

	text[0] = 0;
	for (u32 i = 0; i < VM_EXIT_KINDS; i++)
		if (vm->exits[i] && n < sizeof(text))
			n += format_text(text + n, sizeof(text) - n, " %s %llu", vm_exit_name(i),
					 vm->exits[i]);
	terminal_say("   exits:%s; to nothing: ports %llu, memory %llu", n ? text : " none",
		     vm->unknown_ports, vm->unknown_mmio);
}

bool orders_vm_vms(const struct order *order)
{
	(void)order;
	if (!guests_count())
		terminal_say("no VMs: run starts one");
	for (u32 id = 1; id <= GUESTS_MAX; id++) {
		const struct guest *g = guests_find(id);
		if (!g)
			continue;
		terminal_say("%2u %-20s %-5s %6llu MiB %2u CPUs%s", id, g->vm.config.name,
			     state_name(&g->vm), g->vm.config.mem / SIZE_1M, g->vm.config.cpus,
			     g == guests_attached() ? "  has the console" : "");
		if (g->vm.config.demand)
			terminal_say("   memory on demand: %llu MiB are in use",
				     ram_used(&g->vm.ram) / SIZE_1M);
		list_exits(&g->vm);
	}
	saved_list();
	return true;
}

struct guest *orders_vm_named(const char *verb, const char *number)
{
	u32 id = 0;

	if (!number && guests_count() == 1)
		while (!guests_find(++id))
			;
	else if (!number)
		terminal_say("%s which VM? vms lists their numbers", verb);
	else if (order_parse_number(number, &id) || !guests_find(id))
		terminal_say("no VM '%s': vms lists their numbers", number);
	return guests_find(id);
}

/* The same, and the value of the order's one key, or NULL. */
static struct guest *guest_of(const struct order *order, const char *key, const char **value)
{
	const char *number;
	char why[160];

	if (!order_parse_one(order, key, &number, value, why, sizeof(why)))
		return orders_vm_named(order->word[0], number);
	terminal_say("%s", why);
	return NULL;
}

bool orders_vm_attach(const struct order *order)
{
	const char *none;
	struct guest *g = guest_of(order, NULL, &none);

	if (g)
		guests_attach(g);
	return g != NULL;
}

bool orders_vm_stop(const struct order *order)
{
	const char *none;
	struct guest *g = guest_of(order, NULL, &none);

	if (!g)
		return false;
	guests_stop(g);
	terminal_say("VM %u (%s) is stopped", g->id, g->vm.config.name);
	return true;
}

bool orders_vm_save(const struct order *order)
{
	const char *name;
	char why[160];
	struct guest *g = guest_of(order, "name", &name);
	u64 start = rdtsc();

	if (!g)
		return false;
	if (!name)
		name = g->vm.config.name;
	if (saved_save(g, name, why, sizeof(why))) {
		terminal_say("VM %u (%s) is not saved: %s", g->id, g->vm.config.name, why);
		return false;
	}
	terminal_say("VM %u (%s) is saved as %s, in %llu ticks", g->id, g->vm.config.name, name,
		     rdtsc() - start);
	return true;
}

/* The name of a saved VM that an order gives. */
static const char *saved_name(const struct order *order)
{
	const char *name = order->count == 2 ? order->word[1] : NULL;

	if (!name)
		terminal_say("%s which saved VM? vms lists them", order->word[0]);
	else if (!saved_find(name))
		terminal_say("no saved VM '%s': vms lists them", name);
	return name && saved_find(name) ? name : NULL;
}

bool orders_vm_restore(const struct order *order)
{
	const char *name = saved_name(order);
	char why[256];

	if (!name)
		return false;
	if (guests_restore(saved_find(name), why, sizeof(why)) >= 0)
		return true;
	terminal_say("%s is not restored: %s", name, why);
	return false;
}

bool orders_vm_forget(const struct order *order)
{
	const char *name = saved_name(order);

	return name && saved_forget(name);
}

bool orders_vm_migrate(const struct order *order)
{
	const char *value;
	u32 rounds = MIGRATE_ROUNDS;
	char why[256];
	struct guest *g = guest_of(order, "rounds", &value);

	if (!g)
		return false;
	if (value && (order_parse_number(value, &rounds) || !rounds)) {
		terminal_say("bad number of rounds '%s': 1 or more", value);
		return false;
	}
	if (!guests_migrate(g, rounds, why, sizeof(why)))
		return true;
	terminal_say("VM %u (%s) is not migrated: %s", g->id, g->vm.config.name, why);
	return false;
}

bool orders_vm_balloon(const struct order *order)
{
	const char *size = order->count > 1 ? order->word[order->count - 1] : "";
	struct guest *g = orders_vm_named(order->word[0], order->count > 2 ? order->word[1] : NULL);
	u64 bytes, zero, start = rdtsc();

	if (!g)
		return false;
	if (order_parse_size(size, &bytes)) {
		terminal_say("bad size '%s': give a number with K, M or G, as balloon 1 16M", size);
		return false;
	}
	if (!g->vm.config.demand) {
		terminal_say("VM %u (%s) has its memory for itself: run it with memory=demand",
			     g->id, g->vm.config.name);
		return false;
	}
	sched_remove(&g->vm);
	s64 pages = ram_withdraw(&g->vm.ram, g->vm.handle, bytes / PAGE_SIZE, &zero);
	sched_add(&g->vm);
	if (pages < 0)
		terminal_say("VM %u (%s) keeps its memory: %s (%lld)", g->id, g->vm.config.name,
			     kvm0_errno_name(pages), pages);
	else
		terminal_say(
			"VM %u (%s) has %lld pages less, %llu of them held nothing; %llu ticks",
			g->id, g->vm.config.name, pages, zero, rdtsc() - start);
	return pages >= 0;
}
