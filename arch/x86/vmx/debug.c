/* SPDX-License-Identifier: MIT */
/*
 * Debug registers and KVM_SET_GUEST_DEBUG.  The guest's DR0 to DR3 are in the CPU only while a
 * breakpoint is enabled; until then MOV DR exits.  User space's breakpoints take the place of
 * the guest's in the CPU and in the VMCS; the guest goes on to see its own, and never gets at
 * the CPU's.  DR6 is always the guest's own.  A #DB exits in any case, and is given back to the
 * guest if user space does not want it.  kvm0's own debugger comes before both: its breakpoints
 * take their place, and a step's trap is its own.  It debugs the control guest in the same way,
 * whose DR0 to DR3 are in vmx_cpus[] meanwhile.
 */
#include "vmx/vcpu.h"
#include "cpu/regs.h"
#include "cpu/xregs.h"
#include "lib/string.h"

#define DR7_GD     BIT(13)
#define DR7_FIXED  BIT(10)
#define DR6_BD     BIT(13)
#define DR6_FIXED  0xffff0ff0ull
#define DR6_VALID  0xe00full /* BT, BS, BD, B3 to B0 */
#define DR6_CAUSES 0xfull    /* B3 to B0 */
#define CR8_ALL    15u       /* holds back all that goes by priority */

/* Are user space's breakpoints, or the debugger's, in place of the guest's? */
static bool is_replaced(const struct vmx_vcpu *v)
{
	return (v->debug & KVM_GUESTDBG_USE_HW_BP) || (v->debugger & VMX_DEBUGGER_HW);
}

/* What MOV to and from DR0 to DR3 is about, when it exits. */
static u64 *own_breakpoints(struct vmx_vcpu *v)
{
	return v->control ? vmx_cpus[this_cpu()->index].dr : v->dr;
}

static u64 guest_dr7(const struct vmx_vcpu *v)
{
	return is_replaced(v) ? v->dr7 : vmcs_read_nat(VMCS_GUEST_DR7);
}

static void set_guest_dr7(struct vmx_vcpu *v, u64 value)
{
	if (is_replaced(v))
		v->dr7 = value;
	else
		vmcs_write_nat(VMCS_GUEST_DR7, value);
}

/* Has vmx_switch() to load them?  The control guest's own are in the CPU whenever it is. */
static void update_enabled(struct vmx_vcpu *v)
{
	v->dr_enabled = v->control
				? v->debugger & VMX_DEBUGGER_HW
				: (vmcs_read_nat(VMCS_GUEST_DR7) & DR7_ENABLES) || v->hidden_flags;
}

/* DR7 in effect, where the guest's own is @own, and what exits. */
static void update_debugging(struct vmx_vcpu *v, u64 own)
{
	u32 vectors = v->control ? 0 : EXITING_VECTORS;

	if ((v->debug & KVM_GUESTDBG_USE_SW_BP) || (v->debugger & VMX_DEBUGGER_BP))
		vectors |= BIT(VECTOR_BP);
	if (v->debugger & (VMX_DEBUGGER_HW | VMX_DEBUGGER_STEP))
		vectors |= BIT(VECTOR_DB);
	vmcs_write32(VMCS_EXCEPTION_BITMAP, vectors);
	v->dr7 = own;
	if (v->debugger & VMX_DEBUGGER_HW)
		own = v->debugger_dr7;
	else if (is_replaced(v))
		own = v->debug_dr7;
	vmcs_write_nat(VMCS_GUEST_DR7, own);
	update_enabled(v);
}

void vmx_load_debug_registers(struct vmx_vcpu *v)
{
	if (v->dr_in_cpu)
		return;
	read_breakpoints(vmx_cpus[this_cpu()->index].dr);
	write_breakpoints(v->debugger & VMX_DEBUGGER_HW ? v->debugger_dr
			  : is_replaced(v)              ? v->debug_dr
							: v->dr);
	v->dr_in_cpu = true;
	/* An entry with RFLAGS.TF in such a shadow wants a pending trap (SDM vol. 3, Checks on
	 * Guest Non-Register State), and user space is the one that wants to see a trap. */
	if (v->hidden_flags && !v->control) /* whose VMCS is not the current one */
		vmx_set_shadow(0);
	if (!is_replaced(v))
		vmx_set_cpu_controls(v, v->cpu_controls & ~(u32)CPU_MOV_DR);
}

void vmx_save_debug_registers(struct vmx_vcpu *v)
{
	if (!is_replaced(v))
		read_breakpoints(v->dr);
	write_breakpoints(vmx_cpus[this_cpu()->index].dr);
	v->dr_in_cpu = false;
	update_enabled(v);
	vmx_set_cpu_controls(v, v->cpu_controls | (u32)CPU_MOV_DR);
}

/* SDM vol. 3, Processor State After Reset: INIT does this too. */
void vmx_reset_debug_registers(struct vmx_vcpu *v)
{
	u64 *own = v->in_cpu ? own_breakpoints(v) : v->dr;

	memset(own, 0, sizeof(v->dr));
	v->dr6 = DR6_FIXED;
	set_guest_dr7(v, DR7_FIXED);
	update_enabled(v);
	if (!v->in_cpu)
		return;
	write_dr6(v->dr6);
	if ((v->control || v->dr_in_cpu) && !is_replaced(v))
		write_breakpoints(own);
}

void vmx_get_debugregs(const struct vmx_vcpu *v, struct kvm_debugregs *d)
{
	memset(d, 0, sizeof(*d));
	memcpy(d->db, v->dr, sizeof(d->db));
	d->dr6 = v->dr6;
	d->dr7 = guest_dr7(v);
}

int vmx_set_debugregs(struct vmx_vcpu *v, const struct kvm_debugregs *d)
{
	if (d->flags || d->dr6 >> 32 || d->dr7 >> 32)
		return -EINVAL;
	memcpy(v->dr, d->db, sizeof(v->dr));
	v->dr6 = d->dr6;
	set_guest_dr7(v, d->dr7);
	update_enabled(v);
	return 0;
}

/* SDM vol. 3, Debug Exceptions; the payload has the bits of DR6 where they are. */
void vmx_take_debug_payload(struct vmx_vcpu *v, u64 payload)
{
	u64 dr6 = v->in_cpu ? read_dr6() : v->dr6;

	dr6 = (dr6 & ~DR6_CAUSES) | DR6_FIXED | (payload & DR6_VALID);
	v->dr6 = dr6;
	if (v->in_cpu)
		write_dr6(dr6);
	set_guest_dr7(v, guest_dr7(v) & ~DR7_GD);
}

/* --- MOV DR --- */

static u64 read_dr(struct vmx_vcpu *v, u32 n)
{
	return n < 4 ? own_breakpoints(v)[n] : n == 6 ? read_dr6() : guest_dr7(v);
}

/* False: #GP. */
static bool write_dr(struct vmx_vcpu *v, u32 n, u64 value)
{
	if (n < 4) {
		own_breakpoints(v)[n] = value;
		return true;
	}
	if (value >> 32)
		return false;
	if (n == 6) {
		write_dr6((value & DR6_VALID) | DR6_FIXED);
		return true;
	}
	set_guest_dr7(v, (value & 0xffff2fff) | DR7_FIXED);
	/* With a breakpoint enabled the registers have to be in the CPU, and are from
	 * then on the guest's own to read and write. */
	update_enabled(v);
	if (v->dr_enabled)
		vmx_load_debug_registers(v);
	return true;
}

/* DR7.GD: a #DB instead of the access, for whoever set it. */
static enum vmx_exit_kind general_detect(struct vmx_vcpu *v, struct vmx_exit *exit)
{
	if (is_replaced(v)) {
		exit->debug.vector = VECTOR_DB;
		exit->debug.debugger = false;
		exit->debug.dr6 = DR6_BD | DR6_FIXED;
		return VMX_DEBUG;
	}
	vmcs_write_nat(VMCS_GUEST_DR7, vmcs_read_nat(VMCS_GUEST_DR7) & ~DR7_GD);
	write_dr6(read_dr6() | DR6_BD);
	return vmx_fault(v, VECTOR_DB);
}

enum vmx_exit_kind vmx_exit_dr(struct vmx_vcpu *v, struct vmx_exit *exit)
{
	u64 q = vmcs_read_nat(VMCS_EXIT_QUALIFICATION);
	u32 n = (u32)q & 7, gpr = (u32)(q >> 8 & 15);

	if (n == 4 || n == 5) {
		if (vmx_cr4() & CR4_DE)
			return vmx_fault(v, VECTOR_UD);
		n += 2;
	}
	if (vmcs_read_nat(VMCS_GUEST_DR7) & DR7_GD)
		return general_detect(v, exit);
	if (q & BIT(4)) {
		vmx_write_gpr(v, gpr, read_dr(v, n));
	} else {
		u64 value = vmx_read_gpr(v, gpr);

		if (!write_dr(v, n, vmx_cs_is_long() ? value : (u32)value))
			return vmx_fault(v, VECTOR_GP);
	}
	vmx_skip_instruction();
	return VMX_RESUME;
}

/* --- KVM_SET_GUEST_DEBUG --- */

/* With @step the guest goes on with RFLAGS.TF, which is not its own. */
static void hide_step(struct vmx_vcpu *v, bool step)
{
	u64 flags = vmx_rflags() & ~v->hidden_flags;

	/* A step that is not reported yet is nobody's any more. */
	if (v->hidden_flags)
		vmcs_write_nat(VMCS_GUEST_PENDING_DEBUG,
			       vmcs_read_nat(VMCS_GUEST_PENDING_DEBUG) & ~PENDING_DEBUG_BS);
	v->hidden_flags = step ? RFLAGS_TF : 0;
	v->step_rip = vmx_linear_rip();
	vmx_set_rflags(flags | v->hidden_flags);
}

void vmx_set_guest_debug(struct vmx_vcpu *v, const struct kvm_guest_debug *d)
{
	const u64 *reg = (const u64 *)d->arch.debugreg;
	u32 control = d->control & KVM_GUESTDBG_ENABLE ? d->control : 0;
	u64 dr7 = guest_dr7(v);

	v->debug = control;
	hide_step(v, (control & KVM_GUESTDBG_SINGLESTEP) || (v->debugger & VMX_DEBUGGER_STEP));
	memcpy(v->debug_dr, reg, sizeof(v->debug_dr));
	v->debug_dr7 = (u32)reg[7];
	update_debugging(v, dr7);
}

/*
 * Interrupts that have piled up while the guest stood would take the step's place.  kvm0 holds back
 * those that it injects itself; the control guest's own the local APIC does.
 */
static void hold_interrupts(bool hold)
{
	struct vmx_cpu *cpu = &vmx_cpus[this_cpu()->index];

	if (hold && !cpu->cr8_held)
		cpu->cr8 = (u8)read_cr8();
	if (hold != cpu->cr8_held)
		write_cr8(hold ? CR8_ALL : cpu->cr8);
	cpu->cr8_held = hold;
}

void vmx_set_debugger(struct vmx_vcpu *v, u8 what, const u64 dr[4], u64 dr7)
{
	u64 own = guest_dr7(v), controls;

	if (v->dr_in_cpu) /* the debugger's, while the control guest's are in vmx_cpus[] */
		vmx_save_debug_registers(v);
	v->debugger = what;
	if (what & VMX_DEBUGGER_HW) {
		memcpy(v->debugger_dr, dr, sizeof(v->debugger_dr));
		v->debugger_dr7 = dr7 | DR7_FIXED;
	}
	hide_step(v, (what & VMX_DEBUGGER_STEP) || (v->debug & KVM_GUESTDBG_SINGLESTEP));
	update_debugging(v, own);
	if (!v->control) /* the rest is done when it runs */
		return;
	controls = v->cpu_controls & ~CPU_MOV_DR;
	vmx_set_cpu_controls(v, (u32)(what & VMX_DEBUGGER_HW ? controls | CPU_MOV_DR : controls));
	if (v->dr_enabled)
		vmx_load_debug_registers(v);
	if (v->hidden_flags)
		vmx_set_shadow(0);
	hold_interrupts(what & VMX_DEBUGGER_STEP);
}

enum vmx_exit_kind vmx_exit_debug(const struct vmx_vcpu *v, u8 vector, struct vmx_exit *exit)
{
	u64 dr6 = vmcs_read_nat(VMCS_EXIT_QUALIFICATION);

	exit->debug.vector = vector;
	exit->debug.debugger =
		vector == VECTOR_BP
			? v->debugger & VMX_DEBUGGER_BP
			: ((v->debugger & VMX_DEBUGGER_HW) && (dr6 & DR6_CAUSES)) ||
				  ((v->debugger & VMX_DEBUGGER_STEP) && (dr6 & PENDING_DEBUG_BS));
	exit->debug.dr6 = dr6 | DR6_FIXED;
	return VMX_DEBUG;
}

/* INT1's, which says nothing in DR6 and is a trap: delivered as what it was. */
static void give_back_int1(struct vmx_vcpu *v)
{
	v->event = VECTOR_DB | INTR_TYPE_PRIV_SOFT | INTR_VALID;
	v->event_length = vmcs_read32(VMCS_EXIT_INSTRUCTION_LENGTH);
}

enum vmx_exit_kind vmx_exit_db(struct vmx_vcpu *v, struct vmx_exit *exit)
{
	enum vmx_exit_kind kind = vmx_exit_debug(v, VECTOR_DB, exit);

	if (exit->debug.debugger || vmx_is_user_debug(v, exit))
		return kind;
	return vmx_return_debug(v, exit) ? VMX_RESUME : VMX_TRIPLE_FAULT;
}

bool vmx_is_user_debug(const struct vmx_vcpu *v, const struct vmx_exit *exit)
{
	return v->debug &
	       (exit->debug.vector == VECTOR_BP ? KVM_GUESTDBG_USE_SW_BP
						: KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP);
}

bool vmx_return_debug(struct vmx_vcpu *v, const struct vmx_exit *exit)
{
	if (exit->debug.vector == VECTOR_BP)
		return vmx_queue_exception(v, VECTOR_BP, 0);
	if ((vmcs_read32(VMCS_EXIT_INTR_INFO) & INTR_TYPE) == INTR_TYPE_PRIV_SOFT) {
		give_back_int1(v);
		return true;
	}
	vmx_take_debug_payload(v, exit->debug.dr6 & ~(is_replaced(v) ? DR6_CAUSES : 0));
	vmx_set_shadow(vmx_shadow()); /* see match_pending_step() */
	return vmx_queue_exception(v, VECTOR_DB, 0);
}

u64 vmx_debug_dr7(void)
{
	return vmcs_read_nat(VMCS_GUEST_DR7);
}
