/* SPDX-License-Identifier: MIT */
/* Requests that get and set a vCPU's registers, and KVM_TRANSLATE. */
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "core/page.h"
#include "kvm/mmu.h"
#include "lib/string.h"

/* Large structures are made up where they are to be. */
static s64 get_regs(struct vcpu *c, u64 arg)
{
	struct kvm_regs *r = copy_span(arg, sizeof(*r));

	if (!r)
		return -EFAULT;
	vmx_get_regs(&c->vmx, r);
	return 0;
}

static s64 set_regs(struct vcpu *c, u64 arg)
{
	struct kvm_regs r;

	if (copy_in(&r, arg, sizeof(r)))
		return -EFAULT;
	vcpu_set_regs(c, &r);
	return 0;
}

static s64 get_sregs(struct vcpu *c, u64 arg)
{
	struct kvm_sregs *s = copy_span(arg, sizeof(*s));

	if (!s)
		return -EFAULT;
	vcpu_get_sregs(c, s);
	return 0;
}

static s64 set_sregs(struct vcpu *c, u64 arg)
{
	struct kvm_sregs s;

	return copy_in(&s, arg, sizeof(s)) ? -EFAULT : vcpu_set_sregs(c, &s);
}

static s64 get_sregs2(struct vcpu *c, u64 arg)
{
	struct kvm_sregs2 *s = copy_span(arg, sizeof(*s));

	if (!s)
		return -EFAULT;
	vcpu_get_sregs2(c, s);
	return 0;
}

static s64 set_sregs2(struct vcpu *c, u64 arg)
{
	struct kvm_sregs2 s;

	return copy_in(&s, arg, sizeof(s)) ? -EFAULT : vcpu_set_sregs2(c, &s);
}

static s64 get_fpu(struct vcpu *c, u64 arg)
{
	struct kvm_fpu *f = copy_span(arg, sizeof(*f));

	if (!f)
		return -EFAULT;
	vmx_get_fpu(&c->vmx, f);
	return 0;
}

static s64 set_fpu(struct vcpu *c, u64 arg)
{
	const struct kvm_fpu *f = copy_span(arg, sizeof(*f));

	/* Any content will do, so it is copied to its place at once. */
	if (!f)
		return -EFAULT;
	vmx_set_fpu(&c->vmx, f);
	return 0;
}

_Static_assert(sizeof(struct kvm_xsave) == PAGE_SIZE, "kvm_xsave");

static s64 set_xsave(struct vcpu *c, u64 arg)
{
	void *page = page_room() ? page_alloc() : NULL;
	s64 result = -EFAULT;

	if (!page)
		return -ENOMEM;
	if (!copy_in(page, arg, PAGE_SIZE))
		result = vmx_set_xsave(&c->vmx, page);
	if (result)
		page_free(page);
	return result;
}

static s64 get_xcrs(struct vcpu *c, u64 arg)
{
	struct kvm_xcrs x;

	memset(&x, 0, sizeof(x));
	if (vmx_host_xcr0()) {
		x.nr_xcrs = 1;
		x.xcrs[0].value = c->vmx.xcr0;
	}
	return copy_out(arg, &x, sizeof(x));
}

/* As in KVM, the first entry for XCR0 counts, and others are passed over. */
static s64 set_xcrs(struct vcpu *c, u64 arg)
{
	struct kvm_xcrs x;

	if (copy_in(&x, arg, sizeof(x)))
		return -EFAULT;
	if (!vmx_host_xcr0() || x.nr_xcrs > KVM_MAX_XCRS || x.flags)
		return -EINVAL;
	for (u32 i = 0; i < x.nr_xcrs; i++) {
		if (x.xcrs[i].xcr)
			continue;
		if (!vmx_xcr0_valid(&c->vmx, x.xcrs[i].value))
			return -EINVAL;
		c->vmx.xcr0 = x.xcrs[i].value;
		break;
	}
	return 0;
}

static s64 get_debugregs(struct vcpu *c, u64 arg)
{
	struct kvm_debugregs d;

	vmx_get_debugregs(&c->vmx, &d);
	return copy_out(arg, &d, sizeof(d));
}

static s64 set_debugregs(struct vcpu *c, u64 arg)
{
	struct kvm_debugregs d;

	return copy_in(&d, arg, sizeof(d)) ? -EFAULT : vmx_set_debugregs(&c->vmx, &d);
}

/* As KVM fills it: writeable and usermode say nothing. */
static s64 translate(struct vcpu *c, u64 arg)
{
	struct kvm_translation t;
	gpa_t a;

	if (copy_in(&t, arg, sizeof(t)))
		return -EFAULT;
	t.valid = vcpu_translate(c, t.linear_address, &a);
	t.physical_address = t.valid ? a.v : ~0ull;
	t.writeable = 1;
	t.usermode = 0;
	return copy_out(arg, &t, sizeof(t));
}

s64 vcpu_state_request(struct vcpu *c, u32 request, u64 arg)
{
	switch (request) {
	case KVM_GET_REGS:
		return get_regs(c, arg);
	case KVM_SET_REGS:
		return set_regs(c, arg);
	case KVM_GET_SREGS:
		return get_sregs(c, arg);
	case KVM_SET_SREGS:
		return set_sregs(c, arg);
	case KVM_GET_FPU:
		return get_fpu(c, arg);
	case KVM_SET_FPU:
		return set_fpu(c, arg);
	case KVM_GET_SREGS2:
		return get_sregs2(c, arg);
	case KVM_SET_SREGS2:
		return set_sregs2(c, arg);
	case KVM_GET_XSAVE:
	case KVM_GET_XSAVE2: /* nothing needs more than a page */
		return copy_out(arg, vmx_xsave_area(&c->vmx), PAGE_SIZE);
	case KVM_SET_XSAVE:
		return set_xsave(c, arg);
	case KVM_GET_XCRS:
		return get_xcrs(c, arg);
	case KVM_SET_XCRS:
		return set_xcrs(c, arg);
	case KVM_GET_DEBUGREGS:
		return get_debugregs(c, arg);
	case KVM_SET_DEBUGREGS:
		return set_debugregs(c, arg);
	case KVM_TRANSLATE:
		return translate(c, arg);
	default:
		return vcpu_event_request(c, request, arg);
	}
}
