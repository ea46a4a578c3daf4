/* SPDX-License-Identifier: MIT */
/* The calls that list, read and change parameters (kvm0/abi.h). */
#include <linux/errno.h>
#include <kvm0/abi.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "core/log.h"
#include "core/params.h"
#include "lib/printf.h"
#include "lib/string.h"

_Static_assert(KVM0_PARAM_TEXT == PARAM_TEXT_MAX, "the text of a parameter");
_Static_assert(sizeof(struct kvm0_param) == 88, "kvm0_param");

static bool is_ended(const char text[KVM0_PARAM_TEXT])
{
	for (u32 i = 0; i < KVM0_PARAM_TEXT; i++)
		if (!text[i])
			return true;
	return false;
}

s64 call_get_param(u64 address, u64 number)
{
	struct kvm0_param out;
	const struct param *p;

	if (copy_in(&out, address, sizeof(out)))
		return -EFAULT;
	if (number == KVM0_PARAM_NAMED && !is_ended(out.name))
		return -EINVAL;
	p = number == KVM0_PARAM_NAMED ? params_find(out.name) : params_at(number);
	if (!p)
		return -ENOENT;
	memset(&out, 0, sizeof(out));
	printf_format(out.name, sizeof(out.name), "%s", p->name);
	params_show(p, out.value);
	out.flags = (p->runtime ? KVM0_PARAM_RUNTIME : 0) | (p->why ? KVM0_PARAM_FIXED : 0);
	return copy_out(address, &out, sizeof(out));
}

s64 call_set_param(u64 address)
{
	struct kvm0_param in;
	int err;

	if (copy_in(&in, address, sizeof(in)))
		return -EFAULT;
	if (!is_ended(in.name) || !is_ended(in.value))
		return -EINVAL;
	err = params_change(in.name, in.value);
	if (!err)
		log_info("params", "%s=%s", in.name, in.value);
	return err;
}
