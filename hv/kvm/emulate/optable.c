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

enum group { GROUP_1, GROUP_1A, GROUP_3, GROUP_4, GROUP_5, GROUP_8, GROUP_11, GROUPS };

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
	[GROUP_3] = {[0] = ROW(TEST, RM, IMM, F_RO),
		     [1] = ROW(TEST, RM, IMM, F_RO),
		     [2] = ROW(NOT, NONE, NONE, F_LOCK),
		     [3] = ROW(NEG, NONE, NONE, F_LOCK)},
	[GROUP_4] = {[0] = ROW(INC, NONE, NONE, F_LOCK), [1] = ROW(DEC, NONE, NONE, F_LOCK)},
	[GROUP_5] = {[0] = ROW(INC, NONE, NONE, F_LOCK),
		     [1] = ROW(DEC, NONE, NONE, F_LOCK),
		     [2] = ROW(CALL, NONE, NONE, F_BRANCH | F_RO),
		     [4] = ROW(JMP, NONE, NONE, F_BRANCH | F_RO),
		     [6] = ROW(PUSH, NONE, NONE, F_STACK | F_RO)},
	[GROUP_8] = {[4] = ROW(BT, NONE, NONE, F_RO),
		     [5] = ROW(BTS, NONE, NONE, F_LOCK),
		     [6] = ROW(BTR, NONE, NONE, F_LOCK),
		     [7] = ROW(BTC, NONE, NONE, F_LOCK)},
	[GROUP_11] = {[0] = ROW(MOV, NONE, NONE, F_WO)},
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
	[0x63] = ROW(MOVSX, REG, RM, F_WO | F_SRC32 | F_ONLY64),
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
	[0x8f] = GROUP(1A, RM, NONE, 0),
	PAIR(0xa0, MOV, ACC, MOFFS, F_WO),
	PAIR(0xa2, MOV, MOFFS, ACC, F_WO),
	PAIR(0xa4, MOVS, NONE, NONE, 0),
	PAIR(0xa6, CMPS, NONE, NONE, 0),
	PAIR(0xa8, TEST, ACC, IMM, F_RO),
	PAIR(0xaa, STOS, NONE, NONE, 0),
	PAIR(0xac, LODS, NONE, NONE, 0),
	PAIR(0xae, SCAS, NONE, NONE, 0),
	[0xc6] = GROUP(11, RM, IMM8, F_BYTE),
	[0xc7] = GROUP(11, RM, IMM, 0),
	[0xf6] = GROUP(3, RM, NONE, F_BYTE),
	[0xf7] = GROUP(3, RM, NONE, 0),
	[0xfe] = GROUP(4, RM, NONE, F_BYTE),
	[0xff] = GROUP(5, RM, NONE, 0),
};

static const struct opcode two_byte[256] = {
	EIGHT(0x40, CMOVCC, REG, RM, 0),
	EIGHT(0x48, CMOVCC, REG, RM, 0),
	EIGHT(0x90, SETCC, RM, NONE, F_WO | F_BYTE),
	EIGHT(0x98, SETCC, RM, NONE, F_WO | F_BYTE),
	[0xa3] = ROW(BT, RM, REG, F_RO),
	[0xab] = ROW(BTS, RM, REG, F_LOCK),
	PAIR(0xb0, CMPXCHG, RM, REG, F_LOCK),
	[0xb3] = ROW(BTR, RM, REG, F_LOCK),
	[0xb6] = ROW(MOV, REG, RM, F_WO | F_SRC8),
	[0xb7] = ROW(MOV, REG, RM, F_WO | F_SRC16),
	[0xba] = GROUP(8, RM, IMM8, 0),
	[0xbb] = ROW(BTC, RM, REG, F_LOCK),
	[0xbe] = ROW(MOVSX, REG, RM, F_WO | F_SRC8),
	[0xbf] = ROW(MOVSX, REG, RM, F_WO | F_SRC16),
	PAIR(0xc0, XADD, RM, REG, F_LOCK),
	[0xc3] = ROW(MOV, RM, REG, F_WO | F_MEM | F_NO_REP | F_NO_66),
};

static const struct opcode movbe[2] = {
	ROW(MOVBE, REG, RM, F_WO | F_MEM | F_NO_REP),
	ROW(MOVBE, RM, REG, F_WO | F_MEM | F_NO_REP),
};

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
	return (opcode & 0xfe) == 0xf0 ? &movbe[opcode & 1] : &unknown;
}

const struct opcode *optable_group(const struct opcode *row, u8 reg)
{
	return &groups[row->op][reg & 7];
}
