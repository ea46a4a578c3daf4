/* SPDX-License-Identifier: MIT */
/* The saved VMs; see saved.h. */
#include <linux/errno.h>
#include "guest/control/saved.h"
#include "guest/control/sched.h"
#include "guest/control/terminal.h"
#include "guest/lib/format.h"
#include "guest/lib/string.h"

static struct saved {
	bool used;
	char name[32];
	struct snapshot snapshot;
} saved[SAVED_MAX];

static struct saved *find(const char *name)
{
	for (u32 i = 0; i < SAVED_MAX; i++)
		if (saved[i].used && !strcmp(saved[i].name, name))
			return &saved[i];
	return NULL;
}

static struct saved *find_free(void)
{
	for (u32 i = 0; i < SAVED_MAX; i++)
		if (!saved[i].used)
			return &saved[i];
	return NULL;
}

const struct snapshot *saved_find(const char *name)
{
	struct saved *s = find(name);

	return s ? &s->snapshot : NULL;
}

static void forget(struct saved *s)
{
	snapshot_free(&s->snapshot);
	s->used = false;
}

bool saved_forget(const char *name)
{
	struct saved *s = find(name);

	if (s)
		forget(s);
	return s != NULL;
}

int saved_save(struct guest *g, const char *name, char *why, u64 why_size)
{
	struct saved *old = find(name), *s = find_free();

	if (strlen(name) >= sizeof(s->name)) {
		format_text(why, why_size, "its name is too long: at most %llu characters",
			    sizeof(s->name) - 1ull);
		return -EINVAL;
	}
	if (!s) {
		format_text(why, why_size, "there are %u saved VMs already: forget one of them",
			    SAVED_MAX);
		return -ENOSPC;
	}
	sched_remove(&g->vm);
	int err = snapshot_take(&s->snapshot, &g->vm, why, why_size);
	sched_add(&g->vm);
	if (err)
		return err;
	format_text(s->name, sizeof(s->name), "%s", name);
	s->used = true;
	if (old)
		forget(old);
	return 0;
}

void saved_list(void)
{
	for (u32 i = 0; i < SAVED_MAX; i++)
		if (saved[i].used)
			terminal_say(" = %-20s saved %6llu MiB", saved[i].name,
				     ram_used(&saved[i].snapshot.ram) / SIZE_1M);
}
