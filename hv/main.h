/* SPDX-License-Identifier: MIT */
/* Where assembly and the other CPUs enter C. */
#pragma once

#include "cpu/percpu.h"

/* From boot/entry.asm, on the boot stack: @magic and @mbi are EAX and EBX as the boot
 * loader left them. */
__from_outside __noreturn void kvm0_main(u32 magic, u32 mbi);

/* What each CPU but the boot CPU does once it is up, and never leaves. */
void cpu_main(struct percpu *p);
