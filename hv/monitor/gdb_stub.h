/* SPDX-License-Identifier: MIT */
/*
 * What the files that answer GDB's packets share: gdb.c (the port, and which packet is whose),
 * gdb_data.c (registers and memory), gdb_break.c (break- and watchpoints), gdb_run.c (threads, how
 * they stop and go on) and gdb_query.c (the stub itself, and the monitor's commands).  With the
 * world parked.
 */
#pragma once

#include "monitor/debug.h"
#include "monitor/gdb_packet.h"

extern struct gdb_stub {
	bool wanted;  /* there is a byte; set by gdb_poll() */
	bool stopped; /* it is GDB's to let threads go on */
	bool awaits;  /* it has done so, and is to be told when one stops */
	bool no_ack;
	u64 thread;          /* that packets are about */
	u64 listed;          /* the last that was named in a list of threads */
	const char *actions; /* of the vCont under way */
	struct gdb_in in;
	struct gdb_out out; /* the last packet sent */
	void (*put)(u8 byte);
} gdb_stub;

/* --- answers: what there is of gdb_stub.out when a packet's handler is done is sent --- */

void gdb_answer(const char *text);
/* @err is a negative errno. */
void gdb_answer_error(int err);
/* At once. */
void gdb_send_answer(void);

/* --- threads (gdb_run.c) --- */

/* The thread that packets are about, loaded.  NULL: it is gone. */
struct vmx_vcpu *gdb_thread(void);
/* Take a guest's if that is so, or the control guest's if there is none. */
void gdb_choose_thread(void);
/* Tell GDB that @v has hit something, or with NULL that all have stopped as it asked for. */
void gdb_stop(struct vmx_vcpu *v);

/* Breakpoints that GDB has not set again are forgotten, or with @all all. */
void gdb_forget_breakpoints(bool all);

/* --- handlers, each of what is in the packet at @at: behind its name, or with it --- */

/* gdb_data.c: g, p; G, P; m, M, X; each with its name. */
void gdb_get_registers(const char *at);
void gdb_set_registers(const char *at);
void gdb_memory(const char *at);
/* gdb_break.c: Z, z; with its name. */
void gdb_breakpoint(const char *at);
/* gdb_run.c: ?; vCont; D, k, vKill; H; T; q[fs]ThreadInfo with its name; qThreadExtraInfo; qC. */
void gdb_why_stopped(const char *at);
void gdb_go_on(const char *at);
void gdb_detach(const char *at);
void gdb_choose(const char *at);
void gdb_is_alive(const char *at);
void gdb_list_threads(const char *at);
void gdb_describe_thread(const char *at);
void gdb_current_thread(const char *at);
/* gdb_query.c: qSupported; QStartNoAckMode; qAttached; qXfer:features:read; qRcmd. */
void gdb_begin_session(const char *at);
void gdb_begin_no_ack(const char *at);
void gdb_attached(const char *at);
void gdb_get_description(const char *at);
void gdb_command(const char *at);
