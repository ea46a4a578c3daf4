/* SPDX-License-Identifier: MIT */
/* Registers and target description for GDB; see gdb_regs.h. */
#include "monitor/gdb_regs.h"
#include <linux/errno.h>
#include "cpu/msr_index.h"
#include "kvm/msr.h"
#include "lib/string.h"

#define FLAGS_VALID 0x3f7fd5ull

/* Each register: name, bits, type. */
/* clang-format off */
#define CORE(R) \
	R(rax, 64, int64) R(rbx, 64, int64) R(rcx, 64, int64) R(rdx, 64, int64) \
	R(rsi, 64, int64) R(rdi, 64, int64) R(rbp, 64, data_ptr) R(rsp, 64, data_ptr) \
	R(r8, 64, int64) R(r9, 64, int64) R(r10, 64, int64) R(r11, 64, int64) \
	R(r12, 64, int64) R(r13, 64, int64) R(r14, 64, int64) R(r15, 64, int64) \
	R(rip, 64, code_ptr) R(eflags, 32, flags) \
	R(cs, 32, int32) R(ss, 32, int32) R(ds, 32, int32) R(es, 32, int32) R(fs, 32, int32) \
	R(gs, 32, int32) \
	R(st0, 80, i387_ext) R(st1, 80, i387_ext) R(st2, 80, i387_ext) R(st3, 80, i387_ext) \
	R(st4, 80, i387_ext) R(st5, 80, i387_ext) R(st6, 80, i387_ext) R(st7, 80, i387_ext) \
	R(fctrl, 32, int) R(fstat, 32, int) R(ftag, 32, int) R(fiseg, 32, int) \
	R(fioff, 32, int) R(foseg, 32, int) R(fooff, 32, int) R(fop, 32, int)
#define SSE(R) \
	R(xmm0, 128, vec128) R(xmm1, 128, vec128) R(xmm2, 128, vec128) R(xmm3, 128, vec128) \
	R(xmm4, 128, vec128) R(xmm5, 128, vec128) R(xmm6, 128, vec128) R(xmm7, 128, vec128) \
	R(xmm8, 128, vec128) R(xmm9, 128, vec128) R(xmm10, 128, vec128) R(xmm11, 128, vec128) \
	R(xmm12, 128, vec128) R(xmm13, 128, vec128) R(xmm14, 128, vec128) R(xmm15, 128, vec128) \
	R(mxcsr, 32, int)
#define SEGMENTS(R) R(fs_base, 64, int64) R(gs_base, 64, int64)
#define SYSTEM(R) \
	R(cr0, 64, int64) R(cr2, 64, int64) R(cr3, 64, int64) R(cr4, 64, int64) \
	R(cr8, 64, int64) R(efer, 64, int64) R(k_gs_base, 64, int64)
/* clang-format on */

#define XML(name, bits, type) "<reg name=\"" #name "\" bitsize=\"" #bits "\" type=\"" #type "\"/>\n"
#define FLAG(name, bit)       "<field name=\"" #name "\" start=\"" #bit "\" end=\"" #bit "\"/>\n"

const char gdb_target_xml[] =
	"<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target>\n"
	"<architecture>i386:x86-64</architecture>\n"
	"<feature name=\"org.gnu.gdb.i386.core\">\n<flags id=\"flags\" size=\"4\">\n" //
	FLAG(CF, 0) FLAG(PF, 2) FLAG(AF, 4) FLAG(ZF, 6) FLAG(SF, 7) FLAG(TF, 8) FLAG(IF, 9) FLAG(
		DF, 10) FLAG(OF, 11) FLAG(NT, 14) FLAG(RF, 16) FLAG(VM, 17) FLAG(AC, 18)
		FLAG(ID, 21) "</flags>\n" CORE(
			XML) "</feature>\n"
			     "<feature name=\"org.gnu.gdb.i386.sse\">\n"
			     "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>\n"
			     "<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>\n"
			     "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>\n"
			     "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/>"
			     "<field name=\"v2_double\" type=\"v2d\"/><field name=\"v16_int8\" "
			     "type=\"v16i8\"/>"
			     "<field name=\"uint128\" type=\"uint128\"/></union>\n" SSE(
				     XML) "</feature>\n"
					  "<feature name=\"org.gnu.gdb.i386.segments\">\n" SEGMENTS(
						  XML) "</feature>\n"
						       "<feature "
						       "name=\"org.kvm0.system\">\n" SYSTEM(
							       XML) "</feature>\n</target>\n";

#define BYTES(name, bits, type) (bits) / 8,
static const u8 sizes[] = {CORE(BYTES) SSE(BYTES) SEGMENTS(BYTES) SYSTEM(BYTES)};

bool gdb_register(u64 n, u32 *offset, u32 *size)
{
	if (n >= ARRAY_SIZE(sizes))
		return false;
	*offset = 0;
	for (u64 i = 0; i < n; i++)
		*offset += sizes[i];
	*size = sizes[n];
	return true;
}

bool gdb_register_known(const struct vmx_vcpu *v, u32 offset)
{
	return !v->control || offset < offsetof(struct gdb_regs, st) ||
	       (offset >= offsetof(struct gdb_regs, fs_base) &&
		offset != offsetof(struct gdb_regs, cr2) &&
		offset != offsetof(struct gdb_regs, cr8) &&
		offset != offsetof(struct gdb_regs, k_gs_base));
}

/* --- to and from KVM's structures; @set: from GDB's --- */

static void copy_register(void *gdb, void *kvm, u32 size, bool set)
{
	memcpy(set ? kvm : gdb, set ? gdb : kvm, size);
}

static void copy_general(struct gdb_regs *r, struct kvm_regs *k, bool set)
{
	u64 *const order[] = {&k->rax, &k->rbx, &k->rcx, &k->rdx, &k->rsi, &k->rdi,
			      &k->rbp, &k->rsp, &k->r8,  &k->r9,  &k->r10, &k->r11,
			      &k->r12, &k->r13, &k->r14, &k->r15};

	for (u32 i = 0; i < ARRAY_SIZE(order); i++)
		copy_register((u8 *)r + 8 * i, order[i], 8, set);
	copy_register(&r->rip, &k->rip, 8, set);
	copy_register(&r->eflags, &k->rflags, 4, set);
}

static void copy_fpu(struct gdb_regs *r, struct kvm_fpu *f, bool set)
{
	copy_register(r->xmm, f->xmm, sizeof(r->xmm), set);
	for (u32 i = 0; i < 8; i++)
		copy_register(r->st[i], f->fpr[i], sizeof(r->st[i]), set);
	copy_register(&r->fctrl, &f->fcw, 2, set);
	copy_register(&r->fstat, &f->fsw, 2, set);
	copy_register(&r->fop, &f->last_opcode, 2, set);
	copy_register(&r->fioff, &f->last_ip, 4, set);
	copy_register(&r->fooff, &f->last_dp, 4, set);
}

static void copy_system(struct gdb_regs *r, struct kvm_sregs *s, bool set)
{
	struct kvm_segment *const order[] = {&s->cs, &s->ss, &s->ds, &s->es, &s->fs, &s->gs};
	u64 *const cr[] = {&s->cr0, &s->cr2, &s->cr3, &s->cr4, &s->cr8, &s->efer};

	for (u32 i = 0; i < ARRAY_SIZE(order); i++)
		copy_register((u8 *)r->segment + 4 * i, &order[i]->selector, 2, set);
	copy_register(&r->fs_base, &s->fs.base, 8, set);
	copy_register(&r->gs_base, &s->gs.base, 8, set);
	for (u32 i = 0; i < ARRAY_SIZE(cr); i++)
		copy_register((u8 *)&r->cr0 + 8 * i, cr[i], 8, set);
}

static void get_sregs(struct vmx_vcpu *v, struct kvm_sregs *s)
{
	if (!v->control) {
		vcpu_get_sregs((struct vcpu *)(void *)v, s);
		return;
	}
	memset(s, 0, sizeof(*s));
	vmx_get_segment(SEG_CS, &s->cs);
	vmx_get_segment(SEG_SS, &s->ss);
	vmx_get_segment(SEG_DS, &s->ds);
	vmx_get_segment(SEG_ES, &s->es);
	vmx_get_segment(SEG_FS, &s->fs);
	vmx_get_segment(SEG_GS, &s->gs);
	s->cr0 = vmx_cr0();
	s->cr3 = vmx_cr3();
	s->cr4 = vmx_cr4();
	s->efer = vmx_efer();
}

/* x87's tags, two bits a register, of which a saved image has "empty or not" alone. */
static u32 full_tags(u8 tags)
{
	u32 full = 0;

	for (u32 i = 0; i < 8; i++)
		full |= (tags >> i & 1 ? 0u : 3u) << 2 * i;
	return full;
}

void gdb_get_regs(struct vmx_vcpu *v, struct gdb_regs *r)
{
	struct kvm_sregs s;
	struct kvm_regs k;
	struct kvm_fpu f;

	memset(r, 0, sizeof(*r));
	vmx_get_regs(v, &k);
	copy_general(r, &k, false);
	get_sregs(v, &s);
	copy_system(r, &s, false);
	if (v->control)
		return;
	vmx_get_fpu(v, &f);
	copy_fpu(r, &f, false);
	r->ftag = full_tags(f.ftwx);
	r->mxcsr = vmx_mxcsr(v);
	r->k_gs_base = v->msrs.kernel_gs_base;
}

int gdb_set_regs(struct vmx_vcpu *v, const struct gdb_regs *new)
{
	struct vcpu *c = (struct vcpu *)(void *)v;
	static struct gdb_regs r, old; /* nobody else works */
	struct kvm_sregs s;
	struct kvm_regs k;
	struct kvm_fpu f;

	r = *new;
	gdb_get_regs(v, &old);
	if (memcmp(&r, &old, offsetof(struct gdb_regs, segment))) {
		vmx_get_regs(v, &k);
		copy_general(&r, &k, true);
		k.rflags &= FLAGS_VALID;
		if (!gva_canonical(vmx_cr4(), k.rip))
			return -EINVAL;
		if (v->control)
			vmx_set_regs(v, &k);
		else
			vcpu_set_regs(c, &k);
	}
	memcpy(&old, &r, offsetof(struct gdb_regs, segment));
	if (!memcmp(&r, &old, sizeof(r)))
		return 0;
	if (v->control || r.ftag != old.ftag || r.k_gs_base != old.k_gs_base)
		return -EINVAL;
	vmx_get_fpu(v, &f);
	copy_fpu(&r, &f, true);
	vmx_set_fpu(v, &f);
	vmx_set_mxcsr(v, r.mxcsr);
	get_sregs(v, &s);
	copy_system(&r, &s, true);
	return vcpu_set_sregs(c, &s);
}
