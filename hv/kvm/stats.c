/* SPDX-License-Identifier: MIT */
/* Statistics: see stats.h. */
#include "kvm/stats.h"
#include "kvm/handle.h"
#include "lib/printf.h"
#include "lib/string.h"

struct stats_name {
	const char *name;
	u32 flags; /* KVM_STATS_* */
	s16 exponent;
	u16 size; /* u64 values */
};

#define NANO   (KVM_STATS_UNIT_SECONDS | KVM_STATS_BASE_POW10)
#define CYCLES (KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_CYCLES)

#define NAMED_TOTAL(stat)   {#stat, KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE, 0, 1},
#define NAMED_NOW(stat)     {#stat, KVM_STATS_TYPE_INSTANT | KVM_STATS_UNIT_NONE, 0, 1},
#define NAMED_NS(stat)      {#stat, KVM_STATS_TYPE_CUMULATIVE | NANO, -9, 1},
#define NAMED_HIST(stat)    {#stat, KVM_STATS_TYPE_LOG_HIST | NANO, -9, STATS_HISTOGRAM},
#define NAMED_REASONS(stat) {#stat, KVM_STATS_TYPE_LINEAR_HIST, 0, STATS_REASONS},
#define NAMED_BY(stat)      {#stat, CYCLES, 0, STATS_REASONS},
#define NAMED_TICKS(stat)   {#stat, CYCLES, 0, 1},

static const struct stats_name vm_names[] = {VM_STATS(NAMED_TOTAL, NAMED_NOW)};
static const struct stats_name vcpu_names[] = {
	VCPU_STATS(NAMED_TOTAL, NAMED_NOW, NAMED_NS, NAMED_HIST)};
static const struct stats_name exit_names[] = {EXIT_STATS(NAMED_REASONS, NAMED_BY, NAMED_TICKS)};

#define VM_NAMES   ((u32)ARRAY_SIZE(vm_names)) /* of one value each */
#define VCPU_NAMES ((u32)ARRAY_SIZE(vcpu_names))
#define ALL_NAMES  (VM_NAMES + VCPU_NAMES + (u32)ARRAY_SIZE(exit_names))
#define ALL_VALUES ((u32)(sizeof(struct stats_values) / sizeof(u64)))
#define ID_SIZE    (sizeof(((struct stats_file *)0)->id))
#define DESC_SIZE  (sizeof(struct kvm_stats_desc) + ID_SIZE)
_Static_assert(DESC_SIZE == STATS_PIECE, "a descriptor is the largest piece");

static void add(u64 *to, const void *values, size_t size)
{
	const u64 *from = values;

	for (u32 i = 0; i < size / sizeof(u64); i++)
		to[i] += READ_ONCE(from[i]);
}

void stats_add_vm(const struct vm *vm, struct stats_values *v)
{
	add((u64 *)&v->vm, &vm->stats, sizeof(vm->stats));
	v->vm.pages_4k += READ_ONCE(vm->ept.mapped[EPT_4K]);
	v->vm.pages_2m += READ_ONCE(vm->ept.mapped[EPT_2M]);
	v->vm.pages_1g += READ_ONCE(vm->ept.mapped[EPT_1G]);
}

void stats_add_vcpu(const struct vcpu *c, struct stats_values *v)
{
	const struct vmx_ticks *ticks = READ_ONCE(c->vmx.watch.ticks);

	add((u64 *)&v->vcpu, &c->stats, sizeof(c->stats));
	add(v->exit_reason_count, c->vmx.exits, sizeof(v->exit_reason_count));
	v->vcpu.exits += vmx_entries(&c->vmx);
	v->vcpu.blocking += READ_ONCE(c->blocked);
	v->vcpu.host_state_reload += READ_ONCE(c->stats.fpu_reload); /* one swap for both */
	v->vcpu.l1d_flush += READ_ONCE(c->vmx.l1d_flushes);
	if (ticks) {
		add(v->exit_reason_ticks, ticks->exit, sizeof(v->exit_reason_ticks));
		v->guest_ticks += READ_ONCE(ticks->guest);
	}
}

void stats_add_system(struct stats_values *v)
{
	for (u32 h = 1; h < HANDLE_MAX; h++) {
		struct handle_ref ref;

		if (handle_get(h, &ref))
			continue;
		if (ref.kind == HANDLE_VM)
			stats_add_vm(ref.vm, v);
		else if (ref.kind == HANDLE_VCPU)
			stats_add_vcpu(ref.vcpu, v);
		handle_put(&ref);
	}
}

void stats_of_system(struct stats_file *f)
{
	f->count = ALL_NAMES;
	f->values = ALL_VALUES;
	(void)printf_format(f->id, sizeof(f->id), "kvm");
	stats_add_system(&f->v);
}

void stats_of_vm(const struct vm *vm, struct stats_file *f)
{
	f->count = f->values = VM_NAMES;
	(void)printf_format(f->id, sizeof(f->id), "kvm-%u", vm->id);
	stats_add_vm(vm, &f->v);
}

void stats_of_vcpu(const struct vcpu *c, struct stats_file *f)
{
	f->first = VM_NAMES;
	f->count = ALL_NAMES - VM_NAMES;
	f->values = ALL_VALUES - VM_NAMES;
	(void)printf_format(f->id, sizeof(f->id), "kvm-%u/vcpu-%u", c->vm->id, c->id);
	stats_add_vcpu(c, &f->v);
}

void stats_of_whole_vm(const struct vm *vm, struct stats_file *f)
{
	stats_of_vm(vm, f);
	f->count = ALL_NAMES;
	f->values = ALL_VALUES;
	for (u32 i = 0; i < vm->vcpu_count; i++)
		stats_add_vcpu(vm->vcpus[i], &f->v);
}

/* Name @n of the file, in the order of struct stats_values. */
static const struct stats_name *name_at(const struct stats_file *f, u32 n)
{
	n += f->first;
	if (n < VM_NAMES)
		return &vm_names[n];
	n -= VM_NAMES;
	return n < VCPU_NAMES ? &vcpu_names[n] : &exit_names[n - VCPU_NAMES];
}

/* Where the values of name @n begin. */
static u32 values_before(const struct stats_file *f, u32 n)
{
	u32 at = 0;

	for (u32 i = 0; i < n; i++)
		at += name_at(f, i)->size;
	return at;
}

const char *stats_at(const struct stats_file *f, u32 n, const u64 **value, u32 *size)
{
	if (n >= f->count)
		return NULL;
	*value = &f->value[f->first + values_before(f, n)];
	*size = name_at(f, n)->size;
	return name_at(f, n)->name;
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
	const struct stats_name *name = name_at(f, n);
	bool linear = (name->flags & KVM_STATS_TYPE_MASK) == KVM_STATS_TYPE_LINEAR_HIST;
	struct kvm_stats_desc d = {
		.flags = name->flags,
		.exponent = name->exponent,
		.size = name->size,
		.offset = values_before(f, n) * (u32)sizeof(u64),
		.bucket_size = linear ? 1 : 0,
	};

	memset(piece, 0, DESC_SIZE);
	memcpy(piece, &d, sizeof(d));
	memcpy(piece + sizeof(d), name->name, strlen(name->name));
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
	memcpy(piece, &f->value[f->first + n], sizeof(u64));
	return sizeof(u64);
}
