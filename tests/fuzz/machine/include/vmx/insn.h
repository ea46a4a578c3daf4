/* SPDX-License-Identifier: MIT */
/* The real header, with the VMX instructions replaced by machine_vmx.c. */
#pragma once

#define vmcs_read_any  real_vmcs_read_any
#define vmcs_write_any real_vmcs_write_any
#define vmcs_try_read  real_vmcs_try_read
#define vmx_on         real_vmx_on
#define vmx_off        real_vmx_off
#define vmx_clear      real_vmx_clear
#define vmx_ptrld      real_vmx_ptrld
#define vmx_invept     real_vmx_invept
#define vmx_invvpid    real_vmx_invvpid
#include_next "vmx/insn.h"
#undef vmcs_read_any
#undef vmcs_write_any
#undef vmcs_try_read
#undef vmx_on
#undef vmx_off
#undef vmx_clear
#undef vmx_ptrld
#undef vmx_invept
#undef vmx_invvpid

u64 vmcs_read_any(u64 field);
void vmcs_write_any(u64 field, u64 value);
bool vmcs_try_read(u64 field, u64 *value);
int vmx_on(hpa_t region);
void vmx_off(void);
int vmx_clear(hpa_t vmcs);
int vmx_ptrld(hpa_t vmcs);
int vmx_invept(u64 type, u64 eptp);
int vmx_invvpid(u64 type, u16 vpid);
