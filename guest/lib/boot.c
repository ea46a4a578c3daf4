/* SPDX-License-Identifier: MIT */
/* Reads the multiboot2 information structure; see boot.h. */
#include <linux/errno.h>
#include "guest/lib/boot.h"
#include "guest/lib/string.h"

/* Multiboot2 Specification, Boot information format. */
enum {
	TAG_END = 0,
	TAG_CMDLINE = 1,
	TAG_LOADER = 2,
	TAG_MODULE = 3,
	TAG_MMAP = 6,
	TAG_RSDP_OLD = 14,
	TAG_RSDP_NEW = 15,
};

struct tag {
	u32 type;
	u32 size;
};

struct tag_module {
	struct tag tag;
	u32 start, end;
	char string[];
};

struct tag_mmap {
	struct tag tag;
	u32 entry_size, entry_version;
	u8 entries[];
};

struct mmap_entry {
	u64 start, length;
	u32 type, zero;
};

#define MAX_INFO SIZE_1M

static bool has_end(const char *s, u64 room)
{
	for (u64 i = 0; i < room; i++)
		if (!s[i])
			return true;
	return false;
}

static void add_module(struct boot *boot, const struct tag_module *m)
{
	const char *s = m->string;
	u32 n = 0;

	if (boot->module_count == BOOT_MAX_MODULES) {
		boot->modules_dropped++;
		return;
	}
	struct boot_module *to = &boot->modules[boot->module_count++];
	while (*s == ' ')
		s++;
	for (; *s && *s != ' '; s++)
		if (n < sizeof(to->name) - 1)
			to->name[n++] = *s;
	to->name[n] = 0;
	while (*s == ' ')
		s++;
	to->args = s;
	to->start = ptr(m->start);
	to->size = m->end - m->start;
}

static int add_mmap(struct boot *boot, const struct tag_mmap *m)
{
	if (m->tag.size < sizeof(*m) || m->entry_size < sizeof(struct mmap_entry))
		return -EINVAL;
	u32 count = (m->tag.size - (u32)sizeof(*m)) / m->entry_size;
	for (u32 i = 0; i < count && boot->range_count < BOOT_MAX_RANGES; i++) {
		struct mmap_entry e;
		memcpy(&e, m->entries + (u64)i * m->entry_size, sizeof(e));
		if (!e.length || e.start + e.length < e.start)
			continue;
		boot->ranges[boot->range_count++] =
			(struct boot_range){e.start, e.start + e.length, e.type};
	}
	return 0;
}

static int parse_tag(struct boot *boot, const struct tag *tag)
{
	const char *text = (const char *)(tag + 1);
	u64 room = tag->size - sizeof(*tag);
	const struct tag_module *m = (const void *)tag;

	switch (tag->type) {
	case TAG_CMDLINE:
		boot->cmdline = text;
		return has_end(text, room) ? 0 : -EINVAL;
	case TAG_LOADER:
		boot->loader = text;
		return has_end(text, room) ? 0 : -EINVAL;
	case TAG_MODULE:
		if (tag->size <= sizeof(*m) || m->end < m->start ||
		    !has_end(m->string, tag->size - sizeof(*m)))
			return -EINVAL;
		add_module(boot, m);
		return 0;
	case TAG_MMAP:
		return add_mmap(boot, (const void *)tag);
	case TAG_RSDP_OLD:
		if (!boot->rsdp)
			boot->rsdp = tag + 1;
		return 0;
	case TAG_RSDP_NEW:
		boot->rsdp = tag + 1;
		return 0;
	default:
		return 0;
	}
}

int boot_parse(struct boot *boot, const void *info)
{
	const u8 *start = info;
	u32 total;

	memset(boot, 0, sizeof(*boot));
	boot->cmdline = boot->loader = "";
	memcpy(&total, info, sizeof(total));
	if (total < 16 || total > MAX_INFO || !IS_ALIGNED(addr(info), 8))
		return -EINVAL;
	boot->info_start = addr(info);
	boot->info_end = addr(info) + total;
	for (u32 at = 8; at + sizeof(struct tag) <= total;) {
		const struct tag *tag = (const void *)(start + at);
		if (tag->type == TAG_END)
			return 0;
		if (tag->size < sizeof(*tag) || tag->size > total - at)
			return -EINVAL;
		int err = parse_tag(boot, tag);
		if (err)
			return err;
		at += ALIGN_UP(tag->size, 8u);
	}
	return -EINVAL;
}

const struct boot_module *boot_find_module(const struct boot *boot, const char *name)
{
	for (u32 i = 0; i < boot->module_count; i++)
		if (!strcmp(boot->modules[i].name, name))
			return &boot->modules[i];
	return NULL;
}
