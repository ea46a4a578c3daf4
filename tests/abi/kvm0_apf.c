/* SPDX-License-Identifier: MIT */
/* Asynchronous page faults whose delivery is broken off, or that are over before it. */
#include <kvm0/abi.h>
#include "guest/lib/hypercall.h"
#include "tests/abi/kvm0_pv.h"

/* The handler of the exception is absent as well: it runs once, and with what it is to find. */
static void handler_absent(bool early)
{
	u8 *memory = check_pages(PAGE_SIZE), *code = check_pages(PAGE_SIZE);
	u64 at = GPA_EXTRA + PAGE_SIZE, *gate;
	struct machine m;
	u64 detail;

	pv_open_loading(&m, APF_ON | KVM_ASYNC_PF_SEND_ALWAYS);
	memcpy(code, machine_at(&m, machine_entry(pv_apf_fault)), 256);
	gate = machine_at(&m, GPA_IDT + 14 * 16);
	gate[0] = (gate[0] & 0xffffffff0000ull) | (at & 0xffff) | (at >> 16 & 0xffff) << 48;
	gate[1] = at >> 32;
	CHECK_RESULT(pv_run_later(&m, &detail), KVM0_RUN_PAGE_WANTED);
	CHECK_EQUAL(detail, GPA_EXTRA | KVM0_WANTED_ASYNC);
	if (early)
		CHECK_RESULT(kvm0_supply((u32)m.vm, GPA_EXTRA, memory, 1, 0), 1);
	CHECK_RESULT(pv_run_later(&m, &detail), KVM0_RUN_PAGE_WANTED);
	CHECK_EQUAL(detail, at);
	CHECK_RESULT(kvm0_supply((u32)m.vm, at, code, 1, 0), 1);
	if (!early) {
		CHECK_RESULT(pv_run_later(&m, &detail), KVM0_RUN_BLOCKED);
		CHECK_RESULT(kvm0_supply((u32)m.vm, GPA_EXTRA, memory, 1, 0), 1);
	}
	CHECK_RESULT(pv_run_later(&m, &detail), 0);
	CHECK_EQUAL(m.run->exit_reason, KVM_EXIT_IO);
	CHECK_EQUAL(machine_regs(&m).r13, KVM_PV_REASON_PAGE_NOT_PRESENT);
	CHECK_EQUAL(machine_regs(&m).r14, machine_regs(&m).r12);
	CHECK_EQUAL(machine_regs(&m).rsp, m.regs.rsp);
}

static void kvm0_apf_handler_absent(void)
{
	handler_absent(false);
	handler_absent(true); /* with the interrupt pending, too */
}

/* The page is there before the guest is told that it was not: #PF comes first all the same. */
static void kvm0_apf_at_once(void)
{
	u8 *memory = check_pages(PAGE_SIZE);
	struct machine m;
	u64 detail;

	pv_open_loading(&m, APF_ON | KVM_ASYNC_PF_SEND_ALWAYS);
	CHECK_RESULT(pv_run_later(&m, &detail), KVM0_RUN_PAGE_WANTED);
	CHECK_EQUAL(detail, GPA_EXTRA | KVM0_WANTED_ASYNC);
	CHECK_RESULT(kvm0_supply((u32)m.vm, GPA_EXTRA, memory, 1, 0), 1);
	CHECK_RESULT(pv_run_later(&m, &detail), 0);
	CHECK_EQUAL(m.run->exit_reason, KVM_EXIT_IO);
	CHECK_EQUAL(machine_regs(&m).r13, KVM_PV_REASON_PAGE_NOT_PRESENT);
	CHECK_EQUAL(machine_regs(&m).r14, machine_regs(&m).r12);
	CHECK_EQUAL(machine_regs(&m).rsp, m.regs.rsp);
}

SUITE(kvm0_apf, TEST(kvm0_apf_handler_absent), TEST(kvm0_apf_at_once));
