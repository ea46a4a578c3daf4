/* SPDX-License-Identifier: MIT */
/* Asynchronous page faults: see apf.h. */
#include "kvm/pv/apf.h"
#include <kvm0/abi.h>
#include <linux/errno.h>
#include "cpu/regs.h"
#include "kvm/mmu.h"
#include "kvm/run.h"
#include "kvm/vcpu_events.h"

#define RESERVED    0x30ull
#define ADDRESS     (~0x3full)
#define NEEDED      (KVM_ASYNC_PF_ENABLED | KVM_ASYNC_PF_DELIVERY_AS_INT)
#define EVERYONE    (~0u) /* the token that ends every wait */
#define TOKEN_SHIFT 12    /* below is the vCPU's id */

static bool is_enabled(const struct vcpu *c)
{
	return (c->pv.apf.msr & NEEDED) == NEEDED;
}

static gpa_t field(const struct vcpu *c, size_t offset)
{
	return gpa((c->pv.apf.msr & ADDRESS) + offset);
}
#define FIELD(c, name) field(c, offsetof(struct kvm_vcpu_pv_apf_data, name))

void pv_apf_forget(struct vcpu *c)
{
	spin_lock(&c->vm->lock);
	c->pv.apf.count = 0;
	c->pv.apf.wake_all = false;
	spin_unlock(&c->vm->lock);
}

static bool any_ready(const struct pv_apf *a)
{
	for (u32 i = 0; i < a->count; i++)
		if (a->wait[i].ready)
			return true;
	return false;
}

int pv_apf_set(struct vcpu *c, u64 value)
{
	struct pv_apf *a = &c->pv.apf;

	if ((value & RESERVED) ||
	    ((value & KVM_ASYNC_PF_DELIVERY_AS_PF_VMEXIT) &&
	     !pv_allows(c, KVM_FEATURE_ASYNC_PF_VMEXIT)) ||
	    ((value & KVM_ASYNC_PF_DELIVERY_AS_INT) && !pv_allows(c, KVM_FEATURE_ASYNC_PF_INT)))
		return -EINVAL;
	if (!c->vm->chip)
		return value ? -EINVAL : 0;
	if ((value & NEEDED) == NEEDED && !mmu_is_writable(c, gpa(value & ADDRESS)))
		return -EINVAL;
	a->msr = value;
	if (!is_enabled(c)) {
		pv_apf_forget(c);
		return 0;
	}
	/* Where it is restored, the guest may wait for what nobody else knows of. */
	spin_lock(&c->vm->lock);
	a->wake_all = !any_ready(a);
	spin_unlock(&c->vm->lock);
	vcpu_ask(c, VCPU_APF_READY);
	return 0;
}

int pv_apf_set_vector(struct vcpu *c, u64 value)
{
	if (value > 0xff || !c->vm->chip)
		return -EINVAL;
	c->pv.apf.vector = value;
	return 0;
}

int pv_apf_ack(struct vcpu *c, u64 value)
{
	if (value & 1)
		vcpu_ask(c, VCPU_APF_READY);
	return 0;
}

/* --- a page is not present --- */

/* Can it take the exception, and the interrupt later? */
static bool can_be_told(const struct vcpu *c)
{
	return is_enabled(c) && !c->exception.pending && c->interrupt < 0 && (vmx_cr0() & CR0_PG) &&
	       vmx_can_interrupt(&c->vmx) &&
	       ((c->pv.apf.msr & KVM_ASYNC_PF_SEND_ALWAYS) || vmx_cpl());
}

/* Has it been supplied meanwhile, or does the guest wait for it already?  vm->lock held. */
static bool is_known(const struct vcpu *c, u64 wanted)
{
	const struct pv_apf *a = &c->pv.apf;
	struct ept_leaf leaf;

	for (u32 i = 0; i < a->count; i++)
		if (!((a->wait[i].wanted ^ wanted) & PAGE_MASK))
			return true;
	return ept_find(&c->vm->ept, gpa(wanted & PAGE_MASK), &leaf) &&
	       (!(wanted & KVM0_WANTED_WRITE) || (*leaf.entry & EPT_WRITE));
}

static u32 next_token(struct vcpu *c)
{
	struct pv_apf *a = &c->pv.apf;

	if (!(a->id << TOKEN_SHIFT)) /* 0 is none */
		a->id = 1;
	return a->id++ << TOKEN_SHIFT | c->id;
}

/* True: the guest waits for the page, with *@token.  vm->lock held. */
static bool begin_wait(struct vcpu *c, u64 wanted, u32 *token)
{
	static const u32 reason = KVM_PV_REASON_PAGE_NOT_PRESENT;
	struct guest_mem mem = mmu_guest_mem(c);
	struct pv_apf *a = &c->pv.apf;

	if (a->count == PV_APF_MAX || is_known(c, wanted) ||
	    mem.write_gpa(mem.ctx, FIELD(c, flags), &reason, sizeof(reason)) != GUEST_MEM_OK)
		return false;
	*token = next_token(c);
	a->wait[a->count++] = (struct pv_apf_wait){.wanted = wanted, .token = *token};
	return true;
}

void pv_apf_tell(struct vcpu *c)
{
	u64 wanted = c->wanted;
	bool told;
	u32 token;

	if (!can_be_told(c))
		return;
	spin_lock(&c->vm->lock);
	told = begin_wait(c, wanted, &token);
	spin_unlock(&c->vm->lock);
	c->wanted = wanted;
	if (!told)
		return;
	vcpu_set_pending_exception(c, &(struct pending_exception){.pending = true,
								  .has_error = true,
								  .has_payload = true,
								  .vector = VECTOR_PF,
								  .payload = token});
	c->wanted |= KVM0_WANTED_ASYNC;
}

/* --- pages are ready --- */

void pv_apf_supplied(struct vm *vm, u64 address, u64 size, bool writable)
{
	for (u32 i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *c = vm->vcpus[i];
		bool any = false;

		for (u32 n = 0; n < c->pv.apf.count; n++) {
			struct pv_apf_wait *w = &c->pv.apf.wait[n];

			if ((w->wanted & PAGE_MASK) - address >= size ||
			    ((w->wanted & KVM0_WANTED_WRITE) && !writable))
				continue;
			w->ready = true;
			any = true;
		}
		if (any) {
			vcpu_ask(c, VCPU_APF_READY);
			vcpu_wake(c);
		}
	}
}

/* Take the next one off the list; 0: there is none.  vm->lock held. */
static u32 peek(const struct pv_apf *a, u32 *n)
{
	if (a->wake_all)
		return EVERYONE;
	for (*n = 0; *n < a->count; ++*n)
		if (a->wait[*n].ready)
			return a->wait[*n].token;
	return 0;
}

static void take(struct pv_apf *a, u32 n)
{
	if (a->wake_all) {
		a->wake_all = false;
		return;
	}
	a->count--;
	for (; n < a->count; n++)
		a->wait[n] = a->wait[n + 1];
}

/* Leave the next token in the guest's memory.  0, with 0 in *@told if there is none or the guest
 * has not taken the last one; or enum guest_mem_result.  vm->lock held. */
static int leave_token(struct vcpu *c, bool *told)
{
	struct guest_mem mem = mmu_guest_mem(c);
	struct pv_apf *a = &c->pv.apf;
	u32 n = 0, token = peek(a, &n), last;
	int r;

	*told = false;
	if (!token || !lapic_hw_enabled(&c->lapic) || !lapic_sw_enabled(&c->lapic))
		return GUEST_MEM_OK;
	r = mem.read_gpa(mem.ctx, FIELD(c, token), &last, sizeof(last));
	if (r != GUEST_MEM_OK || last)
		return r;
	r = mem.write_gpa(mem.ctx, FIELD(c, token), &token, sizeof(token));
	if (r == GUEST_MEM_ABSENT)
		return r;
	take(a, n);
	*told = r == GUEST_MEM_OK;
	return r;
}

bool pv_apf_deliver(struct vcpu *c)
{
	struct apic_message m = {.vector = (u8)c->pv.apf.vector, .delivery = APIC_FIXED};
	bool told;
	int r;

	if (!is_enabled(c))
		return true;
	spin_lock(&c->vm->lock);
	r = leave_token(c, &told);
	spin_unlock(&c->vm->lock);
	if (told) {
		lapic_accept_message(&c->lapic, &m);
		if (c->mp_state == KVM_MP_STATE_HALTED) /* as in KVM, whatever IF is */
			run_end_wait(c);
	}
	return r != GUEST_MEM_ABSENT;
}
