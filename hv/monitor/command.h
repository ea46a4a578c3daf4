/* SPDX-License-Identifier: MIT */
/*
 * The monitor's commands.  Each file that has some owns a set of them; sets.c lists the sets.  A
 * command runs with the world parked (monitor/park.h) and prints with monitor_print().
 */
#pragma once

#include "kvm/vcpu.h"
#include "monitor/line.h"
#include "monitor/monitor.h"

struct command {
	const char *name;
	const char *arguments; /* "N.M", "" */
	const char *help;      /* "registers and pending events of vCPU M of VM N" */
	/* @argv[0] is the name.  0; -EINVAL: bad arguments, the frame says how to call it; or
	 * another negative errno, for which the frame says a line (command.c has the list). */
	int (*run)(u32 argc, char *const *argv);
	line_words complete; /* of the first argument, or NULL */
	u8 least, most;      /* how many arguments it takes; checked before run() */
};

struct command_set {
	const struct command *commands;
	u32 count;
};

/* All of them, in the order of `help`; NULL ends it (monitor/sets.c). */
extern const struct command_set *const command_sets[];

#define COMMAND_SET(name, array)                                                                   \
	const struct command_set name = {array, ARRAY_SIZE(array)} /* a definition */

#define COMMAND_WORDS 16u /* in a line, with the name */

/* Carry out @line, which is taken apart.  What is wrong with it costs one line.  0, or the errno.
 */
int command_run(char *line);

/* Command number @n of all, in the order of the sets, or NULL. */
const struct command *command_at(u32 n);
/* The words that can stand where the word begins that ends at text[cursor]: for line_complete(). */
line_words command_words(const char *text, u32 cursor);

/* --- arguments --- */

/* All of @text as a number: decimal, or hexadecimal after 0x.  0, -EINVAL. */
int arg_number(const char *text, u64 *value) __must_check;
/* The VM with that number: "1".  0; -EINVAL; -ENOENT: there is none; -EACCES: it is 0, the control
 * guest. */
int arg_vm(const char *text, struct vm **vm) __must_check;
/* vCPU "N.M": M by KVM's vcpu_id.  Errors as above. */
int arg_vcpu(const char *text, struct vcpu **c) __must_check;

/* The same, where the control guest is meant as well: *@c is NULL for "0.M", and *@v the control
 * vCPU of CPU M. */
int arg_any_vcpu(const char *text, struct vmx_vcpu **v, struct vcpu **c) __must_check;

/* Number @n of the names of commands, VMs and vCPUs, for completion. */
const char *complete_command(u32 n);
const char *complete_vm(u32 n);
const char *complete_vcpu(u32 n);
