/* SPDX-License-Identifier: MIT */
/*
 * The entry rules for the event that a VM entry injects, called by check.c (SDM vol. 3,
 * Checks on VMX Controls, VM-Entry Control Fields).
 */
#include "vmx/check.h"

#define VECTOR_CP 21u /* pushes an error code where the CPU has CET */

#define BASIC_ANY_ERROR_CODE BIT(56) /* IA32_VMX_BASIC: no rule which exceptions have one */
#define MISC_LENGTH_0        BIT(30) /* IA32_VMX_MISC: software events of 0 bytes */

static void check_error_code(struct check *c, u32 type, u32 vector)
{
	bool given = c->event & INTR_ERROR_CODE;
	bool exact = !(vmx_config.caps.basic & BASIC_ANY_ERROR_CODE) && vector != VECTOR_CP;
	bool possible = type == INTR_TYPE_HARD_EXC;

	if (check_has(c, WORD_CPU2, CPU2_UNRESTRICTED_GUEST))
		possible &= !!(vmcs_read_nat(VMCS_GUEST_CR0) & CR0_PE);
	RULE(c, !given || possible,
	     "event 0x%x: an error code with no hardware exception, or in real mode", c->event);
	if (possible && exact)
		RULE(c, given == !!(BIT(vector & 31) & ERROR_CODE_VECTORS),
		     "event 0x%x: exception %u %s an error code", c->event, vector,
		     given ? "has not" : "needs");
	if (given)
		RULE(c, !(vmcs_read32(VMCS_ENTRY_ERROR_CODE) >> 16),
		     "event 0x%x: error code 0x%x is over 16 bits", c->event,
		     vmcs_read32(VMCS_ENTRY_ERROR_CODE));
}

void check_event(struct check *c)
{
	u32 type = c->event & INTR_TYPE, vector = c->event & INTR_VECTOR, length;

	if (!c->event)
		return;
	RULE(c, !(c->event & 0x7ffff000), "event 0x%x: reserved bits", c->event);
	RULE(c, type != 0x100, "event 0x%x: type 1", c->event);
	if (type == INTR_TYPE_NMI)
		RULE(c, vector == VECTOR_NMI, "event 0x%x: an NMI is vector 2", c->event);
	if (type == INTR_TYPE_HARD_EXC)
		RULE(c, vector <= 31, "event 0x%x: a hardware exception is at most 31", c->event);
	if (type == INTR_TYPE_OTHER)
		RULE(c, !vector && vmx_config.caps.cpu >> 32 & CPU_MONITOR_TRAP,
		     "event 0x%x: type 7 is vector 0, and needs the monitor trap flag", c->event);
	check_error_code(c, type, vector);
	if (type < INTR_TYPE_SOFT_INT || type > INTR_TYPE_SOFT_EXC)
		return;
	length = vmcs_read32(VMCS_ENTRY_INSTRUCTION_LENGTH);
	RULE(c, length <= 15 && (length || vmx_config.caps.misc & MISC_LENGTH_0),
	     "event 0x%x: of an instruction of %u bytes", c->event, length);
}
