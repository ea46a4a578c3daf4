/* SPDX-License-Identifier: MIT */
/* Hypercalls by which one vCPU does something to others: it sends IPIs to a set of them, has one
 * that is halted go on, gives its CPU to one that waits for it. */
#include <linux/errno.h>
#include "kvm/pv/hypercall.h"
#include "kvm/wake.h"

/* Bits of ICR that KVM_HC_SEND_IPI looks at (SDM vol. 3, Interrupt Command Register). */
#define ICR_VECTOR    0xffu
#define ICR_DELIVERY  0x700u
#define ICR_LOGICAL   BIT(11)
#define ICR_ASSERT    BIT(14)
#define ICR_LEVEL     BIT(15)
#define ICR_SHORTHAND 0xc0000u

/* To be sent an IPI, or kicked, can mean to be woken, by the control guest. */
static enum exit_action delivered(struct vcpu *c)
{
	return vm_deliver_wakes(c->vm) ? GO_AGAIN : GO_ON;
}

/* A vCPU that has the id @id, or NULL. */
static struct vcpu *find(struct vm *vm, u32 id)
{
	const struct lapic *l = vm->chip ? apic_bus_find(&vm->chip->bus, id) : NULL;

	/* One whose local APIC is on the bus may be in the making.  Acquire: pairs with
	 * vm_create_vcpu(). */
	if (!l || l->index >= __atomic_load_n(&vm->vcpu_count, __ATOMIC_ACQUIRE))
		return NULL;
	return vm->vcpus[l->index];
}

/* Could it go on if it had a CPU?  Nobody runs it, and it does not wait for an event. */
static bool is_ready(const struct vcpu *c)
{
	return !READ_ONCE(c->busy) && !READ_ONCE(c->blocked);
}

/*
 * The vCPU with the id @id should go on instead of @c.  Which one does is the control guest's to
 * choose: the run ends, and that vCPU is among those that are to be woken.  Nothing happens if it
 * runs on another CPU or has nothing to do.
 */
static enum exit_action yield_to(struct vcpu *c, u32 id)
{
	struct vcpu *target = find(c->vm, id);

	c->stats.directed_yield_attempted++;
	if (!target || target == c || !is_ready(target))
		return GO_ON;
	c->stats.directed_yield_successful++;
	wake_add(READ_ONCE(target->handle));
	return GO_AGAIN;
}

enum exit_action pv_yield(struct vcpu *c, const struct pv_call *h, s64 *result)
{
	*result = 0;
	return yield_to(c, (u32)h->a0);
}

/* RCX is the id; flags in RBX have no meaning yet. */
enum exit_action pv_kick(struct vcpu *c, const struct pv_call *h, s64 *result)
{
	u32 id = (u32)h->a1;
	struct apic_message m = {.dest = id, .delivery = APIC_REMOTE_READ};

	*result = 0;
	if (c->vm->chip)
		(void)apic_bus_send(&c->vm->chip->bus, NULL, &m);
	/* One that it wakes the control guest hears of already. */
	return delivered(c) == GO_AGAIN ? GO_AGAIN : yield_to(c, id);
}

/* RBX and RCX are a set of ids, from RDX on, RSI is what ICR would have. */
enum exit_action pv_send_ipi(struct vcpu *c, const struct pv_call *h, s64 *result)
{
	struct apic_message m = {
		.vector = (u8)(h->a3 & ICR_VECTOR),
		.delivery = (u8)((h->a3 & ICR_DELIVERY) >> 8),
		.level = h->a3 & ICR_LEVEL,
		.assert = h->a3 & ICR_ASSERT,
	};

	*result = -KVM_EOPNOTSUPP;
	if (h->a3 & (ICR_LOGICAL | ICR_SHORTHAND))
		*result = -KVM_EINVAL;
	else if (c->vm->chip)
		*result = apic_bus_send_set(&c->vm->chip->bus, h->a0, h->a1, (u32)h->a2,
					    h->wide ? 64 : 32, &m);
	return delivered(c);
}
