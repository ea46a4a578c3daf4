/* SPDX-License-Identifier: MIT */
/* Which vCPU runs on which CPU; see sched.h. */
#include "guest/control/sched.h"
#include "guest/control/guests.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/smp.h"
#include "guest/lib/time.h"

#define SLICE_US  5000
#define LATER_US  500 /* most that a vCPU runs on before it gets the page that it wants */
#define TASKS_MAX (GUESTS_MAX * VM_CPUS_MAX)
#define NO_CPU    CPU_MAX
/* Ends a KVM_RUN (KVM0_CALL_SIGNAL). */
#define END_SIGNAL 1

enum task_state {
	TASK_NONE,   /* free */
	TASK_QUEUED, /* waits for a CPU */
	TASK_RUNS,   /* is its CPU's */
	TASK_WAITS,  /* blocked; its CPU looks after its deadline */
};

struct task {
	struct vm_vcpu *vcpu;
	enum task_state state;
	u32 cpu;    /* where it runs, or ran last */
	u64 ticket; /* queued: the lowest one comes first */
	bool woken; /* a wake-up came while it ran: it may be blocked by now */
	bool ends;  /* sched_remove() waits for its CPU to let it go */
};

struct runner {
	struct task *task; /* the one that is its own, or NULL */
	bool idle;         /* has none, and takes what it is given */
	bool untimed;      /* has no alarm for the end of the task's turn */
	u64 turn_ends;     /* TSC */
	u64 deadline;      /* no task that waits on it has an earlier one */
};

static struct {
	struct lock lock; /* guards all below */
	struct task tasks[TASKS_MAX];
	u32 used; /* those from here on were never used */
	u32 queued;
	u64 next_ticket;
	struct runner cpus[CPU_MAX];
} s;

static void begin_turn(struct task *t, u32 cpu, u64 now)
{
	struct runner *r = &s.cpus[cpu];

	t->state = TASK_RUNS;
	t->cpu = cpu;
	r->task = t;
	r->idle = false;
	r->turn_ends = now + time_us(SLICE_US);
}

/* A CPU without a task, at best the one where this task ran last. */
static u32 find_idle(const struct task *t)
{
	if (s.cpus[t->cpu].idle)
		return t->cpu;
	for (u32 i = 0; i < smp_count(); i++)
		if (s.cpus[i].idle)
			return i;
	return NO_CPU;
}

static void kick(u32 cpu)
{
	if (cpu != cpu_this()->index)
		smp_kick(cpu);
}

/* The task has something to do: on a CPU that has nothing, or behind those that wait already.  A
 * CPU that has not known of anybody who waits gets to know: this one is going to. */
static void place(struct task *t, u64 now)
{
	u32 cpu = find_idle(t);

	if (cpu != NO_CPU) {
		begin_turn(t, cpu, now);
		kick(cpu);
		return;
	}
	t->state = TASK_QUEUED;
	t->ticket = s.next_ticket++;
	s.queued++;
	for (u32 i = 0; i < smp_count(); i++)
		if (s.cpus[i].untimed && i != cpu_this()->index) {
			s.cpus[i].untimed = false;
			smp_kick(i);
			return;
		}
}

static struct task *oldest(void)
{
	struct task *best = NULL;

	for (u32 i = 0; s.queued && i < s.used; i++) {
		struct task *t = &s.tasks[i];
		if (t->state == TASK_QUEUED && (!best || t->ticket < best->ticket))
			best = t;
	}
	return best;
}

static void free_task(struct task *t)
{
	/* Release: pairs with the acquire in sched_remove(). */
	__atomic_store_n(&t->state, TASK_NONE, __ATOMIC_RELEASE);
}

static void wake(struct task *t, u64 now)
{
	if (t->state == TASK_RUNS) {
		t->woken = true;
	} else if (t->state == TASK_WAITS) {
		WRITE_ONCE(t->vcpu->waits, false);
		place(t, now);
	}
}

static void on_wake(u32 handle)
{
	lock_take(&s.lock);
	for (u32 i = 0; i < s.used; i++) {
		struct task *t = &s.tasks[i];
		if (t->state != TASK_NONE && (handle == t->vcpu->handle || handle == KVM0_WAKE_ALL))
			wake(t, rdtsc());
	}
	lock_give(&s.lock);
}

void sched_init(void)
{
	kvm0_on_wake(on_wake);
}

/* Whether all vCPUs of the VM are, none with a wake-up on its way. */
static bool all_asleep(const struct vm *vm)
{
	u32 asleep = 0;

	for (u32 i = 0; i < s.used; i++) {
		const struct task *t = &s.tasks[i];
		asleep += t->state == TASK_WAITS && t->vcpu->vm == vm && t->vcpu->asleep;
	}
	return asleep == vm->config.cpus;
}

static void suspend(struct runner *r, struct task *t)
{
	struct vm *vm = t->vcpu->vm;

	t->state = TASK_WAITS;
	r->deadline = MIN(r->deadline, t->vcpu->deadline);
	if (t->vcpu->asleep && all_asleep(vm)) {
		WRITE_ONCE(vm->state, VM_HALTED);
		kick(0);
	}
}

/* What has become of this CPU's task in its last step. */
static void settle(struct runner *r)
{
	struct task *t = r->task;

	if (!t)
		return;
	if (t->ends || !vm_lives(t->vcpu->vm)) {
		if (!t->ends)
			kick(0);
		free_task(t);
	} else if (t->vcpu->waits && !t->woken) {
		suspend(r, t);
	} else {
		return;
	}
	r->task = NULL;
}

/* Wakes those that have waited on this CPU for a time that has come. */
static void expire(struct runner *r, u64 now)
{
	u32 me = (u32)(r - s.cpus);

	if (now < r->deadline)
		return;
	r->deadline = TIME_NEVER;
	for (u32 i = 0; i < s.used; i++) {
		struct task *t = &s.tasks[i];
		if (t->state != TASK_WAITS || t->cpu != me)
			continue;
		if (t->vcpu->deadline <= now)
			wake(t, now);
		else
			r->deadline = MIN(r->deadline, t->vcpu->deadline);
	}
}

/* The task of this CPU's next step, or NULL. */
static struct task *choose(struct runner *r, u64 now)
{
	struct task *next = !r->task || now >= r->turn_ends ? oldest() : NULL, *old = r->task;

	if (next) {
		s.queued--;
		begin_turn(next, (u32)(r - s.cpus), now);
		if (old)
			place(old, now);
	}
	return r->task;
}

u64 sched_turn(u64 limit)
{
	struct runner *r = &s.cpus[cpu_this()->index];
	u64 now = rdtsc();

	lock_take(&s.lock);
	settle(r);
	r->idle = !r->task;
	expire(r, now);
	struct task *t = choose(r, now);
	u64 until = MIN(limit, r->deadline);
	bool others = s.queued != 0;
	r->untimed = t && !others;
	if (t) {
		t->woken = false;
		if (others)
			until = MIN(until, r->turn_ends);
	}
	lock_give(&s.lock);
	if (!t)
		return until;
	if (t->vcpu->wanted)
		until = MIN(until, now + time_us(LATER_US));
	time_alarm(until);
	/* Nobody else sets it while the CPU has a task. */
	if (vm_step(t->vcpu, others))
		r->turn_ends = 0;
	return 0;
}

void sched_leave(void)
{
	struct runner *r = &s.cpus[cpu_this()->index];

	lock_take(&s.lock);
	settle(r);
	r->idle = r->untimed = false;
	struct task *t = r->task;
	r->task = NULL;
	if (t)
		place(t, rdtsc());
	lock_give(&s.lock);
}

static struct task *find_free(void)
{
	for (u32 i = 0; i < s.used; i++)
		if (s.tasks[i].state == TASK_NONE)
			return &s.tasks[i];
	return &s.tasks[s.used++];
}

void sched_add(struct vm *vm)
{
	lock_take(&s.lock);
	for (u32 i = 0; i < vm->config.cpus && vm_lives(vm); i++) {
		struct task *t = find_free();
		*t = (struct task){.vcpu = &vm->vcpus[i], .cpu = i % smp_count()};
		t->vcpu->waits = false;
		place(t, rdtsc());
	}
	lock_give(&s.lock);
}

/* Takes it out at once, unless another CPU has it. */
static void take_out(struct task *t)
{
	if (t->state == TASK_RUNS && t->cpu != cpu_this()->index) {
		t->ends = true;
		return;
	}
	if (t->state == TASK_QUEUED)
		s.queued--;
	if (t->state == TASK_RUNS)
		s.cpus[t->cpu].task = NULL;
	free_task(t);
}

/* The CPU that has it may be halted, or in a KVM_RUN; a signal ends that, and counts if there is
 * none yet. */
static void wait_for_end(struct task *t)
{
	u32 handle = t->vcpu->handle;

	smp_kick(t->cpu);
	(void)kvm0_signal(handle, END_SIGNAL);
	while (__atomic_load_n(&t->state, __ATOMIC_ACQUIRE) != TASK_NONE)
		cpu_pause();
	t->ends = false;
	(void)kvm0_take_signals(handle, 1ull << (END_SIGNAL - 1));
}

void sched_remove(struct vm *vm)
{
	lock_take(&s.lock);
	for (u32 i = 0; i < s.used; i++)
		if (s.tasks[i].state != TASK_NONE && s.tasks[i].vcpu->vm == vm)
			take_out(&s.tasks[i]);
	lock_give(&s.lock);
	/* Nobody but this CPU makes another task of a free one. */
	for (u32 i = 0; i < s.used; i++)
		if (s.tasks[i].ends)
			wait_for_end(&s.tasks[i]);
}
