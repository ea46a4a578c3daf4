/* SPDX-License-Identifier: MIT */
/* Events on kvm0: their calls' own errors, and who hears of a signal, when. */
#include "guest/lib/cpu.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/smp.h"
#include "tests/abi/access.h"
#include "tests/abi/kvm0_calls.h"
#include "tests/abi/kvm0_smp.h"

#define LINE     10
#define PIC_LINE 3
#define ROUNDS   200u
#define LEVEL    (1u << 15)

static u32 wakes, woken;

static void note_wake(u32 handle)
{
	wakes++;
	woken = handle;
}

/* Wake-ups since the last call of this, which end here. */
static u32 take_wakes(void)
{
	u32 n = wakes;

	wakes = 0;
	return n;
}

static int new_event(void)
{
	return CHECK_HANDLE(t_event_create(0, false));
}

/* An event that somebody waits for. */
static int new_awaited(void)
{
	int e = new_event();
	u64 value;

	CHECK_RESULT(t_event_read(e, &value), -EAGAIN);
	wakes = 0;
	kvm0_on_wake(note_wake);
	return e;
}

static void kvm0_event_arguments(void)
{
	u64 e = (u64)new_event();

	CHECK_RESULT((long)kvm0_event_create(1ull << 32, 0), -EINVAL);
	CHECK_RESULT((long)kvm0_event_create(0, 2), -EINVAL);
	CHECK_RESULT((long)kvm0_event_create(0, 1ull << 32 | KVM0_EVENT_SEMAPHORE), -EINVAL);
	CHECK_RESULT(kvm0_call(KVM0_CALL_EVENT_SIGNAL, 1ull << 32 | e, 1, 0).value, -EBADF);
	CHECK_RESULT(kvm0_call(KVM0_CALL_EVENT_READ, 1ull << 32 | e, 0, 0).value, -EBADF);
	CHECK_RESULT(kvm0_call(KVM0_CALL_EVENT_SIGNAL, 0, 1, 0).value, -EINVAL);
	CHECK_RESULT(kvm0_call(KVM0_CALL_EVENT_READ, 0, 0, 0).value, -EINVAL);
	/* Nothing was taken: RDX is 0. */
	CHECK_EQUAL(kvm0_call(KVM0_CALL_EVENT_READ, e, 0, 77).second, 0);
	CHECK_RESULT(kvm0_call(KVM0_CALL_SET_RUN_PAGE, e, addr(check_pages(PAGE_SIZE)), 0).value,
		     -ENOTTY);
}

/* Only the first signal after a read that found nothing is told. */
static void kvm0_event_awaited(void)
{
	int e = new_awaited();
	u64 value;

	CHECK_RESULT(t_event_signal(e, 0), 0);
	CHECK_EQUAL(take_wakes(), 0);
	CHECK_RESULT(t_event_signal(e, 1), 0);
	CHECK_EQUAL(take_wakes(), 1);
	CHECK_EQUAL(woken, e);
	CHECK_RESULT(t_event_signal(e, 1), 0);
	CHECK_RESULT(t_event_read(e, &value), 0);
	CHECK_RESULT(t_event_signal(e, 1), 0);
	CHECK_RESULT(t_event_read(e, &value), 0);
	CHECK_RESULT(t_event_read(e, &value), -EAGAIN);
	CHECK_EQUAL(take_wakes(), 0);
	CHECK_RESULT(t_event_signal(e, ~0ull), -EINVAL);
	CHECK_EQUAL(take_wakes(), 0);
	CHECK_RESULT(t_event_signal(e, 5), 0);
	CHECK_EQUAL(take_wakes(), 1);
	kvm0_on_wake(NULL);
}

/* A guest's write ends the run for an event that is awaited, and for no other. */
static void kvm0_event_ends_run(void)
{
	struct kvm_ioeventfd io = {.addr = GPA_MMIO, .len = 8};
	struct machine m;
	int e = new_awaited();
	u64 value, deadline;

	machine_open(&m, MODE_LONG, 0);
	io.fd = e;
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_IOEVENTFD, &io), 0);
	m.regs.rdi = GPA_MMIO;
	machine_start(&m, long_store);
	CHECK_EQUAL(kvm0_run_once((u32)m.vcpu, 0, &deadline), KVM0_RUN_AGAIN);
	CHECK_EQUAL(take_wakes(), 1);
	CHECK_EQUAL(woken, e);
	machine_run_out(&m, PORT_DONE);
	/* Not read since: nobody waits. */
	machine_start(&m, long_store);
	CHECK_EQUAL(kvm0_run_once((u32)m.vcpu, 0, &deadline), 0);
	CHECK_EQUAL(m.run->exit_reason, KVM_EXIT_IO);
	CHECK_EQUAL(take_wakes(), 0);
	CHECK_RESULT(t_event_read(e, &value), 0);
	CHECK_EQUAL(value, 2);
	kvm0_on_wake(NULL);
}

/* And so does an EOI. */
static void kvm0_event_ends_run_by_eoi(void)
{
	int e = new_event(), resample = new_awaited();
	struct kvm_irqfd irqfd = {.fd = (u32)e,
				  .gsi = LINE,
				  .flags = KVM_IRQFD_FLAG_RESAMPLE,
				  .resamplefd = (u32)resample};
	struct machine m;
	u64 deadline;

	machine_open(&m, MODE_LONG, MACHINE_IRQCHIP | MACHINE_CPUID);
	machine_set_vector(&m, VECTOR_XAPIC, handler_xapic);
	m.regs.rax = LINE;
	m.regs.rbx = LEVEL;
	m.regs.rcx = 1;
	machine_start(&m, irq_ioapic);
	machine_run_out(&m, PORT_READY);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_IRQFD, &irqfd), 0);
	CHECK_RESULT(t_event_signal(e, 1), 0);
	CHECK_EQUAL(take_wakes(), 0);
	CHECK_EQUAL(kvm0_run_once((u32)m.vcpu, 0, &deadline), KVM0_RUN_AGAIN);
	CHECK_EQUAL(take_wakes(), 1);
	CHECK_EQUAL(woken, resample);
	machine_run_out(&m, PORT_DONE);
	kvm0_on_wake(NULL);
}

/* And so does an interrupt that the PIC ends by itself when the guest takes it, before that. */
static void kvm0_event_ends_run_by_pic(void)
{
	static const u8 words[] = {0x20, 4, 3}; /* vectors, cascade, 8086 with automatic EOI */
	int e = new_event(), resample = new_awaited();
	struct kvm_irqfd irqfd = {.fd = (u32)e,
				  .gsi = PIC_LINE,
				  .flags = KVM_IRQFD_FLAG_RESAMPLE,
				  .resamplefd = (u32)resample};
	struct machine m;
	u64 deadline;

	access_open(&m, MACHINE_IRQCHIP);
	access_outb(&m, 0x20, 0x11);
	for (u32 i = 0; i < sizeof(words); i++)
		access_outb(&m, 0x21, words[i]);
	CHECK_RESULT(t_ioctl_ptr(m.vm, KVM_IRQFD, &irqfd), 0);
	CHECK_RESULT(t_event_signal(e, 1), 0);
	CHECK_EQUAL(take_wakes(), 0);
	machine_start(&m, access_window);
	CHECK_EQUAL(kvm0_run_once((u32)m.vcpu, 0, &deadline), KVM0_RUN_AGAIN);
	CHECK_EQUAL(take_wakes(), 1);
	CHECK_EQUAL(woken, resample);
	CHECK_EQUAL(access_noted(&m), 0);
	machine_run_out(&m, PORT_DONE);
	CHECK_EQUAL(access_noted(&m), 0x20 + PIC_LINE);
	kvm0_on_wake(NULL);
}

/* The data of port accesses moves to the page that is named for it. */
static void kvm0_event_data_page(void)
{
	struct machine m;
	u8 *page = check_pages(PAGE_SIZE);

	machine_open(&m, MODE_REAL, 0);
	machine_start(&m, real_out_sizes);
	machine_run(&m, KVM_EXIT_IO);
	CHECK_EQUAL(m.run->io.data_offset, KVM_PIO_PAGE_OFFSET * PAGE_SIZE);
	CHECK_EQUAL(*machine_io_data(&m), 0x11);
	CHECK_RESULT((long)kvm0_set_page((u32)m.vcpu, KVM_PIO_PAGE_OFFSET, page), 0);
	/* kvm_run alone, named anew, does not bring it back there. */
	CHECK_RESULT((long)kvm0_set_page((u32)m.vcpu, 0, m.run), 0);
	machine_run(&m, KVM_EXIT_IO);
	CHECK_EQUAL(m.run->io.data_offset, KVM_PIO_PAGE_OFFSET * PAGE_SIZE);
	CHECK_EQUAL(*(u16 *)(void *)page, 0x2211);
	CHECK_RESULT((long)kvm0_set_page((u32)m.vcpu, KVM_COALESCED_MMIO_PAGE_OFFSET + 1, page),
		     -EINVAL);
}

/* Another CPU signals while this one makes and unmakes the irqfd, and closes what it is of. */
static struct signaller {
	u32 event;
	volatile u32 stop;
	volatile s64 error;
} signaller;

static void signal_job(void *arg)
{
	struct signaller *s = arg;

	while (!s->stop) {
		s64 r = kvm0_event_signal(s->event, 1);
		u64 value;

		if (r)
			s->error = r;
		(void)kvm0_event_read(s->event, &value);
	}
}

static void kvm0_event_races(void)
{
	struct kvm_irqfd irqfd = {.gsi = LINE};
	u64 pages;

	cpu1_need();
	signaller = (struct signaller){.event = (u32)new_event()};
	irqfd.fd = signaller.event;
	pages = pool_pages();
	cpu1_begin(signal_job, &signaller);
	for (u32 i = 0; i < ROUNDS; i++) {
		int vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));

		CHECK_RESULT(t_ioctl(vm, KVM_CREATE_IRQCHIP, 0), 0);
		int vcpu = CHECK_HANDLE(t_ioctl(vm, KVM_CREATE_VCPU, 0));
		irqfd.flags = 0;
		CHECK_RESULT(t_ioctl_ptr(vm, KVM_IRQFD, &irqfd), 0);
		irqfd.flags = KVM_IRQFD_FLAG_DEASSIGN;
		if (i & 1)
			CHECK_RESULT(t_ioctl_ptr(vm, KVM_IRQFD, &irqfd), 0);
		check_close(vcpu);
		check_close(vm);
	}
	signaller.stop = 1;
	cpu1_end();
	CHECK_RESULT(signaller.error, 0);
	CHECK_EQUAL(pool_pages(), pages);
}

SUITE(kvm0_event, TEST(kvm0_event_arguments), TEST(kvm0_event_awaited), TEST(kvm0_event_ends_run),
      TEST(kvm0_event_ends_run_by_eoi), TEST(kvm0_event_ends_run_by_pic),
      TEST(kvm0_event_data_page), TEST(kvm0_event_races));
