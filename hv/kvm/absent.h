/* SPDX-License-Identifier: MIT */
/* Parameters of Linux's that stand for nothing here. */
#pragma once

#include "core/params.h"

extern const struct param_table absent_params;
