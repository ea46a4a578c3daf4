/* SPDX-License-Identifier: MIT */
/* Breakpoints, steps and memory for whoever debugs guests; see kvm/debugger.h. */
#include "kvm/debugger.h"
#include <linux/errno.h>
#include "core/memmap.h"
#include "cpu/layout.h"
#include "cpu/percpu.h"
#include "cpu/regs.h"
#include "kvm/mmu.h"
#include "kvm/vcpu_events.h"
#include "lib/string.h"

static u32 any_hit; /* set with release by who is hit; taken by who looks */

u32 debugger_vm(struct vmx_vcpu *v)
{
	return v->control ? 0 : debugger_vcpu(v)->vm->id;
}

/* --- memory --- */

/* @len bytes at @a, which lie in one page.  False: no memory of the guest's. */
static bool access_physical(struct vmx_vcpu *v, gpa_t a, void *buf, u32 len, bool write)
{
	void *p;

	if (!v->control)
		return !(write ? mmu_write(debugger_vcpu(v), a, buf, len)
			       : mmu_read(debugger_vcpu(v), a, buf, len));
	if (memmap_type(&memmap, a.v, len) != MEM_RAM)
		return false;
	p = phys_to_virt(cg_identity(a));
	memcpy(write ? p : buf, write ? buf : p, len);
	return true;
}

static int read_control_memory(void *ctx, gpa_t a, void *buf, u32 len)
{
	return access_physical(ctx, a, buf, len, false) ? GUEST_MEM_OK : EMU_MMIO;
}

bool debugger_translate(struct vmx_vcpu *v, u64 linear, gpa_t *a)
{
	const struct guest_mem mem = {.read_gpa = read_control_memory, .ctx = v};
	struct gva_paging pg = {.cr0 = vmx_cr0(),
				.cr3 = vmx_cr3(),
				.cr4 = vmx_cr4(),
				.efer = vmx_efer(),
				.maxphyaddr = cpuid(0x80000008, 0).eax & 0xff};

	if (!(pg.efer & EFER_LMA))
		linear = (u32)linear;
	return v->control ? gva_to_gpa(&pg, &mem, gva(linear), a)
			  : vcpu_translate(debugger_vcpu(v), linear, a);
}

/* Of the INT3s in the @len bytes at @a, which lie in one page: into @buf, which was read, what the
 * guest has there; or out of it, which was written.  Not by linear addresses, which mean another
 * place where the guest has other page tables. */
static void hide_int3(struct vmx_vcpu *v, gpa_t a, u8 *buf, u32 len, bool write)
{
	for (u32 i = 0; i < BREAKPOINTS_MAX; i++) {
		struct breakpoint *b = breakpoint_at(i);
		u64 offset = b->place - a.v;
		u8 op = BREAKPOINT_INT3_OP;

		if (b->user == DEBUGGER_NOBODY || b->kind != BREAK_INT3 ||
		    b->vm != debugger_vm(v) || offset >= len)
			continue;
		if (!write) {
			buf[offset] = b->original;
		} else {
			b->original = buf[offset];
			(void)access_physical(v, gpa(b->place), &op, 1, true);
		}
	}
}

int debugger_access(struct vmx_vcpu *v, u64 linear, void *buf, u32 len, bool write)
{
	for (u32 done = 0; done < len;) {
		u64 at = linear + done;
		u32 part = (u32)MIN((u64)(len - done), PAGE_SIZE - (at & (PAGE_SIZE - 1)));
		u8 *piece = (u8 *)buf + done;
		gpa_t a;

		if (!debugger_translate(v, at, &a) || !access_physical(v, a, piece, part, write))
			return -EFAULT;
		hide_int3(v, a, piece, part, write);
		done += part;
	}
	return 0;
}

/* --- breakpoints --- */

static bool plant(struct vmx_vcpu *v, u32 n)
{
	struct breakpoint *b = breakpoint_at(n);
	u8 op = BREAKPOINT_INT3_OP;
	gpa_t a;
	int twin;

	if (!debugger_translate(v, b->address, &a))
		return false;
	b->place = a.v;
	twin = breakpoint_twin(n);
	if (twin >= 0)
		b->original = breakpoint_at((u32)twin)->original;
	else if (!access_physical(v, a, &b->original, 1, false))
		return false;
	return access_physical(v, a, &op, 1, true);
}

int debugger_set(struct vmx_vcpu *v, const struct breakpoint *b)
{
	bool was_there;
	int n = breakpoint_add(b, &was_there);

	if (n >= 0 && b->kind == BREAK_INT3 && !was_there && !plant(v, (u32)n)) {
		breakpoint_at((u32)n)->user = DEBUGGER_NOBODY;
		return -EFAULT;
	}
	return n;
}

void debugger_clear(struct vmx_vcpu *v, u32 n)
{
	struct breakpoint *b = breakpoint_at(n);
	u8 op;

	/* Unless the guest has written something else there, or its memory is gone. */
	if (v && b->kind == BREAK_INT3 && breakpoint_twin(n) < 0 &&
	    access_physical(v, gpa(b->place), &op, 1, false) && op == BREAKPOINT_INT3_OP)
		(void)access_physical(v, gpa(b->place), &b->original, 1, true);
	b->user = DEBUGGER_NOBODY;
}

void debugger_forget(const struct vm *vm)
{
	for (u32 i = 0; i < BREAKPOINTS_MAX; i++)
		if (breakpoint_at(i)->vm == vm->id)
			breakpoint_at(i)->user = DEBUGGER_NOBODY;
}

/* --- going on --- */

void debugger_apply(struct vmx_vcpu *v, enum debugger_user stepper)
{
	u32 vm = debugger_vm(v);
	u64 dr[BREAK_REGISTERS], dr7 = breakpoints_registers(vm, dr);
	u8 what = (dr7 ? VMX_DEBUGGER_HW : 0) | (stepper ? VMX_DEBUGGER_STEP : 0) |
		  (breakpoints_have_int3(vm) ? VMX_DEBUGGER_BP : 0);
	bool at_breakpoint = v->debug_hit == HIT_KIND + BREAK_EXECUTE;

	v->debug_hit = HIT_NOTHING;
	v->debug_user = (u8)stepper;
	if (!what && !v->debugger)
		return;
	vmx_load(v);
	if (at_breakpoint && vmx_linear_rip() == v->debug_rip) /* not to meet it again */
		vmx_set_rflags(vmx_rflags() | RFLAGS_RF);
	v->debug_rip = vmx_linear_rip();
	v->debug_again = false;
	vmx_set_debugger(v, what, dr, dr7);
	if (!v->control)
		vcpu_update_injection(debugger_vcpu(v));
}

static void hit(struct vmx_vcpu *v, u8 why, u8 user, u64 address)
{
	v->debug_hit = why;
	v->debug_user = user;
	v->debug_address = address;
	v->debug_rip = vmx_linear_rip();
	v->debug_told = false;
	v->debug_held = true;
	if (!v->control)
		vcpu_stop(debugger_vcpu(v));
	__atomic_store_n(&any_hit, 1, __ATOMIC_RELEASE);
	cpu_want(this_cpu(), CPU_ATTEND);
}

/* Bochs 2.7 takes a page that is not mapped yet for a step.  What stays where it is, as a REP does,
 * is not harmed by a second one. */
static void end_step(struct vmx_vcpu *v, u64 rip)
{
	if (rip != v->debug_rip || v->debug_again)
		hit(v, HIT_STEP, v->debug_user, 0);
	v->debug_again = true;
}

bool debugger_takes(struct vmx_vcpu *v, const struct vmx_exit *exit)
{
	u32 vm = debugger_vm(v);
	u64 rip = vmx_linear_rip();
	const struct breakpoint *b;
	gpa_t a;
	int n;

	if (exit->debug.vector == VECTOR_DB) {
		n = breakpoint_hit(vm, exit->debug.dr6);
		if (n < 0 && (v->debugger & VMX_DEBUGGER_STEP)) {
			end_step(v, rip);
			return true;
		}
	} else {
		n = breakpoint_int3(vm, &rip, 0);
		/* Not by that address: a page may be mapped more than once. */
		if (n < 0 && debugger_translate(v, rip, &a))
			n = breakpoint_int3(vm, NULL, a.v);
	}
	if (n < 0)
		return false;
	b = breakpoint_at((u32)n);
	hit(v, (u8)(HIT_KIND + b->kind), b->user, b->address);
	return true;
}

bool debugger_has_hit(void)
{
	return READ_ONCE(any_hit);
}

void debugger_take_hit(void)
{
	__atomic_exchange_n(&any_hit, 0, __ATOMIC_ACQUIRE);
}
