/* SPDX-License-Identifier: MIT */
/*
 * What the emulator knows of an instruction: the opcode tables' rows
 * (optable.c) and the decoded instruction that decode.c makes of a row and the
 * bytes.  A new instruction is a row, and a case in execute.c.
 */
#pragma once

#include "lib/types.h"

/* What to do.  The first eight are in the order of the encoding's reg field. */
enum op {
	OP_NONE,
	OP_ADD,
	OP_OR,
	OP_ADC,
	OP_SBB,
	OP_AND,
	OP_SUB,
	OP_XOR,
	OP_CMP,
	OP_TEST,
	OP_NOT,
	OP_NEG,
	OP_INC,
	OP_DEC,
	OP_MOV,
	OP_MOVSX, /* MOVZX is OP_MOV with a narrower source */
	OP_MOVBE,
	OP_XCHG,
	OP_XADD,
	OP_BT,
	OP_BTS,
	OP_BTR,
	OP_BTC,
	OP_ROL, /* again in the order of the reg field */
	OP_ROR,
	OP_RCL,
	OP_RCR,
	OP_SHL,
	OP_SHR,
	OP_SAL,
	OP_SAR,
	OP_SHLD,
	OP_SHRD,
	OP_IMUL,
	OP_SETCC,
	OP_CMOVCC,
	OP_BSF, /* from here on not of the shape dst = f(dst, src) */
	OP_BSR,
	OP_POPCNT,
	OP_MUL_ACC,
	OP_IMUL_ACC,
	OP_DIV_ACC,
	OP_IDIV_ACC,
	OP_CMPXCHG,
	OP_CMPXCHG8B, /* and CMPXCHG16B */
	OP_PUSH,
	OP_POP,
	OP_CALL,
	OP_JMP,
	OP_RET,
	OP_CLFLUSH,
	OP_VECTOR, /* vector.c's */
	OP_STRING, /* from here on strop.c's */
	OP_MOVS = OP_STRING,
	OP_CMPS,
	OP_STOS,
	OP_LODS,
	OP_SCAS,
	OP_INS,
	OP_OUTS,
};

/* Where an operand is. */
enum operand {
	IN_NONE,
	IN_RM,    /* ModRM's r/m: memory or register */
	IN_REG,   /* ModRM's reg */
	IN_ACC,   /* AL, AX, EAX, RAX */
	IN_OPREG, /* in the opcode's low bits */
	IN_SREG,  /* the segment register in ModRM's reg */
	IN_CL,
	IN_ONE,
	IN_XLAT, /* memory at [rBX + AL]; IN_RM once decoded */
	/* These follow what ModRM brings. */
	IN_IMM,   /* of the operand size, at most 32 bits, sign-extended */
	IN_IMM8,  /* sign-extended */
	IN_IMM16, /* zero-extended */
	IN_MOFFS, /* memory at an address in the instruction; IN_RM once decoded */
};

/* What is particular about an opcode. */
enum opcode_flag {
	F_BYTE = 1u << 0,      /* operand size is 8 bits */
	F_LOCK = 1u << 1,      /* may have LOCK with a memory destination */
	F_WO = 1u << 2,        /* the destination is not read */
	F_RO = 1u << 3,        /* the destination is not written */
	F_STACK = 1u << 4,     /* operand size is 64 bits in 64-bit mode, or 16 */
	F_BRANCH = 1u << 5,    /* operand size is 64 bits in 64-bit mode, always */
	F_SRC8 = 1u << 6,      /* the source is 8 bits wide */
	F_SRC16 = 1u << 7,     /* ... 16 */
	F_SRC32 = 1u << 8,     /* ... 32, or 16 with a 16-bit operand size */
	F_MEM = 1u << 9,       /* #UD with a register for r/m */
	F_GROUP = 1u << 10,    /* `op` numbers a table indexed by ModRM's reg */
	F_NO_REP = 1u << 11,   /* another instruction with F2 or F3 */
	F_NO_66 = 1u << 12,    /* none with an operand-size prefix, and 32 bits without */
	F_ONLY64 = 1u << 13,   /* another instruction outside 64-bit mode */
	F_NO64 = 1u << 14,     /* none in 64-bit mode */
	F_NEEDS_F3 = 1u << 15, /* another instruction without F3 */
	F_IMM = 1u << 16,      /* a third operand, of IN_IMM's kind */
	F_IMM8 = 1u << 17,     /* ... of IN_IMM8's */
	F_DOUBLE = 1u << 18,   /* the operand is twice as wide, and never 32 bits */
	F_MEM16 = 1u << 19,    /* memory is 16 bits wide, registers are not */
	F_VECTOR = 1u << 20,   /* the prefixes decide what it is: optable_vector() */
	/* Those that decide whether the opcode is an instruction at all. */
	F_RESTRICTED = F_MEM | F_NO_REP | F_NO_66 | F_ONLY64 | F_NO64 | F_NEEDS_F3,
	/* Those that change the size of an operand. */
	F_SIZES = F_STACK | F_BRANCH | F_SRC8 | F_SRC16 | F_SRC32 | F_NO_66 | F_DOUBLE | F_MEM16,
};

struct opcode {
	u8 op;       /* enum op */
	u8 dst, src; /* enum operand */
	u32 flags;   /* enum opcode_flag */
};

/* What a move of a vector register is, by opcode and prefix: its size in bytes and... */
enum vector_flag {
	V_SIZE = 0x1f,
	V_WIDE = 1u << 5,  /* VEX.L doubles the size */
	V_STORE = 1u << 6, /* register to memory */
	V_ALIGNED = 1u << 7,
	V_MMX = 1u << 8,   /* MMX register; no VEX form */
	V_REX_W = 1u << 9, /* REX.W doubles the size */
};

struct insn {
	union {
		struct opcode row; /* a group's already resolved */
		struct {
			u8 op;
			u8 dst, src;
			u32 flags;
		};
	};
	u8 opcode;   /* last opcode byte: its low bits are a condition or a register */
	u8 op_size;  /* of operands, in bytes */
	u8 src_size; /* of the source, where it differs */
	u8 ad_size;  /* of addresses, in bytes */
	u8 rex;      /* 0 if none */
	u8 rep;      /* 0xf2, 0xf3, 0 */
	bool lock;
	bool op_size_prefix;
	bool vex, vex_wide; /* rex and rep are then made of the VEX prefix */
	u16 vector;         /* enum vector_flag */
	bool mem;           /* r/m is memory, at seg:ea */
	bool sp_base;       /* ea is relative to the stack pointer: matters to POP */
	u8 seg;             /* enum emu_sreg; for strings the source's */
	u8 reg, rm;         /* register numbers */
	u64 ea;             /* not truncated to ad_size only while decoding */
	u64 imm;
};

/* The row of an opcode, whose op is OP_NONE if the emulator does not know it. */
const struct opcode *optable_one_byte(u8 opcode);
const struct opcode *optable_0f(u8 opcode);
const struct opcode *optable_0f38(u8 opcode);
/* enum vector_flag of an opcode with F_VECTOR; 0: no such instruction.  rep as in struct insn. */
u16 optable_vector(u8 opcode, bool op_size_prefix, u8 rep);
/* The row for ModRM's reg field in a row with F_GROUP; its operands, if any, are the group's. */
const struct opcode *optable_group(const struct opcode *row, u8 reg);
