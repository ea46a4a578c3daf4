/* SPDX-License-Identifier: MIT */
/*
 * Who debugs what: the threads that a debugger sees, which are the vCPUs of all VMs and the CPUs of
 * the control guest, who of them runs, and what becomes of those that hit something.  For the GDB
 * stub (gdb.c) and the monitor's commands (cmd_break.c).  With the world parked, but for the last.
 */
#pragma once

#include "kvm/debugger.h"

/* A thread's number: VM 1's first vCPU is 1001, CPU 0 of the control guest is 1. */
#define THREADS_A_VM 1000u

u64 thread_number(struct vmx_vcpu *v);
/* The thread of that number, loaded, or NULL: there is none, or its CPU is missing. */
struct vmx_vcpu *thread_find(u64 number);
/* The thread after @v, or the first after NULL; NULL: there is no other.  Not loaded. */
struct vmx_vcpu *thread_after(struct vmx_vcpu *v);
/* Any of a VM's, loaded, or NULL. */
struct vmx_vcpu *thread_of_vm(u32 vm);
/* "halted": its state, as KVM_GET_MP_STATE has it. */
const char *thread_state(const struct vcpu *c);
/* "VM 1 vCPU 0, halted" */
void thread_describe(struct vmx_vcpu *v, char *text, size_t size);

/* Take away breakpoint @n, or with a number of BREAKPOINTS_MAX all that are @user's. */
void debug_clear(enum debugger_user user, u32 n);

enum thread_action { THREAD_STAYS, THREAD_RUNS, THREAD_STEPS };

/*
 * Let threads go on as @action says of each.  The control guest's have to run for guests' to; so
 * they stand only while one of themselves steps and nobody else is to run.  Who steps does so for
 * @user.
 */
void debug_go(enum debugger_user user, enum thread_action (*action)(struct vmx_vcpu *v));

/* A thread that has hit something of @user's which he has not been told, or NULL. */
struct vmx_vcpu *debug_untold(enum debugger_user user);

/* --- for monitor_work() --- */

/* Any CPU: is there anything for debug_work()? */
bool debug_has_work(void);
void debug_work(void);
/* Again and again on each CPU that stands. */
void debug_stand(void);
/* Instead of park_release(). */
void debug_release(void);
/* On each CPU, when it has stood or worked and goes on. */
void debug_leave(void);
