/* SPDX-License-Identifier: MIT */
/*
 * The VMX instructions (SDM vol. 3, VMX Instruction Reference), each with CF and ZF
 * checked.  VMREAD and VMWRITE fail only when kvm0 is wrong, and then panic with the
 * field; the others return 0 or -EIO.  Only for arch/x86/vmx.
 */
#pragma once

#include <linux/errno.h>
#include "lib/addr.h"

/* A VMREAD or VMWRITE of @field failed: panic. */
__noreturn void vmx_access_failed(u64 field);

#ifdef UNIT_TEST /* the test's VMCS */
u64 vmcs_read_any(u64 field);
void vmcs_write_any(u64 field, u64 value);
bool vmcs_try_read(u64 field, u64 *value);
#else
/* A field that this CPU may not have.  False: it has not, and VMCS_INSTRUCTION_ERROR says so. */
static inline bool vmcs_try_read(u64 field, u64 *value)
{
	u64 v;

	__asm__ goto("vmread %[f], %[v]\n\t"
		     "jbe %l[failed]"
		     : [v] "=r"(v)
		     : [f] "r"(field)
		     : "cc"
		     : failed);
	*value = v;
	return true;
failed:
	return false;
}

static inline u64 vmcs_read_any(u64 field)
{
	u64 value;

	/* GCC 11 and later allow outputs here; they hold on the fall-through path. */
	__asm__ goto("vmread %[f], %[v]\n\t"
		     "jbe %l[failed]"
		     : [v] "=r"(value)
		     : [f] "r"(field)
		     : "cc"
		     : failed);
	return value;
failed:
	vmx_access_failed(field);
}

static inline void vmcs_write_any(u64 field, u64 value)
{
	__asm__ goto("vmwrite %[v], %[f]\n\t"
		     "jbe %l[failed]"
		     :
		     : [f] "r"(field), [v] "r"(value)
		     : "cc", "memory"
		     : failed);
	return;
failed:
	vmx_access_failed(field);
}
#endif

static inline int vmx_on(hpa_t region)
{
	__asm__ goto("vmxon %0\n\tjbe %l[failed]" : : "m"(region) : "cc", "memory" : failed);
	return 0;
failed:
	return -EIO;
}

static inline void vmx_off(void)
{
	__asm__ volatile("vmxoff" : : : "cc", "memory");
}

static inline int vmx_clear(hpa_t vmcs)
{
	__asm__ goto("vmclear %0\n\tjbe %l[failed]" : : "m"(vmcs) : "cc", "memory" : failed);
	return 0;
failed:
	return -EIO;
}

static inline int vmx_ptrld(hpa_t vmcs)
{
	__asm__ goto("vmptrld %0\n\tjbe %l[failed]" : : "m"(vmcs) : "cc", "memory" : failed);
	return 0;
failed:
	return -EIO;
}

#define INV_SINGLE_CONTEXT 1ull /* of INVEPT and INVVPID alike */
#define INV_ALL_CONTEXTS   2ull

struct inv_descriptor {
	u64 low, high; /* INVEPT: EPTP, 0.  INVVPID: VPID, linear address */
};

static inline int vmx_invept(u64 type, u64 eptp)
{
	struct inv_descriptor d = {eptp, 0};

	__asm__ goto("invept %0, %1\n\tjbe %l[failed]"
		     :
		     : "m"(d), "r"(type)
		     : "cc", "memory"
		     : failed);
	return 0;
failed:
	return -EIO;
}

static inline int vmx_invvpid(u64 type, u16 vpid)
{
	struct inv_descriptor d = {vpid, 0};

	__asm__ goto("invvpid %0, %1\n\tjbe %l[failed]"
		     :
		     : "m"(d), "r"(type)
		     : "cc", "memory"
		     : failed);
	return 0;
failed:
	return -EIO;
}
