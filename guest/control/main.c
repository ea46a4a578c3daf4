/* SPDX-License-Identifier: MIT */
/* The bundled control guest's start. */
#include "guest/lib/boot.h"
#include "guest/lib/console.h"

int guest_main(const struct boot *boot)
{
	console_printf("kvm0> %s\n", boot->cmdline);
	return 0;
}
