/* SPDX-License-Identifier: MIT */
/* Writing the control guest's Multiboot2 information; see boot/multiboot2.h. */
#include <linux/errno.h>

#include "lib/string.h"
#include "multiboot2.h"

struct out {
	u8 *base;
	u32 size, used;
	u32 tag; /* where the tag being written starts */
	bool full;
};

/* Append @n bytes, or only note that there is no room. */
static void put(struct out *o, const void *data, size_t n)
{
	if (o->full || n > o->size - o->used) {
		o->full = true;
		return;
	}
	memcpy(o->base + o->used, data, n);
	o->used += (u32)n;
}

static void put32(struct out *o, u32 v)
{
	put(o, &v, sizeof(v));
}

static void put64(struct out *o, u64 v)
{
	put(o, &v, sizeof(v));
}

static void tag_begin(struct out *o, u32 type)
{
	o->tag = o->used;
	put32(o, type);
	put32(o, 0); /* the size: tag_end() knows it */
}

static void tag_end(struct out *o)
{
	u32 bytes = o->used - o->tag;

	if (o->full)
		return;
	memcpy(o->base + o->tag + 4, &bytes, sizeof(bytes));
	while (o->used % 8 && !o->full)
		put(o, "", 1);
}

/* A module's string without its first word, which is the module's name. */
static const char *after_name(const char *text)
{
	while (*text && *text != ' ')
		text++;
	while (*text == ' ')
		text++;
	return text;
}

static void put_string(struct out *o, const char *text)
{
	put(o, text, strlen(text) + 1);
}

/* The part of [base, end) from base on that is wholly hidden or wholly not: its end,
 * and in *@is_hidden which of both. */
static u64 next_piece(const struct mb2_range *hidden, u32 count, u64 base, u64 end, bool *is_hidden)
{
	u64 stop = end;

	*is_hidden = false;
	for (u32 i = 0; i < count; i++) {
		const struct mb2_range *h = &hidden[i];

		if (h->base <= base && base < h->end) {
			*is_hidden = true;
			return MIN(end, h->end);
		}
		if (h->base > base && h->base < stop && h->base < h->end)
			stop = h->base;
	}
	return stop;
}

static void put_mmap(struct out *o, const struct mb2_info *in, const struct mb2_range *hidden,
		     u32 count)
{
	tag_begin(o, MB2_TAG_MMAP);
	put32(o, sizeof(struct mb2_mmap_entry));
	put32(o, 0);
	for (u32 i = 0; i < in->mmap_count; i++) {
		struct mb2_mmap_entry e = in->mmap[i];
		u64 end = e.base + e.length;
		bool is_hidden;

		for (u64 at = e.base; at < end; at = e.base + e.length) {
			e.base = at;
			e.length = next_piece(hidden, count, at, end, &is_hidden) - at;
			e.type = in->mmap[i].type;
			if (is_hidden && e.type == MB2_MMAP_RAM)
				e.type = MB2_MMAP_RESERVED;
			put(o, &e, sizeof(e));
		}
	}
	tag_end(o);
}

/* One entry of the EFI map, in as many pieces as the hidden ranges make of it.  They
 * are whole pages, as its entries are. */
static void put_efi_entry(struct out *o, const struct mb2_info *in, const u8 *from,
			  const struct mb2_range *hidden, u32 count)
{
	struct mb2_efi_entry whole, e;
	u64 at = 0, bytes;
	bool is_hidden;

	memcpy(&whole, from, sizeof(whole));
	bytes = whole.pages * PAGE_SIZE;
	if (!whole.pages || whole.pages > UINT64_MAX / PAGE_SIZE ||
	    whole.base + bytes < whole.base) {
		put(o, from, in->efi_entry_size); /* nonsense, but not ours to judge */
		return;
	}
	while (at < bytes) {
		u64 stop =
			next_piece(hidden, count, whole.base + at, whole.base + bytes, &is_hidden) -
			whole.base;

		e = whole;
		e.base += at;
		if (e.virtual_base)
			e.virtual_base += at;
		e.pages = (stop - at) / PAGE_SIZE;
		if (is_hidden)
			e.type = MB2_EFI_RESERVED;
		put(o, &e, sizeof(e));
		put(o, from + sizeof(e), in->efi_entry_size - sizeof(e));
		at = stop;
	}
}

static void put_efi_mmap(struct out *o, const struct mb2_info *in, const struct mb2_range *hidden,
			 u32 count)
{
	if (!in->efi_size)
		return;
	tag_begin(o, MB2_TAG_EFI_MMAP);
	put32(o, in->efi_entry_size);
	put32(o, in->efi_entry_version);
	for (u32 at = 0; at < in->efi_size; at += in->efi_entry_size)
		put_efi_entry(o, in, in->efi_map + at, hidden, count);
	tag_end(o);
}

static void put_modules(struct out *o, const struct mb2_info *in, u32 control)
{
	for (u32 i = 0; i < in->module_count; i++) {
		if (i == control)
			continue;
		tag_begin(o, MB2_TAG_MODULE);
		put32(o, (u32)in->module[i].start);
		put32(o, (u32)in->module[i].end);
		put_string(o, in->module[i].text);
		tag_end(o);
	}
}

/* mem_upper counts the KiB from 1 MiB to the first hole: a hidden range is one. */
static void put_meminfo(struct out *o, const struct mb2_info *in, const struct mb2_range *hidden,
			u32 count)
{
	u64 end = 0x100000 + (u64)in->mem_upper * 1024;
	u64 low_end = (u64)in->mem_lower * 1024;

	if (!in->have_meminfo)
		return;
	for (u32 i = 0; i < count; i++) {
		if (hidden[i].end > 0x100000 && hidden[i].base < end)
			end = MAX(hidden[i].base, 0x100000ull);
		if (hidden[i].base < low_end)
			low_end = hidden[i].base;
	}
	tag_begin(o, MB2_TAG_MEMINFO);
	put32(o, (u32)(low_end / 1024));
	put32(o, (u32)((end - 0x100000) / 1024));
	tag_end(o);
}

static void put_raw(struct out *o, u32 type, const void *data, u32 n)
{
	if (!n)
		return;
	tag_begin(o, type);
	put(o, data, n);
	tag_end(o);
}

static void put_efi_table(struct out *o, const struct mb2_info *in)
{
	if (!in->efi_system_table)
		return;
	tag_begin(o, in->efi_is_32 ? MB2_TAG_EFI32 : MB2_TAG_EFI64);
	if (in->efi_is_32)
		put32(o, (u32)in->efi_system_table);
	else
		put64(o, in->efi_system_table);
	tag_end(o);
}

int mb2_build(const struct mb2_info *in, u32 control, const struct mb2_range *hidden,
	      u32 hidden_count, void *out, u32 size)
{
	struct out o = {.base = out, .size = MIN(size, 0x7fffffffu)};

	if (control >= in->module_count)
		return -EINVAL;
	put32(&o, 0); /* the total size: known at the end */
	put32(&o, 0);
	tag_begin(&o, MB2_TAG_CMDLINE);
	put_string(&o, after_name(in->module[control].text));
	tag_end(&o);
	tag_begin(&o, MB2_TAG_LOADER_NAME);
	put_string(&o, "kvm0");
	tag_end(&o);
	put_modules(&o, in, control);
	put_meminfo(&o, in, hidden, hidden_count);
	put_mmap(&o, in, hidden, hidden_count);
	put_efi_mmap(&o, in, hidden, hidden_count);
	put_efi_table(&o, in);
	put_raw(&o, MB2_TAG_FRAMEBUFFER, in->framebuffer, in->framebuffer_size);
	put_raw(&o, MB2_TAG_ACPI_OLD, in->rsdp_old.data, in->rsdp_old.size);
	put_raw(&o, MB2_TAG_ACPI_NEW, in->rsdp_new.data, in->rsdp_new.size);
	tag_begin(&o, MB2_TAG_END);
	tag_end(&o);
	if (o.full)
		return -ENOSPC;
	memcpy(o.base, &o.used, sizeof(o.used));
	return (int)o.used;
}
