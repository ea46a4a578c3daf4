/* SPDX-License-Identifier: MIT */
/*
 * The control guest: the deprivileged owner of the machine, one virtual CPU on each
 * physical one.  Its memory is the machine's less kvm0's, its ports and interrupts
 * are the machine's; its VMCALLs are the only way to the dispatcher.
 */
#pragma once

#include "abi/control_image.h"

/* Build the map that all CPUs of the control guest share.  Once, on the boot CPU. */
void control_init(void);

/* Run the control guest on this CPU, for good: with @image on the boot CPU, with NULL
 * waiting for its SIPI. */
__noreturn void control_run(const struct control_image *image);
