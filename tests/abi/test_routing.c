/* SPDX-License-Identifier: MIT */
/* KVM_SET_GSI_ROUTING and KVM_SIGNAL_MSI: where GSIs and messages lead. */
#include "tests/abi/machine.h"

#define ROUTES 4096u

/* The status that KVM_IRQ_LINE_STATUS gives back for an ignored line. */
#define IGNORED (-1)

struct table {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry entries[ROUTES + 1];
};

static int new_vm(void)
{
	int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_IRQCHIP, 0), 0);
	return vm;
}

static struct table *new_table(void)
{
	return check_pages(sizeof(struct table));
}

static struct kvm_irq_routing_entry to_pin(u32 gsi, u32 chip, u32 pin)
{
	return (struct kvm_irq_routing_entry){.gsi = gsi,
					      .type = KVM_IRQ_ROUTING_IRQCHIP,
					      .u.irqchip = {.irqchip = chip, .pin = pin}};
}

static struct kvm_irq_routing_entry to_msi(u32 gsi, u32 address, u32 data)
{
	return (struct kvm_irq_routing_entry){.gsi = gsi,
					      .type = KVM_IRQ_ROUTING_MSI,
					      .u.msi = {.address_lo = address, .data = data}};
}

static long set(int vm, struct table *t, u32 nr)
{
	t->head.nr = nr;
	return t_ioctl_ptr(vm, KVM_SET_GSI_ROUTING, t);
}

/* Sets a table of one entry. */
static long set_one(int vm, struct table *t, struct kvm_irq_routing_entry e)
{
	t->entries[0] = e;
	return set(vm, t, 1);
}

static s32 line(int vm, u32 gsi, u32 level)
{
	struct kvm_irq_level l = {.irq = gsi, .level = level};

	CHECK_RESULT(t_ioctl_ptr(vm, KVM_IRQ_LINE_STATUS, &l), 0);
	return (s32)l.status;
}

static long msi(int vm, u32 address, u32 data)
{
	struct kvm_msi m = {.address_lo = address, .data = data};

	return t_ioctl_ptr(vm, KVM_SIGNAL_MSI, &m);
}

static void routing_errors(void)
{
	struct table *t = new_table();
	struct kvm_irq_routing_entry e;
	int vm = new_vm();
	int without = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_IRQ_ROUTING), ROUTES);
	CHECK_RESULT(set(without, t, 0), -EINVAL);
	CHECK_RESULT(t_ioctl(without, KVM_SET_GSI_ROUTING, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl(vm, KVM_SET_GSI_ROUTING, T_BAD_ADDRESS), -EFAULT);
	t->head.flags = 1;
	CHECK_RESULT(set(vm, t, 0), -EINVAL);
	t->head.flags = 0;
	CHECK_RESULT(set(vm, t, ROUTES + 1), -EINVAL);
	CHECK_RESULT(set(vm, t, 0xffffffff), -EINVAL);
	CHECK_RESULT(set_one(vm, t, to_msi(ROUTES, 0, 0)), -EINVAL);
	CHECK_RESULT(set_one(vm, t, to_msi(0xffffffff, 0, 0)), -EINVAL);
	CHECK_RESULT(set_one(vm, t, to_pin(7, 3, 0)), -EINVAL);
	CHECK_RESULT(set_one(vm, t, to_pin(7, KVM_IRQCHIP_PIC_MASTER, 8)), -EINVAL);
	CHECK_RESULT(set_one(vm, t, to_pin(7, KVM_IRQCHIP_PIC_SLAVE, 8)), -EINVAL);
	CHECK_RESULT(set_one(vm, t, to_pin(7, KVM_IRQCHIP_IOAPIC, 24)), -EINVAL);
	CHECK_RESULT(set_one(vm, t, to_pin(7, KVM_IRQCHIP_IOAPIC, 0xffffffff)), -EINVAL);
	e = to_pin(7, KVM_IRQCHIP_IOAPIC, 7);
	e.flags = 1;
	CHECK_RESULT(set_one(vm, t, e), -EINVAL);
	e = to_msi(7, 0, 0);
	e.flags = 2;
	CHECK_RESULT(set_one(vm, t, e), -EINVAL);
	e.flags = KVM_MSI_VALID_DEVID;
	CHECK_RESULT(set_one(vm, t, e), 0);
	for (u32 type = 0; type < 4; type++) {
		e = (struct kvm_irq_routing_entry){.gsi = 1, .type = type == 1 ? 77 : type};
		if (type != KVM_IRQ_ROUTING_MSI)
			CHECK_RESULT(set_one(vm, t, e), -EINVAL);
	}
}

/* A table that is refused leaves the last one as it was; all of it counts. */
static void routing_replaced(void)
{
	struct table *t = new_table();
	int vm = new_vm();

	CHECK_EQUAL(line(vm, 4, 1), 1); /* to the PIC; the I/O APIC's pin is masked */
	CHECK_EQUAL(line(vm, 4, 0), 2);
	CHECK_EQUAL(line(vm, 4, 1), 0); /* coalesced with the edge that is pending */
	CHECK_EQUAL(line(vm, 4, 0), 2);
	CHECK_EQUAL(line(vm, 23, 1), IGNORED);
	CHECK_EQUAL(line(vm, 23, 0), 1);
	t->entries[0] = to_pin(9, KVM_IRQCHIP_PIC_MASTER, 4);
	t->entries[1] = to_pin(9, KVM_IRQCHIP_PIC_SLAVE, 9);
	CHECK_RESULT(set(vm, t, 2), -EINVAL);
	CHECK_EQUAL(line(vm, 4, 1), 0);
	CHECK_EQUAL(line(vm, 4, 0), 2);
	CHECK_RESULT(set(vm, t, 1), 0);
	CHECK_EQUAL(line(vm, 4, 1), IGNORED);
	CHECK_EQUAL(line(vm, 9, 1), 0);
	CHECK_EQUAL(line(vm, 9, 0), 1);
	CHECK_RESULT(set(vm, t, 0), 0);
	CHECK_EQUAL(line(vm, 9, 1), IGNORED);
	CHECK_EQUAL(line(vm, 0, 0), IGNORED);
}

/* One GSI may lead to one pin of each controller, or to one message. */
static void routing_several(void)
{
	struct table *t = new_table();
	int vm = new_vm();

	t->entries[0] = to_pin(ROUTES - 1, KVM_IRQCHIP_PIC_MASTER, 3);
	t->entries[1] = to_pin(ROUTES - 1, KVM_IRQCHIP_PIC_SLAVE, 3);
	t->entries[2] = to_pin(ROUTES - 1, KVM_IRQCHIP_IOAPIC, 3);
	CHECK_RESULT(set(vm, t, 3), 0);
	CHECK_EQUAL(line(vm, ROUTES - 1, 1), 2);
	CHECK_EQUAL(line(vm, ROUTES - 1, 0), 3);
	t->entries[3] = to_pin(ROUTES - 1, KVM_IRQCHIP_IOAPIC, 4);
	CHECK_RESULT(set(vm, t, 4), -EINVAL);
	t->entries[3] = to_msi(ROUTES - 1, 0, 0);
	CHECK_RESULT(set(vm, t, 4), -EINVAL);
	/* Two GSIs may share a pin: it is high while either is. */
	t->entries[3] = to_pin(5, KVM_IRQCHIP_IOAPIC, 3);
	CHECK_RESULT(set(vm, t, 4), 0);
	t->entries[0] = to_msi(5, 0, 0);
	t->entries[1] = to_msi(5, 0, 0);
	CHECK_RESULT(set(vm, t, 2), -EINVAL);
	t->entries[1] = to_pin(5, KVM_IRQCHIP_IOAPIC, 3);
	CHECK_RESULT(set(vm, t, 2), -EINVAL);
	for (u32 i = 0; i < ROUTES; i++)
		t->entries[i] = to_msi(i, 0xfee00000, 0x40);
	CHECK_RESULT(set(vm, t, ROUTES), 0);
	CHECK_EQUAL(line(vm, ROUTES - 1, 0), IGNORED); /* a message goes out when it rises */
}

/* Delivered by a GSI of its own and by KVM_SIGNAL_MSI, while the guest counts. */
static void routing_msi_delivered(void)
{
	struct table *t = new_table();
	struct machine m;

	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(&m, VECTOR_XAPIC, handler_xapic);
	m.regs.rax = 10;
	m.regs.rcx = 4;
	machine_start(&m, irq_ioapic);
	CHECK_RESULT(set_one(m.vm, t, to_msi(100, 0xfee00000, VECTOR_XAPIC)), 0);
	machine_run_out(&m, PORT_READY);
	CHECK_EQUAL(line(m.vm, 100, 1), 1);
	CHECK_EQUAL(line(m.vm, 10, 1), IGNORED);
	machine_run_out(&m, PORT_READY);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 1);
	CHECK_EQUAL(line(m.vm, 100, 1), 1); /* no level to be lowered first */
	machine_run_out(&m, PORT_READY);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 2);
	CHECK_RESULT(msi(m.vm, 0xfee00000, VECTOR_XAPIC), 1);
	machine_run_out(&m, PORT_READY);
	/* The pin that the guest has set up, by another GSI. */
	CHECK_RESULT(set_one(m.vm, t, to_pin(0, KVM_IRQCHIP_IOAPIC, 10)), 0);
	CHECK_EQUAL(line(m.vm, 0, 1), 1);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 4);
}

/* Of the clock's pin KVM_IRQ_LINE_STATUS tells that the guest has not ended the last one. */
static void routing_clock_status(void)
{
	struct machine m;

	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(&m, VECTOR_XAPIC, handler_xapic);
	m.regs.rax = 8;
	m.regs.rcx = 2;
	machine_start(&m, irq_ioapic);
	machine_run_out(&m, PORT_READY);
	CHECK_EQUAL(line(m.vm, 8, 1), 1);
	CHECK_EQUAL(line(m.vm, 8, 0), 1);
	CHECK_EQUAL(line(m.vm, 8, 1), 0); /* coalesced */
	CHECK_EQUAL(line(m.vm, 8, 0), 1);
	CHECK_EQUAL(line(m.vm, 9, 0), 1);
	machine_run_out(&m, PORT_READY);
	CHECK_EQUAL(line(m.vm, 8, 1), 1);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 2);
}

static void msi_errors(void)
{
	struct kvm_msi m = {.address_lo = 0xfee00000, .data = 0x40};
	int vm = new_vm();
	int without = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	CHECK_RESULT(t_ioctl_ptr(without, KVM_SIGNAL_MSI, &m), -EINVAL);
	CHECK_RESULT(t_ioctl(vm, KVM_SIGNAL_MSI, T_BAD_ADDRESS), -EFAULT);
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SIGNAL_MSI, &m), -EPERM); /* no local APIC at all */
	/* Linux finds the first one from the creation of the second on. */
	CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 1));
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SIGNAL_MSI, &m), 0); /* one that is disabled */
	m.flags = 2;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SIGNAL_MSI, &m), -EINVAL);
	m.flags = KVM_MSI_VALID_DEVID;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SIGNAL_MSI, &m), 0);
	CHECK_RESULT(msi(vm, 0xfee05000, 0x40), 0);  /* there is no APIC 5 */
	CHECK_RESULT(msi(vm, 0xfee00000, 0x440), 1); /* an NMI needs no enabled APIC */
	CHECK_RESULT(msi(vm, 0xfee00000, 0x540), 1); /* nor does INIT */
	CHECK_RESULT(msi(vm, 0xfee00000, 0x640), 1); /* nor SIPI */
	CHECK_RESULT(msi(vm, 0xfee00000, 0x740), 0); /* ExtINT comes from the PIC only */
}

static long enable_x2apic_api(int vm, u64 flags)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_X2APIC_API, .args = {flags}};

	return t_ioctl_ptr(vm, KVM_ENABLE_CAP, &cap);
}

/* The upper 24 bits of a destination, in the upper half of the address. */
static void msi_x2apic_ids(void)
{
	const u64 both = KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK;
	struct kvm_msi m = {.address_lo = 0xfee00000, .address_hi = 0x1ff, .data = 0x440};
	struct table *t = new_table();
	struct kvm_irq_routing_entry e = to_msi(1, 0xfee00000, 0x40);
	int vm = new_vm();

	CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
	CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 1));
	CHECK((t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_X2APIC_API) & (long)both) == both);
	e.u.msi.address_hi = 0x101;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SIGNAL_MSI, &m), 1); /* not looked at */
	CHECK_RESULT(set_one(vm, t, e), 0);
	CHECK_RESULT(enable_x2apic_api(vm, 1u << 31), -EINVAL);
	CHECK_RESULT(enable_x2apic_api(vm, both), 0);
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SIGNAL_MSI, &m), -EINVAL);
	CHECK_RESULT(set_one(vm, t, e), -EINVAL);
	m.address_hi = 0x100;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SIGNAL_MSI, &m), 0); /* APIC 0x100: none */
	m.address_hi = 0;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SIGNAL_MSI, &m), 1);
	CHECK_RESULT(enable_x2apic_api(vm, 0), 0); /* takes nothing away */
	m.address_hi = 1;
	CHECK_RESULT(t_ioctl_ptr(vm, KVM_SIGNAL_MSI, &m), -EINVAL);
}

static void boot_cpu_id(void)
{
	struct kvm_mp_state mp;
	int vm = new_vm(), vcpu[2];
	struct kvm_sregs sregs;

	/* One that no vCPU can have; Linux 6.1 takes it all the same. */
	if (t_ioctl(vm, KVM_SET_BOOT_CPU_ID, 0xffffffff) != -EINVAL)
		CHECK(!target_is_kvm0);
	CHECK_RESULT(t_ioctl(vm, KVM_SET_BOOT_CPU_ID, 1), 0);
	for (u64 i = 0; i < 2; i++) {
		vcpu[i] = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, i));
		CHECK_RESULT(t_ioctl_ptr(vcpu[i], KVM_GET_MP_STATE, &mp), 0);
		CHECK_EQUAL(mp.mp_state,
			    i == 1 ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_UNINITIALIZED);
		CHECK_RESULT(t_ioctl_ptr(vcpu[i], KVM_GET_SREGS, &sregs), 0);
		CHECK_EQUAL(sregs.apic_base, i == 1 ? 0xfee00900 : 0xfee00800);
	}
	CHECK_RESULT(t_ioctl(vm, KVM_SET_BOOT_CPU_ID, 0), -EBUSY);
	CHECK_RESULT(t_ioctl(vm, KVM_SET_BOOT_CPU_ID, 0x100000000), -EBUSY);
}

SUITE(routing, TEST(routing_errors), TEST(routing_replaced), TEST(routing_several),
      TEST(routing_msi_delivered), TEST(routing_clock_status), TEST(msi_errors),
      TEST(msi_x2apic_ids), TEST(boot_cpu_id));
