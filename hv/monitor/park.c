/* SPDX-License-Identifier: MIT */
/* Parking the world; see monitor/park.h and docs/locking.md. */
#include "monitor/park.h"
#include <linux/errno.h>
#include "core/log.h"
#include "cpu/tsc.h"

#define WAIT_MS 5000u /* far more than the longest call takes */
#define LATE_MS 100u  /* for a CPU that has been found not to come */

static struct {
	u32 owner; /* index + 1 of the CPU that works; 0: none */
	struct {
		struct vmx_vcpu *control; /* written once */
		u32 stands;               /* by that CPU; see park_here() */
		bool late;                /* by the owner: it did not come the last time */
	} cpu[MAX_CPUS];
} park;

void park_join(struct vmx_vcpu *control)
{
	/* Release: what it points to comes before. */
	__atomic_store_n(&park.cpu[this_cpu()->index].control, control, __ATOMIC_RELEASE);
}

struct vmx_vcpu *park_control(u32 cpu)
{
	return __atomic_load_n(&park.cpu[cpu].control, __ATOMIC_ACQUIRE);
}

u32 park_cpu_of(const struct vmx_vcpu *control)
{
	u32 cpu = 0;

	while (park_control(cpu) != control)
		cpu++;
	return cpu;
}

bool park_missing(u32 cpu)
{
	/* Acquire: pairs with park_here(). */
	return cpu != this_cpu()->index &&
	       !__atomic_load_n(&park.cpu[cpu].stands, __ATOMIC_ACQUIRE);
}

/* Will it come, once it has been kicked? */
static bool is_awaited(u32 cpu)
{
	const struct vmx_vcpu *v = park_control(cpu);

	return v && park_missing(cpu) && !READ_ONCE(v->waits_for_sipi) &&
	       READ_ONCE(percpu_by_index[cpu]->vmxon_region.v);
}

static void wait_for(u32 cpu, u64 begin)
{
	u64 limit = begin + tsc_khz * (park.cpu[cpu].late ? LATE_MS : WAIT_MS);

	while (is_awaited(cpu) && rdtsc() < limit) {
		vmx_take_kick(); /* it may wait for a VMCS that is active here */
		__builtin_ia32_pause();
	}
	if (is_awaited(cpu) && !park.cpu[cpu].late)
		log_error("monitor",
			  "CPU %u does not answer: what it works on may change meanwhile", cpu);
	park.cpu[cpu].late = is_awaited(cpu);
}

bool park_world(void)
{
	u32 nobody = 0;
	u64 begin = rdtsc();

	if (park.owner == this_cpu()->index + 1)
		return true;
	/* Sequentially consistent: pairs with park_here(). */
	if (!__atomic_compare_exchange_n(&park.owner, &nobody, this_cpu()->index + 1, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return false;
	for (u32 i = 0; i < percpu_count; i++)
		if (i != this_cpu()->index && park_control(i))
			cpu_want(percpu_by_index[i], CPU_ATTEND);
	for (u32 i = 0; i < percpu_count; i++)
		wait_for(i, begin);
	return true;
}

void park_release(void)
{
	__atomic_store_n(&park.owner, 0, __ATOMIC_SEQ_CST);
}

void park_pass(u32 cpu)
{
	__atomic_store_n(&park.owner, cpu + 1, __ATOMIC_SEQ_CST);
}

static bool is_wanted(void)
{
	u32 owner = __atomic_load_n(&park.owner, __ATOMIC_SEQ_CST);

	return owner && owner != this_cpu()->index + 1 &&
	       !(READ_ONCE(this_cpu()->wanted) & CPU_STOP);
}

void park_here(void (*meanwhile)(void))
{
	u32 *stands = &park.cpu[this_cpu()->index].stands;

	while (is_wanted()) {
		/* Release: all that this CPU has done comes before. */
		__atomic_store_n(stands, 1, __ATOMIC_RELEASE);
		while (is_wanted()) {
			vmx_take_kick(); /* for VMCSs that are active here */
			meanwhile();
			__builtin_ia32_pause();
		}
		/* Before another look: who parks the world in between sees that this CPU does not
		 * stand, or is seen there.  Sequentially consistent: pairs with park_world(). */
		__atomic_exchange_n(stands, 0, __ATOMIC_SEQ_CST);
	}
}

void park_alone(void)
{
	for (u32 i = 0; i < MAX_CPUS; i++)
		park.cpu[i].stands = 0;
	park.owner = this_cpu()->index + 1;
}

int park_load(struct vmx_vcpu *v)
{
	u32 cpu = __atomic_load_n(&v->cpu, __ATOMIC_ACQUIRE);

	if (cpu != NO_CPU && park_missing(cpu))
		return -EBUSY;
	vmx_load(v);
	return 0;
}
