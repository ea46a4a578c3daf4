/* SPDX-License-Identifier: MIT */
/* Making and unmaking a virtual machine; see vm.h.  How it runs is in run.c. */
#include "guest/control/vmm/vm.h"
#include "guest/control/vmm/tables.h"
#include "guest/control/vmm/vcpu.h"
#include "guest/lib/format.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/memory.h"
#include "guest/lib/string.h"

void vm_report(struct vm *vm, const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	format_text_v(line, sizeof(line), format, args);
	va_end(args);
	vm->sink.report(vm->sink.owner, line);
}

static void on_output(void *owner, u8 byte)
{
	struct vm *vm = owner;

	vm->sink.output(vm->sink.owner, byte);
}

static void on_serial_irq(void *owner, bool level)
{
	struct vm *vm = owner;
	struct kvm_irq_level irq = {.irq = SERIAL_IRQ, .level = level};
	s64 err = kvm0_ioctl_ptr(vm->handle, KVM_IRQ_LINE, &irq);

	if (err < 0)
		vm_report(vm, "KVM_IRQ_LINE: %s", kvm0_errno_name(err));
}

/* Keeps a handle that a KVM_CREATE_* gave. */
static s64 keep(s64 result, u32 *handle)
{
	if (result > 0)
		*handle = (u32)result;
	return result;
}

static s64 create_machine(struct vm *vm, const char **step)
{
	struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
	u64 identity = VM_IDENTITY_MAP;
	s64 err;

	*step = "KVM_GET_API_VERSION";
	err = kvm0_ioctl(0, KVM_GET_API_VERSION, 0);
	if (err != KVM_API_VERSION)
		return err < 0 ? err : -EINVAL;
	*step = "KVM_CREATE_VM";
	err = keep(kvm0_ioctl(0, KVM_CREATE_VM, 0), &vm->handle);
	if (err < 0)
		return err;
	*step = "KVM_SET_TSS_ADDR";
	err = kvm0_ioctl(vm->handle, KVM_SET_TSS_ADDR, VM_TSS_ADDRESS);
	if (err < 0)
		return err;
	*step = "KVM_SET_IDENTITY_MAP_ADDR";
	err = kvm0_ioctl_ptr(vm->handle, KVM_SET_IDENTITY_MAP_ADDR, &identity);
	if (err < 0)
		return err;
	*step = "KVM_CREATE_IRQCHIP";
	err = kvm0_ioctl(vm->handle, KVM_CREATE_IRQCHIP, 0);
	if (err < 0)
		return err;
	*step = "KVM_CREATE_PIT2";
	err = kvm0_ioctl_ptr(vm->handle, KVM_CREATE_PIT2, &pit);
	if (err < 0)
		return err;
	*step = "KVM_SET_USER_MEMORY_REGION";
	return ram_map(&vm->ram, vm->handle, 0);
}

static s64 create_vcpu(struct vm *vm, u32 id, const char **step)
{
	struct vm_vcpu *v = &vm->vcpus[id];

	v->vm = vm;
	*step = "KVM_CREATE_VCPU";
	s64 err = keep(kvm0_ioctl(vm->handle, KVM_CREATE_VCPU, id), &v->handle);
	if (err < 0)
		return err;
	*step = "the vCPU's kvm_run page";
	v->run = memory_alloc(vm->run_size, PAGE_SIZE);
	if (!v->run)
		return -ENOMEM;
	return kvm0_set_page(v->handle, 0, v->run);
}

static s64 create_objects(struct vm *vm, const char **step)
{
	s64 err = create_machine(vm, step);

	if (err < 0)
		return err;
	*step = "KVM_GET_VCPU_MMAP_SIZE";
	err = kvm0_ioctl(0, KVM_GET_VCPU_MMAP_SIZE, 0);
	vm->run_size = (u64)err;
	for (u32 i = 0; i < vm->config.cpus && err >= 0; i++)
		err = create_vcpu(vm, i, step);
	return err;
}

static void explain(s64 err, const char *step, char *why, u64 why_size)
{
	format_text(why, why_size, "%s failed: %s (%lld)", step, kvm0_errno_name(err), err);
}

int vm_create_empty(struct vm *vm, const struct vm_config *config, const struct vm_sink *sink,
		    char *why, u64 why_size)
{
	const char *step = "";

	memset(vm, 0, sizeof(*vm));
	vm->config = *config;
	vm->sink = *sink;
	vm->state = VM_RUNS;
	serial_init(&vm->devices.serial, vm, on_output, on_serial_irq);
	if (config->demand ? ram_alloc_demand(&vm->ram, config->mem)
			   : ram_alloc(&vm->ram, config->mem)) {
		format_text(
			why, why_size,
			"no %llu MiB of memory for it: %llu MiB are free; use a smaller mem=, or "
			"stop another VM",
			config->mem / SIZE_1M, ram_available() / SIZE_1M);
		return -ENOMEM;
	}
	s64 err = create_objects(vm, &step);
	if (err < 0) {
		explain(err, step, why, why_size);
		vm_destroy(vm);
	}
	return err < 0 ? (int)err : 0;
}

/* Kernel, initrd and tables. */
static int load(struct vm *vm, const struct linux_image *image, struct linux_entry *entry,
		char *why, u64 why_size)
{
	const struct vm_config *c = &vm->config;
	char reason[160];
	int err = linux_load(&vm->ram, image, c->initrd, c->initrd_size, c->cmdline, TABLES_BASE,
			     entry, reason, sizeof(reason));

	if (!err && tables_write(&vm->ram, c->cpus)) {
		format_text(reason, sizeof(reason), "leaves no room for the ACPI tables");
		err = -EFAULT;
	}
	if (err)
		format_text(why, why_size, "%s %s", c->kernel_name, reason);
	return err;
}

/* The first vCPU at the kernel's entry; the others wait for its INIT and SIPI. */
static s64 set_up_vcpus(struct vm *vm, const struct linux_entry *entry, const char **step)
{
	u32 cpus = vm->config.cpus;
	s64 err = 0;

	for (u32 i = 0; i < cpus && err >= 0; i++)
		err = vcpu_setup(vm->vcpus[i].handle, i, cpus, step);
	return err < 0 ? err : vcpu_start(vm->vcpus[0].handle, entry, step);
}

int vm_create(struct vm *vm, const struct vm_config *config, const struct vm_sink *sink, char *why,
	      u64 why_size)
{
	struct linux_image image;
	struct linux_entry entry;
	const char *step = "";
	char reason[160];

	int err = linux_check(&image, config->kernel, config->kernel_size, reason, sizeof(reason));
	if (err) {
		format_text(why, why_size, "%s %s", config->kernel_name, reason);
		return err;
	}
	err = vm_create_empty(vm, config, sink, why, why_size);
	if (err)
		return err;
	err = load(vm, &image, &entry, why, why_size);
	if (!err) {
		err = (int)set_up_vcpus(vm, &entry, &step);
		if (err < 0)
			explain(err, step, why, why_size);
	}
	if (err < 0)
		vm_destroy(vm);
	return err < 0 ? err : 0;
}

void vm_move(struct vm *to, struct vm *from)
{
	*to = *from;
	to->devices.serial.owner = to;
	for (u32 i = 0; i < to->config.cpus; i++)
		to->vcpus[i].vm = to;
	memset(from, 0, sizeof(*from));
}

void vm_close(struct vm *vm)
{
	for (u32 i = 0; i < vm->config.cpus; i++) {
		struct vm_vcpu *v = &vm->vcpus[i];
		if (v->handle)
			(void)kvm0_close(v->handle);
		memory_free(v->run, vm->run_size);
		*v = (struct vm_vcpu){0};
	}
	if (vm->handle)
		(void)kvm0_close(vm->handle);
	vm->handle = 0;
}

void vm_destroy(struct vm *vm)
{
	vm_close(vm);
	ram_free(&vm->ram);
}
