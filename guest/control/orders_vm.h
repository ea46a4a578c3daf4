/* SPDX-License-Identifier: MIT */
/* What the orders about VMs do, each as orders_do(). */
#pragma once

#include "guest/control/guests.h"
#include "guest/control/order.h"

/* The VM of an order; with one VM its number may be left out (NULL).  NULL: it says why. */
struct guest *orders_vm_named(const char *verb, const char *number);

bool orders_vm_run(const struct order *order);
bool orders_vm_vms(const struct order *order);
bool orders_vm_attach(const struct order *order);
bool orders_vm_stop(const struct order *order);
bool orders_vm_save(const struct order *order);
bool orders_vm_restore(const struct order *order);
bool orders_vm_forget(const struct order *order);
bool orders_vm_migrate(const struct order *order);
bool orders_vm_balloon(const struct order *order);
bool orders_stats(const struct order *order); /* orders_stats.c */
bool orders_trace(const struct order *order); /* orders_trace.c */
