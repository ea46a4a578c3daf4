/* SPDX-License-Identifier: MIT */
/*
 * EPT violations: memory is mapped, and what is no memory goes through the emulator
 * to the interrupt controllers or to user space.
 */
#include <kvm0/abi.h>
#include <linux/errno.h>
#include "core/trace.h"
#include "cpu/regs.h"
#include "cpu/tsc.h"
#include "kvm/apicv.h"
#include "kvm/mmu.h"
#include "kvm/pv/apf.h"
#include "kvm/pv/hypercall.h"
#include "kvm/run.h"
#include "kvm/vcpu_events.h"
#include "lib/string.h"

static void read_segment(struct emu_seg *to, enum vmx_segment n)
{
	vmx_get_segment_raw(n, &to->base, &to->limit, &to->ar);
}

static u8 code_size(u64 cr0, u32 cs_ar, u64 efer, u64 rflags)
{
	if (!(cr0 & CR0_PE) || (rflags & RFLAGS_VM))
		return 16;
	if ((efer & EFER_LMA) && (cs_ar & BIT(13)))
		return 64;
	return cs_ar & BIT(14) ? 32 : 16;
}

/* The vCPU as the emulator wants it. */
static void read_state(struct vcpu *c)
{
	struct emu_state *e = &c->emu;

	c->emu_stale = false;
	e->gpr = c->vmx.gpr;
	e->gpr[EMU_RSP] = vmx_rsp();
	e->rip = vmx_rip();
	e->pg.cr0 = vmx_cr0();
	e->pg.cr3 = vmx_cr3();
	e->pg.cr4 = vmx_cr4();
	e->pg.efer = vmx_efer();
	e->pg.rflags = vmx_rflags();
	e->pg.maxphyaddr = c->maxphyaddr;
	e->pg.pdpte = NULL;
	e->cpl = e->pg.rflags & RFLAGS_VM ? 3 : e->pg.cr0 & CR0_PE ? (u8)vmx_cpl() : 0;
	e->mode = code_size(e->pg.cr0, vmx_cs_rights(), e->pg.efer, e->pg.rflags);
	if (e->mode == 64)
		return;
	read_segment(&e->seg[EMU_ES], SEG_ES);
	read_segment(&e->seg[EMU_CS], SEG_CS);
	read_segment(&e->seg[EMU_SS], SEG_SS);
	read_segment(&e->seg[EMU_DS], SEG_DS);
	read_segment(&e->seg[EMU_FS], SEG_FS);
	read_segment(&e->seg[EMU_GS], SEG_GS);
}

/* What an instruction, or a part of one, has changed. */
static void write_state(struct vcpu *c)
{
	struct emu_state *e = &c->emu;

	vmx_set_rsp(e->gpr[EMU_RSP]);
	vmx_set_rflags(e->pg.rflags);
	vmx_finish_instruction(e->rip);
}

/* KVM_TPR_ACCESS_REPORTING: the run ends when an instruction has accessed the TPR. */
static __attribute__((noinline)) void report_tpr(struct vcpu *c, const struct emu_mmio *m,
						 bool write)
{
	u64 offset = m->gpa.v - (c->lapic.base & PAGE_MASK) - LAPIC_TPR;

	if (!lapic_hw_enabled(&c->lapic) || lapic_x2apic(&c->lapic) || offset >= 4 ||
	    offset + m->len > 4 || (write && m->len != 4))
		return;
	c->tpr_access.rip = c->emu_start;
	c->tpr_access.write = write;
	vcpu_ask(c, VCPU_TPR_ACCESS);
}

/* @write: KVM0_TRACE_WRITE, or 0. */
static inline void tell(const struct vcpu *c, const struct emu_mmio *m, u32 write, u64 value)
{
	trace(KVM0_TRACE_MMIO, c->vm->id, c->index, m->len | write, m->gpa.v, value, 0, 0);
}

/* Accesses to a device: here, or (false) user space's. */
static bool device_read(struct vcpu *c, struct emu_mmio *m)
{
	u64 value = 0;

	if (!c->vm->chip ||
	    !irqchip_mmio(c->vm->chip, c->index, m->gpa, m->len, false, &value, rdtsc()))
		return false;
	if (__builtin_expect(c->tpr_access.report, 0))
		report_tpr(c, m, false);
	memcpy(m->data, &value, m->len);
	tell(c, m, 0, value);
	return true;
}

static bool device_write(struct vcpu *c, const struct emu_mmio *m)
{
	u64 value;

	memcpy(&value, m->data, sizeof(value));
	value = iobus_value(value, m->len);
	tell(c, m, KVM0_TRACE_WRITE, value);
	if (c->vm->chip &&
	    irqchip_mmio(c->vm->chip, c->index, m->gpa, m->len, true, &value, rdtsc())) {
		vm_deliver_wakes(c->vm);
		if (__builtin_expect(c->tpr_access.report, 0))
			report_tpr(c, m, true);
		return true;
	}
	return iobus_takes(&c->vm->io, IOBUS_MMIO) &&
	       iobus_write(&c->vm->io, IOBUS_MMIO, m->gpa.v, m->len, value);
}

static enum exit_action mmio_to_user(struct vcpu *c, bool write, enum vcpu_completion next)
{
	const struct emu_mmio *m = &c->io.mmio;

	c->stats.mmio_exits++;
	c->run->exit_reason = KVM_EXIT_MMIO;
	c->run->mmio.phys_addr = m->gpa.v;
	c->run->mmio.len = m->len;
	c->run->mmio.is_write = write;
	if (write)
		memcpy(c->run->mmio.data, m->data, sizeof(m->data));
	c->completion = next;
	return TO_USER;
}

/* Carry out posted writes until one is user space's. */
static enum exit_action post_writes(struct vcpu *c, enum emu_result r)
{
	if (r != EMU_MMIO_WRITE)
		return GO_ON;
	do
		if (!device_write(c, &c->io.mmio))
			return mmio_to_user(c, true, COMPLETE_WRITES);
	while (emulate_next_write(&c->io) == EMU_MMIO_WRITE);
	return wake_any() ? GO_AGAIN : GO_ON;
}

/* KVM API, KVM_EXIT_INTERNAL_ERROR with KVM_INTERNAL_ERROR_EMULATION. */
static enum exit_action report_failure(struct vcpu *c)
{
	/* Flags, size of the instruction and its bytes. */
	u64 data[3] = {KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES};
	u8 *bytes = (u8 *)&data[1];

	bytes[0] = c->emu.insn_len;
	memset(bytes + 1, 0x90, EMU_INSN_MAX);
	memcpy(bytes + 1, c->emu.insn, c->emu.insn_len);
	return run_internal_error(c, KVM_INTERNAL_ERROR_EMULATION, ARRAY_SIZE(data), data);
}

/* As in KVM: the guest gets #UD in the end, unless the VMM does something about it, and a user
 * program of the guest does not bother the VMM unless that wants it. */
static enum exit_action emulation_failed(struct vcpu *c)
{
	c->stats.insn_emulation_fail++;
	if (c->vm->exit_on_emulation_error)
		return report_failure(c);
	if (c->emu.cpl)
		return vcpu_inject(c, VECTOR_UD, 0);
	vcpu_set_pending_exception(
		c, &(struct pending_exception){.pending = true, .vector = VECTOR_UD});
	return report_failure(c);
}

static enum exit_action emulated_fault(struct vcpu *c)
{
	const struct emu_fault *f = &c->emu.fault;

	if (f->vector == VECTOR_PF) {
		write_cr2(f->cr2); /* the guest's is in the CPU now */
		c->stats.pf_guest++;
	}
	return vcpu_inject(c, f->vector, f->error);
}

/* Let the emulator go on with the instruction, the state of which is in c->emu. */
static enum exit_action step(struct vcpu *c)
{
	struct guest_mem mem;
	enum emu_result r;
	bool changed = false;
	u32 reads = 0;

	c->completion = COMPLETE_NOTHING;
	for (;;) {
		spin_lock(&c->vm->lock);
		mem = mmu_guest_mem(c);
		r = emulate(&c->emu, &c->io, &mem);
		spin_unlock(&c->vm->lock);
		changed = changed || c->emu.retired || c->emu.iterated;
		/* Between two iterations of a long string instruction: it is entered again. */
		if (r == EMU_NEED_MMIO_READ && reads++ > EMU_REP_MAX && !c->io.reads) {
			emu_io_reset(&c->io);
			r = EMU_DONE;
			break;
		}
		if (r == EMU_NEED_MMIO_READ && device_read(c, &c->io.mmio))
			continue;
		if (r == EMU_NEED_PIO_IN && run_string_in(c, &c->io.pio))
			continue;
		break;
	}
	if (changed)
		write_state(c);
	switch (r) {
	case EMU_DONE:
		return GO_ON;
	case EMU_NEED_MMIO_READ:
		return mmio_to_user(c, false, COMPLETE_EMULATION);
	case EMU_MMIO_WRITE:
		return post_writes(c, r);
	case EMU_NEED_PIO_IN:
		c->completion = COMPLETE_EMULATION;
		return TO_USER;
	case EMU_PIO_OUT:
		return run_string_out(c, &c->io.pio);
	case EMU_PAGE_WANTED:
		/* What a device has answered must not be asked for again. */
		if (c->io.reads || c->io.pio_answered)
			c->completion = COMPLETE_EMULATION;
		return GO_PAGE_WANTED;
	case EMU_FAULT:
		return emulated_fault(c);
	case EMU_UNHANDLEABLE:
		break;
	}
	return emulation_failed(c);
}

enum exit_action run_emulate(struct vcpu *c, const struct vmx_exit *ept, bool device)
{
	struct emu_state *e = &c->emu;

	c->stats.insn_emulation++;
	emu_io_reset(&c->io);
	e->insn_len = 0;
	e->hint_valid = ept && ept->ept.gva_valid && !ept->ept.fetch;
	if (e->hint_valid) {
		e->hint_write = ept->ept.write;
		e->hint_gva = ept->ept.gva;
		e->hint_gpa = ept->ept.gpa;
		e->hint_mmio = device;
	}
	read_state(c);
	c->emu_start = e->rip;
	return step(c);
}

enum exit_action run_exit_ept(struct vcpu *c, const struct vmx_exit *exit)
{
	u64 data[] = {exit->reason, exit->ept.gpa.v};
	enum mmu_result r = mmu_fault(c, exit->ept.gpa, exit->ept.write);

	c->stats.pf_taken++;
	switch (r) {
	case MMU_MAPPED:
		c->stats.pf_fixed++;
		return GO_ON;
	case MMU_WANTED:
		if (c->run_hints & KVM0_RUN_PAGES_LATER)
			pv_apf_tell(c);
		return GO_PAGE_WANTED;
	case MMU_NO_MEMORY:
		/* kvm0's pool is used up: the VMM can free something and go on. */
		return run_internal_error(c, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON,
					  ARRAY_SIZE(data), data);
	case MMU_NO_SLOT:
		if (!exit->ept.fetch && apicv_map_page(c, exit->ept.gpa))
			return GO_ON;
		break;
	case MMU_READ_ONLY:
		break;
	}
	c->stats.pf_emulate++;
	/* An event whose delivery touched a device cannot be carried out by the emulator. */
	if (c->vmx.event)
		return run_internal_error(c, KVM_INTERNAL_ERROR_DELIVERY_EV, ARRAY_SIZE(data),
					  data);
	return run_emulate(c, exit, r == MMU_NO_SLOT);
}

/* Of user space to a read. */
static void take_answer(struct vcpu *c)
{
	struct emu_mmio *m = &c->io.mmio;
	u64 value;

	memcpy(m->data, c->run->mmio.data, sizeof(m->data));
	memcpy(&value, m->data, sizeof(value));
	tell(c, m, 0, iobus_value(value, m->len));
}

enum exit_action run_complete(struct vcpu *c)
{
	enum vcpu_completion what = c->completion;

	c->completion = COMPLETE_NOTHING;
	switch (what) {
	case COMPLETE_NOTHING:
	case COMPLETE_OUT: /* seen to by vcpu_run() */
		return GO_ON;
	case COMPLETE_IN:
		run_complete_in(c);
		return GO_ON;
	case COMPLETE_EMULATION:
		if (c->io.pending == EMU_NEED_MMIO_READ)
			take_answer(c);
		else if (c->io.pending == EMU_NEED_PIO_IN)
			run_string_in_answer(c, &c->io.pio);
		if (c->emu_stale)
			read_state(c);
		return step(c);
	case COMPLETE_RDMSR:
		return run_complete_msr(c, false);
	case COMPLETE_WRMSR:
		return run_complete_msr(c, true);
	case COMPLETE_HYPERCALL:
		return pv_complete_hypercall(c);
	case COMPLETE_WRITES:
		return post_writes(c, emulate_next_write(&c->io));
	}
	return GO_ON;
}
