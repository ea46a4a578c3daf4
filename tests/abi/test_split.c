/* SPDX-License-Identifier: MIT */
/* KVM_CAP_SPLIT_IRQCHIP: local APICs in KVM, and the PIC, the I/O APIC and the PIT in user space.
 */
#include "tests/abi/access.h"

#define PIC_VECTOR 0x61
#define LEVEL      0x8000u /* in an MSI's data */
#define EOI        (GPA_APIC + 0xb0)
#define LINT0      0x350
#define LEVEL_0    0x41 /* GSI 0, to vCPU 0 */
#define EDGE_0     0x52 /* GSI 1 */
#define LEVEL_1    0x43 /* GSI 2, to vCPU 1 */
#define BEYOND     0x64 /* the first GSI that is not of the I/O APIC's, level */

static long split(int vm, u64 pins)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {pins}};

	return t_ioctl_ptr(vm, KVM_ENABLE_CAP, &cap);
}

static int new_vm(void)
{
	return CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
}

static void split_enable(void)
{
	int vm = new_vm(), with = new_vm(), late = new_vm();

	CHECK_RESULT(t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_SPLIT_IRQCHIP), 1);
	CHECK_RESULT(split(vm, 4097), -EINVAL);
	CHECK_RESULT(split(vm, ~0ull), -EINVAL);
	CHECK_RESULT(split(vm, 4096), 0);
	CHECK_RESULT(split(vm, 24), -EEXIST);
	CHECK_RESULT(t_ioctl(vm, KVM_CREATE_IRQCHIP, 0), -EEXIST);
	CHECK_RESULT(t_ioctl(with, KVM_CREATE_IRQCHIP, 0), 0);
	CHECK_RESULT(split(with, 24), -EEXIST);
	CHECK_HANDLE(t_ioctl(late, KVM_CREATE_VCPU, 0));
	CHECK_RESULT(split(late, 24), -EEXIST);
	CHECK_RESULT(split(late, 4097), -EINVAL);
}

struct routes {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry entries[4];
};

static struct kvm_irq_routing_entry route(u32 gsi, u32 cpu, u32 data)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = {.address_lo = GPA_APIC | cpu << 12, .data = data}};
}

static void set_routes(const struct machine *m)
{
	struct routes r = {.head.nr = 4,
			   .entries = {route(0, 0, LEVEL | LEVEL_0), route(1, 0, EDGE_0),
				       route(2, 1, LEVEL | LEVEL_1),
				       route(MACHINE_USER_PINS, 0, LEVEL | BEYOND)}};

	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_SET_GSI_ROUTING, &r), 0);
}

static s32 line(const struct machine *m, u32 gsi, u32 level)
{
	struct kvm_irq_level l = {.irq = gsi, .level = level};

	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_IRQ_LINE_STATUS, &l), 0);
	return (s32)l.status;
}

/* What needs a PIC, an I/O APIC or a PIT in KVM is refused; messages are not. */
static void split_calls(void)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
	struct kvm_reinject_control reinject = {.pit_reinject = 1};
	struct routes pin = {.head.nr = 1,
			     .entries = {{.gsi = 1, .type = KVM_IRQ_ROUTING_IRQCHIP}}};
	struct kvm_msi msi = {.address_lo = GPA_APIC, .data = EDGE_0};
	struct kvm_mp_state mp;
	struct kvm_pit_state2 pit;
	struct machine m, other;

	machine_open(&m, MODE_LONG, MACHINE_SPLIT | MACHINE_CPUID);
	other = access_add_vcpu(&m, 1);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_GET_IRQCHIP, &chip), -ENXIO);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_SET_IRQCHIP, &chip), -ENXIO);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_GET_PIT2, &pit), -ENXIO);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_REINJECT_CONTROL, &reinject), -ENXIO);
	if (target_is_kvm0) /* Linux makes one before 6.11 */
		CHECK_RESULT(t_ioctl(m.vm, KVM_CREATE_PIT, 0), -ENOENT);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_SET_GSI_ROUTING, &pin), -EINVAL);
	CHECK_EQUAL(line(&m, 0, 1), -1); /* there are no routes */
	set_routes(&m);
	access_set_apic(&m, 0xf0, 0x1ff);
	CHECK_EQUAL(line(&m, 1, 1), 1);
	CHECK_EQUAL(line(&m, 1, 0), -1);
	CHECK(access_vector(&m, ACCESS_IRR, EDGE_0));
	CHECK(!access_vector(&m, ACCESS_TMR, EDGE_0));
	CHECK_EQUAL(line(&m, 0, 1), 1);
	CHECK(access_vector(&m, ACCESS_TMR, LEVEL_0));
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_SIGNAL_MSI, &msi), 1);
	CHECK_RESULT(t_ioctl_ptr(other.vcpu, KVM_GET_MP_STATE, &mp), 0);
	CHECK_EQUAL(mp.mp_state, KVM_MP_STATE_UNINITIALIZED);
}

/* irqfds raise messages; there is no EOI that a resampling one could wait for. */
static void split_irqfd(void)
{
	int event = CHECK_HANDLE(t_event_create(0, false));
	int again = CHECK_HANDLE(t_event_create(0, false));
	struct kvm_irqfd f = {.fd = (u32)event, .gsi = 1, .resamplefd = (u32)again};
	struct machine m;

	machine_open(&m, MODE_LONG, MACHINE_SPLIT | MACHINE_CPUID);
	access_set_apic(&m, 0xf0, 0x1ff);
	set_routes(&m);
	f.flags = KVM_IRQFD_FLAG_RESAMPLE;
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_IRQFD, &f), -EINVAL);
	f.flags = 0;
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_IRQFD, &f), 0);
	CHECK_RESULT(t_event_signal(event, 1), 0);
	CHECK(access_vector(&m, ACCESS_IRR, EDGE_0));
}

static long inject(const struct machine *m, u32 vector)
{
	struct kvm_interrupt i = {.irq = vector};

	return t_ioctl_ptr(m->vcpu, KVM_INTERRUPT, &i);
}

/* KVM_INTERRUPT is the user's PIC: it waits for LINT0 to take it, and another for it. */
static void split_interrupt(void)
{
	struct kvm_vcpu_events events;
	struct machine m;

	machine_need_vmx("the interrupts of a 64-bit guest");
	access_open(&m, MACHINE_SPLIT);
	CHECK_RESULT(inject(&m, 256), -EINVAL);
	CHECK_RESULT(inject(&m, PIC_VECTOR), 0);
	CHECK_RESULT(inject(&m, PIC_VECTOR + 1), -EEXIST);
	CHECK_EQUAL(machine_sregs(&m).interrupt_bitmap[PIC_VECTOR / 64], 0);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_VCPU_EVENTS, &events), 0);
	CHECK_EQUAL(events.interrupt.injected, 0);
	CHECK_EQUAL(access_take(&m), PIC_VECTOR);
	CHECK_EQUAL(access_take(&m), 0);
	/* In front of one of the local APIC's, whatever the vectors. */
	access_set_apic(&m, 0xf0, 0x1ff);
	set_routes(&m);
	CHECK_EQUAL(line(&m, 1, 1), 1);
	CHECK_RESULT(inject(&m, 0x21), 0);
	CHECK_EQUAL(access_take(&m), 0x21 << 8 | EDGE_0);
}

/* While LINT0 is masked there is no window, and what KVM_INTERRUPT has brought waits. */
static void split_masked(void)
{
	struct machine m;

	machine_need_vmx("the interrupts of a 64-bit guest");
	access_open(&m, MACHINE_SPLIT);
	access_set_apic(&m, LINT0, 0x10700);
	CHECK_RESULT(inject(&m, PIC_VECTOR), 0);
	m.run->request_interrupt_window = 1;
	m.regs.rflags = 0x202;
	access_get(&m, GPA_BUFFER);
	CHECK_EQUAL(m.run->if_flag, 1);
	CHECK_EQUAL(m.run->ready_for_interrupt_injection, 0);
	CHECK_EQUAL(access_noted(&m), 0);
	m.regs.rflags = 2;
	m.run->request_interrupt_window = 0;
	access_set_apic(&m, LINT0, 0x700);
	CHECK_EQUAL(access_take(&m), PIC_VECTOR);
}

static void window(struct machine *m)
{
	m->run->request_interrupt_window = 1;
	machine_run(m, KVM_EXIT_IRQ_WINDOW_OPEN);
	CHECK_EQUAL(m->run->if_flag, 1);
	CHECK_EQUAL(m->run->ready_for_interrupt_injection, 1);
	m->run->request_interrupt_window = 0;
	CHECK_RESULT(inject(m, PIC_VECTOR), 0);
}

static void split_window(void)
{
	struct machine m;

	machine_need_vmx("the interrupt window");
	machine_open(&m, MODE_LONG, MACHINE_SPLIT | MACHINE_CPUID);
	machine_set_vector(&m, PIC_VECTOR, handler_plain);
	machine_start(&m, irq_window);
	CHECK_EQUAL(machine_run_out(&m, PORT_READY), 1);
	CHECK_EQUAL(m.run->ready_for_interrupt_injection, 0);
	window(&m);
	CHECK_EQUAL(machine_run_out(&m, PORT_READY), 2);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 1);
	machine_run_out(&m, PORT_READY);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 1);
}

/* HLT stays in KVM; the window opens for one who waits for it, and the interrupt ends the HLT. */
static void split_halt(void)
{
	struct machine m;

	machine_need_vmx("the interrupt window");
	access_open(&m, MACHINE_SPLIT);
	machine_start(&m, access_halt);
	window(&m);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(access_noted(&m), PIC_VECTOR);
}

static void run_to_eoi(struct machine *m, u8 vector)
{
	machine_run(m, KVM_EXIT_IOAPIC_EOI);
	CHECK_EQUAL(m->run->eoi.vector, vector);
	machine_run_out(m, PORT_DONE);
}

static void end(struct machine *m)
{
	m->regs.rdi = EOI;
	machine_start(m, access_write);
}

/* User space hears of the EOI of what its I/O APIC has sent as level-triggered, and of nothing
 * else. */
static void split_eoi(void)
{
	struct machine m, other;

	machine_need_vmx("the interrupts of a 64-bit guest");
	access_open(&m, MACHINE_SPLIT);
	other = access_add_vcpu(&m, 1);
	access_set_apic(&m, 0xf0, 0x1ff);
	set_routes(&m);
	CHECK_EQUAL(line(&m, 0, 1), 1);
	CHECK_EQUAL(access_take(&m), LEVEL_0);
	end(&m);
	run_to_eoi(&m, LEVEL_0);
	CHECK(!access_vector(&m, ACCESS_ISR, LEVEL_0));
	CHECK_EQUAL(line(&m, 1, 1), 1);
	CHECK_EQUAL(access_take(&m), EDGE_0);
	end(&m);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(line(&m, MACHINE_USER_PINS, 1), 1);
	CHECK_EQUAL(access_take(&m), BEYOND);
	end(&m);
	machine_run_out(&m, PORT_DONE);
	/* The vector of a route to the other vCPU, by an IPI. */
	access_set(&m, GPA_APIC + 0x300, 0x44000 | LEVEL_1);
	CHECK_EQUAL(access_take(&m), LEVEL_1);
	end(&m);
	machine_run_out(&m, PORT_DONE);
	/* No EOI of any: nothing is in service. */
	end(&m);
	machine_run_out(&m, PORT_DONE);
	(void)other;
}

/* The same by the x2APIC's MSR, and by KVM_SET_MSRS, which is told at the next run. */
static void split_eoi_x2apic(void)
{
	struct kvm_sregs s;
	struct machine m;

	machine_need_vmx("the interrupts of a 64-bit guest");
	access_open(&m, MACHINE_SPLIT);
	s = machine_sregs(&m);
	s.apic_base |= 0xc00;
	machine_set_sregs(&m, &s);
	access_set_apic(&m, 0xf0, 0x1ff);
	set_routes(&m);
	CHECK_EQUAL(line(&m, 0, 1), 1);
	CHECK_EQUAL(access_take(&m), LEVEL_0);
	m.regs.rcx = 0x80b;
	m.regs.rax = m.regs.rdx = 0;
	machine_start(&m, fault_wrmsr);
	run_to_eoi(&m, LEVEL_0);
	CHECK_EQUAL(line(&m, 0, 1), 1);
	CHECK_EQUAL(access_take(&m), LEVEL_0);
	machine_set_msr(&m, 0x80b, 0);
	machine_start(&m, long_done);
	run_to_eoi(&m, LEVEL_0);
}

/* Ports and memory of the controllers that are user space's go there. */
static void split_devices(void)
{
	struct machine m;

	access_open(&m, MACHINE_SPLIT);
	m.regs.rdi = GPA_IOAPIC + 0x10;
	machine_start(&m, access_read);
	machine_mmio_read(&m, GPA_IOAPIC + 0x10, 4, 0x12345678);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(machine_regs(&m).rax, 0x12345678);
	for (u32 i = 0; i < 4; i++) {
		static const u16 ports[] = {0x20, 0xa1, 0x40, 0x4d1};

		m.regs.rdx = ports[i];
		m.regs.rax = 0x5a;
		machine_start(&m, access_out);
		CHECK_EQUAL(machine_run_out(&m, ports[i]), 0x5a);
		machine_run_out(&m, PORT_DONE);
	}
}

/* An I/O APIC of user space's may have an EOI register, so the guest may stop the broadcast; Linux
 * tells of the EOI all the same. */
static void split_directed_eoi(void)
{
	struct machine m;

	machine_need_vmx("the interrupts of a 64-bit guest");
	access_open(&m, MACHINE_IRQCHIP);
	CHECK_EQUAL(access_get(&m, GPA_APIC + 0x30) >> 24 & 1, 0);
	access_set(&m, GPA_APIC + 0xf0, 0x11ff);
	CHECK_EQUAL(access_get(&m, GPA_APIC + 0xf0), 0x1ff);
	access_open(&m, MACHINE_SPLIT);
	CHECK_EQUAL(access_get(&m, GPA_APIC + 0x30) >> 24 & 1, 1);
	access_set(&m, GPA_APIC + 0xf0, 0x11ff);
	CHECK_EQUAL(access_get(&m, GPA_APIC + 0xf0), 0x11ff);
	set_routes(&m);
	CHECK_EQUAL(line(&m, 0, 1), 1);
	CHECK_EQUAL(access_take(&m), LEVEL_0);
	end(&m);
	run_to_eoi(&m, LEVEL_0);
}

SUITE(split, TEST(split_enable), TEST(split_calls), TEST(split_irqfd), TEST(split_interrupt),
      TEST(split_masked), TEST(split_window), TEST(split_halt), TEST(split_eoi),
      TEST(split_eoi_x2apic), TEST(split_devices), TEST(split_directed_eoi));
