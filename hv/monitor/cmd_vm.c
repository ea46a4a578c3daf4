/* SPDX-License-Identifier: MIT */
/* Commands about virtual machines as a whole: what there is, and what is to become of it. */
#include <linux/errno.h>
#include "kvm/vcpu_events.h"
#include "lib/string.h"
#include "monitor/command.h"
#include "monitor/debug.h"
#include "monitor/park.h"
#include "monitor/sets.h"

static bool is_stopped(const struct vm *vm)
{
	return vm->vcpu_count && vm->vcpus[0]->stopped;
}

static int run_vms(u32 argc, char *const *argv)
{
	(void)argc;
	(void)argv;
	monitor_print(" VM  vCPUs  slots     memory  pages of tables\n");
	for (struct vm *vm = vm_after(NULL); vm; vm = vm_after(vm))
		monitor_print("%3u  %5u  %5u  %5llu MiB  %15llu  %s\n", vm->id, vm->vcpu_count,
			      vm->slots.count, vm->slot_pages >> 8, vm->ept.pages,
			      is_stopped(vm) ? "stopped" : "");
	return 0;
}

static void print_vcpu(const struct vm *vm, const struct vcpu *c)
{
	monitor_print("  vCPU %u.%u: handle %u, last on CPU %u, %llu entries; %s%s%s%s\n", vm->id,
		      c->id, c->handle, c->pcpu, vmx_entries(&c->vmx), thread_state(c),
		      c->blocked ? ", blocked" : "", c->stopped ? ", stopped" : "",
		      c->busy ? ", in a call" : "");
}

static int run_vm(u32 argc, char *const *argv)
{
	static const char *const dirty[] = {[DIRTY_BY_FAULT] = "write protection",
					    [DIRTY_BY_FLAG] = "EPT dirty flags",
					    [DIRTY_BY_LIST] = "page-modification logging"};
	struct vm *vm;
	int err = arg_vm(argv[1], &vm);

	(void)argc;
	if (err)
		return err;
	monitor_print("VM %u: %u vCPUs, %u references, interrupt controllers: %s\n", vm->id,
		      vm->vcpu_count, vm->refs,
		      !vm->chip        ? "user space's"
		      : vm_has_pic(vm) ? "kvm0's"
				       : "split");
	monitor_print("memory: %llu MiB in %u slots, %llu pages of tables, dirty log by %s\n",
		      vm->slot_pages >> 8, vm->slots.count, vm->ept.pages,
		      vm->ring_entries ? "rings" : dirty[vm->dirty_mode]);
	for (u32 i = 0; i < vm->vcpu_count; i++)
		print_vcpu(vm, vm->vcpus[i]);
	return 0;
}

static int for_each_vcpu(const char *text, void (*use)(struct vcpu *c))
{
	struct vm *vm;
	int err = arg_vm(text, &vm);

	for (u32 i = 0; !err && i < vm->vcpu_count; i++)
		use(vm->vcpus[i]);
	return err;
}

static int run_stop(u32 argc, char *const *argv)
{
	(void)argc;
	return for_each_vcpu(argv[1], vcpu_stop);
}

static int run_resume(u32 argc, char *const *argv)
{
	(void)argc;
	return for_each_vcpu(argv[1], vcpu_resume);
}

static void kill(struct vcpu *c)
{
	vcpu_ask(c, VCPU_TRIPLE_FAULT);
	vcpu_wake(c);
}

static int run_kill(u32 argc, char *const *argv)
{
	(void)argc;
	return for_each_vcpu(argv[1], kill);
}

static int run_nmi(u32 argc, char *const *argv)
{
	struct vmx_vcpu *v;
	struct vcpu *c;
	u32 cpu;
	int err = arg_any_vcpu(argv[1], &v, &c);

	(void)argc;
	if (err)
		return err;
	if (c) {
		vcpu_nmi(c);
		vcpu_wake(c);
		return 0;
	}
	/* For reflect_nmis(), before that CPU next enters the control guest. */
	cpu = park_cpu_of(v);
	if (v->waits_for_sipi || park_missing(cpu))
		return -EBUSY;
	__atomic_fetch_add(&percpu_by_index[cpu]->nmi_pending, 1, __ATOMIC_RELAXED);
	return 0;
}

static const struct command commands[] = {
	{"vms", "", "the virtual machines that there are", run_vms, NULL, 0, 0},
	{"vm", "N", "VM N and its vCPUs", run_vm, complete_vm, 1, 1},
	{"stop", "N", "let VM N execute nothing any more", run_stop, complete_vm, 1, 1},
	{"resume", "N", "let it go on", run_resume, complete_vm, 1, 1},
	{"kill", "N", "end VM N: KVM_RUN says that it has shut down", run_kill, complete_vm, 1, 1},
	{"nmi", "N.M", "an NMI for vCPU M of VM N, or CPU M of the control guest: 0.M", run_nmi,
	 complete_vcpu, 1, 1},
};
COMMAND_SET(cmd_vm, commands);
