/* SPDX-License-Identifier: MIT */
/*
 * The GDB stub: GDB's remote protocol on a serial port of its own (gdb=com2).  It is all-stop: a
 * packet, Ctrl-C or a breakpoint parks the world, and the CPU on which that is seen answers packets
 * in a loop until GDB lets threads go on.  GDB Manual, "Remote Protocol".
 */
#pragma once

#include "core/params.h"

extern const struct param_table gdb_params; /* gdb=com2[,SPEED] */

/* The stub's port, which is the control guest's no more; 0: there is no stub.  @console, the port
 * of the console, cannot be it.  Once, before the control guest runs. */
u16 gdb_begin(u16 console);

/* To be called now and then while guests run, on one CPU: has GDB something to say? */
void gdb_poll(void);

/* Has gdb_work() anything to do?  Any CPU. */
bool gdb_is_wanted(void);
/* With the world parked: a thread has hit something, or GDB has something to say. */
void gdb_work(void);

/* One packet, as gdb_work() takes it from the port, with its answer to @put.  For tests. */
void gdb_receive(u8 byte, void (*put)(u8 byte));
