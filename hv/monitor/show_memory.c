/* SPDX-License-Identifier: MIT */
/* Commands that show memory, and how addresses lead to it. */
#include <kvm0/abi.h>
#include <linux/errno.h>
#include "core/memmap.h"
#include "cpu/regs.h"
#include "kvm/mmu.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/paging.h"
#include "monitor/command.h"
#include "monitor/look.h"
#include "monitor/park.h"
#include "monitor/sets.h"

/* Of a guest's page-table entry. */
#define PTE_P  BIT(0)
#define PTE_W  BIT(1)
#define PTE_U  BIT(2)
#define PTE_A  BIT(5)
#define PTE_D  BIT(6)
#define PTE_NX BIT(63)

#define ADDRESS_BITS 0x000ffffffffff000ull /* of an EPT entry */

/* --- slots --- */

static int run_slots(u32 argc, char *const *argv)
{
	struct vm *vm;
	int err = arg_vm(argv[1], &vm);

	(void)argc;
	if (err)
		return err;
	monitor_print(" slot  guest-physical      size            at\n");
	for (u32 i = 0; i < vm->slots.count; i++) {
		const struct memslot *s = memslots_at(&vm->slots, i);

		monitor_print("%5u  %014llx  %10llu KiB  %014llx%s%s%s\n", s->id, s->base.v,
			      s->size >> 10, s->hva,
			      s->flags & KVM_MEM_READONLY ? "  read-only" : "",
			      s->flags & KVM_MEM_LOG_DIRTY_PAGES ? "  logged" : "",
			      s->flags & KVM0_MEM_ON_DEMAND ? "  supplied on demand" : "");
	}
	monitor_print("mapped: %llu pages of 4 KiB, %llu of 2 MiB, %llu of 1 GiB; %llu tables\n",
		      vm->ept.mapped[EPT_4K], vm->ept.mapped[EPT_2M], vm->ept.mapped[EPT_1G],
		      vm->ept.pages);
	return 0;
}

/* --- ept --- */

/* "4 KiB" */
static const char *size_text(u64 bytes)
{
	static char text[16];
	static const char units[] = "BKMGT";
	u32 n = 0;

	for (; bytes >= 1024; bytes >>= 10)
		n++;
	printf_format(text, sizeof(text), "%llu %ciB", bytes, units[n]);
	return text;
}

static void show_ept_step(const struct ept_step *s, u32 level)
{
	static const char *const names[] = {"PML4E", "PDPTE", "PDE", "PTE"};
	static const char *const types[] = {"UC", "WC", "?", "?", "WT", "WP", "WB", "?"};

	monitor_print("%-5s at %012llx: %016llx ", names[level], s->at, s->entry);
	if (!(s->entry & EPT_ALL)) {
		monitor_print(" not present\n");
		return;
	}
	monitor_print(" %c%c%c", s->entry & EPT_READ ? 'r' : '-', s->entry & EPT_WRITE ? 'w' : '-',
		      s->entry & EPT_EXEC ? 'x' : '-');
	if (!s->page) {
		monitor_print("  table\n");
		return;
	}
	monitor_print("  page of %s, %s%s%s%s\n", size_text(s->size), types[s->entry >> 3 & 7],
		      s->entry & EPT_ACCESSED ? ", accessed" : "",
		      s->entry & EPT_DIRTY ? ", dirty" : "",
		      s->entry & EPT_WRITABLE ? ", can be made writable" : "");
}

/* What else is known of it: the page of @vm's slot, or of the control guest's map. */
static void show_place(struct vm *vm, u64 a)
{
	const struct memslot *m = vm ? memslots_find(&vm->slots, gpa(a)) : NULL;

	if (vm && !m)
		monitor_print("no slot has this address\n");
	else if (m && m->flags & KVM0_MEM_ON_DEMAND)
		monitor_print("slot %u, supplied on demand\n", m->id);
	else if (m)
		monitor_print("slot %u has it at %012llx\n", m->id, m->hva + a - m->base.v);
}

static int run_ept(u32 argc, char *const *argv)
{
	struct ept_step steps[EPT_LEVELS];
	const struct ept_step *last;
	struct vm *vm;
	struct ept ept;
	u64 a;
	u32 n;
	int err = look_vm(argv[1], &vm, &ept);

	(void)argc;
	if (!err)
		err = arg_number(argv[2], &a);
	if (!err && a >> EPT_ADDRESS_BITS)
		err = -EINVAL;
	if (err)
		return err;
	n = ept_walk(&ept, gpa(a), steps);
	for (u32 i = 0; i < n; i++)
		show_ept_step(&steps[i], i);
	last = &steps[n - 1];
	if (last->page)
		monitor_print("%llx is host-physical %012llx\n", a,
			      (last->entry & ADDRESS_BITS & ~(last->size - 1)) |
				      (a & (last->size - 1)));
	show_place(vm, a);
	return 0;
}

/* --- gva --- */

static void show_gva_step(const struct gva_step *s, const char *name)
{
	static const char *const ends[] = {
		[GVA_STEP_TABLE] = "table",
		[GVA_STEP_PAGE] = "page",
		[GVA_STEP_NOT_PRESENT] = "not present",
		[GVA_STEP_RESERVED] = "a reserved bit is set",
		[GVA_STEP_LOST] = "there is no memory for this table",
		[GVA_STEP_ABSENT] = "this table has to be supplied first",
	};
	u64 e = s->entry;

	if (s->at)
		monitor_print("%-5s at %012llx: %016llx ", name, s->at, e);
	else
		monitor_print("%-5s in the CPU:     %016llx ", name, e);
	if (s->at && e & PTE_P)
		monitor_print(" %s%s%s%s%s", e & PTE_W ? "w" : "-", e & PTE_U ? "u" : "-",
			      e & PTE_NX ? "-" : "x", e & PTE_A ? ", accessed" : "",
			      e & PTE_D && s->kind == GVA_STEP_PAGE ? ", dirty" : "");
	monitor_print("  %s", ends[s->kind]);
	if (s->kind == GVA_STEP_PAGE)
		monitor_print(" of %s", size_text(BIT(s->shift)));
	monitor_print("\n");
}

static int run_gva(u32 argc, char *const *argv)
{
	static const char *const names[] = {"PTE", "PDE", "PDPTE", "PML4E", "PML5E"};
	struct gva_step steps[GVA_STEPS_MAX];
	struct look l;
	gpa_t physical;
	u64 a;
	u32 n;
	int err = look_at_vcpu(&l, argv[1]);

	(void)argc;
	if (!err)
		err = arg_number(argv[2], &a);
	if (err)
		return err;
	if (!(l.paging.cr0 & CR0_PG)) {
		monitor_print("paging is off: %llx is guest-physical %llx\n", a, a & 0xffffffff);
		return 0;
	}
	if ((l.paging.efer & EFER_LMA) && !gva_canonical(l.paging.cr4, a)) {
		monitor_print("not canonical\n");
		return 0;
	}
	n = gva_steps(&l.paging, &l.mem, gva(a), steps, &physical);
	for (u32 i = 0; i < n; i++) /* 4 MiB pages: levels are ten bits apart */
		show_gva_step(&steps[i], names[(steps[i].shift - PAGE_SHIFT) / 9]);
	if (steps[n - 1].kind == GVA_STEP_PAGE)
		monitor_print("%llx is guest-physical %llx\n", a, physical.v);
	return 0;
}

/* --- mem --- */

#define MEM_DEFAULT 64u
#define MEM_MOST    4096u
#define LINE_BYTES  16u

/* One line: @n bytes that @bytes has, as numbers of @size bytes. */
static void show_line(u64 at, const u8 *bytes, u32 n, u32 size)
{
	char text[LINE_BYTES + 1] = "";

	monitor_print("%016llx ", at);
	for (u32 i = 0; i < LINE_BYTES; i += size) {
		u64 value = 0;

		if (i + size <= n)
			memcpy(&value, bytes + i, size);
		if (i + size <= n)
			monitor_print(" %0*llx", (int)(2 * size), value);
		else
			monitor_print(" %*s", (int)(2 * size), "");
	}
	for (u32 i = 0; i < n; i++)
		text[i] = bytes[i] >= 0x20 && bytes[i] < 0x7f ? (char)bytes[i] : '.';
	monitor_print("  %s\n", text);
}

static int run_mem(u32 argc, char *const *argv)
{
	u64 length = MEM_DEFAULT, size = 1, a = 0;
	const char *why = NULL;
	struct look l;
	int err = look_parse(&l, argv[1], &a);

	if (!err && argc > 2)
		err = arg_number(argv[2], &length);
	if (!err && argc > 3)
		err = arg_number(argv[3], &size);
	if (err)
		return err;
	if (length > MEM_MOST || (size != 1 && size != 2 && size != 4 && size != 8))
		return -EINVAL;
	for (u64 done = 0; done < length && !why; done += LINE_BYTES) {
		u8 bytes[LINE_BYTES];
		u32 n = look_read(&l, a + done, bytes, (u32)MIN(length - done, LINE_BYTES), &why);

		if (n >= size)
			show_line(a + done, bytes, n - n % (u32)size, (u32)size);
		if (why)
			monitor_print("%016llx: %s\n", a + done + n, why);
	}
	return 0;
}

static const struct command commands[] = {
	{"slots", "N", "memory slots of VM N", run_slots, complete_vm, 1, 1},
	{"ept", "N GPA", "where the EPT of VM N maps a guest-physical address to, level by level",
	 run_ept, complete_vm, 2, 2},
	{"gva", "N.M ADDRESS", "where vCPU M of VM N maps a linear address to, level by level",
	 run_gva, complete_vcpu, 2, 2},
	{"mem", "N:A|N.M@A|A [BYTES [SIZE]]",
	 "memory: VM N's, what vCPU N.M has at a linear address, or kvm0's own", run_mem, NULL, 1,
	 3},
};
COMMAND_SET(show_memory, commands);
