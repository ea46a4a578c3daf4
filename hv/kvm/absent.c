/* SPDX-License-Identifier: MIT */
/*
 * Parameters of Linux's module kvm for what kvm0 does not have.  They are known by name and have
 * the one value that is true, so that a command line made for Linux is answered line by line.
 */
#include "kvm/absent.h"
#include "lib/string.h"

static bool no;

static const struct param params[] = {
	{.name = "mmu_audit", .type = PARAM_BOOL, .value = &no, .why = "kvm0 does not have it"},
};
const struct param_table absent_params = {params, ARRAY_SIZE(params)};
