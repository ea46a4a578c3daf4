/* SPDX-License-Identifier: MIT */
/* The vCPU, its memory and the expectations of the emulator's unit tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "emulate_fixture.h"

#include "vmx/vmx.h"

u8 ram[RAM_SIZE];
u32 reads;       /* calls of mem_read */
bool lose_races; /* another CPU is always faster */
u64 absent = ~0ull;
struct emu_state st;
u64 gpr[EMU_GPRS];
struct emu_io io;

u64 vmx_segment_base(enum vmx_segment n)
{
	return st.seg[n].base;
}

void vmx_get_segment(enum vmx_segment n, struct kvm_segment *s)
{
	s->selector = (u16)(0x10 + n * 8);
}

static bool is_absent(gpa_t at)
{
	return (at.v & ~0xfffull) == absent;
}

static int mem_read(void *ctx, gpa_t at, void *buf, u32 len)
{
	(void)ctx;
	reads++;
	assert_true((at.v & 0xfff) + len <= 0x1000);
	if (is_absent(at))
		return GUEST_MEM_ABSENT;
	if (at.v >= RAM_SIZE)
		return EMU_MMIO;
	memcpy(buf, ram + at.v, len);
	return 0;
}

static int mem_write(void *ctx, gpa_t at, const void *buf, u32 len)
{
	(void)ctx;
	assert_true((at.v & 0xfff) + len <= 0x1000);
	if (is_absent(at))
		return GUEST_MEM_ABSENT;
	if (at.v >= RAM_SIZE || (at.v & ~0xfffull) == ROM)
		return EMU_MMIO;
	memcpy(ram + at.v, buf, len);
	return 0;
}

static int mem_cmpxchg(void *ctx, gpa_t at, u64 *old, u64 new, u32 len)
{
	u64 now = 0;

	if (is_absent(at))
		return GUEST_MEM_ABSENT;
	if (at.v >= RAM_SIZE || (at.v & ~0xfffull) == ROM)
		return EMU_MMIO;
	assert_int_equal(at.v & (len - 1), 0);
	assert_int_equal(new >> (len * 8 - 1) >> 1, 0);
	memcpy(&now, ram + at.v, len);
	if (lose_races || now != *old) {
		*old = ~*old;
		return 0;
	}
	return mem_write(ctx, at, &new, len);
}

const struct guest_mem guest = {
	.read_gpa = mem_read, .write_gpa = mem_write, .cmpxchg_gpa = mem_cmpxchg};

/* A vCPU in a mode, flat, paging off, about to execute `code`. */
void start(u8 mode, const char *code, u32 len)
{
	memset(&st, 0, sizeof(st));
	memset(gpr, 0, sizeof(gpr));
	st.gpr = gpr;
	memset(&io, 0x5a, sizeof(io));
	memset(ram, 0, sizeof(ram));
	emu_io_reset(&io);
	reads = 0;
	lose_races = false;
	absent = ~0ull;
	st.mode = mode;
	st.pg = (struct gva_paging){.cr0 = 1, .rflags = 2, .maxphyaddr = 40};
	for (u32 i = 0; i < EMU_SREGS; i++)
		st.seg[i] = (struct emu_seg){0, 0xffffffff, i == EMU_CS ? 0xc09b : 0xc093};
	st.rip = CODE;
	st.gpr[EMU_RSP] = STACK;
	memcpy(ram + CODE, code, len);
}

enum emu_result step(void)
{
	return emulate(&st, &io, &guest);
}

void expect_done(u64 rip)
{
	assert_int_equal(step(), EMU_DONE);
	assert_true(st.retired);
	assert_int_equal(st.rip, rip);
	assert_int_equal(st.insn_len, 0);
}

void expect_read(u64 at, u32 len)
{
	assert_int_equal(step(), EMU_NEED_MMIO_READ);
	assert_int_equal(io.mmio.gpa.v, at);
	assert_int_equal(io.mmio.len, len);
}

void answer(u64 v)
{
	memcpy(io.mmio.data, &v, 8);
}

void check_write(u64 at, u32 len, u64 want)
{
	u64 v = 0;

	assert_int_equal(io.mmio.gpa.v, at);
	assert_int_equal(io.mmio.len, len);
	memcpy(&v, io.mmio.data, len);
	assert_int_equal(v, want);
}

void expect_write(u64 at, u32 len, u64 want)
{
	assert_int_equal(step(), EMU_MMIO_WRITE);
	check_write(at, len, want);
}

void expect_fault(u8 vector, u32 error)
{
	struct emu_state before = st;
	u64 gpr_before[EMU_GPRS];

	memcpy(gpr_before, gpr, sizeof(gpr));
	assert_int_equal(step(), EMU_FAULT);
	assert_int_equal(st.fault.vector, vector);
	assert_int_equal(st.fault.error, error);
	assert_memory_equal(gpr, gpr_before, sizeof(gpr));
	assert_int_equal(st.rip, before.rip);
	assert_int_equal(st.pg.rflags, before.pg.rflags);
	assert_false(st.retired);
}

void expect_pio(enum emu_result r, u16 port, u8 size, u16 count)
{
	assert_int_equal(step(), r);
	assert_int_equal(io.pio.port, port);
	assert_int_equal(io.pio.size, size);
	assert_int_equal(io.pio.count, count);
}
