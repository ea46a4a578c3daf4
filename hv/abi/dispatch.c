/* SPDX-License-Identifier: MIT */
/* Dispatch of the control guest's hypercalls, by call number and kind of handle. */
#include "abi/dispatch.h"
#include <kvm0/abi.h>
#include <linux/errno.h>
#include "abi/calls.h"
#include "abi/copy.h"
#include "abi/requests.h"
#include "core/log.h"
#include "core/page.h"
#include "core/trace.h"
#include "kvm/mmu.h"
#include "kvm/wake.h"

/* What a call returns beside RAX. */
struct outcome {
	u64 second; /* RDX */
	enum hypercall_result special;
};

/* KVM_RUN's results beside KVM's own. */
static s64 run_result(const struct run_outcome *run, s64 result, struct outcome *out)
{
	switch (run->result) {
	case RUN_USER:
		return result;
	case RUN_AGAIN:
		break;
	case RUN_BLOCKED:
		out->second = run->deadline;
		return KVM0_RUN_BLOCKED;
	case RUN_PAGE_WANTED:
		out->second = run->wanted;
		return KVM0_RUN_PAGE_WANTED;
	case RUN_INIT:
		out->special = HYPERCALL_INIT;
		break;
	case RUN_MACHINE_CHECK:
		out->special = HYPERCALL_MACHINE_CHECK;
		break;
	}
	return KVM0_RUN_AGAIN;
}

/* An ioctl on any handle but the system's. */
static __on_the_way s64 call_on_handle(struct vmx_vcpu *v, u32 request, u64 arg,
				       struct outcome *out)
{
	struct run_outcome run;
	struct handle_ref ref;
	s64 result = handle_get(v->gpr[GPR_RDI], &ref);

	if (result)
		return result;
	if (__builtin_expect(ref.kind == HANDLE_VCPU, 1)) {
		run.result = RUN_USER;
		result = vcpu_request(ref.vcpu, request, arg, v, &run);
		result = run_result(&run, result, out);
	} else if (ref.kind == HANDLE_VM) {
		result = vm_request(ref.vm, request, arg);
	} else if (ref.kind == HANDLE_DEVICE) {
		result = device_request(request, arg);
	} else { /* the others have no requests */
		result = -ENOTTY;
	}
	handle_put(&ref);
	return result;
}

static s64 call_set_run_page(u64 handle, u64 address, u64 number)
{
	struct handle_ref ref;
	s64 result = handle ? handle_get(handle, &ref) : -ENOTTY;
	void *page;

	if (result)
		return result;
	page = copy_page(address);
	if (ref.kind != HANDLE_VCPU)
		result = -ENOTTY;
	else if (!IS_ALIGNED(address, PAGE_SIZE))
		result = -EINVAL;
	else if (!page)
		result = -EFAULT;
	else if (!vcpu_trylock(ref.vcpu))
		result = -EAGAIN;
	else {
		result = vcpu_set_page(ref.vcpu, number, page);
		vcpu_unlock(ref.vcpu);
	}
	handle_put(&ref);
	return result;
}

/* A call on the VM with that handle. */
static s64 call_on_vm(const u64 *g)
{
	struct handle_ref ref;
	s64 result = g[GPR_RDI] ? handle_get(g[GPR_RDI], &ref) : -ENOTTY;

	if (result)
		return result;
	if (ref.kind != HANDLE_VM)
		result = -ENOTTY;
	else if (g[GPR_RAX] == KVM0_CALL_SUPPLY)
		result = vm_supply(ref.vm, g[GPR_RSI]);
	else
		result = mmu_withdraw(ref.vm, g[GPR_RSI], g[GPR_RDX]);
	handle_put(&ref);
	return result;
}

/* KVM0_CALL_SIGNAL, or with @taken KVM0_CALL_TAKE_SIGNALS.  The vCPU need not be idle. */
static s64 call_signals(u64 handle, u64 signals, u64 *taken)
{
	struct handle_ref ref;
	s64 result = handle ? handle_get(handle, &ref) : -ENOTTY;

	if (result)
		return result;
	if (ref.kind != HANDLE_VCPU)
		result = -ENOTTY;
	else if (taken)
		*taken = vcpu_take_signals(ref.vcpu, signals);
	else if (signals < 1 || signals > KVM0_SIGNAL_MAX)
		result = -EINVAL;
	else
		vcpu_signal(ref.vcpu, (u32)signals);
	handle_put(&ref);
	return result;
}

#define LOG_CHUNK 512u

static s64 call_read_log(u64 to, u64 size, u64 position, struct outcome *out)
{
	char text[LOG_CHUNK];
	u64 done = 0;

	out->second = position;
	while (done < size) {
		u64 before = out->second & KVM0_LOG_BEFORE, next = out->second ^ before;
		u64 most = MIN(size - done, LOG_CHUNK);
		size_t n =
			before ? log_read_before(text, most, &next) : log_read(text, most, &next);

		if (!n)
			break;
		if (copy_out(to + done, text, n))
			return -EFAULT;
		out->second = next | before;
		done += n;
	}
	return (s64)done;
}

static __attribute__((noinline)) s64 other_call(const u64 *g, struct outcome *out)
{
	switch (g[GPR_RAX]) {
	case KVM0_CALL_CLOSE:
		return handle_close(g[GPR_RDI]);
	case KVM0_CALL_SET_RUN_PAGE:
		return call_set_run_page(g[GPR_RDI], g[GPR_RSI], g[GPR_RDX]);
	case KVM0_CALL_READ_LOG:
		return call_read_log(g[GPR_RDI], g[GPR_RSI], g[GPR_RDX], out);
	case KVM0_CALL_NEXT_WAKE:
		return 0;
	case KVM0_CALL_SIGNAL:
		return call_signals(g[GPR_RDI], g[GPR_RSI], NULL);
	case KVM0_CALL_TAKE_SIGNALS:
		return call_signals(g[GPR_RDI], g[GPR_RSI], &out->second);
	case KVM0_CALL_GET_PARAM:
		return call_get_param(g[GPR_RDI], g[GPR_RSI]);
	case KVM0_CALL_SET_PARAM:
		return call_set_param(g[GPR_RDI]);
	case KVM0_CALL_POOL:
		out->second = page_total();
		return (s64)page_unused();
	case KVM0_CALL_SUPPLY:
	case KVM0_CALL_WITHDRAW:
		return call_on_vm(g);
	case KVM0_CALL_EVENT_CREATE:
		return call_event_create(g[GPR_RDI], g[GPR_RSI]);
	case KVM0_CALL_EVENT_SIGNAL:
		return call_event_signal(g[GPR_RDI], g[GPR_RSI]);
	case KVM0_CALL_EVENT_READ:
		return call_event_read(g[GPR_RDI], &out->second);
	case KVM0_CALL_READ:
		return call_read(g[GPR_RDI], g[GPR_RSI], g[GPR_RDX], g[GPR_RCX]);
	case KVM0_CALL_READ_TRACE:
		out->second = g[GPR_RCX];
		return call_read_trace(g[GPR_RDI], g[GPR_RSI], g[GPR_RDX], &out->second);
	default:
		return -ENOSYS;
	}
}

static s64 dispatch(struct vmx_vcpu *v, struct outcome *out)
{
	const u64 *g = v->gpr;
	u32 request = (u32)g[GPR_RSI];
	u64 arg = g[GPR_RDX];

	if (__builtin_expect(g[GPR_RAX] != KVM0_CALL_IOCTL, 0))
		return other_call(g, out);
	return g[GPR_RDI] ? call_on_handle(v, request, arg, out) : system_request(request, arg);
}

static __attribute__((noinline)) void trace_call(const u64 *g, s64 result)
{
	u32 what = (u32)(g[GPR_RAX] == KVM0_CALL_IOCTL ? g[GPR_RSI] : ~g[GPR_RAX]);

	trace_write(KVM0_TRACE_IOCTL, 0, this_cpu()->index, what, g[GPR_RDI], g[GPR_RDX],
		    (u64)result, 0);
}

__on_the_way enum hypercall_result hypercall(struct vmx_vcpu *v)
{
	struct outcome out = {0, HYPERCALL_DONE};
	s64 result;

	if (vmx_cpl() != 0) {
		v->gpr[GPR_RAX] = (u64)-EPERM;
		return HYPERCALL_DONE;
	}
	result = dispatch(v, &out);
	if (trace_wants(KVM0_TRACE_IOCTL))
		trace_call(v->gpr, result);
	v->gpr[GPR_RAX] = (u64)result;
	v->gpr[GPR_RDX] = out.second;
	v->gpr[GPR_RSI] = wake_take();
	return out.special;
}
