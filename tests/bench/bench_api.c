/* SPDX-License-Identifier: MIT */
/* Calls of the API that run no guest. */
#include "tests/bench/bench.h"

#define VERSION_ROUNDS 1000
#define STATE_ROUNDS   500
#define VM_ROUNDS      20
#define VCPU_ROUNDS    10

static void host_ioctl_version(void)
{
	u64 t;
	long r;

	for (u32 i = 0; i < VERSION_ROUNDS; i++) {
		t = rdtsc();
		r = t_ioctl(t_system(), KVM_GET_API_VERSION, 0);
		bench_samples[i] = rdtsc() - t;
		CHECK_RESULT(r, KVM_API_VERSION);
	}
	bench_row(NULL, NULL, bench_samples, VERSION_ROUNDS, "host");
}

static void create_vm_rows(u32 rounds)
{
	static u64 closes[VM_ROUNDS];
	u64 t;
	int vm;

	for (u32 i = 0; i < rounds; i++) {
		t = rdtsc();
		vm = (int)t_ioctl(t_system(), KVM_CREATE_VM, 0);
		bench_samples[i] = rdtsc() - t;
		CHECK(vm >= 0);
		t = rdtsc();
		t_close(vm);
		closes[i] = rdtsc() - t;
	}
	bench_row(NULL, NULL, bench_samples, rounds, "host");
	bench_row(NULL, "close", closes, rounds, "host");
	if (target_is_kvm0) /* nothing of it waits */
		bench_row(NULL, "close.cpu", closes, rounds, "host");
}

/* While no other VM is there, and while one is. */
static void create_vm_first(void)
{
	create_vm_rows(VM_ROUNDS / 2);
}

static void create_vm(void)
{
	CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	create_vm_rows(VM_ROUNDS);
}

static void create_vcpu_rows(bool irqchip)
{
	u64 t;
	int vm, vcpu;

	for (u32 i = 0; i < VCPU_ROUNDS; i++) {
		vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
		if (irqchip)
			CHECK_RESULT(t_ioctl(vm, KVM_CREATE_IRQCHIP, 0), 0);
		t = rdtsc();
		vcpu = (int)t_ioctl(vm, KVM_CREATE_VCPU, 0);
		bench_samples[i] = rdtsc() - t;
		check_close(CHECK_HANDLE(vcpu));
		check_close(vm);
	}
	bench_row(NULL, NULL, bench_samples, VCPU_ROUNDS, "host");
}

static void create_vcpu(void)
{
	create_vcpu_rows(false);
}

static void create_vcpu_irqchip(void)
{
	create_vcpu_rows(true);
}

/* A request that gets or sets a structure; what is set is what the vCPU has. */
struct state_item {
	u64 request, get;
};

static void vcpu_state(void)
{
	static union {
		struct kvm_regs regs;
		struct kvm_sregs sregs;
		struct kvm_fpu fpu;
		struct kvm_vcpu_events events;
		struct kvm_lapic_state lapic;
	} state;
	const struct state_item *item = check_arg();
	struct machine m;
	u64 t;
	long r;

	machine_open(&m, MODE_LONG,
		     MACHINE_CPUID | (item->get == KVM_GET_LAPIC ? MACHINE_IRQCHIP : 0));
	CHECK_RESULT(t_ioctl_ptr(m.vcpu, item->get, &state), 0);
	for (u32 i = 0; i < STATE_ROUNDS; i++) {
		t = rdtsc();
		r = t_ioctl_ptr(m.vcpu, item->request, &state);
		bench_samples[i] = rdtsc() - t;
		CHECK_RESULT(r, 0);
	}
	bench_row(NULL, NULL, bench_samples, STATE_ROUNDS, "host");
}

#define STATE(row, wanted, getter)                                                                 \
	{                                                                                          \
		.name = #row, .run = vcpu_state, .arg = &(const struct state_item)                 \
		{                                                                                  \
			.request = wanted, .get = getter                                           \
		}                                                                                  \
	}

SUITE(api, TEST(host_ioctl_version), TEST(create_vm_first), TEST(create_vm), TEST(create_vcpu),
      TEST(create_vcpu_irqchip), STATE(get_regs, KVM_GET_REGS, KVM_GET_REGS),
      STATE(set_regs, KVM_SET_REGS, KVM_GET_REGS), STATE(get_sregs, KVM_GET_SREGS, KVM_GET_SREGS),
      STATE(set_sregs, KVM_SET_SREGS, KVM_GET_SREGS), STATE(get_fpu, KVM_GET_FPU, KVM_GET_FPU),
      STATE(set_fpu, KVM_SET_FPU, KVM_GET_FPU),
      STATE(get_vcpu_events, KVM_GET_VCPU_EVENTS, KVM_GET_VCPU_EVENTS),
      STATE(get_lapic, KVM_GET_LAPIC, KVM_GET_LAPIC));
