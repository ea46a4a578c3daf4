/* SPDX-License-Identifier: MIT */
/* Live migration; see migrate.h. */
#include <linux/errno.h>
#include "guest/control/vmm/migrate.h"
#include "guest/lib/cpu.h"
#include "guest/lib/format.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/memory.h"
#include "guest/lib/string.h"

/* Copied or cleared in one step. */
#define STEP_PAGES 256u
/* Rounds end when so few pages were written during one that more of them gain nothing. */
#define FEW_PAGES 64u

static u64 slot_pages(const struct ram_slot *slot)
{
	return slot->size / PAGE_SIZE;
}

/* Bytes of a dirty log (KVM API, KVM_GET_DIRTY_LOG). */
static u64 log_bytes(const struct ram_slot *slot)
{
	return ALIGN_UP(slot_pages(slot), 64) / 8;
}

/* The next slot of this round, and which of its pages are to be copied: all in the first
 * round.  1; 0: there is none; or -errno. */
static s64 open_slot(struct migration *m)
{
	if (!ram_slot(&m->vm->ram, m->slot_number, &m->slot))
		return 0;
	struct kvm_dirty_log log = {.slot = m->slot_number++, .dirty_bitmap = m->dirty};
	m->page = 0;
	if (m->round == 1) {
		memset(m->dirty, 0xff, log_bytes(&m->slot));
		return 1;
	}
	s64 err = kvm0_ioctl_ptr(m->vm->handle, KVM_GET_DIRTY_LOG, &log);
	return err < 0 ? err : 1;
}

/* Copies pages of the slot that is open, and counts them off *most.  0 or -ENOMEM. */
static int copy_some(struct migration *m, u64 *most)
{
	u64 end = slot_pages(&m->slot);

	while (m->page < end && *most) {
		u64 left = m->dirty[m->page / 64] >> m->page % 64;
		if (!left) {
			m->page = ALIGN_DOWN(m->page, 64) + 64;
			continue;
		}
		m->page += (u64)__builtin_ctzll(left);
		if (m->page >= end) /* bits beyond the slot */
			break;
		int err = ram_copy_page(&m->other.ram, &m->vm->ram,
					m->slot.gpa + m->page++ * PAGE_SIZE);
		if (err)
			return err;
		m->pages++;
		--*most;
	}
	return 0;
}

/* Copies at most `most` pages of the round.  1: there is more; 0: it is done; or -errno. */
static s64 copy_round(struct migration *m, u64 most)
{
	while (most) {
		s64 more = copy_some(m, &most);
		if (!more && m->page >= slot_pages(&m->slot)) {
			more = open_slot(m);
			if (!more)
				return 0;
		}
		if (more < 0)
			return more;
	}
	return 1;
}

static void explain(s64 err, char *why, u64 why_size)
{
	format_text(why, why_size, "its memory cannot be copied: %s (%lld)", kvm0_errno_name(err),
		    err);
}

static void begin_round(struct migration *m)
{
	m->round++;
	m->slot_number = 0;
	m->slot.size = m->page = 0;
	m->last_pages = m->pages;
	m->pages = 0;
	m->round_start = rdtsc();
}

void migrate_cancel(struct migration *m)
{
	if (m->state == MIGRATE_NONE)
		return;
	vm_destroy(&m->other);
	memory_free(m->dirty, m->dirty_size);
	if (m->state != MIGRATE_MOVED && m->vm->handle && ram_map(&m->vm->ram, m->vm->handle, 0))
		vm_report(m->vm, "goes on with its dirty log");
	m->state = MIGRATE_NONE;
}

int migrate_start(struct migration *m, struct vm *vm, u32 rounds, char *why, u64 why_size)
{
	struct ram_slot slot;

	memset(m, 0, sizeof(*m));
	m->state = MIGRATE_COPIES;
	m->vm = vm;
	m->rounds = rounds;
	int err = vm_create_empty(&m->other, &vm->config, &vm->sink, why, why_size);
	if (err) {
		m->state = MIGRATE_NONE;
		return err;
	}
	for (u32 i = 0; ram_slot(&vm->ram, i, &slot); i++)
		m->dirty_size = MAX(m->dirty_size, log_bytes(&slot));
	m->dirty = memory_alloc(m->dirty_size, PAGE_SIZE);
	err = m->dirty ? ram_map(&vm->ram, vm->handle, KVM_MEM_LOG_DIRTY_PAGES) : -ENOMEM;
	if (err) {
		format_text(why, why_size, "its memory cannot be logged: %s (%d)",
			    kvm0_errno_name(err), err);
		migrate_cancel(m);
		return err;
	}
	begin_round(m);
	return 0;
}

/* Everything that is still to be moved, while the VM stands still. */
static int move_rest(struct migration *m, char *why, u64 why_size)
{
	static struct snapshot moved;

	if (!vm_pause(m->vm)) {
		format_text(why, why_size, "it has just ended");
		return -ESRCH;
	}
	begin_round(m);
	s64 err = copy_round(m, ~0ull);
	if (err) {
		explain(err, why, why_size);
		return (int)err;
	}
	m->all_pages += m->pages;
	int failed = snapshot_state_get(&moved, m->vm, why, why_size);
	if (failed)
		return failed;
	failed = snapshot_state_set(&moved, &m->other, why, why_size);
	snapshot_free(&moved);
	return failed;
}

static void take_over(struct migration *m)
{
	static struct vm old;

	m->other.named = m->vm->named;
	vm_move(&old, m->vm);
	vm_move(m->vm, &m->other);
	vm_move(&m->other, &old);
	vm_close(&m->other);
	m->state = MIGRATE_MOVED;
}

static void give_up(struct migration *m, const char *why)
{
	vm_report(m->vm, "is not migrated: %s", why);
	migrate_cancel(m);
}

static void finish(struct migration *m)
{
	char why[160];
	u64 start = rdtsc();

	if (move_rest(m, why, sizeof(why))) {
		give_up(m, why);
		return;
	}
	take_over(m);
	vm_report(m->vm,
		  "is migrated: %llu pages in all, the last %llu and its state in %llu ticks",
		  m->all_pages, m->pages, rdtsc() - start);
}

static void end_round(struct migration *m)
{
	vm_report(m->vm, "migrates: round %u: %llu pages, %llu ticks", m->round, m->pages,
		  rdtsc() - m->round_start);
	m->all_pages += m->pages;
	bool shrinks = m->round == 1 || m->pages < m->last_pages;
	if (m->pages <= FEW_PAGES || !shrinks || m->round >= m->rounds)
		m->state = MIGRATE_LAST;
	else
		begin_round(m);
}

void migrate_step(struct migration *m)
{
	char why[160];

	if (m->state == MIGRATE_MOVED) {
		if (ram_free_some(&m->other.ram, STEP_PAGES * PAGE_SIZE))
			migrate_cancel(m);
		return;
	}
	if (m->state == MIGRATE_LAST) {
		finish(m);
		return;
	}
	s64 more = copy_round(m, STEP_PAGES);
	if (!more) {
		end_round(m);
	} else if (more < 0) {
		explain(more, why, sizeof(why));
		give_up(m, why);
	}
}
