/* SPDX-License-Identifier: MIT */
#include "vmx/vmx.h"
bool vmx_check_vmcs(void)
{
	return true;
}
