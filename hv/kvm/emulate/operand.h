/* SPDX-License-Identifier: MIT */
/* The operands of a decoded instruction.  Used by execute.c and stack.c. */
#pragma once

#include "kvm/emulate/access.h"

/* A register of `size` bytes.  Without REX, byte registers 4 to 7 are AH, CH, DH, BH. */
u64 operand_reg(const struct emu *e, u8 reg, u32 size);
void operand_set_reg(struct emu *e, u8 reg, u64 value, u32 size);

/* Read an enum operand; access is GVA_WRITE if it will be written too.  As access_read(). */
enum emu_result operand_get(struct emu *e, u8 operand, u32 size, u64 access, u64 *value);

/* Write the destination, which held `old` when the instruction read it.  As access_write(). */
enum emu_result operand_put(struct emu *e, u64 value, u64 old);
