/* SPDX-License-Identifier: MIT */
/*
 * CPUID.  What a guest may be told is what the CPU has, less what kvm0 does not
 * virtualize: an allow-list of bits by leaf, so that a new CPU's new features stay
 * hidden until kvm0 knows them (SDM vol. 2, CPUID; KVM API, KVM_GET_SUPPORTED_CPUID).
 */
#include "kvm/cpuid.h"
#include <linux/errno.h>
#include "core/page.h"
#include "cpu/regs.h"
#include "kvm/pv/pv.h"
#include "lib/string.h"
#include "vmx/vmx.h"

/* Bits a guest may see, and bits that kvm0 gives even where the CPU lacks them. */
struct feature_mask {
	u32 leaf, subleaf;
	u32 eax, ebx, ecx, edx;
	u32 set_ecx, set_edx;
};

static const struct feature_mask masks[] = {
	/* ECX: SSE3 PCLMUL SSSE3 FMA CX16 PCID SSE4.1 SSE4.2 x2APIC MOVBE POPCNT AES XSAVE AVX
	 * F16C RDRAND; always x2APIC and "hypervisor".  EDX: all but PSN, DS, ACPI, HTT, TM, PBE.
	 */
	{1, 0, ~0u, 0x00ffffff, 0x76fa3203, 0x0f8bfbff, 0x80200000, 0},
	/* ARAT: the local APIC timer never stops. */
	{6, 0, 0x4, 0, 0, 0, 0, 0},
	/* EBX: FSGSBASE TSC_ADJUST BMI1 HLE AVX2 SMEP BMI2 ERMS INVPCID RTM AVX512F/DQ RDSEED
	 * ADX SMAP IFMA CLFLUSHOPT CLWB AVX512PF/ER/CD SHA AVX512BW/VL.  ECX: VBMI UMIP PKU VBMI2
	 * GFNI VAES VPCLMULQDQ VNNI BITALG VPOPCNTDQ RDPID.  EDX: 4VNNIW 4FMAPS FSRM
	 * MD_CLEAR IBRS-IBPB STIBP L1D_FLUSH SSBD; always ARCH_CAPABILITIES. */
	{7, 0, 0, 0xfdbf0fbb, 0x00405f4e, 0xbc00041c, 0, 0x20000000},
	/* XSAVEOPT XSAVEC XGETBV1; no XSAVES */
	{0xd, 1, 0x7, 0, 0, 0, 0, 0},
	/* LAHF LZCNT PREFETCHW; SYSCALL NX 1G-pages RDTSCP LM */
	{0x80000001, 0, ~0u, 0, 0x00000121, 0x2c100800, 0, 0},
	{0x80000007, 0, 0, 0, 0, 0x100, 0, 0}, /* invariant TSC */
	{0x80000008, 0, 0xffff, 0, 0, 0, 0, 0},
};

static void apply_mask(struct kvm_cpuid_entry2 *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		const struct feature_mask *m = &masks[i];

		if (m->leaf != e->function || m->subleaf != e->index)
			continue;
		e->eax &= m->eax;
		e->ebx &= m->ebx;
		e->ecx = (e->ecx & m->ecx) | m->set_ecx;
		e->edx = (e->edx & m->edx) | m->set_edx;
	}
}

/* Where the entries go: counts all, stores what fits. */
struct sink {
	struct kvm_cpuid_entry2 *out;
	u32 max, count;
};

static void emit(struct sink *s, const struct kvm_cpuid_entry2 *e)
{
	if (s->count < s->max)
		s->out[s->count] = *e;
	s->count++;
}

static struct kvm_cpuid_entry2 host_entry(u32 leaf, u32 subleaf, bool indexed)
{
	struct cpuid r = cpuid(leaf, subleaf);
	struct kvm_cpuid_entry2 e = {
		.function = leaf,
		.index = subleaf,
		.flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
		.eax = r.eax,
		.ebx = r.ebx,
		.ecx = r.ecx,
		.edx = r.edx,
	};

	apply_mask(&e);
	return e;
}

/* Leaf 0xd: the main leaf, its features, and one subleaf for each state component. */
static void emit_xsave(struct sink *s)
{
	u64 xcr0 = vmx_host_xcr0();
	struct kvm_cpuid_entry2 e = host_entry(0xd, 0, true);

	e.eax = (u32)xcr0;
	e.edx = (u32)(xcr0 >> 32);
	e.ebx = e.ecx = cpuid_xsave_size(xcr0);
	emit(s, &e);
	if (!xcr0)
		return;
	e = host_entry(0xd, 1, true);
	emit(s, &e);
	for (u32 i = 2; i < 63; i++) {
		if (!(xcr0 & BIT(i)))
			continue;
		e = host_entry(0xd, i, true);
		emit(s, &e);
	}
}

/* Leaf 4 (caches) and 0xb (topology): subleaves until one says it is the last. */
static void emit_list(struct sink *s, u32 leaf)
{
	for (u32 i = 0; i < 16; i++) {
		struct kvm_cpuid_entry2 e = host_entry(leaf, i, true);

		emit(s, &e);
		if (leaf == 4 ? !(e.eax & 0x1f) : !(e.ecx & 0xff00))
			break;
	}
}

#define MAX_BASIC 0xdu

static void emit_basic(struct sink *s)
{
	u32 max = MIN(cpuid(0, 0).eax, MAX_BASIC);

	for (u32 leaf = 0; leaf <= max; leaf++) {
		struct kvm_cpuid_entry2 e;

		if (leaf == 4 || leaf == 0xb) {
			emit_list(s, leaf);
			continue;
		}
		if (leaf == 0xd) {
			emit_xsave(s);
			continue;
		}
		e = host_entry(leaf, 0, leaf == 7);
		if (leaf == 0)
			e.eax = max;
		if (leaf == 7) /* subleaf 0 is the only one offered */
			e.eax = 0;
		/* 3: serial number; 5: MONITOR; 8, 9: none; 0xa: no performance monitoring */
		if (leaf == 3 || leaf == 5 || (leaf >= 8 && leaf <= 0xc))
			e.eax = e.ebx = e.ecx = e.edx = 0;
		emit(s, &e);
	}
}

static void emit_kvm(struct sink *s)
{
	static const char signature[] = KVM_SIGNATURE;
	struct kvm_cpuid_entry2 e = {.function = KVM_CPUID_SIGNATURE, .eax = KVM_CPUID_FEATURES};

	memcpy(&e.ebx, signature, 4);
	memcpy(&e.ecx, signature + 4, 4);
	memcpy(&e.edx, signature + 8, 4);
	emit(s, &e);
	e = (struct kvm_cpuid_entry2){.function = KVM_CPUID_FEATURES, .eax = PV_FEATURES};
	emit(s, &e);
}

static void emit_extended(struct sink *s)
{
	u32 max = MIN(cpuid(0x80000000, 0).eax, 0x80000008u);

	for (u32 leaf = 0x80000000; leaf <= max; leaf++) {
		struct kvm_cpuid_entry2 e = host_entry(leaf, 0, false);

		if (leaf == 0x80000000) {
			e.eax = max;
			e.ebx = e.ecx = e.edx = 0;
		}
		emit(s, &e);
	}
}

u32 cpuid_supported(struct kvm_cpuid_entry2 *out, u32 max)
{
	struct sink s = {out, max, 0};

	emit_basic(&s);
	emit_kvm(&s);
	emit_extended(&s);
	return s.count;
}

u32 cpuid_emulated(struct kvm_cpuid_entry2 *out, u32 max)
{
	static const struct kvm_cpuid_entry2 entries[] = {
		{.function = 0, .eax = 7},
		{.function = 1},
		{.function = 7, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX},
	};
	struct sink s = {out, max, 0};

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		emit(&s, &entries[i]);
	return s.count;
}

u32 cpuid_xsave_size(u64 xcr0)
{
	u32 size = 512 + 64; /* legacy region and header */

	for (u32 i = 2; i < 63; i++) {
		struct cpuid r;

		if (!(xcr0 & BIT(i)))
			continue;
		r = cpuid(0xd, i);
		size = MAX(size, r.ebx + r.eax);
	}
	return size;
}

/* The range of @leaf in cpuid_table.first, or -1. */
static int range_of(u32 leaf)
{
	u32 range = leaf >> 30; /* 0, 1 (0x40000000), 2 (0x80000000), 3 */

	return range < 3 && (leaf & 0x3fffffff) < CPUID_SMALL ? (int)range : -1;
}

int cpuid_set(struct cpuid_table *t, const struct kvm_cpuid_entry2 *entries, u32 count)
{
	if (!t->entries && page_room())
		t->entries = object_alloc(CPUID_MAX_ENTRIES * sizeof(*entries));
	if (!t->entries)
		return -ENOMEM;
	memcpy(t->entries, entries, count * sizeof(*entries));
	t->count = count;
	memset(t->first, 0, sizeof(t->first));
	for (u32 i = count; i-- > 0;) {
		int range = range_of(entries[i].function);

		/* 255 entries can be numbered in a byte; the last one is found by search. */
		if (range >= 0 && i < 255)
			t->first[range][entries[i].function & 0x3fffffff] = (u8)(i + 1);
	}
	return 0;
}

bool cpuid_equal(const struct cpuid_table *t, const struct kvm_cpuid_entry2 *entries, u32 count)
{
	bool equal = count == t->count;

	for (u32 i = 0; equal && i < count; i++)
		equal = !memcmp(&t->entries[i], &entries[i],
				offsetof(struct kvm_cpuid_entry2, padding));
	return equal;
}

void cpuid_destroy(struct cpuid_table *t)
{
	object_free(t->entries, CPUID_MAX_ENTRIES * sizeof(*t->entries));
	t->entries = NULL;
}

static bool matches(const struct kvm_cpuid_entry2 *e, u32 leaf, u32 subleaf)
{
	return e->function == leaf &&
	       (!(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || e->index == subleaf);
}

const struct kvm_cpuid_entry2 *cpuid_find(const struct cpuid_table *t, u32 leaf, u32 subleaf)
{
	int range = range_of(leaf);
	u32 i = 0;

	if (range >= 0 && t->count < 255) {
		i = t->first[range][leaf & 0x3fffffff];
		if (!i)
			return NULL;
		i--;
	}
	for (; i < t->count; i++)
		if (matches(&t->entries[i], leaf, subleaf))
			return &t->entries[i];
	return NULL;
}

const struct kvm_cpuid_entry2 *cpuid_answer(const struct cpuid_table *t, u32 leaf, u32 subleaf)
{
	const struct kvm_cpuid_entry2 *e, *max;

	e = cpuid_find(t, leaf, subleaf);
	if (e)
		return e;
	/* A leaf that is there but not with this subleaf answers zeroes. */
	max = cpuid_find(t, leaf & 0xc0000000, 0);
	if (max && leaf <= max->eax)
		return NULL;
	max = cpuid_find(t, 0, 0);
	return max ? cpuid_find(t, max->eax, subleaf) : NULL;
}
