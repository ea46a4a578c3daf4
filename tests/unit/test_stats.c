/* SPDX-License-Identifier: MIT */
/* sources: hv/kvm/stats.c hv/lib/printf.c */
/* Files of statistics: what is in them, in KVM's format, of a vCPU, a VM and the system. */
#include "fake.h"

#include <errno.h>
#include <string.h>

#include "kvm/handle.h"
#include "kvm/stats.h"

#define FILE_MAX 16384u

static struct vm vm;
static struct vcpu vcpus[2];
static struct vmx_ticks ticks;
static int in_use; /* handles that are being used */

/* Handle 1 is the VM, 2 and 3 its vCPUs, 4 a file of statistics. */
int handle_get(u64 handle, struct handle_ref *ref)
{
	if (handle < 1 || handle > 4)
		return -EBADF;
	in_use++;
	ref->kind = handle == 1 ? HANDLE_VM : handle < 4 ? HANDLE_VCPU : HANDLE_VCPU_STATS;
	if (handle == 1)
		ref->vm = &vm;
	else
		ref->vcpu = &vcpus[handle == 3];
	return 0;
}

void handle_put(const struct handle_ref *ref)
{
	(void)ref;
	in_use--;
}

static int setup(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof(vm));
	memset(vcpus, 0, sizeof(vcpus));
	memset(&ticks, 0, sizeof(ticks));
	vm.id = 7;
	vm.vcpu_count = 2;
	vm.stats.remote_tlb_flush = 3;
	vm.ept.mapped[EPT_2M] = 5;
	for (u32 i = 0; i < 2; i++) {
		struct vcpu *c = &vcpus[i];

		vm.vcpus[i] = c;
		c->vm = &vm;
		c->id = i;
		c->stats.io_exits = 10 + i;
		c->stats.fpu_reload = 2;
		c->vmx.exits[10] = 100;
		c->vmx.exits[30] = 10 + i;
		c->vmx.l1d_flushes = 1;
	}
	ticks.guest = 1000;
	ticks.exit[30] = 300;
	vcpus[1].vmx.watch.ticks = &ticks;
	return 0;
}

/* The file in one piece; its bytes. */
static u32 whole(const struct stats_file *f, u8 *bytes)
{
	u32 size = 0, n;

	for (u32 i = 0;; i++, size += n) {
		assert_true(size + STATS_PIECE <= FILE_MAX);
		n = stats_piece(f, i, bytes + size);
		if (!n)
			return size;
	}
}

/* The values of that name, by way of the file's own header and descriptors. */
static const u64 *values(const struct stats_file *f, const char *name, u32 *count)
{
	static u8 bytes[FILE_MAX] __attribute__((aligned(8)));
	const struct kvm_stats_header *h = (const void *)bytes;
	u32 size = whole(f, bytes);

	for (u32 i = 0; i < h->num_desc; i++) {
		const struct kvm_stats_desc *d =
			(const void *)(bytes + h->desc_offset + i * (sizeof(*d) + h->name_size));

		if (strcmp(d->name, name))
			continue;
		assert_true(h->data_offset + d->offset + d->size * sizeof(u64) <= size);
		*count = d->size;
		return (const u64 *)(const void *)(bytes + h->data_offset + d->offset);
	}
	return NULL;
}

static u64 value(const struct stats_file *f, const char *name)
{
	u32 count = 0;
	const u64 *v = values(f, name, &count);

	if (!v || count != 1)
		fail_msg("%s", name);
	return *v;
}

static void test_vcpu(void **state)
{
	struct stats_file f = {.count = 0};
	u32 count;

	(void)state;
	stats_of_vcpu(&vcpus[1], &f);
	assert_string_equal(f.id, "kvm-7/vcpu-1");
	assert_int_equal(value(&f, "exits"), 111);
	assert_int_equal(value(&f, "io_exits"), 11);
	assert_int_equal(value(&f, "host_state_reload"), 2);
	assert_int_equal(value(&f, "l1d_flush"), 1);
	assert_int_equal(value(&f, "guest_ticks"), 1000);
	assert_int_equal(values(&f, "exit_reason_count", &count)[30], 11);
	assert_int_equal(count, STATS_REASONS);
	assert_int_equal(values(&f, "exit_reason_ticks", &count)[30], 300);
	assert_null(values(&f, "pages_2m", &count));
}

static void test_vm(void **state)
{
	struct stats_file f = {.count = 0}, all = {.count = 0};
	u32 count;

	(void)state;
	stats_of_vm(&vm, &f);
	assert_string_equal(f.id, "kvm-7");
	assert_int_equal(value(&f, "pages_2m"), 5);
	assert_int_equal(value(&f, "remote_tlb_flush"), 3);
	assert_null(values(&f, "exits", &count));
	stats_of_whole_vm(&vm, &all);
	assert_int_equal(value(&all, "pages_2m"), 5);
	assert_int_equal(value(&all, "exits"), 221);
	assert_int_equal(values(&all, "exit_reason_count", &count)[30], 21);
}

static void test_system(void **state)
{
	struct stats_file f = {.count = 0};

	(void)state;
	stats_of_system(&f);
	assert_int_equal(in_use, 0);
	assert_string_equal(f.id, "kvm");
	assert_int_equal(value(&f, "pages_2m"), 5);
	assert_int_equal(value(&f, "exits"), 221);
	assert_int_equal(value(&f, "guest_ticks"), 1000);
}

/* stats_at() names the same values. */
static void test_names(void **state)
{
	struct stats_file f = {.count = 0};
	const u64 *v;
	const char *name;
	u32 n = 0, size, sum = 0;

	(void)state;
	stats_of_vcpu(&vcpus[0], &f);
	for (; (name = stats_at(&f, n, &v, &size)) != NULL; n++) {
		u32 count;
		const u64 *same = values(&f, name, &count);

		assert_int_equal(count, size);
		assert_memory_equal(same, v, size * sizeof(u64));
		sum += size;
	}
	assert_int_equal(n, f.count);
	assert_int_equal(sum, f.values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_vcpu, setup),
		cmocka_unit_test_setup(test_vm, setup),
		cmocka_unit_test_setup(test_system, setup),
		cmocka_unit_test_setup(test_names, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
