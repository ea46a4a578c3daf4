/* SPDX-License-Identifier: MIT */
/* The virtual machines that there are; see guests.h. */
#include <linux/errno.h>
#include "guest/control/guests.h"
#include "guest/control/sched.h"
#include "guest/control/terminal.h"
#include "guest/control/vmm/migrate.h"
#include "guest/lib/console.h"
#include "guest/lib/format.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"
#include "guest/lib/time.h"

/* The longest that a vCPU keeps the boot CPU from a migration. */
#define MIGRATE_US 10000

static struct guest guests[GUESTS_MAX];
/* While its VM runs it is changed with the VM's lock held, which its output comes with. */
static struct guest *attached;
static bool debug;
static struct migration migration;

static void on_output(void *owner, u8 byte)
{
	struct guest *g = owner;

	if (g == attached)
		console_put_raw((char)byte);
	else
		g->held[g->held_total++ % GUESTS_HELD] = byte;
}

static void on_report(void *owner, const char *text)
{
	const struct guest *g = owner;

	console_lock();
	if (g == attached)
		console_putc('\n');
	terminal_say("VM %u (%s) %s", g->id, g->vm.config.name, text);
	console_unlock();
}

/* A new VM, or one from a snapshot if there is one. */
static int create(struct guest *g, const struct vm_config *config, const struct snapshot *snapshot,
		  char *why, u64 why_size)
{
	struct vm_sink sink = {.owner = g, .output = on_output, .report = on_report};
	int err = snapshot ? snapshot_restore(snapshot, &g->vm, &sink, why, why_size)
			   : vm_create(&g->vm, config, &sink, why, why_size);

	g->used = !err;
	g->vm.named = debug;
	if (!err)
		sched_add(&g->vm);
	return err;
}

static int start(const struct vm_config *config, const struct snapshot *snapshot, char *why,
		 u64 why_size)
{
	struct guest *g = NULL;

	for (u32 i = GUESTS_MAX; i-- > 0;)
		if (!guests[i].used)
			g = &guests[i];
	if (!g) {
		format_text(why, why_size, "there are %u VMs already: stop one of them",
			    GUESTS_MAX);
		return -EBUSY;
	}
	g->id = (u32)(g - guests) + 1;
	g->held_total = g->queue_head = g->queue_tail = 0;
	int err = create(g, config, snapshot, why, why_size);
	if (err)
		return err;
	guests_attach(g);
	return (int)g->id;
}

int guests_start(const struct vm_config *config, char *why, u64 why_size)
{
	return start(config, NULL, why, why_size);
}

int guests_restore(const struct snapshot *snapshot, char *why, u64 why_size)
{
	return start(NULL, snapshot, why, why_size);
}

int guests_migrate(struct guest *g, u32 rounds, char *why, u64 why_size)
{
	if (guests_migrating()) {
		format_text(why, why_size, "another VM is being migrated");
		return -EBUSY;
	}
	return migrate_start(&migration, &g->vm, rounds, why, why_size);
}

bool guests_migrating(void)
{
	return migration.state != MIGRATE_NONE;
}

void guests_stop(struct guest *g)
{
	sched_remove(&g->vm);
	if (attached == g)
		attached = NULL;
	if (migration.vm == &g->vm)
		migrate_cancel(&migration);
	vm_destroy(&g->vm);
	g->used = false;
}

struct guest *guests_find(u32 id)
{
	return id && id <= GUESTS_MAX && guests[id - 1].used ? &guests[id - 1] : NULL;
}

u32 guests_count(void)
{
	u32 n = 0;

	for (u32 i = 0; i < GUESTS_MAX; i++)
		n += guests[i].used;
	return n;
}

struct guest *guests_attached(void)
{
	return attached;
}

void guests_detach(void)
{
	struct guest *g = attached;

	lock_take(&g->vm.lock);
	attached = NULL;
	lock_give(&g->vm.lock);
}

void guests_attach(struct guest *g)
{
	terminal_leave();
	terminal_say("VM %u (%s) has the console; Ctrl-] comes back to the prompt", g->id,
		     g->vm.config.name);
	lock_take(&g->vm.lock);
	attached = g;
	u64 from = g->held_total > GUESTS_HELD ? g->held_total - GUESTS_HELD : 0;
	if (from)
		terminal_say("(%llu bytes of its output since are lost)", from);
	for (; from < g->held_total; from++)
		console_put_raw((char)g->held[from % GUESTS_HELD]);
	g->held_total = 0;
	lock_give(&g->vm.lock);
}

/* Hands queued bytes to the serial port as far as it has room. */
static void feed(struct guest *g)
{
	while (g->queue_head != g->queue_tail && vm_input_room(&g->vm))
		vm_input(&g->vm, g->queue[g->queue_tail++ % GUESTS_QUEUED]);
}

void guests_type(u8 byte)
{
	struct guest *g = attached;

	if (!g || g->queue_head - g->queue_tail == GUESTS_QUEUED)
		return;
	g->queue[g->queue_head++ % GUESTS_QUEUED] = byte;
	feed(g);
}

/* A guest that reset itself starts again from its image. */
static void restart(struct guest *g)
{
	static struct vm_config config;
	char why[256];
	bool was_attached = g == attached;

	on_report(g, "resets: it is started again");
	config = g->vm.config;
	guests_stop(g);
	if (was_attached)
		attached = g;
	if (create(g, &config, NULL, why, sizeof(why))) {
		terminal_say("VM %u (%s) does not start again: %s", g->id, config.name, why);
		attached = was_attached ? NULL : attached;
	}
}

static void finish(struct guest *g)
{
	enum vm_state state = g->vm.state;

	if (state == VM_RESET) {
		restart(g);
		return;
	}
	if (state == VM_POWERED_OFF)
		on_report(g, "has powered itself off");
	else if (state == VM_HALTED)
		on_report(g, "has halted for good");
	guests_stop(g);
}

static void migrate(void)
{
	struct vm *vm = migration.vm;
	bool last = migration.state == MIGRATE_LAST;

	sched_leave();
	if (last)
		sched_remove(vm);
	migrate_step(&migration);
	if (last)
		sched_add(vm);
}

u64 guests_step(u64 limit)
{
	cpu_irq_off();
	u64 until = sched_turn(limit);
	cpu_irq_on();
	return until;
}

u64 guests_run(u64 limit)
{
	for (u32 i = 0; i < GUESTS_MAX; i++) {
		struct guest *g = &guests[i];
		if (!g->used)
			continue;
		feed(g);
		if (!vm_lives(&g->vm))
			finish(g);
	}
	if (!guests_migrating())
		return guests_step(limit);
	migrate();
	(void)guests_step(MIN(limit, rdtsc() + time_us(MIGRATE_US)));
	return 0;
}

void guests_set_debug(bool on)
{
	debug = on;
	for (u32 i = 0; i < GUESTS_MAX; i++)
		guests[i].vm.named = on;
}
