/* SPDX-License-Identifier: MIT */
/* The I/O ports of a guest that are not KVM's own: who answers which. */
#pragma once

#include "guest/control/vmm/vm.h"

/* One access of 1, 2 or 4 bytes.  A port that is not there reads all ones. */
u32 ports_read(struct vm *vm, u16 port, u32 size);
void ports_write(struct vm *vm, u16 port, u32 size, u32 value);

/* The devices that ports.c leads to; `offset` counts from their first port. */
u32 pm_read(struct vm *vm, u32 offset, u32 size);
void pm_write(struct vm *vm, u32 offset, u32 size, u32 value);
u32 cmos_read(struct vm *vm, u32 offset, u32 size);
void cmos_write(struct vm *vm, u32 offset, u32 size, u32 value);
