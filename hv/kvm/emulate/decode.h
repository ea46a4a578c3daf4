/* SPDX-License-Identifier: MIT */
/* From instruction bytes to struct insn.  Called by emulate.c alone. */
#pragma once

#include "kvm/emulate/access.h"

/*
 * Decode the instruction at st->rip into e->in and e->pos, fetching what is
 * missing of its bytes.  EMU_DONE; EMU_FAULT (#GP: longer than 15 bytes or
 * outside the segment, #UD: LOCK or a register where they cannot be, #PF); or
 * EMU_UNHANDLEABLE for an opcode that is not in the tables.
 */
enum emu_result decode(struct emu *e);
