/* SPDX-License-Identifier: MIT */
/*
 * Moves between memory and MMX, XMM and YMM registers, which are in the CPU all the while
 * that KVM_RUN is under way (cpu/vector.h).  Checks come first: kvm0 must not fault on what
 * the guest may not use.
 * SDM vol. 2, Exceptions Type 1, 2, 4, 5.
 */
#include "cpu/bits.h"
#include "cpu/vector.h"
#include "kvm/emulate/execute.h"

#define FSW_ES BIT(7)

/* Can the guest use these registers? */
static enum emu_result usable(struct emu *e)
{
	const struct gva_paging *pg = &e->st->pg;
	const u64 avx = XCR0_SSE | XCR0_AVX;

	if (e->in.vex) {
		if (!(pg->cr0 & CR0_PE) || (pg->rflags & RFLAGS_VM) || !(pg->cr4 & CR4_OSXSAVE) ||
		    (vector_xcr0() & avx) != avx)
			return access_fault(e, EMU_UD, 0);
	} else if ((pg->cr0 & CR0_EM) || (!(e->in.vector & V_MMX) && !(pg->cr4 & CR4_OSFXSR))) {
		return access_fault(e, EMU_UD, 0);
	}
	if (pg->cr0 & CR0_TS)
		return access_fault(e, EMU_NM, 0);
	if ((e->in.vector & V_MMX) && (vector_fsw() & FSW_ES))
		return access_fault(e, EMU_MF, 0);
	return EMU_DONE;
}

/* Bytes in memory. */
static u32 width(const struct insn *in)
{
	u32 size = in->vector & V_SIZE;

	if (((in->vector & V_WIDE) && in->vex_wide) || ((in->vector & V_REX_W) && (in->rex & 8)))
		size *= 2;
	return size;
}

enum emu_result vector_move(struct emu *e)
{
	struct insn *in = &e->in;
	enum vector_kind kind = in->vex ? VECTOR_YMM : VECTOR_XMM;
	u8 buf[32] = {0}, reg = in->reg; /* a load clears what it does not bring of a register */
	u32 size = width(in);
	enum emu_result r = usable(e);

	if (in->vector & V_MMX) {
		kind = VECTOR_MMX;
		reg &= 7;
	}
	if (r)
		return r;
	if ((in->vector & V_ALIGNED) && (access_linear(e, in->seg, in->ea) & (size - 1)))
		return access_fault(e, EMU_GP, 0);
	in->op_size = (u8)size;
	if (in->vector & V_STORE) {
		vector_get(kind, reg, buf);
		return access_write(e, in->seg, in->ea, buf, size);
	}
	r = access_read(e, in->seg, in->ea, buf, size, 0);
	if (!r)
		vector_set(kind, reg, buf);
	return r;
}
