/* SPDX-License-Identifier: MIT */
/* Exits that KVM handles by itself, timed in the guest. */
#include "tests/bench/bench.h"

#define ROUNDS 1000

struct exit_item {
	const char *routine;
	u64 r9, r10;
	u32 options;
};

static void measure(void)
{
	const struct exit_item *item = check_arg();
	struct kvm_sregs sregs;
	struct cpuid_table *cpuid;
	struct machine m;

	machine_open(&m, MODE_LONG, item->options | MACHINE_CPUID);
	if (item->routine == time_xsetbv) {
		cpuid = check_pages(sizeof(*cpuid));
		machine_supported_cpuid(cpuid);
		if (!(machine_cpuid(cpuid, 1, 0)->ecx & 1u << 26))
			check_skip("no XSAVE for guests");
		sregs = machine_sregs(&m);
		sregs.cr4 |= 1u << 18;
		machine_set_sregs(&m, &sregs);
	}
	m.regs.r9 = item->r9;
	m.regs.r10 = item->r10;
	bench_loop(&m, item->routine, ROUNDS);
	bench_row(NULL, NULL, bench_results(&m, 0), ROUNDS, "guest");
}

/* A port's write that signals an event which nobody waits for; as the yardstick has it. */
static void pio_out_ioeventfd(void)
{
	struct kvm_ioeventfd io = {.addr = PORT_TEST, .len = 1, .flags = KVM_IOEVENTFD_FLAG_PIO};
	struct machine m;

	machine_open(&m, MODE_LONG, MACHINE_CPUID);
	io.fd = CHECK_HANDLE(t_event_create(0, false));
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_IOEVENTFD, &io), 0);
	m.regs.r9 = PORT_TEST;
	bench_loop(&m, time_out, ROUNDS);
	bench_row(NULL, NULL, bench_results(&m, 0), ROUNDS, "guest");
}

#define ITEM(row, entry, a, b, flags)                                                              \
	{                                                                                          \
		.name = #row, .run = measure, .arg = &(const struct exit_item)                     \
		{                                                                                  \
			.routine = entry, .r9 = a, .r10 = b, .options = flags                      \
		}                                                                                  \
	}

SUITE(exit, ITEM(guest_empty, time_empty, 0, 0, 0), ITEM(cpuid, time_cpuid, 0, 0, 0),
      ITEM(vmcall, time_vmcall, 0, 0, 0), ITEM(rdmsr_tsc_adjust, time_rdmsr, 0x3b, 0, 0),
      ITEM(wrmsr_tsc_adjust, time_wrmsr, 0x3b, 0, 0), ITEM(rdmsr_pat, time_rdmsr, 0x277, 0, 0),
      ITEM(wrmsr_pat, time_wrmsr, 0x277, 0, 0), ITEM(rdmsr_misc_enable, time_rdmsr, 0x1a0, 0, 0),
      ITEM(xsetbv, time_xsetbv, 0, 0, 0), ITEM(wbinvd, time_wbinvd, 0, 0, 0),
      ITEM(wrcr8_noirqchip, time_wrcr8, 0, 0, 0), ITEM(rdcr8_noirqchip, time_rdcr8, 0, 0, 0),
      ITEM(wrcr8_irqchip, time_wrcr8, 0, 0, MACHINE_IRQCHIP),
      ITEM(cr0_ts_toggle, time_cr0, 1u << 3, 0, 0), ITEM(cr0_wp_toggle, time_cr0, 1u << 16, 0, 0),
      ITEM(cr0_am_toggle, time_cr0, 1u << 18, 0, 0), ITEM(cr4_tsd_toggle, time_cr4, 1u << 2, 0, 0),
      ITEM(cr4_pge_toggle, time_cr4, 1u << 7, 0, 0), ITEM(cr4_de_toggle, time_cr4, 1u << 3, 0, 0),
      ITEM(cr3_write, time_cr3, 0, 0, 0),
      ITEM(pio_in_kernel_pic, time_in, 0x21, 0, MACHINE_IRQCHIP),
      ITEM(pio_out_kernel_pic, time_out, 0x21, 0xff, MACHINE_IRQCHIP), TEST(pio_out_ioeventfd),
      ITEM(mmio_read_ioapic, time_load, GPA_IOAPIC, 0, MACHINE_IRQCHIP),
      ITEM(mmio_write_ioapic, time_store, GPA_IOAPIC, 0, MACHINE_IRQCHIP),
      ITEM(xapic_read_id, time_load, GPA_APIC + 0x20, 0, MACHINE_IRQCHIP),
      ITEM(xapic_write_tpr, time_store, GPA_APIC + 0x80, 0, MACHINE_IRQCHIP),
      ITEM(xapic_write_ldr, time_store, GPA_APIC + 0xd0, 0x1000000, MACHINE_IRQCHIP));
