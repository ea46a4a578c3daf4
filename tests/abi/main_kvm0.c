/* SPDX-License-Identifier: MIT */
/* The ABI tests as a control guest: what GRUB's entry for them starts.  Powers off at the end. */
#include "guest/lib/boot.h"
#include "guest/lib/hypercall.h"
#include "tests/abi/kvm0_balloon.h"
#include "tests/abi/kvm0_breach.h"
#include "tests/abi/kvm0_calls.h"
#include "tests/abi/kvm0_demand.h"
#include "tests/abi/kvm0_garbage.h"
#include "tests/abi/kvm0_halt.h"
#include "tests/abi/kvm0_params.h"
#include "tests/abi/kvm0_pool.h"
#include "tests/abi/kvm0_pv.h"
#include "tests/abi/kvm0_smp.h"
#include "tests/abi/suites.h"

static const struct suite *const own[] = {
	&suite_kvm0_first,     &suite_kvm0_smp,       &suite_kvm0_smp_load,
	&suite_kvm0_smp_irq,   &suite_kvm0_smp_dirty, &suite_kvm0_smp_storm,
	&suite_kvm0_smp_moves, &suite_kvm0_smp_pv,    &suite_kvm0_smp_shared,
	&suite_kvm0_clock,     &suite_kvm0_demand,    &suite_kvm0_balloon,
	&suite_kvm0_event,     &suite_kvm0_params,    &suite_kvm0_trace,
	&suite_kvm0_halt,      &suite_kvm0_yield,     &suite_kvm0_garbage,
	&suite_kvm0_pv,        &suite_kvm0_apf,       &suite_kvm0};

int guest_main(const struct boot *boot)
{
	if (!kvm0_present()) {
		t_printf("abi: not running on kvm0\n");
		return 1;
	}
	kvm0_calls_init(boot);
	kvm0_breach(boot);
	return suites_run(own, ARRAY_SIZE(own)) ? 1 : 0;
}
