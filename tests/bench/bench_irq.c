/* SPDX-License-Identifier: MIT */
/* Interrupts: self-IPIs, the deadline timer, and those that the caller brings. */
#include "tests/bench/bench.h"

#define IPI_ROUNDS    500
#define TIMER_ROUNDS  200
#define INJECT_ROUNDS 500
#define LINE_PIN      20

/* Ticks ahead of now at which the deadline timer is to fire. */
#define DEADLINE_AHEAD 50000

static void open_irqchip(struct machine *m)
{
	machine_open(m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(m, VECTOR_XAPIC, handler_xapic);
	machine_set_vector(m, VECTOR_X2APIC, handler_x2apic);
}

/* From the write of the ICR until the main loop sees the handler's count. */
static void self_ipi(void)
{
	struct machine m;

	open_irqchip(&m);
	bench_loop(&m, check_arg(), IPI_ROUNDS);
	bench_row(NULL, NULL, bench_results(&m, 0), IPI_ROUNDS, "guest");
	bench_row(NULL, "to_isr", bench_results(&m, 1), IPI_ROUNDS, "guest");
	bench_row(NULL, "eoi", bench_results(&m, 2), IPI_ROUNDS, "guest");
}

/* The same from one vCPU to another, each on a CPU of its own. */
static void ipi_running(void)
{
	struct kvm_mp_state runnable = {.mp_state = KVM_MP_STATE_RUNNABLE};
	struct machine m, other;
	const volatile u32 *spins;

	open_irqchip(&m);
	other = m;
	other.vcpu = machine_add_vcpu(&m, 1, &other.run);
	other.regs.rsp = GPA_STACK - 0x1000;
	machine_start(&other, time_spin);
	CHECK_RESULT(t_ioctl_ptr(other.vcpu, KVM_SET_MP_STATE, &runnable), 0);
	spins = machine_at(&m, GPA_VARS + VAR_IRQS);
	if (!bench_run_elsewhere(other.vcpu))
		check_skip("this machine has one CPU");
	for (u64 start = rdtsc(); !*spins && rdtsc() - start < 1ull << 32;)
		cpu_pause();
	CHECK(*spins);
	bench_loop(&m, time_other_x2apic, IPI_ROUNDS);
	bench_end_elsewhere(other.run);
	bench_row(NULL, NULL, bench_results(&m, 0), IPI_ROUNDS, "guest");
	bench_row(NULL, "to_isr", bench_results(&m, 1), IPI_ROUNDS, "guest");
}

static void deadline(struct machine *m, s64 ahead, u64 halt)
{
	if (t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) <= 0)
		check_skip("no TSC-deadline timer");
	open_irqchip(m);
	m->regs.r10 = (u64)ahead;
	m->regs.r11 = halt;
	bench_loop(m, time_deadline, TIMER_ROUNDS);
}

/* From before the WRMSR of a deadline that is past to the handler. */
static void tscdl_expired(void)
{
	struct machine m;

	deadline(&m, -1000, 0);
	bench_row(NULL, NULL, bench_results(&m, 3), TIMER_ROUNDS, "guest");
}

/* The handler's entry less the deadline, and the WRMSR. */
static void tscdl_late(u64 halt)
{
	struct machine m;
	u64 *late;
	u32 early = 0;

	deadline(&m, DEADLINE_AHEAD, halt);
	late = bench_results(&m, 0);
	for (u32 i = 0; i < TIMER_ROUNDS; i++) {
		if (late[i] >> 31) {
			late[i] = 0;
			early++;
		}
	}
	if (early)
		t_printf("# %s: %u of %u came early, counted as 0\n", check_name(), early,
			 TIMER_ROUNDS);
	bench_row(NULL, NULL, late, TIMER_ROUNDS, "guest");
	bench_row(NULL, "arm", bench_results(&m, 1), TIMER_ROUNDS, "guest");
}

static void tscdl_late_spin(void)
{
	tscdl_late(0);
}

static void tscdl_late_hlt(void)
{
	tscdl_late(1);
}

/* A call that interrupts the guest, which writes to a port over and over, and the KVM_RUN that
 * delivers it and ends with the next write.  @undo: for the same call between two rounds, not
 * measured, or NULL. */
static void inject(struct machine *m, const char *routine, int handle, u64 request, const void *arg,
		   const void *undo)
{
	u32 before;
	u64 t;
	long r, q;

	m->regs.r9 = PORT_TEST;
	machine_start(m, routine);
	for (u32 i = 0; i < 4; i++)
		machine_run(m, KVM_EXIT_IO);
	before = machine_u32(m, GPA_VARS + VAR_IRQS);
	for (u32 i = 0; i < INJECT_ROUNDS; i++) {
		t = rdtsc();
		r = t_ioctl_ptr(handle, request, arg);
		q = t_run_quick(m->vcpu);
		bench_samples[i] = rdtsc() - t;
		CHECK(r >= 0);
		CHECK_RESULT(q, 0);
		CHECK_EQUAL(m->run->exit_reason, KVM_EXIT_IO);
		if (undo)
			CHECK_RESULT(t_ioctl_ptr(handle, request, undo), 0);
	}
	CHECK(machine_u32(m, GPA_VARS + VAR_IRQS) - before >= INJECT_ROUNDS - 1);
	bench_row(NULL, NULL, bench_samples, INJECT_ROUNDS, "host");
}

static void inject_noirqchip_run(void)
{
	struct kvm_interrupt interrupt = {.irq = VECTOR_PLAIN};
	struct machine m;

	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	machine_set_vector(&m, VECTOR_PLAIN, handler_plain);
	inject(&m, time_user_out_if, m.vcpu, KVM_INTERRUPT, &interrupt, NULL);
}

static void inject_msi_run(void)
{
	struct kvm_msi msi = {.address_lo = GPA_APIC, .data = VECTOR_XAPIC};
	struct machine m;

	open_irqchip(&m);
	inject(&m, time_user_out_apic, m.vm, KVM_SIGNAL_MSI, &msi, NULL);
}

/* An edge at a pin of the I/O APIC that the PIC does not have. */
static void irq_line_run(void)
{
	const struct kvm_irq_level up = {.irq = LINE_PIN, .level = 1}, down = {.irq = LINE_PIN};
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
	struct machine m;

	open_irqchip(&m);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_GET_IRQCHIP, &chip), 0);
	chip.chip.ioapic.redirtbl[LINE_PIN].bits = VECTOR_XAPIC;
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_SET_IRQCHIP, &chip), 0);
	inject(&m, time_user_out_apic, m.vm, KVM_IRQ_LINE, &up, &down);
}

static void irq_line(void)
{
	struct kvm_irq_level line = {.irq = 5};
	struct machine m;
	u64 t;
	long r;

	open_irqchip(&m);
	for (u32 i = 0; i < INJECT_ROUNDS; i++) {
		line.level = !(i & 1);
		t = rdtsc();
		r = t_ioctl_ptr(m.vm, KVM_IRQ_LINE, &line);
		bench_samples[i] = rdtsc() - t;
		CHECK_RESULT(r, 0);
	}
	bench_row(NULL, NULL, bench_samples, INJECT_ROUNDS, "host");
}

SUITE(irq, {.name = "selfipi_xapic", .run = self_ipi, .arg = time_self_xapic},
      {.name = "selfipi_x2apic", .run = self_ipi, .arg = time_self_x2apic}, TEST(ipi_running),
      TEST(tscdl_expired), TEST(tscdl_late_spin), TEST(tscdl_late_hlt), TEST(inject_msi_run),
      TEST(inject_noirqchip_run), TEST(irq_line_run), TEST(irq_line));
