/* SPDX-License-Identifier: MIT */
/* The ABI tests as a control guest: what GRUB's entry for them starts.  Powers off at the end. */
#include "guest/lib/boot.h"
#include "guest/lib/hypercall.h"
#include "tests/abi/suites.h"

int guest_main(const struct boot *boot)
{
	(void)boot;
	if (!kvm0_present()) {
		t_printf("abi: not running on kvm0\n");
		return 1;
	}
	return suites_run() ? 1 : 0;
}
