/* SPDX-License-Identifier: MIT */
/* Execution of single instructions by the CPU of the build machine; see emulate_native.h. */
#define _GNU_SOURCE /* REG_RIP and its like */
#include "emulate_native.h"

#include <asm/ldt.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define USER_CS 0x33
#define USER_SS 0x2b

bool has_avx;
static u8 *out, *epilogue;
static bool narrow; /* the slot is reached through a segment that begins at CODE */

/* --- Generated code --- */

static void emit(u32 n, ...)
{
	va_list ap;

	va_start(ap, n);
	while (n--)
		*out++ = (u8)va_arg(ap, int);
	va_end(ap);
}

static void emit_n(u64 v, u32 n)
{
	memcpy(out, &v, n);
	out += n;
}

#define AT(field) (DATA + offsetof(struct cpu_data, field))

/* An instruction with the address of a field of *cpu as its operand. */
#define EMIT_DATA(field, n, ...)                                                                   \
	do {                                                                                       \
		emit(n, __VA_ARGS__);                                                              \
		emit_n(AT(field), 4);                                                              \
	} while (0)

static void emit_gprs(u8 opcode, u64 at)
{
	for (int r = 0; r < 16; r++) {
		emit(4, r < 8 ? 0x48 : 0x4c, opcode, 0x04 | (r & 7) << 3, 0x25);
		emit_n(at + (u64)r * 8, 4);
	}
}

/* opcode: 10 to load them, 11 to store. */
static void emit_vectors(u8 opcode, u64 ymm, u64 mm)
{
	for (int r = 0; r < 16; r++) {
		if (has_avx)
			emit(5, 0xc5, r < 8 ? 0xfc : 0x7c, opcode, 0x04 | (r & 7) << 3, 0x25);
		else
			emit(5, r < 8 ? 0x40 : 0x44, 0x0f, opcode, 0x04 | (r & 7) << 3, 0x25);
		emit_n(ymm + (u64)r * 32, 4);
	}
	for (int r = 0; r < 8; r++) {
		emit(4, 0x0f, opcode == 0x10 ? 0x6f : 0x7f, 0x04 | r << 3, 0x25);
		emit_n(mm + (u64)r * 8, 4);
	}
}

/* Back to the caller, in 64-bit code. */
static void emit_epilogue(void)
{
	epilogue = out;
	emit_gprs(0x89, AT(out));
	EMIT_DATA(ss_host, 3, 0x8e, 0x14, 0x25);
	EMIT_DATA(host_rsp, 4, 0x48, 0x8b, 0x24, 0x25);
	emit(1, 0x9c);
	EMIT_DATA(out_flags, 3, 0x8f, 0x04, 0x25);
	emit(3, 0x6a, 0x02, 0x9d); /* push 2; popf */
	EMIT_DATA(seg_null, 3, 0x8e, 0x1c, 0x25);
	EMIT_DATA(seg_null, 3, 0x8e, 0x04, 0x25);
	emit_vectors(0x11, AT(ymm_out), AT(mm_out));
	emit(2, 0x0f, 0x77); /* emms */
	if (has_avx)
		emit(3, 0xc5, 0xf8, 0x77); /* vzeroupper */
	emit(11, 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3);
}

/* Lay out the stub for a mode: prologue, slot for the instruction, epilogue. */
static void emit_stub(u8 mode, u16 code_selector)
{
	memset((void *)CODE, 0xcc, 0x1000);
	out = (u8 *)CODE;
	emit(10, 0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57);
	emit_vectors(0x10, AT(ymm_in), AT(mm_in));
	EMIT_DATA(host_rsp, 4, 0x48, 0x89, 0x24, 0x25);
	EMIT_DATA(in_flags, 3, 0xff, 0x34, 0x25);
	emit(1, 0x9d);
	if (mode != 64) {
		EMIT_DATA(seg_in, 3, 0x8e, 0x1c, 0x25);
		EMIT_DATA(seg_in, 3, 0x8e, 0x04, 0x25);
		EMIT_DATA(ss_in, 3, 0x8e, 0x14, 0x25);
	}
	emit_gprs(0x8b, AT(in));
	cpu->far.offset = mode == 64 ? SLOT : SLOT - CODE;
	cpu->far.selector = mode == 64 ? USER_CS : code_selector;
	EMIT_DATA(far, 3, 0xff, 0x2c, 0x25);
	assert_true(out < (u8 *)SLOT);
	memset((void *)SLOT, 0x90, SLOT_END - SLOT);
	out = (u8 *)SLOT_END;
	if (mode != 64) {
		/* Far jump to the epilogue behind it. */
		u32 len = mode == 16 ? 8 : 7;

		if (mode == 16)
			emit(1, 0x66);
		emit(1, 0xea);
		emit_n(SLOT_END + len, 4);
		emit_n(USER_CS, 2);
	}
	emit_epilogue();
	assert_true(out < (u8 *)CODE + 0x1000);
}

/* --- Faults --- */

/* The instruction in the slot faulted: note it, and go on at the epilogue. */
static void on_fault(int sig, siginfo_t *info, void *context)
{
	greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
	u64 rip = (u64)g[REG_RIP] + (narrow ? CODE : 0);

	/* The flag is still the instruction's. */
	__asm__ volatile("pushf; andl $~0x40000, (%%rsp); popf" : : : "cc", "memory");
	(void)info;
	if (rip < SLOT || rip >= SLOT_END) {
		print_error("signal %d at 0x%llx, not in the instruction:", sig, rip);
		for (u32 i = 0; i < 15; i++)
			print_error(" %02x", ((u8 *)SLOT)[i]);
		print_error("\n");
		signal(sig, SIG_DFL);
		return;
	}
	cpu->vector = (u32)g[REG_TRAPNO];
	cpu->error = (u32)g[REG_ERR];
	cpu->cr2 = (u64)g[REG_CR2];
	cpu->fault_rip = rip;
	g[REG_RIP] = (greg_t)epilogue;
	g[REG_CSGSFS] = (g[REG_CSGSFS] & ~0xffffll) | USER_CS;
}

/* For each test anew: cmocka has handlers of its own. */
static void catch_faults(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
	static u8 stack[1 << 16];
	stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction a = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	assert_int_equal(sigaltstack(&alternative, NULL), 0);
	for (u32 i = 0; i < ARRAY_SIZE(signals); i++)
		assert_int_equal(sigaction(signals[i], &a, NULL), 0);
}

/* --- Set-up --- */

int native_set_up(void)
{
	static const u64 areas[][2] = {{CODE, 0x1000}, {DATA, 0x1000}, {BUF, BUF_SZ}};

	for (u32 i = 0; i < ARRAY_SIZE(areas); i++) {
		void *at = (void *)areas[i][0];

		if (mmap(at, areas[i][1], PROT_READ | PROT_WRITE | PROT_EXEC,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != at)
			return -1;
	}
	cpu->ss_host = USER_SS;
	has_avx = __builtin_cpu_supports("avx");
	return 0;
}

static u16 ldt_segment(u32 entry, u64 base, bool code, bool is32)
{
	struct user_desc d = {
		.entry_number = entry,
		.base_addr = (u32)base,
		.limit = 0xffff,
		.seg_32bit = is32,
		.contents = code ? 2 : 0,
		.useable = 1,
	};

	if (syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)))
		return 0;
	return (u16)(entry << 3 | 7);
}

bool native_mode(u8 mode)
{
	u16 code = USER_CS;

	catch_faults();
	narrow = mode != 64;
	memset(cpu->selector, 0, sizeof(cpu->selector));
	if (narrow) {
		code = ldt_segment(0, CODE, true, mode == 32);
		cpu->seg_in = cpu->ss_in = ldt_segment(1, BUF, false, true);
		if (!code || !cpu->seg_in)
			return false;
		cpu->selector[EMU_DS] = cpu->selector[EMU_ES] = cpu->seg_in;
	}
	cpu->selector[EMU_CS] = code;
	cpu->selector[EMU_SS] = narrow ? cpu->ss_in : USER_SS;
	__asm__ volatile("mov %%fs, %0" : "=r"(cpu->selector[EMU_FS]));
	__asm__ volatile("mov %%gs, %0" : "=r"(cpu->selector[EMU_GS]));
	emit_stub(mode, code);
	return true;
}

void native_run(const struct test_case *c)
{
	memset((void *)SLOT, 0x90, SLOT_END - SLOT);
	memcpy((void *)SLOT, c->insn, c->len);
	memcpy(cpu->in, c->gpr, sizeof(c->gpr));
	cpu->in_flags = c->flags;
	cpu->vector = NO_FAULT;
	((void (*)(void))CODE)();
}
