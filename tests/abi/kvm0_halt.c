/* SPDX-License-Identifier: MIT */
/* Halted vCPUs, as the control guest sees them: polls, hints, whose the PIT is. */
#include "guest/lib/hypercall.h"
#include "guest/lib/smp.h"
#include "guest/lib/time.h"
#include "tests/abi/kvm0_halt.h"
#include "tests/abi/kvm0_smp.h"

#define LINE      10
#define ROUNDS    20u
#define WINDOW_NS "40000000" /* longer than any of this takes */
#define LONG_US   20000u
#define SHORT_US  1000u

static volatile u64 wakes;
static volatile u32 woken;

static void note_wake(u32 handle)
{
	woken = handle;
	wakes++;
}

static void set(const char *name, const char *value)
{
	struct kvm0_param p = {0};

	memcpy(p.name, name, strlen(name));
	memcpy(p.value, value, strlen(value));
	CHECK_RESULT((long)kvm0_set_param(&p), 0);
}

void halt_set_window(const char *ns)
{
	set("halt_poll_ns", ns);
	set("halt_poll_ns_grow_start", ns);
}

void halt_set_defaults(void)
{
	set("halt_poll_ns", "200000");
	set("halt_poll_ns_grow_start", "10000");
}

static void set_line(const struct machine *m)
{
	struct kvm_irq_level line = {.irq = LINE, .level = 1};

	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_IRQ_LINE, &line), 0);
	line.level = 0;
	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_IRQ_LINE, &line), 0);
}

static s64 run_once(const struct machine *m, u64 hints)
{
	u64 deadline;

	return kvm0_run_once((u32)m->vcpu, hints, &deadline);
}

/* A guest that tells READY and halts until an interrupt, again and again; it has done so once, and
 * so has a window. */
static void open_halting(struct machine *m)
{
	machine_open(m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(m, VECTOR_XAPIC, handler_xapic);
	m->regs.rax = LINE;
	m->regs.rcx = 1000;
	machine_start(m, irq_ioapic);
	machine_run_out(m, PORT_READY);
	CHECK_EQUAL(run_once(m, 0), KVM0_RUN_BLOCKED);
	set_line(m);
	machine_run_out(m, PORT_READY);
	CHECK_EQUAL(machine_u32(m, GPA_VARS + VAR_IRQS), 1);
}

/* A halted vCPU is polled for unless the hint says no; an interrupt of the machine's ends the
 * run, and the window goes on in the next one. */
static void kvm0_halt_hint(void)
{
	struct machine m;
	u64 start;

	halt_set_window(WINDOW_NS);
	open_halting(&m);
	start = rdtsc();
	time_alarm(rdtsc() + time_us(SHORT_US));
	CHECK_EQUAL(run_once(&m, 0), KVM0_RUN_AGAIN);
	CHECK(rdtsc() - start >= time_us(SHORT_US / 2));
	time_alarm(rdtsc() + time_us(SHORT_US));
	CHECK_EQUAL(run_once(&m, 0), KVM0_RUN_AGAIN);
	start = rdtsc();
	CHECK_EQUAL(run_once(&m, KVM0_RUN_NO_POLL), KVM0_RUN_BLOCKED);
	CHECK(rdtsc() - start < time_us(SHORT_US));
	/* It is not polled for a second time. */
	CHECK_EQUAL(run_once(&m, 0), KVM0_RUN_BLOCKED);
	set_line(&m);
	machine_run_out(&m, PORT_READY);
	CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), 2);
	halt_set_defaults();
}

/* At its end the vCPU is blocked, with or without a timer of the machine's. */
static void kvm0_halt_window(void)
{
	struct machine m;
	u64 start;

	halt_set_window("2000000");
	open_halting(&m);
	start = rdtsc();
	CHECK_EQUAL(run_once(&m, 0), KVM0_RUN_BLOCKED);
	start = rdtsc() - start;
	CHECK(start >= time_us(1900) && start < time_us(4000));
	/* That was long: the next one has no window. */
	time_delay_us(1000);
	set_line(&m);
	machine_run_out(&m, PORT_READY);
	start = rdtsc();
	CHECK_EQUAL(run_once(&m, 0), KVM0_RUN_BLOCKED);
	CHECK(rdtsc() - start < time_us(SHORT_US));
	halt_set_defaults();
}

/* CPU 1 polls; what happens here ends that at once, and nobody has to be woken. */
static void wake_polled(struct machine *m, u32 round)
{
	struct runner *r = cpu1_run(m->vcpu);

	time_delay_us(100);
	if (round % 4 == 1) { /* something to see to, and on with it */
		CHECK_RESULT(machine_slot(m->vm, 5, 0, GPA_EXTRA, PAGE_SIZE, m->high), 0);
		CHECK_RESULT(machine_slot(m->vm, 5, 0, GPA_EXTRA, 0, m->high), 0);
	} else if (round % 4 == 2) {
		smp_kick(1);
	} else if (round % 4 == 3) {
		CHECK_RESULT((long)kvm0_signal((u32)m->vcpu, T_SIGNAL_A), 0);
		cpu1_end();
		CHECK_RESULT(r->result, -EINTR);
		CHECK_EQUAL(kvm0_take_signals((u32)m->vcpu, ~0ull), T_SIGNAL_BIT(T_SIGNAL_A));
		r = cpu1_run(m->vcpu);
	}
	time_delay_us(100);
	CHECK_EQUAL(machine_u32(m, GPA_VARS + VAR_IRQS), round);
	set_line(m);
	cpu1_end();
	CHECK_RESULT(r->result, 0);
	CHECK_EQUAL(r->blocked, 0);
	CHECK_EQUAL(machine_u32(m, GPA_VARS + VAR_IRQS), round + 1);
}

static void kvm0_halt_wake_polled(void)
{
	struct machine m;

	cpu1_need();
	halt_set_window(WINDOW_NS);
	open_halting(&m);
	wakes = 0;
	kvm0_on_wake(note_wake);
	for (u32 i = 1; i <= ROUNDS; i++)
		wake_polled(&m, i);
	kvm0_on_wake(NULL);
	CHECK_EQUAL(wakes, 0);
	halt_set_defaults();
}

/* A call that changes a blocked vCPU so that it need not wait is told as a wake-up, once. */
static void kvm0_halt_calls_wake(void)
{
	struct kvm_mp_state runs = {.mp_state = KVM_MP_STATE_RUNNABLE};
	struct kvm_lapic_state lapic;
	struct kvm_regs regs;
	struct machine m;
	u64 deadline;

	open_halting(&m);
	wakes = 0;
	kvm0_on_wake(note_wake);
	CHECK_EQUAL(run_once(&m, KVM0_RUN_NO_POLL), KVM0_RUN_BLOCKED);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_REGS, &regs), 0);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_LAPIC, &lapic), 0);
	CHECK_EQUAL(wakes, 0);
	/* A timer: 1 ms, one-shot. */
	*(u32 *)(void *)(lapic.regs + 0x320) = VECTOR_XAPIC;
	*(u32 *)(void *)(lapic.regs + 0x380) = 1000000;
	*(u32 *)(void *)(lapic.regs + 0x390) = 1000000;
	*(u32 *)(void *)(lapic.regs + 0x3e0) = 0xb;
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_LAPIC, &lapic), 0);
	CHECK_EQUAL(wakes, 1);
	CHECK_EQUAL(woken, m.vcpu);
	CHECK_EQUAL(kvm0_run_once((u32)m.vcpu, KVM0_RUN_NO_POLL, &deadline), KVM0_RUN_BLOCKED);
	CHECK(deadline != KVM0_NO_DEADLINE);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_MP_STATE, &runs), 0);
	CHECK_EQUAL(wakes, 2);
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_SET_MP_STATE, &runs), 0);
	CHECK_EQUAL(wakes, 2);
	kvm0_on_wake(NULL);
	machine_run_out(&m, PORT_READY); /* its loop halts until the timer has come */
}

/* The PIT's next interrupt, in some @us, goes to vCPU 1, which waits for it. */
static void arm_pit(const struct machine *m, u32 us)
{
	struct kvm_pit_state2 pit = {.channels[0] = {.count = us * 1193 / 1000,
						     .mode = 0,
						     .gate = 1,
						     .bcd = 0,
						     .rw_mode = 3,
						     .read_state = 3,
						     .write_state = 3}};

	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_SET_PIT2, &pit), 0);
}

static void route_pit(const struct machine *m)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};

	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_GET_IRQCHIP, &chip), 0);
	chip.chip.ioapic.redirtbl[0].bits = VECTOR_XAPIC | 1ull << 56;
	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_SET_IRQCHIP, &chip), 0);
}

/* vCPU 1 of @m halts for ever, but for interrupts. */
static int open_pit_waiter(struct machine *m)
{
	struct kvm_mp_state runs = {.mp_state = KVM_MP_STATE_RUNNABLE};
	struct machine other;

	machine_set_vector(m, VECTOR_XAPIC, handler_xapic);
	other = *m;
	other.vcpu = machine_add_vcpu(m, 1, &other.run);
	other.regs.rsp = GPA_STACK - 0x1000;
	other.regs.rcx = 1000;
	other.regs.rax = LINE;
	machine_start(&other, irq_ioapic);
	CHECK_RESULT(t_ioctl_ptr(other.vcpu, KVM_SET_MP_STATE, &runs), 0);
	machine_run_out(&other, PORT_READY);
	route_pit(m);
	CHECK_EQUAL(run_once(&other, KVM0_RUN_NO_POLL), KVM0_RUN_BLOCKED);
	wakes = 0;
	kvm0_on_wake(note_wake);
	return other.vcpu;
}

/* The PIT is vCPU 0's to see to; while that runs its tick wakes another one at once. */
static void kvm0_halt_pit_running(void)
{
	struct machine m;
	int other;
	u64 start;

	machine_open(&m, MODE_LONG, MACHINE_PIT | MACHINE_CPUID);
	other = open_pit_waiter(&m);
	start_at(m.vcpu, cpus_count, GPA_BUFFER, 0);
	arm_pit(&m, SHORT_US);
	start = rdtsc();
	time_alarm(rdtsc() + time_us(LONG_US));
	CHECK_EQUAL(run_once(&m, 0), KVM0_RUN_AGAIN);
	time_alarm(TIME_NEVER);
	CHECK(rdtsc() - start < time_us(SHORT_US * 4));
	CHECK_EQUAL(wakes, 1);
	CHECK_EQUAL(woken, other);
	kvm0_on_wake(NULL);
}

/* It is so before vCPU 0 was ever started. */
static void kvm0_halt_pit_waiting(void)
{
	struct machine m;
	int other;
	u64 deadline;

	machine_open(&m, MODE_LONG, MACHINE_PIT | MACHINE_CPUID | MACHINE_BARE);
	CHECK_RESULT(t_ioctl(m.vm, KVM_SET_BOOT_CPU_ID, 1), 0);
	m.vcpu = machine_add_vcpu(&m, 0, &m.run);
	other = open_pit_waiter(&m);
	arm_pit(&m, SHORT_US);
	CHECK_EQUAL(kvm0_run_once((u32)m.vcpu, 0, &deadline), KVM0_RUN_BLOCKED);
	CHECK(deadline != KVM0_NO_DEADLINE);
	while (rdtsc() < deadline)
		idle_until(deadline);
	CHECK_EQUAL(run_once(&m, 0), KVM0_RUN_BLOCKED);
	CHECK_EQUAL(wakes, 1);
	CHECK_EQUAL(woken, other);
	kvm0_on_wake(NULL);
}

/* A guest whose HLT does not exit: the machine's interrupts end its runs, its own end HLT. */
static void kvm0_halt_native(void)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_X86_DISABLE_EXITS,
				     .args = {KVM_X86_DISABLE_EXITS_HLT}};
	struct machine m;
	struct runner *r;

	cpu1_need();
	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID | MACHINE_BARE);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_ENABLE_CAP, &cap), 0);
	m.vcpu = machine_add_vcpu(&m, 0, &m.run);
	machine_set_vector(&m, VECTOR_XAPIC, handler_xapic);
	m.regs.rax = LINE;
	m.regs.rcx = 1000;
	machine_start(&m, irq_ioapic);
	machine_run_out(&m, PORT_READY);
	for (u32 i = 1; i <= ROUNDS; i++) {
		r = cpu1_run(m.vcpu);
		time_delay_us(100);
		smp_kick(1);
		time_delay_us(100);
		CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), i - 1);
		set_line(&m);
		cpu1_end();
		CHECK_RESULT(r->result, 0);
		CHECK_EQUAL(r->blocked, 0);
		CHECK_EQUAL(machine_u32(&m, GPA_VARS + VAR_IRQS), i);
	}
}

SUITE(kvm0_halt, TEST(kvm0_halt_hint), TEST(kvm0_halt_window), TEST(kvm0_halt_wake_polled),
      TEST(kvm0_halt_calls_wake), TEST(kvm0_halt_pit_running), TEST(kvm0_halt_pit_waiting),
      TEST(kvm0_halt_native));
