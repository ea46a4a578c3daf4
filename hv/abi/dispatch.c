/* SPDX-License-Identifier: MIT */
/* Dispatch of the control guest's hypercalls, by call number and kind of handle. */
#include "abi/dispatch.h"
#include <kvm0/abi.h>
#include <linux/errno.h>
#include "abi/copy.h"
#include "abi/requests.h"
#include "core/log.h"
#include "core/page.h"
#include "kvm/wake.h"

struct call {
	u64 a, b, c; /* RDI, RSI, RDX */
	u64 second;  /* RDX on return */
	struct vmx_vcpu *control;
	enum hypercall_result special;
};

/* KVM_RUN's results beside KVM's own. */
static s64 run_result(struct call *call, s64 result, const struct run_outcome *run)
{
	switch (run->result) {
	case RUN_USER:
		return result;
	case RUN_AGAIN:
		return KVM0_RUN_AGAIN;
	case RUN_BLOCKED:
		call->second = run->deadline;
		return KVM0_RUN_BLOCKED;
	case RUN_INIT:
		call->special = HYPERCALL_INIT;
		return KVM0_RUN_AGAIN;
	case RUN_MACHINE_CHECK:
		call->special = HYPERCALL_MACHINE_CHECK;
		return KVM0_RUN_AGAIN;
	}
	return result;
}

static s64 call_ioctl(struct call *call)
{
	struct run_outcome run = {.result = RUN_USER};
	struct handle_ref ref;
	s64 result;

	if (call->a == 0)
		return system_request((u32)call->b, call->c);
	result = handle_get(call->a, &ref);
	if (result)
		return result;
	if (ref.kind == HANDLE_VM) {
		result = vm_request(ref.vm, (u32)call->b, call->c);
	} else {
		result = vcpu_request(ref.vcpu, (u32)call->b, call->c, call->control, &run);
		result = run_result(call, result, &run);
	}
	handle_put(&ref);
	return result;
}

static s64 call_set_run_page(struct call *call)
{
	struct handle_ref ref;
	s64 result = handle_get(call->a, &ref);
	void *page;

	if (result)
		return result;
	page = copy_page(call->b);
	if (ref.kind != HANDLE_VCPU)
		result = -ENOTTY;
	else if (!IS_ALIGNED(call->b, PAGE_SIZE))
		result = -EINVAL;
	else if (!page)
		result = -EFAULT;
	else if (!vcpu_trylock(ref.vcpu))
		result = -EAGAIN;
	else {
		ref.vcpu->run = page;
		vcpu_unlock(ref.vcpu);
	}
	handle_put(&ref);
	return result;
}

#define LOG_CHUNK 512u

static s64 call_read_log(struct call *call)
{
	char text[LOG_CHUNK];
	u64 done = 0;

	call->second = call->c;
	while (done < call->b) {
		u64 next = call->second;
		size_t n = log_read(text, MIN(call->b - done, LOG_CHUNK), &next);

		if (!n)
			break;
		if (copy_out(call->a + done, text, n))
			return -EFAULT;
		call->second = next;
		done += n;
	}
	return (s64)done;
}

static s64 dispatch(u64 number, struct call *call)
{
	switch (number) {
	case KVM0_CALL_IOCTL:
		return call_ioctl(call);
	case KVM0_CALL_CLOSE:
		return handle_close(call->a);
	case KVM0_CALL_SET_RUN_PAGE:
		return call_set_run_page(call);
	case KVM0_CALL_READ_LOG:
		return call_read_log(call);
	case KVM0_CALL_NEXT_WAKE:
		return 0;
	default:
		return -ENOSYS;
	}
}

enum hypercall_result hypercall(struct vmx_vcpu *v)
{
	u64 *g = v->gpr;
	struct call call = {.a = g[GPR_RDI],
			    .b = g[GPR_RSI],
			    .c = g[GPR_RDX],
			    .control = v,
			    .special = HYPERCALL_DONE};

	if (vmx_cpl() != 0) {
		g[GPR_RAX] = (u64)-EPERM;
		return HYPERCALL_DONE;
	}
	g[GPR_RAX] = (u64)dispatch(g[GPR_RAX], &call);
	g[GPR_RDX] = call.second;
	g[GPR_RSI] = wake_take();
	return call.special;
}
