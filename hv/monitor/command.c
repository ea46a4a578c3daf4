/* SPDX-License-Identifier: MIT */
/* What becomes of a line, and of the words in it; see monitor/command.h. */
#include "monitor/command.h"
#include <linux/errno.h>
#include "core/params.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "monitor/park.h"

const struct command *command_at(u32 n)
{
	for (const struct command_set *const *s = command_sets; *s; n -= (*s++)->count)
		if (n < (*s)->count)
			return &(*s)->commands[n];
	return NULL;
}

static const struct command *find(const char *name, size_t length)
{
	const struct command *c;

	for (u32 n = 0; (c = command_at(n)) != NULL; n++)
		if (strlen(c->name) == length && !strncmp(c->name, name, length))
			return c;
	return NULL;
}

/* Take @line apart at its blanks.  How many words it has, or -E2BIG. */
static int split(char *line, char *words[COMMAND_WORDS])
{
	u32 n = 0;

	for (;;) {
		while (*line == ' ' || *line == '\t')
			*line++ = 0;
		if (!*line)
			return (int)n;
		if (n == COMMAND_WORDS)
			return -E2BIG;
		words[n++] = line;
		while (*line && *line != ' ' && *line != '\t')
			line++;
	}
}

static const char *text_of(int err)
{
	switch (err) {
	case -ENOENT:
		return "there is none of that name or number";
	case -EACCES:
		return "that is the control guest: not for it";
	case -ENOSPC:
		return "all places for it are taken";
	case -EBUSY:
		return "its CPU is not there: it waits for SIPI, or has stopped";
	case -EFAULT:
		return "nothing is mapped there";
	case -ENOMEM:
		return "no memory is left";
	case -EPERM:
		return "it cannot be changed at run time";
	case -EOPNOTSUPP:
		return "kvm0 does not have that";
	case -E2BIG:
		return "too many words";
	default:
		return NULL;
	}
}

static void report(const struct command *c, int err)
{
	const char *text = text_of(err);

	if (err == -EINVAL)
		monitor_print("%s: usage: %s %s\n", c->name, c->name, c->arguments);
	else if (text)
		monitor_print("%s: %s\n", c->name, text);
	else
		monitor_print("%s: error %d\n", c->name, -err);
}

int command_run(char *line)
{
	char *words[COMMAND_WORDS];
	int err, count = split(line, words);
	const struct command *c;

	if (count == 0)
		return 0;
	c = count > 0 ? find(words[0], strlen(words[0])) : NULL;
	if (!c) {
		monitor_print(count < 0 ? "too many words\n" : "unknown command; try help\n");
		return count < 0 ? count : -ENOENT;
	}
	if (count - 1 < c->least || count - 1 > c->most)
		err = -EINVAL;
	else
		err = c->run((u32)count, words);
	if (err)
		report(c, err);
	return err;
}

line_words command_words(const char *text, u32 cursor)
{
	const struct command *c;
	u32 start = 0, end, at;

	while (start < cursor && text[start] == ' ')
		start++;
	for (end = start; end < cursor && text[end] != ' ';)
		end++;
	if (end == cursor)
		return complete_command;
	for (at = end; at < cursor && text[at] == ' ';)
		at++;
	while (at < cursor && text[at] != ' ')
		at++;
	c = find(text + start, end - start);
	return at == cursor && c ? c->complete : NULL;
}

/* --- arguments --- */

int arg_number(const char *text, u64 *value)
{
	return params_number(text, value);
}

int arg_vm(const char *text, struct vm **vm)
{
	u64 id;

	if (arg_number(text, &id))
		return -EINVAL;
	if (id == 0)
		return -EACCES;
	for (*vm = vm_after(NULL); *vm; *vm = vm_after(*vm))
		if ((*vm)->id == id)
			return 0;
	return -ENOENT;
}

/* "N.M" into its two numbers. */
static int split_vcpu(const char *text, char vm[12], u64 *number)
{
	size_t n = 0;

	while (text[n] && text[n] != '.' && n < 11) {
		vm[n] = text[n];
		n++;
	}
	vm[n] = 0;
	return text[n] == '.' ? arg_number(text + n + 1, number) : -EINVAL;
}

int arg_vcpu(const char *text, struct vcpu **c)
{
	struct vm *vm;
	char name[12];
	u64 id;
	int err = split_vcpu(text, name, &id);

	if (!err)
		err = arg_vm(name, &vm);
	if (err)
		return err;
	for (u32 i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpus[i]->id == id) {
			*c = vm->vcpus[i];
			return 0;
		}
	return -ENOENT;
}

int arg_any_vcpu(const char *text, struct vmx_vcpu **v, struct vcpu **c)
{
	char name[12];
	u64 vm, cpu;
	int err = split_vcpu(text, name, &cpu);

	if (err || arg_number(name, &vm))
		return -EINVAL;
	*c = NULL;
	if (vm == 0) {
		*v = cpu < percpu_count ? park_control((u32)cpu) : NULL;
		return *v ? 0 : -ENOENT;
	}
	err = arg_vcpu(text, c);
	if (!err)
		*v = &(*c)->vmx;
	return err;
}

const char *complete_command(u32 n)
{
	const struct command *c = command_at(n);

	return c ? c->name : NULL;
}

const char *complete_vm(u32 n)
{
	static char name[12];
	struct vm *vm = vm_after(NULL);

	for (; vm && n; n--)
		vm = vm_after(vm);
	if (!vm)
		return NULL;
	printf_format(name, sizeof(name), "%u", vm->id);
	return name;
}

const char *complete_vcpu(u32 n)
{
	static char name[24];

	for (struct vm *vm = vm_after(NULL); vm; vm = vm_after(vm)) {
		if (n < vm->vcpu_count) {
			printf_format(name, sizeof(name), "%u.%u", vm->id, vm->vcpus[n]->id);
			return name;
		}
		n -= vm->vcpu_count;
	}
	return NULL;
}
