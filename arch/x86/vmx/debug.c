/* SPDX-License-Identifier: MIT */
/*
 * Debug registers and KVM_SET_GUEST_DEBUG.  The guest's DR0 to DR3 are in the CPU only while a
 * breakpoint is enabled; until then MOV DR exits.  User space's breakpoints take the place of
 * the guest's in the CPU and in the VMCS; the guest goes on to see its own, and never gets at
 * the CPU's.  DR6 is always the guest's own.  A #DB exits in any case, and is given back to the
 * guest if user space does not want it.
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

/* Are user space's breakpoints in place of the guest's? */
static bool is_replaced(const struct vmx_vcpu *v)
{
	return v->debug & KVM_GUESTDBG_USE_HW_BP;
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

/* Has vmx_switch() to load them? */
static void update_enabled(struct vmx_vcpu *v)
{
	v->dr_enabled = (vmcs_read_nat(VMCS_GUEST_DR7) & DR7_ENABLES) || v->hidden_flags;
}

void vmx_load_debug_registers(struct vmx_vcpu *v)
{
	if (v->dr_in_cpu)
		return;
	read_breakpoints(vmx_cpus[this_cpu()->index].dr);
	write_breakpoints(is_replaced(v) ? v->debug_dr : v->dr);
	v->dr_in_cpu = true;
	/* An entry with RFLAGS.TF in such a shadow wants a pending trap (SDM vol. 3, Checks on
	 * Guest Non-Register State), and user space is the one that wants to see a trap. */
	if (v->hidden_flags)
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
	memset(v->dr, 0, sizeof(v->dr));
	v->dr6 = DR6_FIXED;
	set_guest_dr7(v, DR7_FIXED);
	update_enabled(v);
	if (!v->in_cpu)
		return;
	write_dr6(v->dr6);
	/* The control guest's are in the CPU whenever it is. */
	if (v->control || (v->dr_in_cpu && !is_replaced(v)))
		write_breakpoints(v->dr);
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

static u64 read_dr(const struct vmx_vcpu *v, u32 n)
{
	return n < 4 ? v->dr[n] : n == 6 ? read_dr6() : guest_dr7(v);
}

/* False: #GP. */
static bool write_dr(struct vmx_vcpu *v, u32 n, u64 value)
{
	if (n < 4) {
		v->dr[n] = value;
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

void vmx_set_guest_debug(struct vmx_vcpu *v, const struct kvm_guest_debug *d)
{
	const u64 *reg = (const u64 *)d->arch.debugreg;
	u32 control = d->control & KVM_GUESTDBG_ENABLE ? d->control : 0;
	u64 flags = vmx_rflags() & ~v->hidden_flags, dr7 = guest_dr7(v);

	/* A step that is not reported yet is nobody's any more. */
	if (v->hidden_flags)
		vmcs_write_nat(VMCS_GUEST_PENDING_DEBUG,
			       vmcs_read_nat(VMCS_GUEST_PENDING_DEBUG) & ~PENDING_DEBUG_BS);
	v->debug = control;
	v->hidden_flags = control & KVM_GUESTDBG_SINGLESTEP ? RFLAGS_TF : 0;
	v->step_rip = vmx_linear_rip();
	vmx_set_rflags(flags | v->hidden_flags);
	if (is_replaced(v)) {
		v->dr7 = dr7;
		memcpy(v->debug_dr, reg, sizeof(v->debug_dr));
		dr7 = (u32)reg[7];
	}
	vmcs_write_nat(VMCS_GUEST_DR7, dr7);
	update_enabled(v);
	vmcs_write32(VMCS_EXCEPTION_BITMAP,
		     EXITING_VECTORS | (control & KVM_GUESTDBG_USE_SW_BP ? BIT(VECTOR_BP) : 0));
}

enum vmx_exit_kind vmx_exit_debug(u8 vector, struct vmx_exit *exit)
{
	exit->debug.vector = vector;
	exit->debug.dr6 = vmcs_read_nat(VMCS_EXIT_QUALIFICATION) | DR6_FIXED;
	return VMX_DEBUG;
}

/* INT1's, which says nothing in DR6 and is a trap: delivered as what it was. */
static void give_back_int1(struct vmx_vcpu *v)
{
	v->event = VECTOR_DB | INTR_TYPE_PRIV_SOFT | INTR_VALID;
	v->event_length = vmcs_read32(VMCS_EXIT_INSTRUCTION_LENGTH);
}

enum vmx_exit_kind vmx_exit_db(struct vmx_vcpu *v, u32 info, struct vmx_exit *exit)
{
	if (v->debug & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP))
		return vmx_exit_debug(VECTOR_DB, exit);
	if ((info & INTR_TYPE) == INTR_TYPE_PRIV_SOFT) {
		give_back_int1(v);
		return VMX_RESUME;
	}
	vmx_take_debug_payload(v, vmcs_read_nat(VMCS_EXIT_QUALIFICATION));
	vmx_set_shadow(vmx_shadow()); /* see match_pending_step() */
	return vmx_fault(v, VECTOR_DB);
}

u64 vmx_debug_dr7(void)
{
	return vmcs_read_nat(VMCS_GUEST_DR7);
}
