/* SPDX-License-Identifier: MIT */
/* The ABI tests as a process on Linux.  Exit status: 0 if none failed, 2 without /dev/kvm. */
#include <sys/utsname.h>
#include "tests/abi/suites.h"

int main(void)
{
	if (t_system() < 0) {
		t_printf("abi: /dev/kvm does not open\n");
		return 2;
	}
	struct utsname system;

	if (uname(&system) == 0)
		t_printf("api: kernel %s, %s\n", system.release, t_has_vmx() ? "VMX" : "no VMX");
	return suites_run(NULL, 0) ? 1 : 0;
}
