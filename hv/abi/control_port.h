/* SPDX-License-Identifier: MIT */
/* Ports of the control guest's that are not the machine's own but answered here. */
#pragma once

#include "vmx/vmx.h"

struct control_ports {
	u16 first, count;
	u8 (*in)(u16 offset); /* NULL: all ones, as where there is nothing */
	void (*out)(u16 offset, u8 v);
};

/* From now on these are.  @ports stays.  During boot, before the control guest runs. */
void control_ports_add(const struct control_ports *ports);

/* String I/O, which nobody does with ports that kvm0 traps, gets #GP.  True: it was that. */
bool control_port_refused(struct vmx_vcpu *v, const struct vmx_exit *exit) __must_check;
/* What IN has read becomes the guest's. */
void control_port_answer(struct vmx_vcpu *v, const struct vmx_exit *exit, u32 value);

/* An access of the control guest's to ports.  True: it touched such ports, and is done. */
bool control_port(struct vmx_vcpu *v, const struct vmx_exit *exit);
