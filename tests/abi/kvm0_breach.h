/* SPDX-License-Identifier: MIT */
/* What kvm0 has to stop the control guest for, or must get along with, done on purpose. */
#pragma once

#include "guest/lib/boot.h"

/*
 * Does what the command line names, which kvm0 answers by stopping this control guest:
 * `touch-kvm0` reads the first page of kvm0's memory, `touch-kvm0-while-running` does so while
 * CPU 1 runs a guest, `triple-fault` faults without handlers; `hang` hangs with interrupts off.
 * Returns if it names neither, or if that was not stopped, with a line that says so.
 */
void kvm0_breach(const struct boot *boot);
