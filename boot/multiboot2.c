/* SPDX-License-Identifier: MIT */
/* Reading the boot loader's Multiboot2 information; see boot/multiboot2.h. */
#include <linux/errno.h>

#include "lib/string.h"
#include "multiboot2.h"

struct mb2_tag {
	u32 type, size; /* size: with this header, without padding */
};

/* A tag's contents, what follows its header. */
struct body {
	const u8 *at;
	u32 size;
};

static u32 read32(const u8 *at)
{
	u32 v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static u64 read64(const u8 *at)
{
	u64 v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static int fail(struct mb2_info *out, int err, const char *problem)
{
	out->problem = problem;
	return err;
}

/* Copy a string that must end within @b; NULL in *@kept and an error if it cannot be. */
static int keep_text(struct mb2_info *out, struct body b, const char **kept)
{
	size_t n = strnlen((const char *)b.at, b.size);
	char *to = out->text + out->text_used;

	if (n == b.size)
		return fail(out, -EINVAL, "a string in the boot information has no end");
	if (n + 1 > MB2_MAX_TEXT - out->text_used)
		return fail(out, -ENOSPC, "the command lines together are longer than 8 KiB");
	memcpy(to, b.at, n + 1);
	out->text_used += (u32)n + 1;
	*kept = to;
	return 0;
}

static int parse_module(struct mb2_info *out, struct body b)
{
	struct mb2_module *m = &out->module[out->module_count];

	if (b.size < 9)
		return fail(out, -EINVAL, "a module tag is truncated");
	if (out->module_count == MB2_MAX_MODULES)
		return fail(out, -ENOSPC, "there are more than 32 modules");
	m->start = read32(b.at);
	m->end = read32(b.at + 4);
	if (m->start >= m->end)
		return fail(out, -EINVAL, "a module is empty or ends before it starts");
	for (u32 i = 0; i < out->module_count; i++)
		if (m->start < out->module[i].end && out->module[i].start < m->end)
			return fail(out, -EINVAL, "two modules overlap");
	out->module_count++;
	return keep_text(out, (struct body){b.at + 8, b.size - 8}, &m->text);
}

static int parse_mmap(struct mb2_info *out, struct body b)
{
	u32 entry_size, n;

	if (b.size < 8)
		return fail(out, -EINVAL, "the memory map tag is truncated");
	entry_size = read32(b.at);
	if (entry_size < sizeof(struct mb2_mmap_entry) || entry_size % 8)
		return fail(out, -EINVAL, "the memory map has entries of an impossible size");
	n = (b.size - 8) / entry_size;
	if (n > MB2_MAX_MMAP)
		return fail(out, -ENOSPC, "the memory map has more than 256 entries");
	if (n * entry_size != b.size - 8)
		return fail(out, -EINVAL, "the memory map ends inside an entry");
	for (u32 i = 0; i < n; i++) {
		struct mb2_mmap_entry *e = &out->mmap[i];

		memcpy(e, b.at + 8 + (size_t)i * entry_size, sizeof(*e));
		e->reserved = 0;
		if (e->base + e->length < e->base)
			return fail(out, -EINVAL, "an entry of the memory map wraps around");
	}
	out->mmap_count = n;
	return 0;
}

static int parse_efi_mmap(struct mb2_info *out, struct body b)
{
	u32 entry_size, bytes;

	if (b.size < 8)
		return fail(out, -EINVAL, "the EFI memory map tag is truncated");
	entry_size = read32(b.at);
	bytes = b.size - 8;
	if (entry_size < sizeof(struct mb2_efi_entry) || entry_size % 8 || entry_size > 4096 ||
	    bytes % entry_size)
		return fail(out, -EINVAL, "the EFI memory map has entries of an impossible size");
	if (bytes > MB2_MAX_EFI)
		return fail(out, -ENOSPC, "the EFI memory map is longer than 32 KiB");
	out->efi_size = bytes;
	out->efi_entry_size = entry_size;
	out->efi_entry_version = read32(b.at + 4);
	memcpy(out->efi_map, b.at + 8, bytes);
	return 0;
}

static int parse_rsdp(struct mb2_info *out, struct body b, struct mb2_blob *to)
{
	if (b.size > sizeof(to->data))
		b.size = sizeof(to->data); /* the part that any revision defines */
	if (b.size < 20)
		return fail(out, -EINVAL, "an ACPI RSDP tag is truncated");
	memcpy(to->data, b.at, b.size);
	to->size = b.size;
	return 0;
}

/* Tags that are a few plain numbers. */
static int parse_numbers(struct mb2_info *out, u32 type, struct body b)
{
	u32 needed = type == MB2_TAG_MEMINFO || type == MB2_TAG_EFI64 ? 8 : 4;

	if (b.size < needed)
		return fail(out, -EINVAL, "a tag of the boot information is truncated");
	switch (type) {
	case MB2_TAG_MEMINFO:
		out->have_meminfo = true;
		out->mem_lower = read32(b.at);
		out->mem_upper = read32(b.at + 4);
		break;
	case MB2_TAG_EFI32:
		out->efi_system_table = read32(b.at);
		out->efi_is_32 = true;
		break;
	case MB2_TAG_EFI64:
		out->efi_system_table = read64(b.at);
		out->efi_is_32 = false;
		break;
	default:
		out->have_load_base = true;
		out->load_base = read32(b.at);
	}
	return 0;
}

static int parse_tag(struct mb2_info *out, u32 type, struct body b)
{
	switch (type) {
	case MB2_TAG_CMDLINE:
		return keep_text(out, b, &out->cmdline);
	case MB2_TAG_MODULE:
		return parse_module(out, b);
	case MB2_TAG_MMAP:
		return parse_mmap(out, b);
	case MB2_TAG_EFI_MMAP:
		return parse_efi_mmap(out, b);
	case MB2_TAG_ACPI_OLD:
		return parse_rsdp(out, b, &out->rsdp_old);
	case MB2_TAG_ACPI_NEW:
		return parse_rsdp(out, b, &out->rsdp_new);
	case MB2_TAG_FRAMEBUFFER:
		if (b.size < 24 || b.size > sizeof(out->framebuffer)) {
			out->problem = "the framebuffer tag has an impossible size";
			return 0;
		}
		out->framebuffer_size = b.size;
		memcpy(out->framebuffer, b.at, b.size);
		return 0;
	case MB2_TAG_MEMINFO:
	case MB2_TAG_EFI32:
	case MB2_TAG_EFI64:
	case MB2_TAG_LOAD_BASE:
		return parse_numbers(out, type, b);
	default:
		return 0; /* of no use to kvm0 */
	}
}

int mb2_parse(const void *mbi, u64 mapped, struct mb2_info *out)
{
	const u8 *base = mbi;
	u32 total, at = 8;

	memset(out, 0, sizeof(*out));
	out->cmdline = "";
	if (mapped < 16)
		return fail(out, -EINVAL, "the boot information is truncated");
	total = read32(base);
	if (total < 16 || total > mapped || total > 0x1000000)
		return fail(out, -EINVAL, "the boot information has an impossible size");

	/* The condition keeps each header inside; @at is a multiple of 8. */
	while (at <= total - sizeof(struct mb2_tag)) {
		struct mb2_tag tag = {read32(base + at), read32(base + at + 4)};
		int err;

		if (tag.type == MB2_TAG_END)
			return 0;
		if (tag.size < sizeof(tag) || tag.size > total - at)
			return fail(out, -EINVAL, "a tag of the boot information exceeds it");
		err = parse_tag(
			out, tag.type,
			(struct body){base + at + sizeof(tag), tag.size - (u32)sizeof(tag)});
		if (err)
			return err;
		at += ALIGN_UP(tag.size, 8u);
	}
	return fail(out, -EINVAL, "the boot information has no end tag");
}
