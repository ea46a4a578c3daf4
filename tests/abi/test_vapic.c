/* SPDX-License-Identifier: MIT */
/* KVM_SET_VAPIC_ADDR and KVM_TPR_ACCESS_REPORTING. */
#include "tests/abi/machine.h"
#include "tests/abi/suites.h"

static long set_vapic(int vcpu, u64 address)
{
	struct kvm_vapic_addr v = {.vapic_addr = address};

	return t_ioctl_ptr(vcpu, KVM_SET_VAPIC_ADDR, &v);
}

static int new_vcpu(bool irqchip, u8 *memory)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	if (irqchip)
		CHECK_RESULT(t_ioctl(vm, KVM_CREATE_IRQCHIP, 0), 0);
	CHECK_RESULT(machine_slot(vm, 0, 0, 0x10000, 2 * PAGE_SIZE, memory), 0);
	CHECK_RESULT(machine_slot(vm, 1, KVM_MEM_READONLY, 0x20000, PAGE_SIZE, memory), 0);
	return CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
}

static void vapic_addresses(void)
{
	static const struct {
		u64 address;
		long result;
	} cases[] = {
		{0x10000, 0},
		{0x10001, 0},
		{0x10ffe, 0}, /* over a page's end */
		{0x11ffc, 0},
		{0x11ffd, -EINVAL}, /* over the slot's */
		{0x12000, -EINVAL},
		{0xfffe, -EINVAL},
		{1, -EINVAL},
		{0x20000, -EINVAL}, /* read-only */
		{~0ull, -EINVAL},
		{~0ull - 2, -EINVAL},
		{0x8000000000010000, -EINVAL},
		{0, 0},
	};
	int vcpu = new_vcpu(true, check_pages(2 * PAGE_SIZE));

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++)
		if (set_vapic(vcpu, cases[i].address) != cases[i].result)
			check_fail(__FILE__, __LINE__, "0x%llx does not give %ld", cases[i].address,
				   cases[i].result);
	CHECK_RESULT(t_ioctl(vcpu, KVM_SET_VAPIC_ADDR, T_BAD_ADDRESS), -EFAULT);
}

static void vapic_without_irqchip(void)
{
	int vcpu = new_vcpu(false, check_pages(2 * PAGE_SIZE));

	CHECK_RESULT(set_vapic(vcpu, 0x10000), -EINVAL);
	CHECK_RESULT(set_vapic(vcpu, 0), -EINVAL);
	CHECK_RESULT(t_ioctl(vcpu, KVM_SET_VAPIC_ADDR, T_BAD_ADDRESS), -EINVAL);
}

static u32 lapic_tpr(const struct machine *m)
{
	struct kvm_lapic_state s;
	u32 tpr;

	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_GET_LAPIC, &s), 0);
	memcpy(&tpr, s.regs + 0x80, sizeof(tpr));
	return tpr;
}

/* The guest sets its TPR in the page, and reads there what holds interrupts back. */
static void vapic_work_in_page(void)
{
	struct machine m;

	machine_need_vmx("the TPR of a guest");
	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP);
	machine_set_vector(&m, VECTOR_XAPIC, vapic_handler);
	CHECK_RESULT(set_vapic(m.vcpu, GPA_BUFFER), 0);
	machine_start(&m, vapic_work);
	machine_run_out(&m, PORT_READY);
	CHECK_EQUAL(lapic_tpr(&m), 0x50);
	CHECK_EQUAL(m.run->cr8, 5);
	machine_run_out(&m, PORT_READY);
	CHECK_EQUAL(machine_regs(&m).rbx, 0x50);
	CHECK_EQUAL(machine_u32(&m, GPA_BUFFER), VECTOR_XAPIC << 24 | 0x50);
	machine_run_out(&m, PORT_READY);
	CHECK_EQUAL(machine_regs(&m).rcx, VECTOR_XAPIC << 24 | 0x50);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 0);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 1);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_VECTOR), VECTOR_XAPIC << 8 | 0x23);
	CHECK_EQUAL(machine_regs(&m).rsi, 0x23);
	CHECK_EQUAL(lapic_tpr(&m), 0x23);
}

/* The slot goes away with the page: the guest runs on, with the TPR of before. */
static void vapic_slot_deleted(void)
{
	struct machine m;
	u32 *page;

	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP);
	page = check_pages(PAGE_SIZE);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, PAGE_SIZE, page), 0);
	CHECK_RESULT(set_vapic(m.vcpu, GPA_EXTRA), 0);
	machine_start(&m, long_done);
	machine_enable_apic(&m);
	*page = 0x40;
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, 0, page), 0);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(lapic_tpr(&m), 0);
	CHECK_EQUAL(*page, 0x40);
	/* Its like comes back. */
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, PAGE_SIZE, page), 0);
	machine_run_out(&m, PORT_DONE);
	CHECK_RESULT(set_vapic(m.vcpu, 0), 0);
	*page = 0x30;
	machine_run_out(&m, PORT_DONE);
	CHECK(lapic_tpr(&m) != 0x30);
	CHECK_EQUAL(*page, 0x30);
}

/* What is written there is in the log, like all that the guest writes. */
static void vapic_logged(void)
{
	u64 bits = 0;
	struct kvm_dirty_log log = {.slot = 5, .dirty_bitmap = &bits};
	struct machine m;
	u8 *memory;

	machine_need_vmx("the TPR of a guest");
	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP);
	memory = check_pages(2 * PAGE_SIZE);
	CHECK_RESULT(
		machine_slot(m.vm, 5, KVM_MEM_LOG_DIRTY_PAGES, GPA_EXTRA, 2 * PAGE_SIZE, memory),
		0);
	CHECK_RESULT(set_vapic(m.vcpu, GPA_EXTRA + PAGE_SIZE), 0);
	machine_do(&m, long_done);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_GET_DIRTY_LOG, &log), 0);
	CHECK_EQUAL(bits, 0); /* its local APIC is not enabled */
	machine_enable_apic(&m);
	machine_do(&m, long_done);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_GET_DIRTY_LOG, &log), 0);
	CHECK_EQUAL(bits, 2);
}

static void tpr_reporting_control(void)
{
	struct kvm_tpr_access_ctl c;
	int vcpu = new_vcpu(false, check_pages(2 * PAGE_SIZE));

	CHECK_RESULT(t_ioctl(vcpu, KVM_TPR_ACCESS_REPORTING, T_BAD_ADDRESS), -EFAULT);
	memset(&c, 0xee, sizeof(c)); /* what is reserved does not count */
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_TPR_ACCESS_REPORTING, &c), -EINVAL);
	c.flags = 0;
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_TPR_ACCESS_REPORTING, &c), 0);
	CHECK_EQUAL(c.enabled, 0xeeeeeeee);
	for (u32 bit = 0; bit < 32; bit++) {
		c.flags = 1u << bit;
		CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_TPR_ACCESS_REPORTING, &c), -EINVAL);
	}
}

static void report(const struct machine *m, bool on)
{
	struct kvm_tpr_access_ctl c = {.enabled = on};

	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_TPR_ACCESS_REPORTING, &c), 0);
}

/* Each access ends the run when it is done, and names its instruction. */
static void tpr_reporting(void)
{
	struct machine m;

	machine_need_vmx("the TPR of a guest");
	if (!t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_VAPIC))
		check_skip("this host's processor sees to the TPR");
	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP);
	report(&m, true);
	machine_start(&m, vapic_tpr);
	machine_run(&m, KVM_EXIT_TPR_ACCESS);
	CHECK_EQUAL(m.run->tpr_access.is_write, 1);
	CHECK_EQUAL(m.run->tpr_access.rip, machine_entry(vapic_tpr_write));
	CHECK_EQUAL(machine_regs(&m).rip, machine_entry(vapic_tpr_read));
	CHECK_EQUAL(lapic_tpr(&m), 0x50);
	machine_run(&m, KVM_EXIT_TPR_ACCESS);
	CHECK_EQUAL(m.run->tpr_access.is_write, 0);
	CHECK_EQUAL(m.run->tpr_access.rip, machine_entry(vapic_tpr_read));
	CHECK_EQUAL(machine_regs(&m).rip, machine_entry(vapic_tpr_end));
	CHECK_EQUAL(machine_regs(&m).rax, 0x50);
	machine_run_out(&m, PORT_DONE);
	report(&m, false);
	machine_do(&m, vapic_tpr);
}

SUITE(vapic, TEST(vapic_addresses), TEST(vapic_without_irqchip), TEST(vapic_work_in_page),
      TEST(vapic_slot_deleted), TEST(vapic_logged), TEST(tpr_reporting_control),
      TEST(tpr_reporting));
