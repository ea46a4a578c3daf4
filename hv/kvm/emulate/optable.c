/* SPDX-License-Identifier: MIT */
/*
 * The opcode tables: one row an opcode, read by decode.c.
 * SDM vol. 2, Opcode Map.
 */
#include "kvm/emulate/insn.h"

#define ROW(op, dst, src, flags)                                                                   \
	{                                                                                          \
		OP_##op, IN_##dst, IN_##src, (flags)                                               \
	}

/* An opcode pair: the even one for bytes, the odd one for the operand size. */
#define PAIR(at, op, dst, src, flags)                                                              \
	[at] = ROW(op, dst, src, (flags) | F_BYTE), [(at) + 1] = ROW(op, dst, src, flags)

/* The six opcodes of one arithmetic operation. */
#define ARITH(at, op, rm_flags, flags)                                                             \
	PAIR(at, op, RM, REG, (rm_flags) | (flags)), PAIR((at) + 2, op, REG, RM, flags),           \
		PAIR((at) + 4, op, ACC, IMM, flags)

#define EIGHT(at, op, dst, src, flags)                                                             \
	[at] = ROW(op, dst, src, flags), [(at) + 1] = ROW(op, dst, src, flags),                    \
	[(at) + 2] = ROW(op, dst, src, flags), [(at) + 3] = ROW(op, dst, src, flags),              \
	[(at) + 4] = ROW(op, dst, src, flags), [(at) + 5] = ROW(op, dst, src, flags),              \
	[(at) + 6] = ROW(op, dst, src, flags), [(at) + 7] = ROW(op, dst, src, flags)

enum group {
	GROUP_1,
	GROUP_1A,
	GROUP_2,
	GROUP_3,
	GROUP_4,
	GROUP_5,
	GROUP_8,
	GROUP_9,
	GROUP_11,
	GROUP_15,
	GROUPS,
};

#define GROUP(number, dst, src, flags)                                                             \
	{                                                                                          \
		GROUP_##number, IN_##dst, IN_##src, (flags) | F_GROUP                              \
	}

static const struct opcode groups[GROUPS][8] = {
	[GROUP_1] = {ROW(ADD, NONE, NONE, F_LOCK), ROW(OR, NONE, NONE, F_LOCK),
		     ROW(ADC, NONE, NONE, F_LOCK), ROW(SBB, NONE, NONE, F_LOCK),
		     ROW(AND, NONE, NONE, F_LOCK), ROW(SUB, NONE, NONE, F_LOCK),
		     ROW(XOR, NONE, NONE, F_LOCK), ROW(CMP, NONE, NONE, F_RO)},
	[GROUP_1A] = {[0] = ROW(POP, NONE, NONE, F_STACK | F_WO)},
	[GROUP_2] = {ROW(ROL, NONE, NONE, 0), ROW(ROR, NONE, NONE, 0), ROW(RCL, NONE, NONE, 0),
		     ROW(RCR, NONE, NONE, 0), ROW(SHL, NONE, NONE, 0), ROW(SHR, NONE, NONE, 0),
		     ROW(SAL, NONE, NONE, 0), ROW(SAR, NONE, NONE, 0)},
	[GROUP_3] = {[0] = ROW(TEST, RM, IMM, F_RO),
		     [1] = ROW(TEST, RM, IMM, F_RO),
		     [2] = ROW(NOT, NONE, NONE, F_LOCK),
		     [3] = ROW(NEG, NONE, NONE, F_LOCK),
		     [4] = ROW(MUL_ACC, NONE, RM, 0),
		     [5] = ROW(IMUL_ACC, NONE, RM, 0),
		     [6] = ROW(DIV_ACC, NONE, RM, 0),
		     [7] = ROW(IDIV_ACC, NONE, RM, 0)},
	[GROUP_4] = {[0] = ROW(INC, NONE, NONE, F_LOCK), [1] = ROW(DEC, NONE, NONE, F_LOCK)},
	[GROUP_5] = {[0] = ROW(INC, NONE, NONE, F_LOCK),
		     [1] = ROW(DEC, NONE, NONE, F_LOCK),
		     [2] = ROW(CALL, NONE, RM, F_BRANCH),
		     [4] = ROW(JMP, NONE, RM, F_BRANCH),
		     [6] = ROW(PUSH, NONE, RM, F_STACK)},
	[GROUP_8] = {[4] = ROW(BT, NONE, NONE, F_RO),
		     [5] = ROW(BTS, NONE, NONE, F_LOCK),
		     [6] = ROW(BTR, NONE, NONE, F_LOCK),
		     [7] = ROW(BTC, NONE, NONE, F_LOCK)},
	[GROUP_9] = {[1] = ROW(CMPXCHG8B, NONE, NONE, F_LOCK | F_WO | F_MEM | F_DOUBLE)},
	[GROUP_11] = {[0] = ROW(MOV, NONE, NONE, F_WO)},
	[GROUP_15] = {[7] = ROW(CLFLUSH, NONE, NONE, F_RO | F_BYTE | F_MEM | F_NO_REP)},
};

static const struct opcode one_byte[256] = {
	ARITH(0x00, ADD, F_LOCK, 0),
	ARITH(0x08, OR, F_LOCK, 0),
	ARITH(0x10, ADC, F_LOCK, 0),
	ARITH(0x18, SBB, F_LOCK, 0),
	ARITH(0x20, AND, F_LOCK, 0),
	ARITH(0x28, SUB, F_LOCK, 0),
	ARITH(0x30, XOR, F_LOCK, 0),
	ARITH(0x38, CMP, 0, F_RO),
	EIGHT(0x50, PUSH, NONE, OPREG, F_STACK),
	EIGHT(0x58, POP, OPREG, NONE, F_STACK | F_WO),
	[0x63] = ROW(MOVSX, REG, RM, F_WO | F_SRC32 | F_ONLY64),
	[0x68] = ROW(PUSH, NONE, IMM, F_STACK),
	[0x69] = ROW(IMUL, REG, RM, F_IMM),
	[0x6a] = ROW(PUSH, NONE, IMM8, F_STACK),
	[0x6b] = ROW(IMUL, REG, RM, F_IMM8),
	PAIR(0x6c, INS, NONE, NONE, 0),
	PAIR(0x6e, OUTS, NONE, NONE, 0),
	[0x80] = GROUP(1, RM, IMM8, F_BYTE),
	[0x81] = GROUP(1, RM, IMM, 0),
	[0x82] = GROUP(1, RM, IMM8, F_BYTE | F_NO64),
	[0x83] = GROUP(1, RM, IMM8, 0),
	PAIR(0x84, TEST, RM, REG, F_RO),
	PAIR(0x86, XCHG, RM, REG, F_LOCK),
	PAIR(0x88, MOV, RM, REG, F_WO),
	PAIR(0x8a, MOV, REG, RM, F_WO),
	[0x8c] = ROW(MOV, RM, SREG, F_WO | F_MEM16),
	[0x8f] = GROUP(1A, RM, NONE, 0),
	PAIR(0xa0, MOV, ACC, MOFFS, F_WO),
	PAIR(0xa2, MOV, MOFFS, ACC, F_WO),
	PAIR(0xa4, MOVS, NONE, NONE, 0),
	PAIR(0xa6, CMPS, NONE, NONE, 0),
	PAIR(0xa8, TEST, ACC, IMM, F_RO),
	PAIR(0xaa, STOS, NONE, NONE, 0),
	PAIR(0xac, LODS, NONE, NONE, 0),
	PAIR(0xae, SCAS, NONE, NONE, 0),
	[0xc0] = GROUP(2, RM, IMM8, F_BYTE),
	[0xc1] = GROUP(2, RM, IMM8, 0),
	[0xc2] = ROW(RET, NONE, IMM16, F_BRANCH),
	[0xc3] = ROW(RET, NONE, NONE, F_BRANCH),
	[0xc6] = GROUP(11, RM, IMM8, F_BYTE),
	[0xc7] = GROUP(11, RM, IMM, 0),
	[0xd0] = GROUP(2, RM, ONE, F_BYTE),
	[0xd1] = GROUP(2, RM, ONE, 0),
	[0xd2] = GROUP(2, RM, CL, F_BYTE),
	[0xd3] = GROUP(2, RM, CL, 0),
	[0xd7] = ROW(MOV, ACC, XLAT, F_WO | F_BYTE),
	[0xe8] = ROW(CALL, NONE, IMM, F_BRANCH),
	[0xf6] = GROUP(3, RM, NONE, F_BYTE),
	[0xf7] = GROUP(3, RM, NONE, 0),
	[0xfe] = GROUP(4, RM, NONE, F_BYTE),
	[0xff] = GROUP(5, RM, NONE, 0),
};

#define VECTOR_ROW ROW(VECTOR, RM, NONE, F_VECTOR | F_WO)

static const struct opcode two_byte[256] = {
	[0x10] = VECTOR_ROW,
	[0x11] = VECTOR_ROW,
	[0x28] = VECTOR_ROW,
	[0x29] = VECTOR_ROW,
	[0x2b] = VECTOR_ROW,
	EIGHT(0x40, CMOVCC, REG, RM, 0),
	EIGHT(0x48, CMOVCC, REG, RM, 0),
	[0x6e] = VECTOR_ROW,
	[0x6f] = VECTOR_ROW,
	[0x7e] = VECTOR_ROW,
	[0x7f] = VECTOR_ROW,
	EIGHT(0x90, SETCC, RM, NONE, F_WO | F_BYTE),
	EIGHT(0x98, SETCC, RM, NONE, F_WO | F_BYTE),
	[0xa3] = ROW(BT, RM, REG, F_RO),
	[0xa4] = ROW(SHLD, RM, REG, F_IMM8),
	[0xa5] = ROW(SHLD, RM, REG, 0),
	[0xab] = ROW(BTS, RM, REG, F_LOCK),
	[0xac] = ROW(SHRD, RM, REG, F_IMM8),
	[0xad] = ROW(SHRD, RM, REG, 0),
	[0xae] = GROUP(15, RM, NONE, 0),
	[0xaf] = ROW(IMUL, REG, RM, 0),
	PAIR(0xb0, CMPXCHG, RM, REG, F_LOCK),
	[0xb3] = ROW(BTR, RM, REG, F_LOCK),
	[0xb6] = ROW(MOV, REG, RM, F_WO | F_SRC8),
	[0xb7] = ROW(MOV, REG, RM, F_WO | F_SRC16),
	[0xb8] = ROW(POPCNT, REG, RM, F_WO | F_NEEDS_F3),
	[0xba] = GROUP(8, RM, IMM8, 0),
	[0xbb] = ROW(BTC, RM, REG, F_LOCK),
	[0xbc] = ROW(BSF, REG, RM, F_WO),
	[0xbd] = ROW(BSR, REG, RM, F_WO),
	[0xbe] = ROW(MOVSX, REG, RM, F_WO | F_SRC8),
	[0xbf] = ROW(MOVSX, REG, RM, F_WO | F_SRC16),
	PAIR(0xc0, XADD, RM, REG, F_LOCK),
	[0xc3] = ROW(MOV, RM, REG, F_WO | F_MEM | F_NO_REP | F_NO_66),
	[0xc7] = GROUP(9, RM, NONE, 0),
	[0xd6] = VECTOR_ROW,
	[0xe7] = VECTOR_ROW,
	[0xf0] = VECTOR_ROW,
};

/* By prefix: none, 66, F3, F2. */
static const struct {
	u8 opcode;
	u16 by_prefix[4];
} vectors[] = {
	{0x10, {16 | V_WIDE, 16 | V_WIDE, 4, 8}}, /* MOVUPS, MOVUPD, MOVSS, MOVSD */
	{0x11, {16 | V_WIDE | V_STORE, 16 | V_WIDE | V_STORE, 4 | V_STORE, 8 | V_STORE}},
	{0x28, {16 | V_WIDE | V_ALIGNED, 16 | V_WIDE | V_ALIGNED}}, /* MOVAPS, MOVAPD */
	{0x29, {16 | V_WIDE | V_ALIGNED | V_STORE, 16 | V_WIDE | V_ALIGNED | V_STORE}},
	{0x2a, {0, 16 | V_WIDE | V_ALIGNED}}, /* MOVNTDQA, from the table of 0F 38 */
	{0x2b, {16 | V_WIDE | V_ALIGNED | V_STORE, 16 | V_WIDE | V_ALIGNED | V_STORE}},
	{0x6e, {4 | V_REX_W | V_MMX, 4 | V_REX_W}},                /* MOVD, MOVQ */
	{0x6f, {8 | V_MMX, 16 | V_WIDE | V_ALIGNED, 16 | V_WIDE}}, /* MOVQ, MOVDQA, MOVDQU */
	{0x7e, {4 | V_REX_W | V_MMX | V_STORE, 4 | V_REX_W | V_STORE, 8}},
	{0x7f, {8 | V_MMX | V_STORE, 16 | V_WIDE | V_ALIGNED | V_STORE, 16 | V_WIDE | V_STORE}},
	{0xd6, {0, 8 | V_STORE}},                                         /* MOVQ */
	{0xe7, {8 | V_MMX | V_STORE, 16 | V_WIDE | V_ALIGNED | V_STORE}}, /* MOVNTQ, MOVNTDQ */
	{0xf0, {0, 0, 0, 16 | V_WIDE}},                                   /* LDDQU */
};

static const struct opcode movbe[2] = {
	ROW(MOVBE, REG, RM, F_WO | F_MEM | F_NO_REP),
	ROW(MOVBE, RM, REG, F_WO | F_MEM | F_NO_REP),
};

static const struct opcode movntdqa = VECTOR_ROW;
static const struct opcode unknown;

const struct opcode *optable_one_byte(u8 opcode)
{
	return &one_byte[opcode];
}

const struct opcode *optable_0f(u8 opcode)
{
	return &two_byte[opcode];
}

const struct opcode *optable_0f38(u8 opcode)
{
	if (opcode == 0x2a)
		return &movntdqa;
	return (opcode & 0xfe) == 0xf0 ? &movbe[opcode & 1] : &unknown;
}

u16 optable_vector(u8 opcode, bool op_size_prefix, u8 rep)
{
	u32 prefix = rep == 0xf3 ? 2 : rep ? 3 : op_size_prefix;

	for (u32 i = 0; i < ARRAY_SIZE(vectors); i++)
		if (vectors[i].opcode == opcode)
			return vectors[i].by_prefix[prefix];
	return 0;
}

const struct opcode *optable_group(const struct opcode *row, u8 reg)
{
	return &groups[row->op][reg & 7];
}
