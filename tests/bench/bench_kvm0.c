/* SPDX-License-Identifier: MIT */
/* What only kvm0 has to measure: the bare hypercall, without the wrapper of guest/lib. */
#include "guest/lib/hypercall.h"
#include "tests/bench/bench.h"

#define ROUNDS 1000

static void hypercall_version(void)
{
	struct kvm0_result r;
	u64 t;

	for (u32 i = 0; i < ROUNDS; i++) {
		t = rdtsc();
		r = kvm0_call(KVM0_CALL_IOCTL, 0, KVM_GET_API_VERSION, 0);
		bench_samples[i] = rdtsc() - t;
		CHECK_RESULT(r.value, KVM_API_VERSION);
	}
	bench_row(NULL, NULL, bench_samples, ROUNDS, "host");
}

SUITE(kvm0, TEST(hypercall_version));
