/* SPDX-License-Identifier: MIT */
/* The 8254 interval timer: see pit.h. */
#include "kvm/irqchip/pit.h"

/* read_state, write_state, rw_mode and count_latched: which byte comes next. */
enum { RW_LOW = 1, RW_HIGH = 2, RW_WORD = 3, RW_WORD_HIGH = 4 };

#define MODE_UNSET 0xff /* no control word yet: channel 0 does not run */

/* Counts since channel @c was loaded. */
static u64 elapsed(const struct pit *p, const struct kvm_pit_channel_state *c, u64 now)
{
	u64 loaded = (u64)c->count_load_time;

	return now > loaded ? irq_clock_pit_counts(p->clock, now - loaded) : 0;
}

static u16 current_count(const struct pit *p, const struct kvm_pit_channel_state *c, u64 now)
{
	u64 d = elapsed(p, c, now);

	switch (c->mode) {
	case 0:
	case 1:
	case 4:
	case 5: /* goes on below 0 */
		return (u16)(c->count - d);
	case 3: /* by twos */
		return (u16)(c->count - 2 * d % c->count);
	default:
		return (u16)(c->count - d % c->count);
	}
}

static bool output(const struct pit *p, const struct kvm_pit_channel_state *c, u64 now)
{
	u64 d = elapsed(p, c, now);

	switch (c->mode) {
	case 1:
		return d < c->count;
	case 2:
		return d != 0 && d % c->count == 0;
	case 3:
		return d % c->count < (c->count + 1) / 2;
	case 4:
	case 5:
		return d == c->count;
	default:
		return d >= c->count;
	}
}

void pit_reset_reinject(struct pit *p)
{
	p->pending = 0;
	p->irq_acked = true;
}

void pit_set_reinject(struct pit *p, bool on)
{
	if (p->reinject == on)
		return;
	if (on)
		pit_reset_reinject(p);
	p->reinject = on;
}

/* Channel 0 runs from @now on. */
static void start_ticks(struct pit *p, u32 count, bool periodic, u64 now)
{
	u64 first = irq_clock_pit_ticks(p->clock, count);

	if (p->flags & KVM_PIT_FLAGS_HPET_LEGACY)
		return;
	pit_reset_reinject(p);
	p->periodic = periodic;
	p->period = periodic ? MAX(first, p->clock->min_period) : first;
	WRITE_ONCE(p->deadline, irq_clock_after(now, first));
}

void pit_load_count(struct pit *p, u32 channel, u32 count, u64 now)
{
	struct kvm_pit_channel_state *c = &p->channel[channel];

	c->count = count ? count : 0x10000;
	c->count_load_time = (s64)now;
	if (channel != 0)
		return;
	switch (c->mode) {
	case 0:
	case 1: /* channel 0 has no gate to trigger it: the count does */
	case 4:
		start_ticks(p, c->count, false, now);
		break;
	case 2:
	case 3:
		start_ticks(p, c->count, true, now);
		break;
	default:
		WRITE_ONCE(p->deadline, IRQ_NEVER);
		break;
	}
}

void pit_init(struct pit *p, const struct irq_clock *clock, u64 now)
{
	*p = (struct pit){.clock = clock, .reinject = true, .deadline = IRQ_NEVER};
	pit_reset_reinject(p);
	for (u32 i = 0; i < 3; i++) {
		p->channel[i].mode = MODE_UNSET;
		p->channel[i].gate = i != 2;
		pit_load_count(p, i, 0, now);
	}
}

void pit_get(const struct pit *p, struct kvm_pit_state2 *s)
{
	*s = (struct kvm_pit_state2){.flags = p->flags};
	for (u32 i = 0; i < 3; i++) {
		s->channels[i] = p->channel[i];
		s->channels[i].count_load_time =
			(s64)irq_clock_ns(p->clock, (u64)p->channel[i].count_load_time);
	}
}

void pit_set(struct pit *p, const struct kvm_pit_state2 *s, u32 flags, u64 now)
{
	/* The HPET takes channel 0's place: that stops, and keeps its mode for later. */
	bool taken = flags & ~p->flags & KVM_PIT_FLAGS_HPET_LEGACY;

	p->flags = flags;
	for (u32 i = 0; i < 3; i++) {
		p->channel[i] = s->channels[i];
		pit_load_count(p, i, s->channels[i].count, now);
	}
	if (taken)
		WRITE_ONCE(p->deadline, IRQ_NEVER);
}

static void latch_count(struct pit *p, struct kvm_pit_channel_state *c, u64 now)
{
	if (c->count_latched)
		return;
	c->latched_count = current_count(p, c, now);
	c->count_latched = c->rw_mode;
}

static void latch_status(struct pit *p, struct kvm_pit_channel_state *c, u64 now)
{
	if (c->status_latched)
		return;
	c->status = (u8)(output(p, c, now) << 7 | (c->rw_mode & 3) << 4 | (c->mode & 7) << 1 |
			 (c->bcd & 1));
	c->status_latched = 1;
}

static void write_control(struct pit *p, u8 val, u64 now)
{
	struct kvm_pit_channel_state *c;
	u8 rw = val >> 4 & 3, mode = val >> 1 & 7;

	if (val >> 6 == 3) { /* read back: the two latch bits are active low */
		for (u32 i = 0; i < 3; i++) {
			if (!(val & 2u << i))
				continue;
			if (!(val & 0x20))
				latch_count(p, &p->channel[i], now);
			if (!(val & 0x10))
				latch_status(p, &p->channel[i], now);
		}
		return;
	}
	c = &p->channel[val >> 6];
	if (!rw) {
		latch_count(p, c, now);
		return;
	}
	c->rw_mode = c->read_state = c->write_state = rw;
	c->mode = mode > 5 ? mode - 4 : mode;
	c->bcd = val & 1;
}

void pit_write(struct pit *p, u32 reg, u8 val, u64 now)
{
	struct kvm_pit_channel_state *c;

	if (reg >= 3) {
		write_control(p, val, now);
		return;
	}
	c = &p->channel[reg];
	switch (c->write_state) {
	case RW_HIGH:
		pit_load_count(p, reg, (u32)val << 8, now);
		break;
	case RW_WORD:
		c->write_latch = val;
		c->write_state = RW_WORD_HIGH;
		break;
	case RW_WORD_HIGH:
		c->write_state = RW_WORD;
		pit_load_count(p, reg, c->write_latch | (u32)val << 8, now);
		break;
	default:
		pit_load_count(p, reg, val, now);
		break;
	}
}

static u8 read_latched(struct kvm_pit_channel_state *c)
{
	u8 which = c->count_latched;

	c->count_latched = which == RW_WORD ? RW_HIGH : 0;
	return (u8)(which == RW_HIGH ? c->latched_count >> 8 : c->latched_count);
}

u8 pit_read(struct pit *p, u32 reg, u64 now)
{
	struct kvm_pit_channel_state *c;
	u16 count;

	if (reg >= 3)
		return 0; /* write-only */
	c = &p->channel[reg];
	if (c->status_latched) {
		c->status_latched = 0;
		return c->status;
	}
	if (c->count_latched)
		return read_latched(c);
	count = current_count(p, c, now);
	switch (c->read_state) {
	case RW_HIGH:
		return (u8)(count >> 8);
	case RW_WORD:
		c->read_state = RW_WORD_HIGH;
		return (u8)count;
	case RW_WORD_HIGH:
		c->read_state = RW_WORD;
		return (u8)(count >> 8);
	default:
		return (u8)count;
	}
}

u8 pit_speaker_read(const struct pit *p, u64 now)
{
	const struct kvm_pit_channel_state *c = &p->channel[2];
	u32 refresh = irq_clock_ns(p->clock, now) >> 14 & 1; /* toggles about every 15 us */
	u32 data = !!(p->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON);

	return (u8)(c->gate | data << 1 | refresh << 4 | (u32)output(p, c, now) << 5);
}

void pit_speaker_write(struct pit *p, u8 val, u64 now)
{
	struct kvm_pit_channel_state *c = &p->channel[2];
	bool rising = !c->gate && (val & 1);

	if (val & 2)
		p->flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	else
		p->flags &= ~(u32)KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	c->gate = val & 1;
	/* Modes 0 and 4 only pause while the gate is low, which KVM leaves out. */
	if (rising && (c->mode == 1 || c->mode == 2 || c->mode == 3 || c->mode == 5))
		c->count_load_time = (s64)now;
}

bool pit_expire(struct pit *p, u64 now)
{
	u64 ticks = 1;

	if (p->deadline > now || p->deadline == IRQ_NEVER)
		return false;
	if (p->periodic) {
		ticks += (now - p->deadline) / p->period;
		/* The count stays in step with the ticks. */
		p->channel[0].count_load_time = (s64)(p->deadline + (ticks - 1) * p->period);
		WRITE_ONCE(p->deadline, irq_clock_after(p->deadline, ticks * p->period));
	} else {
		WRITE_ONCE(p->deadline, IRQ_NEVER);
	}
	if (!p->reinject)
		return true;
	p->pending = (u32)MIN(p->pending + ticks, 0xffffffffull);
	if (!p->irq_acked)
		return false;
	p->irq_acked = false;
	return true;
}

bool pit_ack(struct pit *p)
{
	if (!p->reinject)
		return false;
	if (p->pending)
		p->pending--;
	/* What is left was missed: the pulse that the caller makes is not acknowledged. */
	p->irq_acked = !p->pending;
	return p->pending;
}
