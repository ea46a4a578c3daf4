/* SPDX-License-Identifier: MIT */
/* The short way for the commonest device access.  Called by emulate.c alone. */
#pragma once

#include "kvm/emulate/access.h"

/*
 * If the instruction is 64-bit code's MOV between a register and [base + disp] or
 * [constant], or of a constant to one of these, with no prefix but REX, aligned, on the device page
 * that st's hint names, carry it out and return EMU_DONE, EMU_NEED_MMIO_READ or EMU_MMIO_WRITE.
 * Anything else leaves all as it was but for bytes fetched, and EMU_RETRY: go the general way.
 */
enum emu_result quick_mov(struct emu *e);
