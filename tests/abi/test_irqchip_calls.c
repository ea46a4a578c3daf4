/* SPDX-License-Identifier: MIT */
/* The calls of the in-kernel interrupt controllers: creation, lines, KVM_INTERRUPT, MP state. */
#include "tests/abi/machine.h"

static int new_vm(bool irqchip)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	if (irqchip)
		CHECK_RESULT(t_ioctl(vm, KVM_CREATE_IRQCHIP, 0), 0);
	return vm;
}

static void irqchip_create(void)
{
	int vm = new_vm(true), late = new_vm(false);

	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_IRQCHIP, 0), -EEXIST);
	CHECK_HANDLE(t_ioctl(late, KVM_CREATE_VCPU, 0));
	CHECK_RESULT(t_ioctl(late, KVM_CREATE_IRQCHIP, 0), -EINVAL);
}

static void irqchip_create_pit(void)
{
	struct kvm_pit_config config = {.flags = 0};
	int vm = new_vm(true), without = new_vm(false);

	/* A PIT needs a PIC to interrupt; Linux says so since 6.11, and made one before. */
	if (target_is_kvm0)
		CHECK_RESULT(t_ioctl_ptr(without, KVM_CREATE_PIT2, &config), -ENOENT);
	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_PIT2, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_CREATE_PIT2, &config), 0);
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_CREATE_PIT2, &config), -EEXIST);
	vm = new_vm(true);
	config.flags = KVM_PIT_SPEAKER_DUMMY;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_CREATE_PIT2, &config), 0);
}

static void irqchip_irq_line(void)
{
	struct kvm_irq_level line = {.irq = 5, .level = 1};
	int vm = new_vm(true), without = new_vm(false);

	CHECK_RESULT(t_ioctl_ptr(without, KVM_IRQ_LINE, &line), -ENXIO);
	CHECK_RESULT(t_ioctl(vm, KVM_IRQ_LINE, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_IRQ_LINE, &line), 0);
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_IRQ_LINE, &line), 0);
	line.level = 0;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_IRQ_LINE, &line), 0);
	/* The last pin, one that is none, and one far beyond: no route is no error. */
	line.irq = 23;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_IRQ_LINE, &line), 0);
	line.irq = 24;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_IRQ_LINE, &line), 0);
	line.irq = 0xffffffff;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_IRQ_LINE, &line), 0);
}

static void irqchip_interrupt_call(void)
{
	struct kvm_interrupt interrupt = {.irq = 0x30};
	int with = CHECK_HANDLE(t_ioctl(new_vm(true), KVM_CREATE_VCPU, 0));
	int vcpu = CHECK_HANDLE(t_ioctl(new_vm(false), KVM_CREATE_VCPU, 0));
	struct kvm_sregs sregs;

	CHECK_RESULT(t_ioctl_ptr(with, KVM_INTERRUPT, &interrupt), -ENXIO);
	CHECK_RESULT(t_ioctl(vcpu, KVM_INTERRUPT, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_INTERRUPT, &interrupt), 0);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_SREGS, &sregs), 0);
	CHECK_EQUAL(sregs.interrupt_bitmap[0], 1ull << 0x30);
	/* Without a PIC in the kernel a second one takes the place of the first. */
	interrupt.irq = 0xff;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_INTERRUPT, &interrupt), 0);
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_SREGS, &sregs), 0);
	CHECK_EQUAL(sregs.interrupt_bitmap[0], 0);
	CHECK_EQUAL(sregs.interrupt_bitmap[3], 1ull << 63);
	/* The vector is looked at before the irqchip is. */
	interrupt.irq = 256;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_INTERRUPT, &interrupt), -EINVAL);
	CHECK_RESULT(t_ioctl_ptr(with, KVM_INTERRUPT, &interrupt), -EINVAL);
	interrupt.irq = 0xffffffff;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_INTERRUPT, &interrupt), -EINVAL);
}

static long set_state(int vcpu, u32 state)
{
	struct kvm_mp_state mp = {.mp_state = state};
	return t_ioctl_ptr(vcpu, KVM_SET_MP_STATE, &mp);
}

static u32 get_state(int vcpu)
{
	struct kvm_mp_state mp = {.mp_state = 99};

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_MP_STATE, &mp), 0);
	return mp.mp_state;
}

static void irqchip_mp_state(void)
{
	int vm = new_vm(true);
	int a = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	int b = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 1));

	CHECK_EQUAL(get_state(a), KVM_MP_STATE_RUNNABLE);
	CHECK_EQUAL(get_state(b), KVM_MP_STATE_UNINITIALIZED);
	CHECK_RESULT(set_state(a, KVM_MP_STATE_HALTED), 0);
	CHECK_EQUAL(get_state(a), KVM_MP_STATE_HALTED);
	CHECK_RESULT(set_state(a, KVM_MP_STATE_RUNNABLE), 0);
	CHECK_EQUAL(get_state(a), KVM_MP_STATE_RUNNABLE);
	CHECK_RESULT(set_state(b, KVM_MP_STATE_RUNNABLE), 0);
	CHECK_EQUAL(get_state(b), KVM_MP_STATE_RUNNABLE);
	CHECK_RESULT(set_state(b, KVM_MP_STATE_UNINITIALIZED), 0);
	CHECK_EQUAL(get_state(b), KVM_MP_STATE_UNINITIALIZED);
	CHECK_RESULT(set_state(a, 99), -EINVAL);
	CHECK_RESULT(t_ioctl(a, KVM_GET_MP_STATE, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl(a, KVM_SET_MP_STATE, T_BAD_ADDRESS), -EFAULT);
}

static void irqchip_mp_state_without(void)
{
	int vm = new_vm(false);
	int a = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	int b = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 1));

	CHECK_EQUAL(get_state(a), KVM_MP_STATE_RUNNABLE);
	CHECK_EQUAL(get_state(b), KVM_MP_STATE_RUNNABLE);
	CHECK_RESULT(set_state(a, KVM_MP_STATE_RUNNABLE), 0);
	CHECK_RESULT(set_state(a, KVM_MP_STATE_HALTED), -EINVAL);
	CHECK_RESULT(set_state(a, KVM_MP_STATE_UNINITIALIZED), -EINVAL);
	CHECK_RESULT(set_state(a, 99), -EINVAL);
	CHECK_EQUAL(get_state(a), KVM_MP_STATE_RUNNABLE);
}

SUITE(irqchip_calls, TEST(irqchip_create), TEST(irqchip_create_pit), TEST(irqchip_irq_line),
      TEST(irqchip_interrupt_call), TEST(irqchip_mp_state), TEST(irqchip_mp_state_without));
