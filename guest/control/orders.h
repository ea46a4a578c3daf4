/* SPDX-License-Identifier: MIT */
/* What each order does. */
#pragma once

#include "guest/control/order.h"
#include "guest/lib/boot.h"

/* Says in one line what there is to work with. */
void orders_init(const struct boot *boot);
/* Carries one out.  False if it was refused or failed, which has been said then. */
bool orders_do(const struct order *order);
/* The module with this name, or NULL, which has been said then. */
const struct boot_module *orders_module(const char *name);
