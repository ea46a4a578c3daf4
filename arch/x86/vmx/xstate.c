/* SPDX-License-Identifier: MIT */
/*
 * FPU, SSE and AVX state for KVM's requests.  The virtual CPU does not run: all is in its
 * XSAVE area, in the standard format, where XRSTOR takes it from.  So nothing may come to
 * stand there with which XRSTOR would fault (SDM vol. 1, Operation of XRSTOR).
 */
#include "vmx/xstate.h"
#include "core/page.h"
#include "cpu/regs.h"
#include "lib/string.h"
#include "vmx/vcpu.h"

/* KVM transfers all of the structure but MXCSR, which it has a place for. */
void vmx_get_fpu(const struct vmx_vcpu *v, struct kvm_fpu *out)
{
	const struct fxsave *f = v->xsave;

	memcpy(out->fpr, f->st, sizeof(out->fpr));
	memcpy(out->xmm, f->xmm, sizeof(out->xmm));
	out->fcw = f->fcw;
	out->fsw = f->fsw;
	out->ftwx = f->ftw;
	out->pad1 = 0;
	out->last_opcode = f->fop;
	out->last_ip = f->fip;
	out->last_dp = f->fdp;
	out->mxcsr = 0;
	out->pad2 = 0;
}

void vmx_set_fpu(struct vmx_vcpu *v, const struct kvm_fpu *in)
{
	struct xsave *x = v->xsave;
	struct fxsave *f = &x->legacy;

	memcpy(f->st, in->fpr, sizeof(in->fpr));
	memcpy(f->xmm, in->xmm, sizeof(in->xmm));
	f->fcw = in->fcw;
	f->fsw = in->fsw;
	f->ftw = in->ftwx;
	f->fop = in->last_opcode;
	f->fip = in->last_ip;
	f->fdp = in->last_dp;
	x->header.xstate_bv |= XCR0_X87 | XCR0_SSE;
}

u32 vmx_mxcsr(const struct vmx_vcpu *v)
{
	return ((const struct fxsave *)v->xsave)->mxcsr;
}

void vmx_set_mxcsr(struct vmx_vcpu *v, u32 value)
{
	((struct fxsave *)v->xsave)->mxcsr = value & vmx_mxcsr_mask();
}

const void *vmx_xsave_area(const struct vmx_vcpu *v)
{
	return v->xsave;
}

static bool header_valid(const struct xsave_header *h)
{
	u64 reserved = h->xcomp_bv;

	for (u32 i = 0; i < ARRAY_SIZE(h->reserved); i++)
		reserved |= h->reserved[i];
	return !reserved && !(h->xstate_bv & ~vmx_host_xcr0());
}

/* Components that are not in use have their initial configuration in the area too. */
static void initialize_unused(struct xsave *x, u64 unused)
{
	struct fxsave *f = &x->legacy;

	if (unused & XCR0_X87) {
		memset(f, 0, offsetof(struct fxsave, mxcsr));
		memset(f->st, 0, sizeof(f->st));
		f->fcw = FCW_INITIAL;
	}
	if (unused & XCR0_SSE)
		memset(f->xmm, 0, sizeof(f->xmm));
	for (u32 i = 2; i < 63; i++) {
		struct cpuid r;

		if (!(unused & BIT(i)))
			continue;
		r = cpuid(0xd, i); /* EAX: size, EBX: offset */
		memset((u8 *)x + r.ebx, 0, r.eax);
	}
}

int vmx_set_xsave(struct vmx_vcpu *v, void *page)
{
	struct xsave *x = page;
	struct fxsave *f = &x->legacy;
	u64 with_mxcsr = XCR0_SSE | XCR0_AVX, used, xcr0 = vmx_host_xcr0();

	if (!xcr0) { /* FXRSTOR: there is no header */
		memset(&x->header, 0, PAGE_SIZE - sizeof(*f));
		x->header.xstate_bv = XCR0_X87 | XCR0_SSE;
	} else if (!header_valid(&x->header)) {
		return -EINVAL;
	}
	used = x->header.xstate_bv;
	if ((used & (XCR0_X87 | with_mxcsr)) && (f->mxcsr & ~vmx_mxcsr_mask()))
		return -EINVAL;
	if (!(used & with_mxcsr))
		f->mxcsr = MXCSR_INITIAL;
	f->mxcsr_mask = vmx_mxcsr_mask();
	memset(f->unused, 0, sizeof(f->unused));
	initialize_unused(x, xcr0 & ~used);
	page_free(v->xsave);
	v->xsave = page;
	return 0;
}
