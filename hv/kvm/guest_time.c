/* SPDX-License-Identifier: MIT */
/* See kvm/guest_time.h. */
#include "kvm/guest_time.h"
#include <linux/errno.h>
#include "cpu/tsc.h"
#include "kvm/vcpu.h"

/* Linux's parameter of the module kvm: how far a guest's TSC may be off before it is scaled. */
static u32 tolerance_ppm = 250;

static const struct param params[] = {
	{.name = "tsc_tolerance_ppm", .type = PARAM_UINT, .value = &tolerance_ppm, .runtime = true},
};
const struct param_table time_params = {params, ARRAY_SIZE(params)};

#define RATIO_ONE     BIT(48)
#define SCALED_MAX    0x7fffffffu /* kHz */
#define SECOND_KHZ(k) ((u64)(k)*1000)

void time_init(struct vm_time *t)
{
	t->tsc_khz = (u32)tsc_khz;
}

static u64 scaled(const struct vcpu *c, u64 tsc)
{
	return irq_clock_scale(tsc, c->tsc.ratio);
}

u64 time_read_tsc(const struct vcpu *c)
{
	return scaled(c, rdtsc()) + c->tsc.offset;
}

/* Rate or offset have changed: the local APIC's deadline moves along. */
static void tell_lapic(struct vcpu *c)
{
	const struct irq_guest_tsc tsc = {c->tsc.offset, c->tsc.ratio, c->tsc.khz};

	if (c->vm->chip)
		lapic_set_tsc(&c->lapic, &tsc, rdtsc());
}

static void set_offset(struct vcpu *c, u64 offset)
{
	c->tsc.offset = offset;
	vmx_set_tsc_offset(offset);
	tell_lapic(c);
}

void time_adjust_offset(struct vcpu *c, u64 offset)
{
	if (offset == c->tsc.offset)
		return;
	spin_lock(&c->vm->lock);
	set_offset(c, offset);
	vm_clock_tscs_changed(c->vm);
	spin_unlock(&c->vm->lock);
}

/* Does @khz count as the machine's own rate? */
static bool is_tolerated(u32 khz)
{
	u64 ppm = READ_ONCE(tolerance_ppm);
	u64 off = khz > tsc_khz ? khz - tsc_khz : tsc_khz - khz;

	return off <= irq_mul_div(tsc_khz, (u32)ppm, 1000000);
}

/* The ratio for @khz in *@ratio; -EINVAL: this processor cannot do it. */
static int choose_ratio(u32 khz, u64 *ratio)
{
	*ratio = 0;
	if (is_tolerated(khz))
		return 0;
	if (!vmx_has_tsc_scaling() || khz >= SCALED_MAX)
		return -EINVAL;
	*ratio = irq_mul_div(RATIO_ONE, khz, tsc_khz);
	return *ratio && *ratio != ~0ull ? 0 : -EINVAL;
}

int time_check_tsc_khz(u32 khz)
{
	u64 ratio;

	return choose_ratio(khz, &ratio);
}

static int set_khz(struct vcpu *c, u32 khz)
{
	u64 ratio;
	int err = choose_ratio(khz, &ratio);

	if (err)
		return err;
	c->tsc.khz = khz;
	if (ratio != c->tsc.ratio) {
		c->tsc.ratio = ratio;
		vmx_set_tsc_ratio(ratio ? ratio : RATIO_ONE);
	}
	tell_lapic(c);
	return 0;
}

int time_set_tsc_khz(struct vcpu *c, u32 khz)
{
	int err;

	spin_lock(&c->vm->lock);
	err = set_khz(c, khz);
	if (!err)
		vm_clock_tscs_changed(c->vm);
	spin_unlock(&c->vm->lock);
	return err;
}

/* The offset @offset, which makes the TSC @value now, is what the host wants. */
static void note_offset(struct vcpu *c, u64 offset, u64 value, u64 now)
{
	struct vm_time *t = &c->vm->time;

	t->last_tsc = value;
	t->last_base = now;
	t->last_khz = c->tsc.khz;
	t->last_offset = offset;
}

/*
 * Control guests set each vCPU's TSC in turn, and mean all to agree.  So, as in KVM, a value
 * less than a second of the guest's off from where the last one that was set has got to by now
 * gets the last one's offset; and 0, the value at reset, means "as the others" at any time.
 */
static bool is_meant_alike(const struct vcpu *c, u64 value, u64 now)
{
	const struct vm_time *t = &c->vm->time;
	u64 second = SECOND_KHZ(c->tsc.khz), expected = t->last_tsc;

	if (t->last_khz != c->tsc.khz)
		return false;
	if (!value)
		return true;
	if (now > t->last_base) /* that CPU's TSC may be ahead of this one's */
		expected += scaled(c, now - t->last_base);
	return value < expected + second && value + second > expected;
}

/* vm->lock held. */
static void write_tsc(struct vcpu *c, u64 value)
{
	u64 now = rdtsc(), offset = value - scaled(c, now);

	if (is_meant_alike(c, value, now))
		offset = c->vm->time.last_offset;
	note_offset(c, offset, value, now);
	set_offset(c, offset);
}

void time_write_tsc(struct vcpu *c, u64 value)
{
	spin_lock(&c->vm->lock);
	write_tsc(c, value);
	vm_clock_tscs_changed(c->vm);
	spin_unlock(&c->vm->lock);
}

void time_set_offset(struct vcpu *c, u64 offset)
{
	u64 now = rdtsc();

	spin_lock(&c->vm->lock);
	note_offset(c, offset, scaled(c, now) + offset, now);
	set_offset(c, offset);
	vm_clock_tscs_changed(c->vm);
	spin_unlock(&c->vm->lock);
}

void time_init_vcpu(struct vcpu *c)
{
	c->tsc.khz = (u32)tsc_khz;
	/* A rate that this machine cannot give was refused when it was set. */
	if (set_khz(c, c->vm->time.tsc_khz))
		c->tsc.ratio = 0;
	write_tsc(c, 0);
}
