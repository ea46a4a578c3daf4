/* SPDX-License-Identifier: MIT */
/* The rings of the trace, and which types of events are on: see core/trace.h. */
#include "core/trace.h"
#include <linux/errno.h>
#include "core/log.h"
#include "core/page.h"
#include "cpu/layout.h"
#include "cpu/percpu.h"
#include "cpu/tsc.h"
#include "lib/printf.h"
#include "lib/string.h"

#define EVENT_SIZE (sizeof(struct kvm0_trace_event))
#define KIB_MOST   2048u /* the largest block of the pool */
#define ALL_TYPES  ((1u << KVM0_TRACE_TYPES) - 1)

_Static_assert(EVENT_SIZE == 64, "a power of two, and one cache line");

u32 trace_mask;

/* Of each CPU; only that CPU writes, but for `from`. */
static struct ring {
	struct kvm0_trace_event *event; /* NULL: there is no ring */
	u64 count;                      /* events that it has room for, a power of two */
	u64 next;                       /* events ever written */
	u64 from;                       /* those before are forgotten: trace_clear() */
} rings[MAX_CPUS];

/* --- parameters --- */

static u32 trace_kib = 64;

/* In the order of KVM0_TRACE_*. */
static const char *const names[KVM0_TRACE_TYPES] = {
	"entry",     "exit", "inject", "ept",  "mmio", "pio",  "msr",  "cpuid",
	"hypercall", "ipi",  "timer",  "halt", "wake", "slot", "ioctl"};

/* The types of one word of @n bytes. */
static int word_types(const char *word, size_t n, u32 *types)
{
	static const struct {
		const char *name;
		u32 types;
	} several[] = {{"all", ALL_TYPES}, {"none", 0}};

	for (u32 i = 0; i < ARRAY_SIZE(several); i++)
		if (strlen(several[i].name) == n && !memcmp(word, several[i].name, n)) {
			*types |= several[i].types;
			return 0;
		}
	for (u32 i = 0; i < KVM0_TRACE_TYPES; i++)
		if (strlen(names[i]) == n && !memcmp(word, names[i], n)) {
			*types |= 1u << i;
			return 0;
		}
	return -EINVAL;
}

int trace_types(const char *text, u32 *types)
{
	u64 number;
	u32 found = 0;

	if (!params_size(text, &number)) {
		*types = (u32)number;
		return number & ~(u64)ALL_TYPES ? -EINVAL : 0;
	}
	for (;;) {
		size_t n = 0;

		while (text[n] && text[n] != ',')
			n++;
		if (word_types(text, n, &found))
			return -EINVAL;
		if (!text[n])
			break;
		text += n + 1;
	}
	*types = found;
	return 0;
}

void trace_set_types(u32 types)
{
	WRITE_ONCE(trace_mask, (trace_mask & TRACE_EXIT_TICKS) | types);
}

void trace_show_types(u32 types, char *text, size_t size)
{
	size_t n = 0;

	types &= ALL_TYPES;
	(void)printf_format(text, size, "%s", types == ALL_TYPES ? "all" : "none");
	for (u32 i = 0; i < KVM0_TRACE_TYPES && types != ALL_TYPES; i++) {
		if (!(types >> i & 1))
			continue;
		if (n + strlen(names[i]) + 2 > size) {
			(void)printf_format(text, size, "%#x", types);
			return;
		}
		n += printf_format(text + n, size - n, "%s%s", n ? "," : "", names[i]);
	}
}

static int parse_trace(const char *value)
{
	u32 types;

	if (trace_types(value, &types))
		return -EINVAL;
	trace_set_types(types);
	return 0;
}

static void show_trace(char *text, size_t size)
{
	trace_show_types(trace_mask, text, size);
}

static int parse_ticks(const char *value)
{
	bool on;

	if (params_bool(value, &on))
		return -EINVAL;
	WRITE_ONCE(trace_mask, (trace_mask & ~TRACE_EXIT_TICKS) | (on ? TRACE_EXIT_TICKS : 0));
	return 0;
}

static void show_ticks(char *text, size_t size)
{
	(void)printf_format(text, size, "%c", trace_mask & TRACE_EXIT_TICKS ? 'Y' : 'N');
}

static const struct param params[] = {
	{.name = "trace",
	 .type = PARAM_FN,
	 .parse = parse_trace,
	 .show = show_trace,
	 .runtime = true},
	{.name = "trace_kib", .type = PARAM_UINT, .value = &trace_kib, .max = KIB_MOST},
	{.name = "exit_ticks",
	 .type = PARAM_FN,
	 .parse = parse_ticks,
	 .show = show_ticks,
	 .runtime = true},
};
const struct param_table trace_params = {params, ARRAY_SIZE(params)};

void trace_init(u32 cpus)
{
	u64 pages = 1;
	unsigned order = 0;

	for (; pages * PAGE_SIZE < trace_kib * 1024ull; order++)
		pages *= 2;
	for (u32 i = 0; trace_kib && i < cpus; i++) {
		struct ring *r = &rings[i];

		r->event = page_room_for(pages) ? page_alloc_order(order) : NULL;
		r->count = r->event ? pages * PAGE_SIZE / EVENT_SIZE : 0;
		if (!r->event) {
			log_warn("trace",
				 "no memory for %u KiB for CPU %u: give kvm0 more, "
				 "pool=64M, or set trace_kib=",
				 trace_kib, i);
			break;
		}
	}
}

/* --- the rings --- */

#define STORE(to, value) __atomic_store_n(&(to), value, __ATOMIC_RELAXED)

void trace_write(u32 type, u32 vm, u32 vcpu, u32 what, u64 a, u64 b, u64 c, u64 d)
{
	u32 cpu = this_cpu()->index;
	struct ring *r = &rings[cpu];
	struct kvm0_trace_event *e;
	u64 n = r->next;

	if (!r->event)
		return;
	e = &r->event[n & (r->count - 1)];
	/* Nobody takes it for what was here before; pairs with copy_event(). */
	STORE(e->number, 0);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	STORE(e->tsc, rdtsc());
	STORE(e->vm, vm);
	STORE(e->vcpu, (u16)vcpu);
	STORE(e->cpu, (u8)cpu);
	STORE(e->type, (u8)type);
	STORE(e->what, what);
	STORE(e->data[0], a);
	STORE(e->data[1], b);
	STORE(e->data[2], c);
	STORE(e->data[3], d);
	/* Release: the whole event comes before; pairs with copy_event() and trace_read(). */
	__atomic_store_n(&e->number, n + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&r->next, n + 1, __ATOMIC_RELEASE);
}

/* Is it event number @n, and was it that all the while that it was copied? */
static bool copy_event(const struct kvm0_trace_event *from, u64 n, struct kvm0_trace_event *to)
{
	const u64 *words = (const u64 *)(const void *)from;
	u64 *out = (u64 *)(void *)to;

	if (__atomic_load_n(&from->number, __ATOMIC_ACQUIRE) != n + 1)
		return false;
	for (u32 i = 0; i < EVENT_SIZE / sizeof(u64); i++)
		out[i] = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&from->number, __ATOMIC_RELAXED) == n + 1;
}

/* The number of the oldest event that may still be there, of the @next ones written. */
static u64 oldest(const struct ring *r, u64 next)
{
	return MAX(next > r->count ? next - r->count : 0, READ_ONCE(r->from));
}

bool trace_read(u32 cpu, u64 *position, struct kvm0_trace_event *e)
{
	const struct ring *r = &rings[cpu];
	u64 next = __atomic_load_n(&r->next, __ATOMIC_ACQUIRE);

	*position = MAX(*position, oldest(r, next));
	while (*position < next) {
		u64 n = (*position)++;

		if (copy_event(&r->event[n & (r->count - 1)], n, e))
			return true;
	}
	return false;
}

u64 trace_count(u32 cpu)
{
	u64 next = __atomic_load_n(&rings[cpu].next, __ATOMIC_ACQUIRE);

	return next - MIN(oldest(&rings[cpu], next), next);
}

void trace_clear(void)
{
	for (u32 i = 0; i < MAX_CPUS; i++)
		WRITE_ONCE(rings[i].from, __atomic_load_n(&rings[i].next, __ATOMIC_ACQUIRE));
}
