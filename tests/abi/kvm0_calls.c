/* SPDX-License-Identifier: MIT */
/*
 * What only kvm0 has, beside KVM's requests: the calls of kvm0/abi.h, addresses that it must
 * not touch, and what a control guest sees of VMX.  Linked into the guest image alone.
 */
#include "guest/lib/cpu.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/trap.h"
#include "tests/abi/kvm0_calls.h"
#include "tests/abi/kvm0_pool.h"
#include "tests/abi/machine.h"

#define NOT_A_HANDLE 0x10000u
#define UNKNOWN_CALL 0x1234u

#define VECTOR_UD 6
#define VECTOR_GP 13

#define MSR_VMX_BASIC 0x480u
#define CR4_VMXE      (1ull << 13)

static const struct boot *boot;

void kvm0_calls_init(const struct boot *information)
{
	boot = information;
}

static s64 call(u64 number, u64 a, u64 b, u64 c)
{
	return kvm0_call(number, a, b, c).value;
}

static void kvm0_unknown_call(void)
{
	CHECK_RESULT(call(UNKNOWN_CALL, 0, 0, 0), -ENOSYS);
	CHECK_RESULT(call(~0ull, 0, 0, 0), -ENOSYS);
	CHECK_EQUAL(kvm0_version(), KVM0_ABI_VERSION);
}

/* Handles are 32 bits: what does not fit is no handle, not another one. */
static void kvm0_wide_handle(void)
{
	u64 vm = (u64)CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	CHECK_RESULT(call(KVM0_CALL_IOCTL, 1ull << 32, KVM_GET_API_VERSION, 0), -EBADF);
	CHECK_RESULT(call(KVM0_CALL_IOCTL, 1ull << 32 | vm, KVM_CREATE_VCPU, 0), -EBADF);
	CHECK_RESULT(call(KVM0_CALL_CLOSE, 1ull << 32 | vm, 0, 0), -EBADF);
	/* The system's handle is always there. */
	CHECK_RESULT(call(KVM0_CALL_CLOSE, 0, 0, 0), -EBADF);
	CHECK_RESULT(t_ioctl(t_system(), KVM_GET_API_VERSION, 0), 12);
}

static void kvm0_run_page(void)
{
	u64 vm = (u64)CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	u64 vcpu = (u64)CHECK_HANDLE(t_ioctl((int)vm, KVM_CREATE_VCPU, 0));
	u64 page = addr(check_pages(2 * PAGE_SIZE));

	CHECK_RESULT(t_ioctl((int)vcpu, KVM_RUN, 0), -EINVAL);
	CHECK_RESULT(call(KVM0_CALL_SET_RUN_PAGE, vcpu, page + 8, 0), -EINVAL);
	CHECK_RESULT(call(KVM0_CALL_SET_RUN_PAGE, vcpu, T_BAD_ADDRESS, 0), -EFAULT);
	CHECK_RESULT(call(KVM0_CALL_SET_RUN_PAGE, vcpu, page, 1000000), -EINVAL);
	CHECK_RESULT(call(KVM0_CALL_SET_RUN_PAGE, vm, page, 0), -ENOTTY);
	CHECK_RESULT(call(KVM0_CALL_SET_RUN_PAGE, 0, page, 0), -ENOTTY);
	CHECK_RESULT(call(KVM0_CALL_SET_RUN_PAGE, NOT_A_HANDLE, page, 0), -EBADF);
	CHECK_RESULT(t_ioctl((int)vcpu, KVM_RUN, 0), -EINVAL);
	CHECK_RESULT(call(KVM0_CALL_SET_RUN_PAGE, vcpu, page, 0), 0);
	((struct kvm_run *)ptr(page))->immediate_exit = 1;
	CHECK_RESULT(t_ioctl((int)vcpu, KVM_RUN, 0), -EINTR);
	/* Another page takes its place. */
	CHECK_RESULT(call(KVM0_CALL_SET_RUN_PAGE, vcpu, page + PAGE_SIZE, 0), 0);
	((struct kvm_run *)ptr(page))->immediate_exit = 0;
	((struct kvm_run *)ptr(page + PAGE_SIZE))->immediate_exit = 1;
	CHECK_RESULT(t_ioctl((int)vcpu, KVM_RUN, 0), -EINTR);
}

static void kvm0_signals(void)
{
	u64 vm = (u64)CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	u64 vcpu = (u64)CHECK_HANDLE(t_ioctl((int)vm, KVM_CREATE_VCPU, 0));

	CHECK_RESULT(call(KVM0_CALL_SIGNAL, vcpu, 0, 0), -EINVAL);
	CHECK_RESULT(call(KVM0_CALL_SIGNAL, vcpu, KVM0_SIGNAL_MAX + 1, 0), -EINVAL);
	CHECK_RESULT(call(KVM0_CALL_SIGNAL, vcpu, 1ull << 32, 0), -EINVAL);
	CHECK_RESULT(call(KVM0_CALL_SIGNAL, vm, 1, 0), -ENOTTY);
	CHECK_RESULT(call(KVM0_CALL_SIGNAL, 0, 1, 0), -ENOTTY);
	CHECK_RESULT(call(KVM0_CALL_SIGNAL, NOT_A_HANDLE, 1, 0), -EBADF);
	CHECK_RESULT(call(KVM0_CALL_TAKE_SIGNALS, vm, ~0ull, 0), -ENOTTY);
	CHECK_RESULT(call(KVM0_CALL_TAKE_SIGNALS, 0, ~0ull, 0), -ENOTTY);
	CHECK_RESULT(call(KVM0_CALL_TAKE_SIGNALS, NOT_A_HANDLE, ~0ull, 0), -EBADF);
	CHECK_RESULT(call(KVM0_CALL_SIGNAL, vcpu, 1, 0), 0);
	CHECK_RESULT(call(KVM0_CALL_SIGNAL, vcpu, KVM0_SIGNAL_MAX, 0), 0);
	CHECK_EQUAL(kvm0_take_signals((u32)vcpu, 2), 0);
	CHECK_EQUAL(kvm0_take_signals((u32)vcpu, 1), 1);
	CHECK_EQUAL(kvm0_take_signals((u32)vcpu, ~0ull), 1ull << 63);
	CHECK_EQUAL(kvm0_take_signals((u32)vcpu, ~0ull), 0);
}

static void kvm0_log(void)
{
	char *text = check_pages(PAGE_SIZE);
	u64 position = 0;

	CHECK(kvm0_read_log(text, 64, &position) > 0);
	CHECK(position >= 64);
	CHECK(text[0] && text[63] && !text[64]);
	CHECK_RESULT(call(KVM0_CALL_READ_LOG, T_BAD_ADDRESS, 64, 0), -EFAULT);
	CHECK_RESULT(call(KVM0_CALL_READ_LOG, addr(text), 0, 0), 0);
	/* Beyond the end there is nothing newer. */
	CHECK_RESULT(call(KVM0_CALL_READ_LOG, addr(text), 64, KVM0_LOG_BEFORE - 1), 0);
	CHECK_RESULT(call(KVM0_CALL_READ_LOG, addr(text), 64, ~0ull), 0);
	/* After power-on there was no run before. */
	position = KVM0_LOG_BEFORE;
	CHECK_EQUAL(kvm0_read_log(text, 64, &position), 0);
	CHECK_EQUAL(position, KVM0_LOG_BEFORE);
}

/* A structure may lie anywhere, over the border of two pages as well. */
static void kvm0_structure_over_pages(void)
{
	struct machine m;
	u8 *pages = check_pages(2 * PAGE_SIZE);
	struct kvm_regs regs;

	machine_open(&m, MODE_LONG, 0);
	for (u64 at = PAGE_SIZE - sizeof(regs); at <= PAGE_SIZE; at += 4) {
		memset(pages, 0xee, 2 * PAGE_SIZE);
		CHECK_RESULT(t_ioctl_ptr(m.vcpu, KVM_GET_REGS, pages + at), 0);
		memcpy(&regs, pages + at, sizeof(regs));
		CHECK_EQUAL(regs.rflags, 2);
		CHECK_EQUAL(pages[at - 1], 0xee);
		CHECK_EQUAL(pages[at + sizeof(regs)], 0xee);
	}
}

/* The highest end of memory below 4 GiB, the PCI devices' part left out. */
static u64 memory_top(void)
{
	u64 top = 0;

	for (u32 i = 0; i < boot->range_count; i++)
		if (boot->ranges[i].type == BOOT_MEMORY_RAM && boot->ranges[i].end <= SIZE_4G)
			top = MAX(top, boot->ranges[i].end);
	return top;
}

/* Where the part of memory without RAM ends that starts at `at`; `at` itself if it is RAM. */
static u64 hole_end(u64 at)
{
	u64 end = memory_top();

	for (u32 i = 0; i < boot->range_count; i++) {
		const struct boot_range *r = &boot->ranges[i];
		if (r->type == BOOT_MEMORY_RESERVED || r->end <= at)
			continue;
		if (r->start <= at)
			return at;
		end = MIN(end, r->start);
	}
	return MAX(end, at);
}

bool kvm0_own_range(u64 *start, u64 *end)
{
	*start = *end = 0;
	for (u32 i = 0; i < boot->range_count; i++) {
		u64 at = boot->ranges[i].end;
		if (boot->ranges[i].type != BOOT_MEMORY_RAM || at < SIZE_1M || at >= memory_top())
			continue;
		if (hole_end(at) - at > *end - *start) {
			*start = at;
			*end = hole_end(at);
		}
	}
	return *end - *start >= PAGE_SIZE;
}

static void own_memory(u64 *start, u64 *end)
{
	if (!kvm0_own_range(start, end))
		check_skip("no hole in the memory map below 0x%llx", memory_top());
}

/* Every call that takes an address, with one in there: -EFAULT, and nothing happens. */
static void refuse_address(const struct machine *m, u64 address)
{
	static const u64 of_vcpu[] = {KVM_GET_REGS,     KVM_SET_REGS,     KVM_GET_SREGS,
				      KVM_SET_SREGS,    KVM_GET_FPU,      KVM_SET_FPU,
				      KVM_GET_MSRS,     KVM_SET_MSRS,     KVM_SET_CPUID2,
				      KVM_GET_MP_STATE, KVM_SET_MP_STATE, KVM_INTERRUPT};
	static const u64 of_vm[] = {KVM_SET_USER_MEMORY_REGION, KVM_CREATE_PIT2, KVM_IRQ_LINE,
				    KVM_SET_IDENTITY_MAP_ADDR};
	static const u64 of_system[] = {KVM_GET_SUPPORTED_CPUID, KVM_GET_MSR_INDEX_LIST};
	u32 irqchip = (u32)CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

	CHECK_RESULT(t_ioctl((int)irqchip, KVM_CREATE_IRQCHIP, 0), 0);
	for (u32 i = 0; i < ARRAY_SIZE(of_vcpu); i++)
		CHECK_RESULT(t_ioctl(m->vcpu, of_vcpu[i], address), -EFAULT);
	for (u32 i = 0; i < ARRAY_SIZE(of_vm); i++)
		CHECK_RESULT(t_ioctl((int)irqchip, of_vm[i], address), -EFAULT);
	for (u32 i = 0; i < ARRAY_SIZE(of_system); i++)
		CHECK_RESULT(t_ioctl(t_system(), of_system[i], address), -EFAULT);
	CHECK_RESULT(call(KVM0_CALL_READ_LOG, address, 64, 0), -EFAULT);
	CHECK_RESULT(call(KVM0_CALL_SET_RUN_PAGE, (u64)m->vcpu, ALIGN_DOWN(address, PAGE_SIZE), 0),
		     -EFAULT);
	check_close((int)irqchip);
}

static void kvm0_own_memory(void)
{
	struct machine m;
	u64 start, end;

	own_memory(&start, &end);
	machine_open(&m, MODE_LONG, 0);
	refuse_address(&m, start);
	refuse_address(&m, ALIGN_DOWN(start + (end - start) / 2, PAGE_SIZE));
	refuse_address(&m, end - PAGE_SIZE);
	/* Begins in ours and ends in its own. */
	CHECK_RESULT(t_ioctl(m.vcpu, KVM_GET_REGS, start - 8), -EFAULT);
	CHECK_RESULT(t_ioctl(m.vcpu, KVM_SET_REGS, start - 8), -EFAULT);
	CHECK_RESULT(call(KVM0_CALL_READ_LOG, start - 8, 64, 0), -EFAULT);
	machine_do(&m, long_done);
}

/* No guest gets kvm0's memory either. */
static void kvm0_own_memory_as_slot(void)
{
	struct machine m;
	u64 start, end;

	own_memory(&start, &end);
	machine_open(&m, MODE_LONG, 0);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, PAGE_SIZE, ptr(start)), -EFAULT);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, PAGE_SIZE, ptr(end - PAGE_SIZE)), -EFAULT);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, 2 * PAGE_SIZE, ptr(start - PAGE_SIZE)),
		     -EFAULT);
	CHECK_RESULT(machine_slot(m.vm, 5, 0, GPA_EXTRA, PAGE_SIZE, ptr(1ull << 45)), -EFAULT);
	m.regs.rdi = GPA_EXTRA;
	machine_start(&m, long_load);
	machine_run(&m, KVM_EXIT_MMIO);
}

static void user_call(void *arg)
{
	*(s64 *)arg = call(KVM0_CALL_IOCTL, 0, KVM_GET_API_VERSION, 0);
}

static void kvm0_user_mode(void)
{
	s64 result = 0;

	CHECK_EQUAL(trap_try_user(user_call, &result, NULL), -1);
	CHECK_RESULT(result, -EPERM);
}

static void do_vmxon(void *arg)
{
	__asm__ volatile("vmxon %0" : : "m"(*(u64 *)arg) : "cc", "memory");
}

static void do_vmread(void *arg)
{
	__asm__ volatile("vmread %1, %0" : "=r"(*(u64 *)arg) : "r"(0ull) : "cc");
}

static void set_vmxe(void *arg)
{
	(void)arg;
	__asm__ volatile("mov %%cr4, %%rax; or %0, %%rax; mov %%rax, %%cr4"
			 :
			 : "r"(CR4_VMXE)
			 : "rax", "memory", "cc");
}

static void read_vmx_basic(void *arg)
{
	*(u64 *)arg = rdmsr(MSR_VMX_BASIC);
}

#define MSR_RTIT_OUTPUT_BASE 0x560u
#define MSR_DS_AREA          0x600u

static void set_trace_output(void *arg)
{
	wrmsr(MSR_RTIT_OUTPUT_BASE, *(u64 *)arg);
}

static void set_ds_area(void *arg)
{
	wrmsr(MSR_DS_AREA, *(u64 *)arg);
}

/* Nor has it what writes to memory past the page tables that keep it in. */
static void kvm0_hides_traces(void)
{
	static u64 address;

	CHECK_EQUAL(cpuid(1, 0).edx >> 21 & 1, 0);
	if (cpuid(0, 0).eax >= 7)
		CHECK_EQUAL(cpuid(7, 0).ebx >> 25 & 1, 0);
	CHECK_EQUAL(trap_try(set_trace_output, &address, NULL), VECTOR_GP);
	CHECK_EQUAL(trap_try(set_ds_area, &address, NULL), VECTOR_GP);
}

/* The control guest's processor has no VMX. */
static void kvm0_hides_vmx(void)
{
	static u64 region;
	u64 cr4;

	CHECK_EQUAL(cpuid(1, 0).ecx >> 5 & 1, 0);
	CHECK_EQUAL(trap_try(do_vmxon, &region, NULL), VECTOR_UD);
	CHECK_EQUAL(trap_try(do_vmread, &region, NULL), VECTOR_UD);
	CHECK_EQUAL(trap_try(read_vmx_basic, &region, NULL), VECTOR_GP);
	CHECK_EQUAL(trap_try(set_vmxe, NULL, NULL), VECTOR_GP);
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	CHECK_EQUAL(cr4 & CR4_VMXE, 0);
}

SUITE(kvm0, TEST(kvm0_unknown_call), TEST(kvm0_wide_handle), TEST(kvm0_run_page),
      TEST(kvm0_signals), TEST(kvm0_log), TEST(kvm0_structure_over_pages), TEST(kvm0_own_memory),
      TEST(kvm0_own_memory_as_slot), TEST(kvm0_user_mode), TEST(kvm0_hides_vmx),
      TEST(kvm0_hides_traces), TEST(kvm0_pool_as_before));
