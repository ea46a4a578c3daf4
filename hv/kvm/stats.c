/* SPDX-License-Identifier: MIT */
/* Statistics: see stats.h. */
#include "kvm/stats.h"
#include "kvm/vcpu.h"
#include "lib/printf.h"
#include "lib/string.h"

struct stats_name {
	const char *name;
	u32 flags; /* KVM_STATS_* */
	s16 exponent;
	u16 size; /* u64 values */
};

#define NANO (KVM_STATS_UNIT_SECONDS | KVM_STATS_BASE_POW10)

#define NAMED_TOTAL(stat) {#stat, KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE, 0, 1},
#define NAMED_NOW(stat)   {#stat, KVM_STATS_TYPE_INSTANT | KVM_STATS_UNIT_NONE, 0, 1},
#define NAMED_NS(stat)    {#stat, KVM_STATS_TYPE_CUMULATIVE | NANO, -9, 1},
#define NAMED_HIST(stat)  {#stat, KVM_STATS_TYPE_LOG_HIST | NANO, -9, STATS_HISTOGRAM},

static const struct stats_name vm_names[] = {VM_STATS(NAMED_TOTAL, NAMED_NOW)};
static const struct stats_name vcpu_names[] = {
	VCPU_STATS(NAMED_TOTAL, NAMED_NOW, NAMED_NS, NAMED_HIST)};

#define ID_SIZE   (sizeof(((struct stats_file *)0)->id))
#define DESC_SIZE (sizeof(struct kvm_stats_desc) + ID_SIZE)
_Static_assert(DESC_SIZE == STATS_PIECE, "a descriptor is the largest piece");
_Static_assert(sizeof(struct vm_stats) <= sizeof(struct vcpu_stats), "value[] holds both");

void stats_of_vm(const struct vm *vm, struct stats_file *f)
{
	f->names = vm_names;
	f->count = ARRAY_SIZE(vm_names);
	f->values = sizeof(f->vm) / sizeof(u64);
	(void)printf_format(f->id, sizeof(f->id), "kvm-%u", vm->id);
	f->vm = vm->stats;
	f->vm.pages_4k = READ_ONCE(vm->ept.mapped[EPT_4K]);
	f->vm.pages_2m = READ_ONCE(vm->ept.mapped[EPT_2M]);
	f->vm.pages_1g = READ_ONCE(vm->ept.mapped[EPT_1G]);
}

void stats_of_vcpu(const struct vcpu *c, struct stats_file *f)
{
	f->names = vcpu_names;
	f->count = ARRAY_SIZE(vcpu_names);
	f->values = sizeof(f->vcpu) / sizeof(u64);
	(void)printf_format(f->id, sizeof(f->id), "kvm-%u/vcpu-%u", c->vm->id, c->id);
	f->vcpu = c->stats;
	f->vcpu.blocking = READ_ONCE(c->blocked);
}

static u32 header(const struct stats_file *f, u8 *piece)
{
	struct kvm_stats_header h = {
		.name_size = ID_SIZE,
		.num_desc = f->count,
		.id_offset = sizeof(h),
		.desc_offset = sizeof(h) + ID_SIZE,
		.data_offset = (u32)(sizeof(h) + ID_SIZE + f->count * DESC_SIZE),
	};

	memcpy(piece, &h, sizeof(h));
	return sizeof(h);
}

static u32 descriptor(const struct stats_file *f, u32 n, u8 *piece)
{
	struct kvm_stats_desc d = {
		.flags = f->names[n].flags,
		.exponent = f->names[n].exponent,
		.size = f->names[n].size,
	};

	for (u32 i = 0; i < n; i++)
		d.offset += f->names[i].size * (u32)sizeof(u64);
	memset(piece, 0, DESC_SIZE);
	memcpy(piece, &d, sizeof(d));
	memcpy(piece + sizeof(d), f->names[n].name, strlen(f->names[n].name));
	return DESC_SIZE;
}

u32 stats_piece(const struct stats_file *f, u32 n, u8 *piece)
{
	if (n == 0)
		return header(f, piece);
	if (n == 1) {
		memcpy(piece, f->id, ID_SIZE);
		return ID_SIZE;
	}
	n -= 2;
	if (n < f->count)
		return descriptor(f, n, piece);
	n -= f->count;
	if (n >= f->values)
		return 0;
	memcpy(piece, &f->value[n], sizeof(u64));
	return sizeof(u64);
}
