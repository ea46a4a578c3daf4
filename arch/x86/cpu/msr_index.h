/* SPDX-License-Identifier: MIT */
/* Numbers of the model-specific registers that kvm0 names (SDM vol. 4, Architectural MSRs). */
#pragma once

#include "lib/types.h"

#define MSR_TSC                0x10u
#define MSR_PLATFORM_ID        0x17u
#define MSR_APIC_BASE          0x1bu
#define MSR_TEST_CTRL          0x33u
#define MSR_SMI_COUNT          0x34u
#define MSR_FEATURE_CONTROL    0x3au
#define MSR_TSC_ADJUST         0x3bu
#define MSR_SPEC_CTRL          0x48u
#define MSR_PRED_CMD           0x49u
#define MSR_BIOS_UPDT_TRIG     0x79u
#define MSR_BIOS_SIGN_ID       0x8bu
#define MSR_EBL_CR_POWERON     0x2au
#define MSR_P6_EVENT0          0x186u
#define MSR_PERF_STATUS        0x198u
#define MSR_PERF_CTL           0x199u
#define MSR_P6_COUNTER0        0xc1u
#define MSR_PLATFORM_INFO      0xceu
#define MSR_MTRRCAP            0xfeu
#define MSR_ARCH_CAPABILITIES  0x10au
#define MSR_FLUSH_CMD          0x10bu
#define MSR_TSX_CTRL           0x122u
#define MSR_SYSENTER_CS        0x174u
#define MSR_SYSENTER_ESP       0x175u
#define MSR_SYSENTER_EIP       0x176u
#define MSR_MCG_CAP            0x179u
#define MSR_MCG_STATUS         0x17au
#define MSR_MCG_CTL            0x17bu
#define MSR_MISC_FEATURES      0x140u
#define MSR_MISC_ENABLE        0x1a0u
#define MSR_POWER_CTL          0x1fcu
#define MSR_DEBUGCTL           0x1d9u
#define MSR_MTRR_PHYSBASE0     0x200u
#define MSR_MTRR_FIX64K_00000  0x250u
#define MSR_MTRR_FIX16K_80000  0x258u
#define MSR_MTRR_FIX16K_A0000  0x259u
#define MSR_MTRR_FIX4K_C0000   0x268u
#define MSR_MTRR_FIX4K_F8000   0x26fu
#define MSR_PAT                0x277u
#define MSR_MC0_CTL2           0x280u
#define MSR_MTRR_DEF_TYPE      0x2ffu
#define MSR_PERF_CAPABILITIES  0x345u
#define MSR_PERF_GLOBAL_CTRL   0x38fu
#define MSR_PEBS_ENABLE        0x3f1u
#define MSR_CORE_C3_RESIDENCY  0x3fcu
#define MSR_CORE_C6_RESIDENCY  0x3fdu
#define MSR_CORE_C7_RESIDENCY  0x3feu
#define MSR_CORE_C1_RES        0x660u
#define MSR_RTIT_FIRST         0x560u /* Intel PT */
#define MSR_RTIT_LAST          0x58fu
#define MSR_DS_AREA            0x600u
#define MSR_MC0_CTL            0x400u
#define MSR_MCG_EXT_CTL        0x4d0u
#define MSR_VMX_BASIC          0x480u
#define MSR_VMX_PINBASED       0x481u
#define MSR_VMX_PROCBASED      0x482u
#define MSR_VMX_EXIT           0x483u
#define MSR_VMX_ENTRY          0x484u
#define MSR_VMX_MISC           0x485u
#define MSR_VMX_CR0_FIXED0     0x486u
#define MSR_VMX_CR0_FIXED1     0x487u
#define MSR_VMX_CR4_FIXED0     0x488u
#define MSR_VMX_CR4_FIXED1     0x489u
#define MSR_VMX_PROCBASED2     0x48bu
#define MSR_VMX_EPT_VPID_CAP   0x48cu
#define MSR_VMX_TRUE_PINBASED  0x48du
#define MSR_VMX_TRUE_PROCBASED 0x48eu
#define MSR_VMX_TRUE_EXIT      0x48fu
#define MSR_VMX_TRUE_ENTRY     0x490u
#define MSR_VMX_LAST           0x493u
#define MSR_TSC_DEADLINE       0x6e0u
#define MSR_X2APIC_FIRST       0x800u
#define MSR_X2APIC_ID          0x802u
#define MSR_X2APIC_ICR         0x830u
#define MSR_X2APIC_LAST        0x8ffu
#define MSR_XSS                0xda0u
#define MSR_HW_FEEDBACK_PTR    0x17d0u
#define MSR_HW_FEEDBACK_CONFIG 0x17d1u
#define MSR_EFER               0xc0000080u
#define MSR_STAR               0xc0000081u
#define MSR_LSTAR              0xc0000082u
#define MSR_CSTAR              0xc0000083u
#define MSR_FMASK              0xc0000084u
#define MSR_FS_BASE            0xc0000100u
#define MSR_GS_BASE            0xc0000101u
#define MSR_KERNEL_GS_BASE     0xc0000102u
#define MSR_TSC_AUX            0xc0000103u
#define MSR_HWCR               0xc0010015u
#define MSR_VM_HSAVE_PA        0xc0010117u

#define FEATURE_CONTROL_LOCKED 0x1ull
#define FEATURE_CONTROL_VMX    0x4ull /* VMX outside SMX */
#define FEATURE_CONTROL_LMCE   0x100000ull

#define APIC_BASE_ENABLE BIT(11) /* IA32_APIC_BASE */
