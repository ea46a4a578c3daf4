/* SPDX-License-Identifier: MIT */
/* The emulator's accesses to guest memory; see access.h. */
#include "kvm/emulate/access.h"

#include <linux/errno.h>
#include "vmx/vmx.h"

#define CR0_PE BIT(0)
#define CR0_AM BIT(18)

/* Access rights of a segment (SDM vol. 3, Guest Register State). */
#define AR_WRITE_OR_READ BIT(1) /* data: may be written; code: may be read */
#define AR_EXPAND_DOWN   BIT(2)
#define AR_CODE          BIT(3)
#define AR_BIG           BIT(14)
#define AR_UNUSABLE      BIT(16)

/* An access in physical memory: one piece, or two if it crosses a page. */
struct span {
	u32 pieces;
	struct {
		gpa_t gpa;
		u32 len;
		bool mmio; /* known to be a device's */
	} piece[2];
};

enum emu_result access_fault(struct emu *e, u8 vector, u32 error)
{
	e->st->fault = (struct emu_fault){.vector = vector, .error = error};
	return EMU_FAULT;
}

static enum emu_result segment_fault(struct emu *e, u8 seg)
{
	return access_fault(e, seg == EMU_SS ? EMU_SS_FAULT : EMU_GP, 0);
}

static bool segment_allows(const struct emu *e, const struct emu_seg *s, u64 ea, u32 len,
			   u64 access)
{
	bool is_protected = (e->st->pg.cr0 & CR0_PE) && !(e->st->pg.rflags & FLAG_VM);
	u64 last = ea + len - 1;

	if (s->ar & AR_UNUSABLE)
		return false;
	if (is_protected && ((access & GVA_WRITE) || (s->ar & AR_CODE))) {
		if (!(s->ar & AR_WRITE_OR_READ) || ((access & GVA_WRITE) && (s->ar & AR_CODE)))
			return false;
	}
	if ((s->ar & (AR_CODE | AR_EXPAND_DOWN)) == AR_EXPAND_DOWN)
		return ea > s->limit && last <= ((s->ar & AR_BIG) ? 0xffffffffull : 0xffff);
	return last <= s->limit;
}

u64 access_linear(const struct emu *e, u8 seg, u64 ea)
{
	if (e->st->mode != 64)
		return (e->st->seg[seg].base + ea) & 0xffffffffull;
	/* Flat but for these two, which few instructions name. */
	return seg >= EMU_FS ? vmx_segment_base(seg) + ea : ea;
}

/* Segmentation and alignment: the linear address of a checked access. */
static enum emu_result segmentation(struct emu *e, u8 seg, u64 ea, u32 len, u64 access, u64 *linear)
{
	const struct emu_state *st = e->st;
	u32 align = MIN(len, e->in.op_size); /* items of string I/O come in batches */

	*linear = access_linear(e, seg, ea);
	if (st->mode == 64) {
		if (!gva_canonical(st->pg.cr4, *linear) ||
		    !gva_canonical(st->pg.cr4, *linear + len - 1))
			return segment_fault(e, seg);
	} else if (!segment_allows(e, &st->seg[seg], ea, len, access)) {
		return segment_fault(e, seg);
	}
	if (st->cpl == 3 && (st->pg.cr0 & CR0_AM) && (st->pg.rflags & FLAG_AC) &&
	    (*linear & (align - 1)))
		return access_fault(e, EMU_AC, 0);
	return EMU_DONE;
}

static enum emu_result walk(struct emu *e, u64 linear, u64 access, gpa_t *gpa)
{
	u32 error;
	int r;

	if (e->st->cpl == 3)
		access |= GVA_USER;
	r = gva_walk(&e->st->pg, e->mem, gva(linear), access, gpa, &error);
	if (!r)
		return EMU_DONE;
	if (r == -EAGAIN)
		return EMU_PAGE_WANTED;
	(void)access_fault(e, EMU_PF, error);
	e->st->fault.cr2 = linear;
	return EMU_FAULT;
}

static enum emu_result translate(struct emu *e, u64 linear, u64 access, gpa_t *out, bool *mmio)
{
	u64 page = linear & PAGE_MASK;
	struct emu_tlb *t;
	enum emu_result r;

	for (u32 i = 0; i < ARRAY_SIZE(e->tlb); i++) {
		t = &e->tlb[i];
		if (t->page == page && (t->write || !(access & GVA_WRITE))) {
			*out = gpa(t->frame | (linear & ~PAGE_MASK));
			*mmio = t->mmio;
			return EMU_DONE;
		}
	}
	r = walk(e, linear, access, out);
	if (r)
		return r;
	t = &e->tlb[e->tlb_next];
	e->tlb_next = (e->tlb_next + 1) % ARRAY_SIZE(e->tlb);
	*t = (struct emu_tlb){page, out->v & PAGE_MASK, access & GVA_WRITE, false};
	*mmio = false;
	return EMU_DONE;
}

static enum emu_result span_of(struct emu *e, u8 seg, u64 ea, u32 len, u64 access, struct span *s)
{
	u64 linear, second;
	enum emu_result r;
	u32 first;

	r = segmentation(e, seg, ea, len, access, &linear);
	if (r)
		return r;
	r = translate(e, linear, access, &s->piece[0].gpa, &s->piece[0].mmio);
	if (r)
		return r;
	first = (u32)(PAGE_SIZE - (linear & ~PAGE_MASK));
	s->pieces = 1;
	s->piece[0].len = len;
	if (first >= len)
		return EMU_DONE;
	second = linear + first;
	if (e->st->mode != 64)
		second &= 0xffffffffull;
	s->pieces = 2;
	s->piece[0].len = first;
	s->piece[1].len = len - first;
	return translate(e, second, access, &s->piece[1].gpa, &s->piece[1].mmio);
}

/* The next MMIO read of this iteration: answered already, or to be asked for. */
static enum emu_result mmio_read(struct emu *e, gpa_t gpa, u8 *buf, u32 len)
{
	struct emu_io *io = e->io;

	while (len) {
		u32 n = MIN(len, 8u);

		if (e->reads < io->reads) {
			const struct emu_mmio *answer = &io->read[e->reads];

			if (answer->gpa.v != gpa.v || answer->len != n)
				io->reads = e->reads; /* the guest has changed under us: ask anew */
		}
		if (e->reads == EMU_FRAG_MAX)
			return EMU_UNHANDLEABLE;
		if (e->reads == io->reads) {
			io->mmio.gpa = gpa;
			io->mmio.len = n;
			return EMU_NEED_MMIO_READ;
		}
		__builtin_memcpy(buf, io->read[e->reads++].data, n);
		buf += n;
		gpa.v += n;
		len -= n;
	}
	return EMU_DONE;
}

enum emu_result access_read(struct emu *e, u8 seg, u64 ea, void *buf, u32 len, u64 access)
{
	const struct guest_mem *mem = e->mem;
	struct span s;
	u8 *to = buf;
	enum emu_result r = span_of(e, seg, ea, len, access, &s);

	for (u32 i = 0; !r && i < s.pieces; i++) {
		gpa_t at = s.piece[i].gpa;
		u32 n = s.piece[i].len;
		int result = s.piece[i].mmio ? EMU_MMIO : mem->read_gpa(mem->ctx, at, to, n);

		if (result == GUEST_MEM_ABSENT)
			r = EMU_PAGE_WANTED;
		else if (result)
			r = mmio_read(e, at, to, n);
		to += n;
	}
	return r;
}

static enum emu_result mmio_post(struct emu *e, gpa_t gpa, const u8 *buf, u32 len)
{
	struct emu_io *io = e->io;

	while (len) {
		struct emu_mmio *w = &io->write[io->writes];
		u32 n = MIN(len, 8u);

		if (io->writes == EMU_FRAG_MAX)
			return EMU_UNHANDLEABLE;
		w->gpa = gpa;
		w->len = n;
		__builtin_memcpy(w->data, buf, n);
		io->writes++;
		buf += n;
		gpa.v += n;
		len -= n;
	}
	return EMU_DONE;
}

/* Of an access in two pieces none is to be written if one has to be supplied first. */
static bool is_absent(const struct guest_mem *mem, const struct span *s)
{
	for (u32 i = 0; s->pieces > 1 && i < s->pieces; i++)
		if (!s->piece[i].mmio &&
		    mem->write_gpa(mem->ctx, s->piece[i].gpa, "", 0) == GUEST_MEM_ABSENT)
			return true;
	return false;
}

enum emu_result access_write(struct emu *e, u8 seg, u64 ea, const void *buf, u32 len)
{
	const struct guest_mem *mem = e->mem;
	struct span s;
	const u8 *from = buf;
	enum emu_result r = span_of(e, seg, ea, len, GVA_WRITE, &s);

	if (!r && is_absent(mem, &s))
		return EMU_PAGE_WANTED;
	for (u32 i = 0; !r && i < s.pieces; i++) {
		gpa_t at = s.piece[i].gpa;
		u32 n = s.piece[i].len;
		int result = s.piece[i].mmio ? EMU_MMIO : mem->write_gpa(mem->ctx, at, from, n);

		if (result == GUEST_MEM_ABSENT)
			r = EMU_PAGE_WANTED;
		else if (result)
			r = mmio_post(e, at, from, n);
		from += n;
	}
	return r;
}

enum emu_result access_write_locked(struct emu *e, u8 seg, u64 ea, u64 old, u64 new, u32 len)
{
	const struct guest_mem *mem = e->mem;
	u64 cut = new &(~0ull >> (64 - len * 8));
	u64 seen = old;
	struct span s;
	enum emu_result r = span_of(e, seg, ea, len, GVA_WRITE, &s);
	int result;

	if (r)
		return r;
	if (s.pieces > 1 || s.piece[0].mmio || (s.piece[0].gpa.v & (len - 1)))
		return access_write(e, seg, ea, &new, len);
	result = mem->cmpxchg_gpa(mem->ctx, s.piece[0].gpa, &seen, cut, len);
	if (result == GUEST_MEM_ABSENT)
		return EMU_PAGE_WANTED;
	if (result)
		return access_write(e, seg, ea, &new, len);
	return seen == old ? EMU_DONE : EMU_RETRY;
}

enum emu_result access_probe(struct emu *e, u8 seg, u64 ea, u32 len, u64 access, bool *mmio)
{
	struct span s;
	u8 byte;
	enum emu_result r = span_of(e, seg, ea, len, access, &s);
	int result = EMU_MMIO;

	if (r)
		return r;
	if (!s.piece[0].mmio)
		result = e->mem->read_gpa(e->mem->ctx, s.piece[0].gpa, &byte, 1);
	*mmio = result == EMU_MMIO;
	return result == GUEST_MEM_ABSENT ? EMU_PAGE_WANTED : EMU_DONE;
}

enum emu_result access_fetch(struct emu *e)
{
	struct emu_state *st = e->st;
	u64 at = st->rip + st->insn_len;
	u64 linear = access_linear(e, EMU_CS, at);
	u64 n = MIN(EMU_INSN_MAX - st->insn_len, PAGE_SIZE - (linear & ~PAGE_MASK));
	const void *direct;
	enum emu_result r;
	int result;
	gpa_t gpa;

	if (st->mode == 64) {
		if (!gva_canonical(st->pg.cr4, linear))
			return access_fault(e, EMU_GP, 0);
	} else {
		if (at > st->seg[EMU_CS].limit)
			return access_fault(e, EMU_GP, 0);
		n = MIN(n, st->seg[EMU_CS].limit - at + 1);
	}
	r = walk(e, linear, GVA_FETCH, &gpa);
	if (r)
		return r;
	direct = guest_mem_window(e->mem, gpa, (u32)n);
	if (direct && n == EMU_INSN_MAX) {
		__builtin_memcpy(st->insn, direct, EMU_INSN_MAX);
	} else {
		result = e->mem->read_gpa(e->mem->ctx, gpa, st->insn + st->insn_len, (u32)n);
		if (result)
			return result == GUEST_MEM_ABSENT ? EMU_PAGE_WANTED : EMU_UNHANDLEABLE;
	}
	/* Or the compiler might look at the guest's own bytes, which may change meanwhile. */
	compiler_barrier();
	st->insn_len = (u8)(st->insn_len + n);
	return EMU_DONE;
}
