/* SPDX-License-Identifier: MIT */
/* The order `stats`: what KVM has counted for each vCPU of a VM; see orders_vm.h. */
#include <linux/errno.h>
#include "guest/control/guests.h"
#include "guest/control/orders_vm.h"
#include "guest/control/terminal.h"
#include "guest/lib/format.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"
#include "guest/lib/time.h"

#define TRY_US 100000

/* A whole file of statistics (KVM API, KVM_GET_STATS_FD). */
static union {
	struct kvm_stats_header header;
	u8 bytes[16384];
} file;

/* The vCPU may be in the middle of a KVM_RUN on another CPU: soon it is not. */
static s64 open_stats(u32 vcpu)
{
	u64 start = rdtsc();
	s64 r;

	do
		r = kvm0_ioctl(vcpu, KVM_GET_STATS_FD, 0);
	while (r == -EAGAIN && rdtsc() - start < time_us(TRY_US));
	return r;
}

static s64 read_stats(u32 vcpu)
{
	s64 handle = open_stats(vcpu), r;

	if (handle < 0)
		return handle;
	r = kvm0_read((u32)handle, &file, sizeof(file), 0);
	kvm0_close((u32)handle);
	return r;
}

/* All that are one number, and not 0. */
static void list_stats(u32 index)
{
	const struct kvm_stats_header *h = &file.header;
	char text[1024];
	size_t n = 0;

	text[0] = 0;
	for (u32 i = 0; i < h->num_desc && n < sizeof(text); i++) {
		const struct kvm_stats_desc *d = (const void *)(file.bytes + h->desc_offset +
								i * (sizeof(*d) + h->name_size));
		u64 value;

		memcpy(&value, file.bytes + h->data_offset + d->offset, sizeof(value));
		if (d->size == 1 && value)
			n += format_text(text + n, sizeof(text) - n, " %s %llu", d->name, value);
	}
	terminal_say("vCPU %u:%s", index, text);
}

bool orders_stats(const struct order *order)
{
	struct guest *g = orders_vm_named(order->word[0], order->count > 1 ? order->word[1] : NULL);

	if (!g)
		return false;
	terminal_say("after %llu ms of this machine's time:", rdtsc() / (time_tsc_hz() / 1000));
	for (u32 i = 0; i < g->vm.config.cpus; i++) {
		s64 r = read_stats(g->vm.vcpus[i].handle);

		if (r > 0)
			list_stats(i);
		else
			terminal_say("vCPU %u: %s", i, kvm0_errno_name(r));
	}
	return true;
}
