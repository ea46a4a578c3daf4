/* SPDX-License-Identifier: MIT */
/*
 * The parameters of Linux's module kvm_intel.  Most say whether a feature of the CPU is used; where
 * kvm0 cannot do without it, or does not use it, they have the one value that is true.
 */
#include "vmx/caps.h"
#include "vmx/vmx.h"
#include "lib/string.h"

static bool yes = true, no;

#define NEEDED(param_name)                                                                         \
	{                                                                                          \
		.name = param_name, .type = PARAM_BOOL, .value = &yes, .why = "kvm0 needs it"      \
	}
#define ABSENT(param_name)                                                                         \
	{                                                                                          \
		.name = param_name, .type = PARAM_BOOL, .value = &no,                              \
		.why = "kvm0 does not have it"                                                     \
	}
#define PAUSE_LOOP(param_name)                                                                     \
	{                                                                                          \
		.name = #param_name, .type = PARAM_UINT, .value = &vmx_options.param_name          \
	}

static const struct param params[] = {
	{.name = "vpid", .type = PARAM_BOOL, .value = &vmx_options.vpid},
	{.name = "eptad", .type = PARAM_BOOL, .value = &vmx_options.eptad},
	{.name = "pml", .type = PARAM_BOOL, .value = &vmx_options.pml},
	{.name = "enable_apicv", .type = PARAM_BOOL, .value = &vmx_options.enable_apicv},
	{.name = "flexpriority", .type = PARAM_BOOL, .value = &vmx_options.flexpriority},
	NEEDED("ept"),
	NEEDED("unrestricted_guest"),
	NEEDED("preemption_timer"),
	ABSENT("nested"),
	ABSENT("allow_smaller_maxphyaddr"),
	PAUSE_LOOP(ple_gap),
	PAUSE_LOOP(ple_window),
	PAUSE_LOOP(ple_window_grow),
	PAUSE_LOOP(ple_window_shrink),
	PAUSE_LOOP(ple_window_max),
};
const struct param_table vmx_params = {params, ARRAY_SIZE(params)};
