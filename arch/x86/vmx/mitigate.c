/* SPDX-License-Identifier: MIT */
/* See mitigate.h. */
#include "vmx/mitigate.h"
#include "cpu/regs.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "vmx/caps.h"
#include "vmx/watch.h"

#define CLEAR_BUFFERS 0x82u /* see enter.asm */

struct cpu_bugs vmx_bugs; /* written by the boot CPU; the others have to have the same */
u32 vmx_l1d_flush;

/* mitigations=: Linux's, for all but what vmentry_l1d_flush= asks for by name. */
enum { AUTO, OFF };
static const char *const words[] = {"auto", "off", NULL};
static u32 wanted;

/* --- vmentry_l1d_flush --- */

enum { FLUSH_AUTO = L1D_ALWAYS + 1 };
static const char *const flush_words[] = {"never", "cond", "always", "auto"};
static u32 flush_wanted = FLUSH_AUTO;

/* Known once the boot CPU has joined; before, vmx_bugs says no to all. */
static void choose_flush(void)
{
	u32 by_itself = wanted == OFF ? L1D_NEVER : L1D_COND;

	WRITE_ONCE(vmx_l1d_flush, !vmx_bugs.l1tf               ? L1D_NEVER
				  : flush_wanted == FLUSH_AUTO ? by_itself
							       : flush_wanted);
}

static int parse_flush(const char *value)
{
	for (u32 i = 0; i < ARRAY_SIZE(flush_words); i++)
		if (!strcmp(value, flush_words[i])) {
			flush_wanted = i;
			choose_flush();
			return 0;
		}
	return -EINVAL;
}

static void show_flush(char *text, size_t size)
{
	printf_format(text, size, "%s",
		      vmx_bugs.l1tf ? flush_words[READ_ONCE(vmx_l1d_flush)] : "not required");
}

static const struct param params[] = {
	{.name = "mitigations", .type = PARAM_ENUM, .value = &wanted, .words = words},
	{.name = "vmentry_l1d_flush",
	 .type = PARAM_FN,
	 .parse = parse_flush,
	 .show = show_flush,
	 .runtime = true},
};
const struct param_table mitigate_params = {params, ARRAY_SIZE(params)};

/* Without the command: as many lines as the largest such cache has twice over, all of them of
 * kvm0's that nobody ever writes. */
#define FILL_BYTES (64u << 10)
#define LINE       64u

static volatile u8 fill[FILL_BYTES] __attribute__((aligned(4096)));

static __attribute__((noinline)) void flush_l1d(void)
{
	if (vmx_bugs.flush_cmd) {
		wrmsr(MSR_FLUSH_CMD, FLUSH_CMD_L1D);
		return;
	}
	/* The translations first, whose walks would use the cache. */
	for (u32 i = 0; i < FILL_BYTES; i += PAGE_SIZE)
		(void)fill[i];
	(void)cpuid(0, 0);
#pragma GCC unroll 16
	for (u32 i = 0; i < FILL_BYTES; i += LINE)
		(void)fill[i];
	__asm__ volatile("lfence" ::: "memory");
}

/* --- all --- */

static u64 own_spec_ctrl(void)
{
	return vmx_bugs.ibrs_always || vmx_bugs.ibrs_at_exits ? SPEC_CTRL_IBRS : 0;
}

bool mitigate_join(bool first)
{
	struct cpu_facts facts;
	struct cpu_bugs bugs;

	cpu_facts_read(&facts);
	cpu_bugs_decide(&facts, &bugs);
	if (wanted == OFF)
		bugs.ibrs_always = bugs.ibrs_at_exits = bugs.clear_buffers = bugs.ibpb =
			bugs.fill_rsb = false;
	if (first) {
		vmx_bugs = bugs;
		choose_flush();
	}
	if (bugs.spec_ctrl)
		wrmsr(MSR_SPEC_CTRL, own_spec_ctrl());
	return !memcmp(&bugs, &vmx_bugs, sizeof(bugs));
}

void mitigate_init_vcpu(struct vmx_vcpu *v)
{
	v->how = !v->control && vmx_bugs.clear_buffers ? CLEAR_BUFFERS : 0;
	v->detour = vmx_bugs.ibrs_at_exits ? DETOUR_SPEC_CTRL : 0;
}

const char *mitigate_exit_point(void)
{
	return vmx_bugs.fill_rsb ? vmx_exit_point_filling : vmx_exit_point;
}

u32 mitigate_enter(struct vmx_vcpu *v)
{
	u32 flush = READ_ONCE(vmx_l1d_flush), result;
	u64 own = own_spec_ctrl();

	if ((v->detour & DETOUR_FLUSH) && flush != L1D_NEVER) {
		flush_l1d();
		v->l1d_flushes++;
	}
	if (flush != L1D_ALWAYS)
		v->detour &= (u8)~DETOUR_FLUSH;
	if (!(v->detour & DETOUR_SPEC_CTRL))
		return vmx_enter(v, v->how);
	if (v->spec_ctrl != own)
		wrmsr(MSR_SPEC_CTRL, v->spec_ctrl);
	result = vmx_enter(v, v->how);
	if (v->spec_native)
		v->spec_ctrl = rdmsr(MSR_SPEC_CTRL);
	/* Without enhanced IBRS it is the write that counts, whatever is there. */
	if (v->spec_ctrl != own || vmx_bugs.ibrs_at_exits)
		wrmsr(MSR_SPEC_CTRL, own);
	return result;
}

void mitigate_begin_run(struct vmx_vcpu *guest)
{
	if (READ_ONCE(vmx_l1d_flush) != L1D_NEVER)
		guest->detour |= DETOUR_FLUSH;
	if (READ_ONCE(trace_mask))
		watch_begin_run(guest);
}

const struct cpu_bugs *vmx_cpu_bugs(void)
{
	return &vmx_bugs;
}

int mitigate_set_spec_ctrl(struct vmx_vcpu *v, u64 value)
{
	if (wrmsr_safe(MSR_SPEC_CTRL, value))
		return -EINVAL;
	wrmsr(MSR_SPEC_CTRL, own_spec_ctrl());
	v->spec_ctrl = value;
	/* Kernels write it again and again, once they do: natively from now on. */
	if (value && !v->spec_native) {
		v->spec_native = true;
		v->detour |= DETOUR_SPEC_CTRL;
		vmx_open_spec_ctrl(v);
	}
	return 0;
}

int vmx_command(u32 index, u64 value)
{
	bool there = index == MSR_PRED_CMD ? vmx_bugs.pred_cmd : vmx_bugs.flush_cmd;

	if (!there || value & ~1ull)
		return -EINVAL;
	if (value)
		wrmsr(index, value);
	return 0;
}

const char *vmx_mitigations(void)
{
	static char text[128];
	const struct cpu_bugs *b = &vmx_bugs;

	printf_format(text, sizeof(text), "L1D-flush=%s%s%s%s%s%s",
		      b->l1tf ? flush_words[READ_ONCE(vmx_l1d_flush)] : "not-required",
		      b->clear_buffers ? " VERW" : "", b->ibpb ? " IBPB" : "",
		      b->ibrs_always     ? " IBRS"
		      : b->ibrs_at_exits ? " IBRS-at-exits"
					 : "",
		      b->fill_rsb ? " RSB" : "",
		      b->multihit ? "; a guest can stop this processor (iTLB multihit)" : "");
	return text;
}
