/* SPDX-License-Identifier: MIT */
/* Virtual machines: their life, memory slots and interrupt controllers. */
#include "kvm/vm.h"
#include <linux/errno.h>
#include "core/page.h"
#include "cpu/tsc.h"
#include "kvm/debugger.h"
#include "kvm/dirty.h"
#include "kvm/mmu.h"
#include "kvm/msr_filter.h"
#include "kvm/vcpu.h"

/* Linux's parameters of the module kvm that the interrupt controllers of new VMs have. */
static u32 min_timer_period_us = 200;
#define TIMER_PERIOD_FLOOR_US 50u /* much less is due again before the guest is entered */
static bool vector_hashing = true;

static const struct param params[] = {
	{.name = "min_timer_period_us",
	 .type = PARAM_UINT,
	 .value = &min_timer_period_us,
	 .runtime = true},
	{.name = "vector_hashing", .type = PARAM_BOOL, .value = &vector_hashing},
};
const struct param_table vm_params = {params, ARRAY_SIZE(params)};

static struct {
	struct spinlock lock; /* rank 4: guards all of this */
	struct vm *first;     /* the oldest */
	u32 count;            /* made ever */
} vms;

static void vms_add(struct vm *vm)
{
	struct vm **link = &vms.first;

	spin_lock(&vms.lock);
	while (*link)
		link = &(*link)->next;
	*link = vm;
	vm->id = ++vms.count;
	spin_unlock(&vms.lock);
}

static void vms_remove(struct vm *vm)
{
	struct vm **link = &vms.first;

	spin_lock(&vms.lock);
	while (*link != vm)
		link = &(*link)->next;
	*link = vm->next;
	spin_unlock(&vms.lock);
}

struct vm *vm_after(const struct vm *vm)
{
	return vm ? vm->next : vms.first;
}

struct vm *vm_create(void)
{
	struct vm *vm = page_room() ? object_alloc(sizeof(*vm)) : NULL;

	if (!vm)
		return NULL;
	vm->refs = 1;
	time_init(&vm->time);
	vm_clock_init(&vm->clock);
	vm->dirty_mode = dirty_mode_choose();
	vm->tlb_generation = 1; /* tlb_seen is 0: the EPT root may be one used before */
	if (memslots_init(&vm->slots) || ept_init(&vm->ept, vm->dirty_mode != DIRTY_BY_FAULT)) {
		memslots_destroy(&vm->slots);
		object_free(vm, sizeof(*vm));
		return NULL;
	}
	vms_add(vm);
	return vm;
}

void vm_free(struct vm *vm)
{
	vms_remove(vm);
	debugger_forget(vm);
	irqfd_release_all(vm);
	iobus_release(&vm->io);
	for (u32 i = 0; i < vm->vcpu_count; i++) {
		vcpu_destroy(vm->vcpus[i]);
		object_free(vm->vcpus[i], sizeof(struct vcpu));
	}
	ept_destroy(&vm->ept);
	for (u32 i = 0; i < vm->slots.count; i++)
		dirty_bitmap_free(memslots_at(&vm->slots, i));
	memslots_destroy(&vm->slots);
	msr_filter_free(vm->msr_filter);
	page_free(vm->apic_access_page);
	if (vm->chip) {
		irqchip_destroy(vm->chip);
		object_free(vm->chip, sizeof(*vm->chip));
	}
	object_free(vm, sizeof(*vm));
}

int vm_limit_vcpu_ids(struct vm *vm, u64 limit)
{
	int err = 0;

	if (limit > VM_MAX_VCPUS)
		return -EINVAL;
	spin_lock(&vm->lock);
	if (!vm->vcpu_id_limit)
		vm->vcpu_id_limit = (u32)limit;
	else if (vm->vcpu_id_limit != limit)
		err = -EINVAL;
	spin_unlock(&vm->lock);
	return err;
}

/* 0, or why there cannot be a vCPU @id.  vm->lock held. */
static int check_vcpu_id(struct vm *vm, u64 id)
{
	if (!vm->vcpu_id_limit)
		vm->vcpu_id_limit = VM_MAX_VCPUS;
	if (id >= vm->vcpu_id_limit)
		return -EINVAL;
	for (u32 i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpus[i]->id == id)
			return -EEXIST;
	return 0;
}

int vm_create_vcpu(struct vm *vm, u64 id, struct vcpu **out)
{
	struct vcpu *c;
	int err;

	spin_lock(&vm->lock);
	err = check_vcpu_id(vm, id);
	c = err || !page_room() ? NULL : object_alloc(sizeof(*c));
	if (!err)
		err = c ? vcpu_init(c, vm, (u32)id, vm->vcpu_count) : -ENOMEM;
	if (!err) {
		vm->vcpus[vm->vcpu_count] = c;
		/* Release: who counts it may use it; pairs with vm_wake_vcpus(). */
		__atomic_store_n(&vm->vcpu_count, vm->vcpu_count + 1, __ATOMIC_RELEASE);
		vm_clock_tscs_changed(vm);
		*out = c;
	} else if (c) {
		object_free(c, sizeof(*c));
	}
	spin_unlock(&vm->lock);
	return err;
}

/* The guest has ended an interrupt, by itself or on behalf of user space. */
static void split_eoi(struct apic_bus *bus, u32 index, u8 vector, bool level, u64 now)
{
	struct vcpu *c = container_of(bus->lapic[index], struct vcpu, lapic);

	(void)now;
	if (!irqchip_eoi_is_users(c->vm->chip, index, vector, level))
		return;
	c->user_eoi = vector;
	vcpu_ask(c, VCPU_IOAPIC_EOI);
}

/* What they take: themselves, and the page of apicv.h.  NULL: no memory. */
static struct irqchip *alloc_irqchip(struct vm *vm)
{
	struct irqchip *chip = page_room() ? object_alloc(sizeof(*chip)) : NULL;

	if (chip && vmx_has_apic_accesses()) {
		vm->apic_access_page = page_alloc();
		if (!vm->apic_access_page) {
			object_free(chip, sizeof(*chip));
			return NULL;
		}
	}
	return chip;
}

/* Interrupt controllers for a VM that has neither any nor vCPUs.  vm->lock held. */
static int make_irqchip(struct vm *vm, bool split, u32 reserved_routes)
{
	struct irqchip *chip = alloc_irqchip(vm);
	u64 period_ns = MAX(READ_ONCE(min_timer_period_us), TIMER_PERIOD_FLOOR_US) * 1000ull;

	if (!chip)
		return -ENOMEM;
	if (split)
		irqchip_init_split(chip, (u32)tsc_khz, period_ns, reserved_routes, split_eoi);
	else
		irqchip_init(chip, (u32)tsc_khz, period_ns);
	chip->bus.vector_hashing = vector_hashing;
	chip->bus.x2apic_api = vm->x2apic_api;
	chip->bus.vm = vm->id;
	/* Release: complete before any CPU sees it. */
	__atomic_store_n(&vm->chip, chip, __ATOMIC_RELEASE);
	return 0;
}

int vm_create_irqchip(struct vm *vm)
{
	int err;

	spin_lock(&vm->lock);
	if (vm->chip)
		err = -EEXIST;
	else
		err = vm->vcpu_count ? -EINVAL : make_irqchip(vm, false, 0);
	spin_unlock(&vm->lock);
	return err;
}

int vm_split_irqchip(struct vm *vm, u64 reserved_routes)
{
	int err = -EEXIST;

	if (reserved_routes > IRQ_ROUTES_MAX)
		return -EINVAL;
	spin_lock(&vm->lock);
	if (!vm->chip && !vm->vcpu_count)
		err = make_irqchip(vm, true, (u32)reserved_routes);
	spin_unlock(&vm->lock);
	return err;
}

void vm_enable_x2apic_api(struct vm *vm, u64 flags)
{
	spin_lock(&vm->lock);
	vm->x2apic_api |= flags;
	if (vm->chip)
		WRITE_ONCE(vm->chip->bus.x2apic_api, vm->x2apic_api);
	spin_unlock(&vm->lock);
}

int vm_disable_exits(struct vm *vm, u64 exits)
{
	int err = 0;

	spin_lock(&vm->lock);
	if (exits & ~(u64)VM_EXITS_OFF || vm->vcpu_count)
		err = -EINVAL;
	else
		vm->exits_off |= exits;
	spin_unlock(&vm->lock);
	return err;
}

int vm_set_boot_cpu_id(struct vm *vm, u64 id)
{
	int err = 0;

	spin_lock(&vm->lock);
	if (vm->vcpu_count)
		err = -EBUSY;
	else if (id >= VM_MAX_VCPUS)
		err = -EINVAL;
	else
		vm->boot_cpu_id = (u32)id;
	spin_unlock(&vm->lock);
	return err;
}

__attribute__((noinline)) void vm_wake_vcpus(struct vm *vm)
{
	u64 wake = apic_bus_take_wake(&vm->chip->bus);

	while (wake) {
		u32 i = (u32)__builtin_ctzll(wake);

		wake &= wake - 1;
		/* One whose local APIC is on the bus already may still be in the making, and
		 * nobody waits for it.  Acquire: pairs with vm_create_vcpu(). */
		if (i < __atomic_load_n(&vm->vcpu_count, __ATOMIC_ACQUIRE))
			vcpu_wake(vm->vcpus[i]);
	}
}

__attribute__((noinline)) void vm_deliver(struct vm *vm)
{
	vm_wake_vcpus(vm);
	if (READ_ONCE(vm->irqfds.ended))
		irqfd_resample(vm);
}
