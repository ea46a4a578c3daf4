/* SPDX-License-Identifier: MIT */
/* Commands that show a VM's interrupt controllers, timers and clock. */
#include <linux/errno.h>
#include "cpu/tsc.h"
#include "lib/string.h"
#include "monitor/command.h"
#include "monitor/sets.h"

/* The interrupt controllers of VM @text: -ENOENT if user space has them all, with @whole if it has
 * some. */
static int find_chip(const char *text, bool whole, struct irqchip **chip)
{
	struct vm *vm;
	int err = arg_vm(text, &vm);

	if (err)
		return err;
	*chip = vm->chip;
	return vm->chip && !(whole && vm->chip->split) ? 0 : -ENOENT;
}

/* --- irqchip --- */

static void show_pic(const struct kvm_pic_state *p, const char *name)
{
	monitor_print(
		"%s: vectors from %02x, irr %02x imr %02x isr %02x elcr %02x lines %02x%s%s\n",
		name, p->irq_base, p->irr, p->imr, p->isr, p->elcr, p->last_irr,
		p->auto_eoi ? ", automatic EOI" : "", p->init_state ? ", being set up" : "");
}

static void show_route(const struct irqchip *chip, u32 gsi)
{
	const struct irq_route *r = &chip->routing.route[gsi];

	if (!r->pin_count)
		return;
	monitor_print("GSI %3u:", gsi);
	if (r->pin_count == ROUTE_MSI)
		monitor_print(" MSI address %08x%08x data %08x", r->msi.address_hi,
			      r->msi.address_lo, r->msi.data);
	for (u32 i = 0; r->pin_count != ROUTE_MSI && i < r->pin_count; i++)
		monitor_print("  %s %u, sources %02x",
			      r->pin[i] >= IRQ_PIN_IOAPIC ? "I/O APIC pin" : "PIC line",
			      r->pin[i] >= IRQ_PIN_IOAPIC ? r->pin[i] - IRQ_PIN_IOAPIC : r->pin[i],
			      chip->sources[r->pin[i]]);
	monitor_print("\n");
}

static int run_irqchip(u32 argc, char *const *argv)
{
	struct irqchip *chip;
	int err = find_chip(argv[1], false, &chip);

	(void)argc;
	if (err)
		return err;
	if (chip->split) {
		monitor_print("local APICs alone; %u GSIs are user space's I/O APIC's\n",
			      chip->reserved_routes);
	} else {
		show_pic(&chip->pic.chip[0], "PIC master");
		show_pic(&chip->pic.chip[1], "PIC slave ");
		monitor_print("INTR is %s\n", chip->pic.output ? "high" : "low");
	}
	for (u32 gsi = 0; gsi < chip->routing.count; gsi++)
		show_route(chip, gsi);
	return 0;
}

/* --- lapic --- */

/* The vectors whose bits are set in the eight registers from @first on. */
static void show_vectors(const struct lapic *l, const char *name, u32 first)
{
	monitor_print("%s:", name);
	for (u32 vector = 0; vector < 256; vector++)
		if (lapic_reg(l, first + vector / 32 * 16) & BIT(vector % 32))
			monitor_print(" %02x", vector);
	monitor_print("\n");
}

static void show_lvt(const struct lapic *l)
{
	static const struct {
		const char *name;
		u32 reg;
	} entries[] = {{"timer", LAPIC_LVT_TIMER}, {"thermal", LAPIC_LVT_THERMAL},
		       {"perf", LAPIC_LVT_PERF},   {"lint0", LAPIC_LVT_LINT0},
		       {"lint1", LAPIC_LVT_LINT1}, {"error", LAPIC_LVT_ERROR}};

	monitor_print("LVT:");
	for (u32 i = 0; i < ARRAY_SIZE(entries); i++)
		monitor_print(" %s %05x", entries[i].name, lapic_reg(l, entries[i].reg));
	monitor_print("\n");
}

/* Ticks from now on as microseconds, which may be negative. */
static s64 us_until(u64 deadline, u64 now)
{
	s64 ticks = (s64)(deadline - now), khz = (s64)tsc_khz;

	return ticks / khz * 1000 + ticks % khz * 1000 / khz;
}

static void show_timer(const struct lapic *l, u64 now)
{
	u32 lvt = lapic_reg(l, LAPIC_LVT_TIMER) & LAPIC_TIMER_MODE_MASK;

	monitor_print("timer: %s, divide %x, initial %x, current %x, TSC deadline %llx",
		      lvt == LAPIC_TIMER_ONESHOT    ? "one-shot"
		      : lvt == LAPIC_TIMER_PERIODIC ? "periodic"
						    : "TSC-deadline",
		      lapic_reg(l, LAPIC_TDCR), lapic_reg(l, LAPIC_TMICT),
		      lapic_timer_current(l, now), l->deadline_msr);
	if (l->deadline == IRQ_NEVER)
		monitor_print(", off\n");
	else
		monitor_print(", due in %lld us\n", us_until(l->deadline, now));
}

static int run_lapic(u32 argc, char *const *argv)
{
	const struct lapic *l;
	struct vcpu *c;
	int err = arg_vcpu(argv[1], &c);

	(void)argc;
	if (!err && !c->vm->chip)
		err = -ENOENT;
	if (err)
		return err;
	l = &c->lapic;
	monitor_print("base %llx: %s, %s; %s\n", l->base,
		      !lapic_hw_enabled(l) ? "disabled"
		      : lapic_x2apic(l)    ? "x2APIC"
					   : "xAPIC",
		      lapic_sw_enabled(l) ? "enabled by software" : "disabled by software",
		      l->by_cpu ? "the CPU delivers interrupts" : "kvm0 delivers interrupts");
	monitor_print("id %08x  version %08x  tpr %02x  ppr %02x  svr %03x  ldr %08x  dfr %08x\n",
		      lapic_reg(l, LAPIC_ID), lapic_reg(l, LAPIC_VERSION), lapic_reg(l, LAPIC_TPR),
		      lapic_reg(l, LAPIC_PPR), lapic_reg(l, LAPIC_SVR), lapic_reg(l, LAPIC_LDR),
		      lapic_reg(l, LAPIC_DFR));
	monitor_print("icr %08x %08x  esr %02x\n", lapic_reg(l, LAPIC_ICR2),
		      lapic_reg(l, LAPIC_ICR), lapic_reg(l, LAPIC_ESR));
	show_lvt(l);
	show_timer(l, rdtsc());
	show_vectors(l, "in service", LAPIC_ISR);
	show_vectors(l, "requested ", LAPIC_IRR);
	show_vectors(l, "level     ", LAPIC_TMR);
	monitor_print("posted    :");
	for (u32 vector = 0; vector < 256; vector++)
		if (l->pir[vector / 32] & BIT(vector % 32))
			monitor_print(" %02x", vector);
	monitor_print("\n");
	return 0;
}

/* --- ioapic --- */

static int run_ioapic(u32 argc, char *const *argv)
{
	static const char *const modes[] = {"fixed", "lowest", "SMI", "?",
					    "NMI",   "INIT",   "?",   "ExtINT"};
	struct irqchip *chip;
	int err = find_chip(argv[1], true, &chip);
	const struct kvm_ioapic_state *s;

	(void)argc;
	if (err)
		return err;
	s = &chip->ioapic.state;
	monitor_print("base %llx  id %x  register %02x\n", s->base_address, s->id, s->ioregsel);
	monitor_print("pin  vector  delivery  destination   trigger  line\n");
	for (u32 i = 0; i < IOAPIC_PINS; i++) {
		u64 e = s->redirtbl[i].bits;

		monitor_print("%3u      %02x  %-8s  %-8s %02x   %-7s  %s%s%s\n", i, (u32)(u8)e,
			      modes[e >> 8 & 7], e & BIT(11) ? "logical" : "physical",
			      (u32)(e >> 56), e & BIT(15) ? "level" : "edge",
			      s->irr & BIT(i) ? "high" : "low", e & BIT(14) ? "  in service" : "",
			      e & BIT(16) ? "  masked" : "");
	}
	return 0;
}

/* --- pit --- */

static int run_pit(u32 argc, char *const *argv)
{
	struct irqchip *chip;
	int err = find_chip(argv[1], true, &chip);
	const struct pit *p;
	u64 now = rdtsc();

	(void)argc;
	if (!err && !chip->has_pit)
		err = -ENOENT;
	if (err)
		return err;
	p = &chip->pit;
	for (u32 i = 0; i < ARRAY_SIZE(p->channel); i++) {
		const struct kvm_pit_channel_state *c = &p->channel[i];

		monitor_print("channel %u: mode %u, count %u, gate %u, loaded %lld us ago\n", i,
			      c->mode, c->count, c->gate, -us_until((u64)c->count_load_time, now));
	}
	if (p->deadline == IRQ_NEVER)
		monitor_print("channel 0 does not interrupt");
	else
		monitor_print("channel 0 interrupts in %lld us", us_until(p->deadline, now));
	monitor_print("; %u missed ticks pending%s%s\n", p->pending,
		      p->reinject ? "" : ", which are dropped",
		      p->flags & KVM_PIT_FLAGS_HPET_LEGACY ? "; off for the HPET" : "");
	return 0;
}

/* --- clock --- */

static int run_clock(u32 argc, char *const *argv)
{
	struct kvm_clock_data d = {0};
	struct vm *vm;
	int err = arg_vm(argv[1], &vm);

	(void)argc;
	if (err)
		return err;
	vm_clock_get(vm, &d);
	monitor_print("clock %llu.%09llu s, %s; time of day %llu ns, host TSC %llx\n",
		      d.clock / 1000000000, d.clock % 1000000000,
		      vm->clock.stable ? "stable" : "each vCPU has its own", d.realtime,
		      d.host_tsc);
	for (u32 i = 0; i < vm->vcpu_count; i++) {
		const struct vcpu *c = vm->vcpus[i];

		monitor_print("vCPU %u.%u: TSC of %u kHz, offset %llx%s; page of kvmclock %llx\n",
			      vm->id, c->id, c->tsc.khz, c->tsc.offset,
			      c->tsc.ratio ? ", scaled" : "", c->pv.kvmclock.msr);
	}
	return 0;
}

static const struct command commands[] = {
	{"irqchip", "N", "PICs and interrupt routes of VM N", run_irqchip, complete_vm, 1, 1},
	{"lapic", "N.M", "local APIC of vCPU M of VM N", run_lapic, complete_vcpu, 1, 1},
	{"ioapic", "N", "I/O APIC of VM N", run_ioapic, complete_vm, 1, 1},
	{"pit", "N", "PIT of VM N", run_pit, complete_vm, 1, 1},
	{"clock", "N", "clock of VM N, and TSCs", run_clock, complete_vm, 1, 1},
};
COMMAND_SET(show_irq, commands);
