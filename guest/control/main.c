/* SPDX-License-Identifier: MIT */
/* The bundled control guest: guest/lib starts it, and it does what it is ordered. */
#include "guest/control/monitor.h"

int guest_main(const struct boot *boot)
{
	monitor_run(boot);
}
