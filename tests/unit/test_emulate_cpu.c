/* SPDX-License-Identifier: MIT */
/*
 * The instruction emulator against the CPU of the build machine: random
 * instructions with random operands are executed by the CPU on one copy of a
 * buffer and by the emulator on another; registers, flags, memory and faults have
 * to come out the same.
 *
 * EMU_CASES in the environment sets the number of cases a mode, EMU_SEED the seed.
 */
/* sources: tests/unit/fake_vector.c tests/unit/emulate_native.c tests/unit/emulate_draw.c
 * hv/kvm/emulate/emulate.c
 * hv/kvm/emulate/decode.c hv/kvm/emulate/optable.c hv/kvm/emulate/access.c
 * hv/kvm/emulate/execute.c hv/kvm/emulate/strop.c hv/kvm/emulate/alu.c
 * hv/kvm/emulate/operand.c hv/kvm/emulate/stack.c hv/kvm/emulate/vector.c
 * hv/kvm/emulate/quick.c hv/kvm/gva.c */
#include "emulate_native.h"

#include <asm/prctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fake_vector.h"
#include "vmx/vmx.h"

/* Where the emulator has its page tables, in guest-physical memory. */
#define TABLES 0x20000000ul

u8 shadow[BUF_SZ];
static u64 tables[4][512];
static u64 gpr[16];

/* --- The registers that the emulator reaches itself --- */

static u64 gs_base;

u64 vmx_segment_base(enum vmx_segment n)
{
	return n == SEG_GS ? gs_base : 0;
}

void vmx_get_segment(enum vmx_segment n, struct kvm_segment *s)
{
	s->selector = cpu->selector[n];
}

/* --- Guest memory --- */

static u32 mmio_pages; /* a bit for each page of the buffer */

static u8 *guest_byte(gpa_t at, u32 len)
{
	if (at.v >= BUF && at.v + len <= BUF + BUF_SZ)
		return shadow + (at.v - BUF);
	if (at.v >= SLOT && at.v + len <= CODE + 0x1000)
		return (u8 *)at.v;
	if (at.v >= TABLES && at.v + len <= TABLES + sizeof(tables))
		return (u8 *)tables + (at.v - TABLES);
	return NULL;
}

static bool is_mmio(gpa_t at)
{
	return at.v >= BUF && at.v < BUF + BUF_SZ && (mmio_pages & 1u << ((at.v - BUF) >> 12));
}

static int mem_read(void *ctx, gpa_t at, void *buf, u32 len)
{
	u8 *p = guest_byte(at, len);

	(void)ctx;
	assert_non_null(p);
	if (is_mmio(at))
		return EMU_MMIO;
	memcpy(buf, p, len);
	return 0;
}

static int mem_write(void *ctx, gpa_t at, const void *buf, u32 len)
{
	u8 *p = guest_byte(at, len);

	(void)ctx;
	assert_non_null(p);
	if (is_mmio(at))
		return EMU_MMIO;
	memcpy(p, buf, len);
	return 0;
}

static int mem_cmpxchg(void *ctx, gpa_t at, u64 *old, u64 new, u32 len)
{
	u64 now = 0;
	int r = mem_read(ctx, at, &now, len);

	if (r || now != *old) {
		*old = now;
		return r;
	}
	return mem_write(ctx, at, &new, len);
}

static const struct guest_mem guest = {
	.read_gpa = mem_read, .write_gpa = mem_write, .cmpxchg_gpa = mem_cmpxchg};

/* The page's entry in the last table: as this process has it mapped. */
static u64 entry(u64 page)
{
	if (page == CODE || (page >= BUF && page < BUF + BUF_SZ - 0x1000))
		return page | 0x67;
	return page == BUF + BUF_SZ - 0x1000 ? page | 0x65 : 0;
}

static void build_tables(u8 mode)
{
	u32 *directory = (u32 *)tables[0], *table = (u32 *)tables[1];

	memset(tables, 0, sizeof(tables));
	if (mode == 64) {
		tables[0][CODE >> 39] = (TABLES + 0x1000) | 0x67;
		tables[1][CODE >> 30] = (TABLES + 0x2000) | 0x67;
		tables[2][CODE >> 21] = (TABLES + 0x3000) | 0x67;
	} else {
		directory[CODE >> 22] = (TABLES + 0x1000) | 0x67;
	}
	for (u32 i = 0; i < 0x40; i++) {
		u64 e = entry(CODE + i * 0x1000);

		if (mode == 64)
			tables[3][i] = e;
		else
			table[i] = (u32)e;
	}
}

/* --- The emulator's execution --- */

static void prepare(const struct test_case *c, struct emu_state *st)
{
	struct emu_seg data = {c->mode == 64 ? 0 : BUF, 0xffff, 0xc0f3};

	memset(st, 0xa5, sizeof(*st));
	st->gpr = gpr;
	memcpy(gpr, c->gpr, sizeof(gpr));
	st->mode = c->mode;
	st->cpl = 3;
	st->pg = (struct gva_paging){
		.cr0 = 0x80050001, /* PG, AM, WP, PE */
		.cr3 = TABLES,
		.cr4 = c->mode == 64 ? 0x40620 : 0x40600, /* OSXSAVE, OSXMMEXCPT, OSFXSR, PAE */
		.efer = c->mode == 64 ? 0x500 : 0,
		.rflags = c->flags,
		.maxphyaddr = 40,
	};
	for (u32 i = 0; i < EMU_SREGS; i++)
		st->seg[i] = data;
	if (c->mode != 64)
		st->seg[EMU_CS] = (struct emu_seg){CODE, 0xffff, 0xc0fb};
	st->rip = SLOT - st->seg[EMU_CS].base;
	st->insn_len = 0;
	if (chance(50)) {
		st->insn_len = (u8)below(c->len + 1);
		memcpy(st->insn, c->insn, st->insn_len);
	}
	mmio_pages = below(1u << BUF_PAGES);
	st->hint_valid = chance(50);
	st->hint_gva = gva(BUF + 0x1000);
	st->hint_gpa = gpa(BUF + 0x1000);
	st->hint_write = chance(50);
	st->hint_mmio = mmio_pages & 2;
}

/* To the end of the instruction, answering its requests. */
static enum emu_result run_emulator(struct emu_state *st, struct emu_io *io)
{
	emu_io_reset(io);
	for (u32 i = 0; i < 1000; i++) {
		enum emu_result r = emulate(st, io, &guest);

		if (r == EMU_NEED_MMIO_READ)
			memcpy(io->mmio.data, guest_byte(io->mmio.gpa, io->mmio.len), io->mmio.len);
		else if (r == EMU_MMIO_WRITE)
			memcpy(guest_byte(io->mmio.gpa, io->mmio.len), io->mmio.data, io->mmio.len);
		else if (r != EMU_DONE || st->retired)
			return r;
	}
	return EMU_UNHANDLEABLE;
}

/* --- Comparing --- */

static void explain(const struct test_case *c, const struct emu_state *st, enum emu_result r)
{
	print_error("mode %u:", c->mode);
	for (u32 i = 0; i < c->len; i++)
		print_error(" %02x", c->insn[i]);
	print_error("\nresult %d vector %d error %x cr2 %llx; cpu vector %d error %x cr2 %llx\n",
		    (int)r, st->fault.vector, st->fault.error, st->fault.cr2, (int)cpu->vector,
		    cpu->error, cpu->cr2);
	print_error("rip %+lld flags in %llx cpu %llx emu %llx\n", (long long)(st->rip - SLOT),
		    c->flags, cpu->out_flags, st->pg.rflags);
	for (u32 i = 0; i < 16; i++)
		print_error("r%-2u in %016llx cpu %016llx emu %016llx%s\n", i, c->gpr[i],
			    cpu->out[i], st->gpr[i], cpu->out[i] == st->gpr[i] ? "" : " <--");
	for (u32 i = 0; i < BUF_SZ; i++)
		if (native[i] != shadow[i])
			print_error("memory %#x cpu %02x emu %02x\n", i, native[i], shadow[i]);
	for (u32 i = 0; i < 16; i++)
		if (memcmp(ymm[i], cpu->ymm_out[i], has_avx ? 32 : 16))
			print_error("vector register %u\n", i);
}

/* Did both fault, and with the same? */
static bool same_fault(const struct test_case *c, const struct emu_state *st, enum emu_result r)
{
	const struct emu_fault *f = &st->fault;

	if (r != EMU_FAULT || f->vector != cpu->vector || cpu->fault_rip != SLOT ||
	    st->rip + (c->mode == 64 ? 0 : CODE) != SLOT)
		return false;
	if (f->vector == 14 && f->cr2 != cpu->cr2)
		return false;
	return f->error == cpu->error;
}

static bool same(const struct test_case *c, const struct emu_state *st, enum emu_result r)
{
	u64 rip = st->rip + (c->mode == 64 ? 0 : CODE);

	if (cpu->vector != NO_FAULT) {
		if (!same_fault(c, st, r))
			return false;
	} else if (r != EMU_DONE || (rip != SLOT + c->len && rip != SLOT_END)) {
		return false;
	}
	if (((cpu->out_flags ^ st->pg.rflags) & (STATUS | F_DF) & ~c->ignore) ||
	    memcmp(cpu->out, gpr, sizeof(gpr)))
		return false;
	if (memcmp(ymm, cpu->ymm_out, sizeof(ymm)) || memcmp(mm, cpu->mm_out, sizeof(mm)))
		return false;
	return !memcmp(native, shadow, BUF_SZ);
}

static void fill(void *buf, u64 n)
{
	for (u64 i = 0; i < n; i++)
		((u8 *)buf)[i] = (u8)rnd();
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Memory and vector registers are carried on from case to case. */
static void compare(u8 mode)
{
	const char *cases = getenv("EMU_CASES");
	u64 n = cases ? strtoull(cases, NULL, 0) : 150000, faults = 0;
	double start = seconds();
	struct emu_state st;
	struct emu_io io;
	struct test_case c;

	assert_int_equal(mprotect(native, BUF_SZ, PROT_READ | PROT_WRITE), 0);
	fill(native, BUF_SZ);
	fill(cpu->ymm_out, sizeof(ymm));
	fill(cpu->mm_out, sizeof(mm));
	for (u32 i = 0; i < 16 && !has_avx; i++)
		memset(cpu->ymm_out[i] + 16, 0, 16);
	memcpy(shadow, native, BUF_SZ);
	assert_int_equal(mprotect(native + BUF_SZ - 0x1000, 0x1000, PROT_READ), 0);
	build_tables(mode);
	for (u64 i = 0; i < n; i++) {
		enum emu_result r;

		draw(&c, mode, gs_base);
		prepare(&c, &st);
		memcpy(cpu->ymm_in, cpu->ymm_out, sizeof(ymm));
		memcpy(cpu->mm_in, cpu->mm_out, sizeof(mm));
		memcpy(ymm, cpu->ymm_in, sizeof(ymm));
		memcpy(mm, cpu->mm_in, sizeof(mm));
		native_run(&c);
		r = run_emulator(&st, &io);
		if (!same(&c, &st, r)) {
			explain(&c, &st, r);
			fail_msg("case %llu differs from the CPU", i);
		}
		faults += cpu->vector != NO_FAULT;
	}
	print_message("%u-bit code: %llu cases, %llu of them faults; %.1f million cases a minute\n",
		      mode, n, faults, (double)n / (seconds() - start) * 60 / 1e6);
}

static int set_up(void **state)
{
	const char *s = getenv("EMU_SEED");

	(void)state;
	if (s)
		rnd_seed(strtoull(s, NULL, 0));
	xcr0 = 7;
	return native_set_up();
}

static void test_64(void **state)
{
	(void)state;
	gs_base = 0x0ffff123;
	assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, gs_base), 0);
	assert_true(native_mode(64));
	compare(64);
}

static void test_narrow(u8 mode)
{
	if (!native_mode(mode)) {
		print_message("no modify_ldt on this machine\n");
		skip();
	}
	compare(mode);
}

static void test_32(void **state)
{
	(void)state;
	test_narrow(32);
}

static void test_16(void **state)
{
	(void)state;
	test_narrow(16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_64),
		cmocka_unit_test(test_32),
		cmocka_unit_test(test_16),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
