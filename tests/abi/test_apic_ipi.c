/* SPDX-License-Identifier: MIT */
/* Whom interrupts between local APICs and MSIs reach: destination and delivery modes, INIT and
 * SIPI. */
#include "tests/abi/access.h"

#define CPUS 4u

#define REG_ID   0x20
#define REG_LDR  0xd0
#define REG_DFR  0xe0
#define REG_SVR  0xf0
#define REG_ICR  0x300
#define REG_ICR2 0x310

#define LOWEST    0x100
#define LOGICAL   0x800
#define ASSERT    0x4000
#define LEVEL     0x8000
#define TO_SELF   (1u << 18)
#define TO_ALL    (2u << 18)
#define TO_OTHERS (3u << 18)
#define CLUSTER   0x0fffffff
#define VECTOR    0x45

/* Four vCPUs with ids 0 to 3; only vCPU 0 is run. */
static struct machine cpu[CPUS];

static void open(void)
{
	access_open(&cpu[0], MACHINE_IRQCHIP);
	for (u32 i = 1; i < CPUS; i++)
		cpu[i] = access_add_vcpu(&cpu[0], i);
	for (u32 i = 0; i < CPUS; i++)
		access_set_apic(&cpu[i], REG_SVR, 0x1ff);
}

static void set_logical(u32 dfr, const u8 ldr[CPUS])
{
	for (u32 i = 0; i < CPUS; i++) {
		access_set_apic(&cpu[i], REG_DFR, dfr);
		access_set_apic(&cpu[i], REG_LDR, (u32)ldr[i] << 24);
	}
}

/* Who has got the vector, a bit each; it is taken from them. */
static u32 who(u8 vector)
{
	u32 found = 0;

	for (u32 i = 0; i < CPUS; i++) {
		u8 v = access_take_irr(&cpu[i]);

		if (v == vector)
			found |= 1u << i;
		else if (v)
			check_fail(__FILE__, __LINE__, "vCPU %u has got 0x%x", i, v);
	}
	return found;
}

/* By vCPU 0's ICR. */
static u32 ipi(u8 dest, u32 icr)
{
	access_set(&cpu[0], GPA_APIC + REG_ICR2, (u32)dest << 24);
	access_set(&cpu[0], GPA_APIC + REG_ICR, icr);
	return who((u8)icr);
}

static u32 msi(u32 address, u32 data)
{
	struct kvm_msi m = {.address_lo = GPA_APIC | address, .data = data};
	long taken = t_ioctl_ptr(cpu[0].vm, KVM_SIGNAL_MSI, &m);
	u32 found = who((u8)data);

	for (u32 i = 0; i < CPUS; i++)
		taken -= found >> i & 1;
	CHECK_EQUAL(taken, 0);
	return found;
}

static void apic_ipi_physical(void)
{
	open();
	CHECK_EQUAL(ipi(1, ASSERT | VECTOR), 2);
	CHECK_EQUAL(access_apic(&cpu[0], REG_ICR), ASSERT | VECTOR);
	CHECK_EQUAL(access_apic(&cpu[0], REG_ICR2), 1u << 24);
	CHECK_EQUAL(ipi(3, ASSERT | VECTOR), 8);
	CHECK_EQUAL(ipi(0, ASSERT | VECTOR), 1);
	CHECK_EQUAL(ipi(4, ASSERT | VECTOR), 0);
	CHECK_EQUAL(ipi(0xfe, ASSERT | VECTOR), 0);
	CHECK_EQUAL(ipi(0xff, ASSERT | VECTOR), 0xf);
	/* The delivery status reads idle. */
	ipi(2, 0x1000 | ASSERT | VECTOR);
	CHECK_EQUAL(access_get(&cpu[0], GPA_APIC + REG_ICR), ASSERT | VECTOR);
	/* Level-triggered: only the assertion is an interrupt. */
	CHECK_EQUAL(ipi(1, LEVEL | VECTOR), 0);
	CHECK_EQUAL(ipi(1, LEVEL | ASSERT | VECTOR), 2);
	CHECK(access_vector(&cpu[1], ACCESS_TMR, VECTOR));
	CHECK_EQUAL(ipi(1, VECTOR), 2);
	CHECK(!access_vector(&cpu[1], ACCESS_TMR, VECTOR));
	/* Lowest priority of one that is named. */
	CHECK_EQUAL(ipi(2, LOWEST | ASSERT | VECTOR), 4);
	CHECK_EQUAL(ipi(0xff, LOWEST | ASSERT | VECTOR), 0xf);
}

static void apic_ipi_shorthand(void)
{
	open();
	for (u32 dest = 0; dest < 0x100; dest += 0x55) {
		CHECK_EQUAL(ipi((u8)dest, TO_SELF | ASSERT | VECTOR), 1);
		CHECK_EQUAL(ipi((u8)dest, TO_ALL | ASSERT | VECTOR), 0xf);
		CHECK_EQUAL(ipi((u8)dest, TO_OTHERS | ASSERT | VECTOR), 0xe);
		CHECK_EQUAL(ipi((u8)dest, TO_OTHERS | LOGICAL | ASSERT | VECTOR), 0xe);
	}
	access_set_apic(&cpu[2], REG_SVR, 0xff); /* one that is off */
	CHECK_EQUAL(ipi(0, TO_ALL | ASSERT | VECTOR), 0xb);
}

static void apic_ipi_flat(void)
{
	static const u8 ldr[CPUS] = {1, 2, 4, 0x80};

	open();
	CHECK_EQUAL(ipi(1, LOGICAL | ASSERT | VECTOR), 0); /* LDRs are 0 */
	set_logical(0xffffffff, ldr);
	CHECK_EQUAL(ipi(5, LOGICAL | ASSERT | VECTOR), 5);
	CHECK_EQUAL(ipi(0x8a, LOGICAL | ASSERT | VECTOR), 0xa);
	CHECK_EQUAL(ipi(0x80, LOGICAL | ASSERT | VECTOR), 8);
	CHECK_EQUAL(ipi(0x70, LOGICAL | ASSERT | VECTOR), 0);
	CHECK_EQUAL(ipi(0, LOGICAL | ASSERT | VECTOR), 0);
	CHECK_EQUAL(ipi(0xff, LOGICAL | ASSERT | VECTOR), 0xf);
	CHECK_EQUAL(msi(7 << 12 | 4, VECTOR), 7);
}

static void apic_ipi_cluster(void)
{
	static const u8 ldr[CPUS] = {0x11, 0x12, 0x21, 0x24};

	open();
	set_logical(CLUSTER, ldr);
	CHECK_EQUAL(ipi(0x13, LOGICAL | ASSERT | VECTOR), 3);
	CHECK_EQUAL(ipi(0x12, LOGICAL | ASSERT | VECTOR), 2);
	CHECK_EQUAL(ipi(0x2f, LOGICAL | ASSERT | VECTOR), 0xc);
	CHECK_EQUAL(ipi(0x22, LOGICAL | ASSERT | VECTOR), 0);
	CHECK_EQUAL(ipi(0x3f, LOGICAL | ASSERT | VECTOR), 0);
	CHECK_EQUAL(ipi(0xff, LOGICAL | ASSERT | VECTOR), 0xf);
	CHECK_EQUAL(msi(0x25 << 12 | 4, VECTOR), 0xc);
	/* A model that there is not is kept; the broadcast is one in all. */
	access_set(&cpu[0], GPA_APIC + REG_DFR, 0x50000000);
	CHECK_EQUAL(access_get(&cpu[0], GPA_APIC + REG_DFR), 0x5fffffff);
	CHECK_EQUAL(ipi(0xff, LOGICAL | ASSERT | VECTOR), 0xf);
}

/* One of those named, chosen by the vector (vector_hashing). */
static void apic_ipi_lowest(void)
{
	static const u8 flat[CPUS] = {1, 2, 4, 8}, cluster[CPUS] = {0x11, 0x12, 0x14, 0x18};

	open();
	set_logical(0xffffffff, flat);
	for (u32 v = 0x40; v < 0x48; v++) {
		CHECK_EQUAL(ipi(0xf, LOWEST | LOGICAL | ASSERT | v), 1u << v % 4);
		CHECK_EQUAL(ipi(0xa, LOWEST | LOGICAL | ASSERT | v), v % 2 ? 8 : 2);
		CHECK_EQUAL(msi(0xe << 12 | 4, LOWEST | v), 2u << v % 3);
		CHECK_EQUAL(msi(0xe << 12 | 0xc, v), 2u << v % 3); /* the redirection hint */
		CHECK_EQUAL(ipi(4, LOWEST | LOGICAL | ASSERT | v), 4);
	}
	set_logical(CLUSTER, cluster);
	for (u32 v = 0x40; v < 0x48; v++)
		CHECK_EQUAL(ipi(0x1f, LOWEST | LOGICAL | ASSERT | v), 1u << v % 4);
}

static void to_x2apic(void)
{
	struct kvm_sregs s;

	for (u32 i = 0; i < CPUS; i++) {
		s = machine_sregs(&cpu[i]);
		s.apic_base |= 0xc00;
		machine_set_sregs(&cpu[i], &s);
	}
}

/* By vCPU 0's ICR in x2APIC mode. */
static u32 x2apic_ipi(u32 dest, u32 icr)
{
	machine_set_msr(&cpu[0], 0x830, (u64)dest << 32 | icr);
	return who((u8)icr);
}

static void apic_ipi_x2apic(void)
{
	open();
	to_x2apic();
	CHECK_EQUAL(x2apic_ipi(2, ASSERT | VECTOR), 4);
	CHECK_EQUAL(x2apic_ipi(0x102, ASSERT | VECTOR), 0);
	CHECK_EQUAL(x2apic_ipi(0xff, ASSERT | VECTOR), 0); /* an id like any other */
	CHECK_EQUAL(x2apic_ipi(0xffffffff, ASSERT | VECTOR), 0xf);
	CHECK_EQUAL(x2apic_ipi(0xffffffff, LOGICAL | ASSERT | VECTOR), 0xf);
	CHECK_EQUAL(x2apic_ipi(0x000a, LOGICAL | ASSERT | VECTOR), 0xa);
	CHECK_EQUAL(x2apic_ipi(0x1000a, LOGICAL | ASSERT | VECTOR), 0); /* another cluster */
	CHECK_EQUAL(x2apic_ipi(0, TO_OTHERS | ASSERT | VECTOR), 0xe);
	machine_set_msr(&cpu[0], 0x83f, VECTOR);
	CHECK_EQUAL(who(VECTOR), 1);
	/* From 8 bits all are named, by KVM's quirk; logically by the id. */
	CHECK_EQUAL(msi(0xff << 12, VECTOR), 0xf);
	CHECK_EQUAL(msi(3 << 12, VECTOR), 8);
	CHECK_EQUAL(msi(3 << 12 | 4, VECTOR), 3);
	for (u32 v = 0x40; v < 0x48; v++)
		CHECK_EQUAL(x2apic_ipi(0xe, LOWEST | LOGICAL | ASSERT | v), 2u << v % 3);
}

/* The id is a register until x2APIC mode; INIT leaves it. */
static void apic_ipi_ids(void)
{
	open();
	access_set(&cpu[0], GPA_APIC + REG_ID, 0x55aabbcc);
	CHECK_EQUAL(access_get(&cpu[0], GPA_APIC + REG_ID), 0x55000000);
	CHECK_EQUAL(ipi(0, ASSERT | VECTOR), 0);
	CHECK_EQUAL(ipi(0x55, ASSERT | VECTOR), 1);
	CHECK_EQUAL(msi(0x55 << 12, VECTOR), 1);
	to_x2apic();
	CHECK_EQUAL(access_apic(&cpu[0], REG_ID), 0);
	CHECK_EQUAL(msi(0x55 << 12, VECTOR), 0);
	CHECK_EQUAL(msi(0, VECTOR), 1);
}

/* Vectors that no interrupt may have are sent, and never delivered. */
static void apic_ipi_illegal(void)
{
	machine_need_vmx("the interrupts of a 64-bit guest");
	open();
	for (u32 v = 0; v < 16; v++)
		access_set(&cpu[0], GPA_APIC + REG_ICR, TO_SELF | ASSERT | v);
	CHECK_EQUAL(access_take(&cpu[0]), 0);
	access_set(&cpu[0], GPA_APIC + 0x280, 0);
	CHECK_EQUAL(access_get(&cpu[0], GPA_APIC + 0x280), 0);
	access_set(&cpu[0], GPA_APIC + REG_ICR, TO_SELF | ASSERT | VECTOR);
	CHECK_EQUAL(access_take(&cpu[0]), VECTOR);
}

/* One that is off by its SVR takes no vectors, but NMIs; off by IA32_APIC_BASE it takes nothing. */
static void apic_ipi_off(void)
{
	struct kvm_msi nmi = {.address_lo = GPA_APIC | 1 << 12, .data = 0x400};
	struct kvm_vcpu_events e;
	struct kvm_sregs s;

	open();
	access_set_apic(&cpu[1], REG_SVR, 0xff);
	CHECK_EQUAL(msi(1 << 12, VECTOR), 0);
	CHECK_RESULT(t_ioctl_ptr(cpu[0].vm, KVM_SIGNAL_MSI, &nmi), 1);
	CHECK_RESULT(t_ioctl_ptr(cpu[1].vcpu, KVM_GET_VCPU_EVENTS, &e), 0);
	CHECK_EQUAL(e.nmi.pending, 1);
	s = machine_sregs(&cpu[2]);
	s.apic_base &= ~0x800ull;
	machine_set_sregs(&cpu[2], &s);
	nmi.address_lo = GPA_APIC | 2 << 12;
	CHECK_RESULT(t_ioctl_ptr(cpu[0].vm, KVM_SIGNAL_MSI, &nmi), 0);
	CHECK_EQUAL(ipi(0, TO_ALL | ASSERT | VECTOR), 9);
}

static u32 state(const struct machine *m)
{
	struct kvm_mp_state mp;

	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_GET_MP_STATE, &mp), 0);
	return mp.mp_state;
}

static void send(u32 dest, u32 data)
{
	struct kvm_msi m = {.address_lo = GPA_APIC | dest << 12, .data = data};

	CHECK_RESULT(t_ioctl_ptr(cpu[0].vm, KVM_SIGNAL_MSI, &m), 1);
}

#define INIT 0x500
#define SIPI 0x600

static void apic_init_sipi(void)
{
	open();
	send(1, SIPI | 0x12); /* before INIT */
	CHECK_EQUAL(state(&cpu[1]), KVM_MP_STATE_UNINITIALIZED);
	send(1, INIT);
	CHECK_EQUAL(state(&cpu[1]), KVM_MP_STATE_INIT_RECEIVED);
	send(1, INIT);
	CHECK_EQUAL(state(&cpu[1]), KVM_MP_STATE_INIT_RECEIVED);
	send(1, SIPI | 0x12);
	CHECK_EQUAL(state(&cpu[1]), KVM_MP_STATE_RUNNABLE);
	CHECK_EQUAL(machine_sregs(&cpu[1]).cs.selector, 0x1200);
	CHECK_EQUAL(machine_sregs(&cpu[1]).cs.base, 0x12000);
	CHECK_EQUAL(machine_regs(&cpu[1]).rip, 0);
	send(1, SIPI | 0x34); /* it runs already */
	CHECK_EQUAL(state(&cpu[1]), KVM_MP_STATE_RUNNABLE);
	CHECK_EQUAL(machine_sregs(&cpu[1]).cs.selector, 0x1200);
	/* INIT of one that runs; its de-assertion means nothing. */
	send(1, INIT);
	CHECK_EQUAL(state(&cpu[1]), KVM_MP_STATE_INIT_RECEIVED);
	CHECK_EQUAL(access_apic(&cpu[1], REG_SVR), 0xff);
	CHECK_EQUAL(machine_regs(&cpu[1]).rip, 0xfff0);
	send(1, SIPI | 0x56);
	ipi(1, LEVEL | INIT);
	CHECK_EQUAL(state(&cpu[1]), KVM_MP_STATE_RUNNABLE);
	CHECK_EQUAL(machine_sregs(&cpu[1]).cs.selector, 0x5600);
	/* Both before the vCPU looks: SIPI counts only behind INIT; the last vector does. */
	send(2, INIT);
	send(2, SIPI | 0x11);
	send(2, SIPI | 0x22);
	CHECK_EQUAL(state(&cpu[2]), KVM_MP_STATE_RUNNABLE);
	CHECK_EQUAL(machine_sregs(&cpu[2]).cs.selector, 0x2200);
	send(3, SIPI | 0x11);
	send(3, INIT);
	CHECK_EQUAL(state(&cpu[3]), KVM_MP_STATE_INIT_RECEIVED);
}

/* The boot CPU goes on at the reset vector; which one that is says IA32_APIC_BASE. */
static void apic_init_boot_cpu(void)
{
	struct kvm_sregs s;

	open();
	send(0, INIT);
	CHECK_EQUAL(state(&cpu[0]), KVM_MP_STATE_RUNNABLE);
	CHECK_EQUAL(machine_regs(&cpu[0]).rip, 0xfff0);
	s = machine_sregs(&cpu[1]);
	s.apic_base |= 0x100;
	machine_set_sregs(&cpu[1], &s);
	send(1, INIT);
	CHECK_EQUAL(state(&cpu[1]), KVM_MP_STATE_RUNNABLE);
	s = machine_sregs(&cpu[0]);
	s.apic_base &= ~0x100ull;
	machine_set_sregs(&cpu[0], &s);
	send(0, INIT);
	CHECK_EQUAL(state(&cpu[0]), KVM_MP_STATE_INIT_RECEIVED);
}

/* INIT keeps the id and the place, and clears the rest; in x2APIC mode both halves of the ICR. */
static void apic_init_registers(void)
{
	open();
	access_set_apic(&cpu[1], REG_ID, 0x77000000);
	access_set_apic(&cpu[1], REG_LDR, 0x44000000);
	send(0x77, INIT);
	CHECK_EQUAL(state(&cpu[1]), KVM_MP_STATE_INIT_RECEIVED);
	CHECK_EQUAL(access_apic(&cpu[1], REG_ID), 0x77000000);
	CHECK_EQUAL(access_apic(&cpu[1], REG_LDR), 0);
	to_x2apic();
	machine_set_msr(&cpu[2], 0x830, 0x1234567800000045 | ASSERT);
	send(2, INIT);
	CHECK_EQUAL(state(&cpu[2]), KVM_MP_STATE_INIT_RECEIVED);
	CHECK_EQUAL(machine_get_msr(&cpu[2], 0x830), 0);
	CHECK_EQUAL(machine_sregs(&cpu[2]).apic_base, 0xfee00c00);
	CHECK_EQUAL(access_apic(&cpu[2], REG_LDR), 4);
}

SUITE(apic_ipi, TEST(apic_ipi_physical), TEST(apic_ipi_shorthand), TEST(apic_ipi_flat),
      TEST(apic_ipi_cluster), TEST(apic_ipi_lowest), TEST(apic_ipi_x2apic), TEST(apic_ipi_ids),
      TEST(apic_ipi_illegal), TEST(apic_ipi_off), TEST(apic_init_sipi), TEST(apic_init_boot_cpu),
      TEST(apic_init_registers));
