/* SPDX-License-Identifier: MIT */
/* The control guest's image: checks, loading, and the boot information it gets. */
#include "abi/control_image.h"
#include <linux/elf.h>
#include <linux/errno.h>
#include "core/log.h"
#include "core/memmap.h"
#include "core/panic.h"
#include "cpu/layout.h"
#include "lib/string.h"

#define MB2_HEADER_MAGIC  0xe85250d6u
#define MB2_HEADER_SEARCH 32768u /* Multiboot2 Specification, "The layout of Multiboot2 header" */
#define MBI_ROOM          0x20000u
#define SPAN_MAX          SIZE_1G

static bool has_multiboot2_header(const u8 *file, u64 size)
{
	for (u64 i = 0; i + 16 <= size && i < MB2_HEADER_SEARCH; i += 8) {
		u32 word[4];

		memcpy(word, file + i, sizeof(word));
		if (word[0] == MB2_HEADER_MAGIC && word[0] + word[1] + word[2] + word[3] == 0)
			return true;
	}
	return false;
}

static bool inside(u64 offset, u64 length, u64 size)
{
	return offset <= size && length <= size - offset;
}

static const Elf64_Phdr *program_headers(const void *file, const Elf64_Ehdr *e)
{
	return (const Elf64_Phdr *)(const void *)((const u8 *)file + e->e_phoff);
}

static const char *check_header(const void *file, u64 size)
{
	const Elf64_Ehdr *e = file;

	if (size < sizeof(*e) || memcmp(e->e_ident, ELFMAG, SELFMAG) ||
	    e->e_ident[EI_CLASS] != ELFCLASS64 || e->e_machine != EM_X86_64 ||
	    !has_multiboot2_header(file, size))
		return "is no control guest (a multiboot2 ELF64 kernel)";
	if (e->e_type != ET_DYN)
		return "is not position-independent";
	if (e->e_phentsize != sizeof(Elf64_Phdr) || e->e_phoff % 8 ||
	    !inside(e->e_phoff, (u64)e->e_phnum * sizeof(Elf64_Phdr), size))
		return "is truncated";
	return NULL;
}

int control_image_check(const void *file, u64 size, u64 *span, u64 *entry, const char **why)
{
	const Elf64_Ehdr *e = file;
	const Elf64_Phdr *p;

	*span = 0;
	*why = check_header(file, size);
	if (*why)
		return -EINVAL;
	p = program_headers(file, e);
	for (u32 i = 0; i < e->e_phnum; i++) {
		if (p[i].p_type != PT_LOAD)
			continue;
		*why = "is truncated";
		if (!inside(p[i].p_offset, p[i].p_filesz, size))
			return -EINVAL;
		*why = "has an impossible segment";
		if (p[i].p_filesz > p[i].p_memsz || !inside(p[i].p_vaddr, p[i].p_memsz, SPAN_MAX))
			return -EINVAL;
		*span = MAX(*span, p[i].p_vaddr + p[i].p_memsz);
	}
	*why = "has an entry outside its segments";
	*entry = e->e_entry;
	return *entry < *span ? 0 : -EINVAL;
}

static void copy_segments(const void *file, u8 *to)
{
	const Elf64_Ehdr *e = file;
	const Elf64_Phdr *p = program_headers(file, e);

	for (u32 i = 0; i < e->e_phnum; i++)
		if (p[i].p_type == PT_LOAD)
			memcpy(to + p[i].p_vaddr, (const u8 *)file + p[i].p_offset, p[i].p_filesz);
}

/* Memory for @size bytes that no module lies in; refuses if there is none. */
static u64 find_room(const struct mb2_info *info, u64 size)
{
	struct memrange busy[MB2_MAX_MODULES];
	u64 at;

	for (u32 i = 0; i < info->module_count; i++)
		busy[i] = (struct memrange){.base = info->module[i].start,
					    .end = info->module[i].end};
	at = memmap_find(&memmap, size, SIZE_2M, SIZE_1M, SIZE_4G, busy, info->module_count);
	if (!at)
		refuse("there is no room for the control guest",
		       "add memory (it needs %llu KiB in one piece below 4 GiB)", size >> 10);
	return at;
}

static u32 hidden_ranges(struct mb2_range *hidden, u32 max)
{
	u32 n = 0;

	for (u32 i = 0; i < memmap.count && n < max; i++)
		if (memmap.range[i].type == MEM_KVM0)
			hidden[n++] = (struct mb2_range){memmap.range[i].base, memmap.range[i].end};
	return n;
}

void control_image_load(const struct mb2_info *info, struct control_image *image)
{
	struct mb2_range hidden[8];
	const struct mb2_module *m = &info->module[0];
	u32 count = hidden_ranges(hidden, ARRAY_SIZE(hidden));
	const char *why;
	u64 span, entry, at;
	u8 *to;

	if (info->module_count == 0)
		refuse("there is no module", "give the control guest as first module2 in grub.cfg");
	if (control_image_check(phys_to_virt(hpa(m->start)), m->end - m->start, &span, &entry,
				&why))
		refuse("the first module cannot be started",
		       "give a control guest as first module2 in grub.cfg (\"%s\" %s)", m->text,
		       why);
	span = ALIGN_UP(span, PAGE_SIZE);
	at = find_room(info, span + MBI_ROOM);
	to = phys_to_virt(hpa(at));
	memset(to, 0, span + MBI_ROOM);
	copy_segments(phys_to_virt(hpa(m->start)), to);
	if (mb2_build(info, 0, hidden, count, to + span, MBI_ROOM) < 0)
		refuse("the boot information is too large", "use fewer modules");
	image->entry = (u32)(at + entry);
	image->mbi = (u32)(at + span);
	log_debug("control", "image at 0x%llx, %llu KiB, entry 0x%x", at, span >> 10, image->entry);
}
