/* SPDX-License-Identifier: MIT */
/* The boot information: what mb2_parse() accepts is consistent, and can be written
 * again for the control guest and read there. */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "multiboot2.h"

static struct mb2_info info, again;

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void fill(struct mb2_info *in)
{
	static const char text[] = "loglevel=debug\0control run /vmlinuz\0/vmlinuz";
	static const struct mb2_mmap_entry map[] = {{0, 0x9fc00, 1, 0},
						    {0x9fc00, 0x400, 2, 0},
						    {0x100000, 0x3ff00000, 1, 0},
						    {0xfffc0000, 0x40000, 2, 0}};

	memset(in, 0, sizeof(*in));
	memcpy(in->text, text, sizeof(text));
	in->text_used = sizeof(text);
	in->cmdline = in->text;
	in->module_count = 2;
	in->module[0] = (struct mb2_module){0x200000, 0x240000, in->text + 15};
	in->module[1] = (struct mb2_module){0x240000, 0x900000, in->text + 36};
	in->have_meminfo = true;
	in->mmap_count = ARRAY_SIZE(map);
	memcpy(in->mmap, map, sizeof(map));
	in->rsdp_new.size = 36;
	in->framebuffer_size = 24;
}

static void fill_efi(struct mb2_info *in)
{
	struct mb2_efi_entry *e = (void *)in->efi_map;

	in->efi_entry_size = 48;
	in->efi_entry_version = 1;
	in->efi_size = 96;
	in->efi_system_table = 0x7f000000;
	*e = (struct mb2_efi_entry){.type = 7, .base = 0x100000, .pages = 256};
	e = (void *)(in->efi_map + 48);
	*e = (struct mb2_efi_entry){.type = 6, .base = 0x40000000, .pages = 16};
}

/* 0: by BIOS; 1: by UEFI; 2: no tag but the end. */
static u32 good(u32 which, u8 *buf)
{
	static const u32 empty[] = {16, 0, 0, 8};
	int n;

	if (which == 2) {
		memcpy(buf, empty, sizeof(empty));
		return sizeof(empty);
	}
	fill(&info);
	if (which == 1)
		fill_efi(&info);
	/* Its control guest is the second: so the module that is left is the first. */
	n = mb2_build(&info, 1, NULL, 0, buf, FUZZ_MAX);
	require(n > 0);
	return (u32)n;
}

/* The size that it begins with is the size that it has. */
static void mend(u8 *buf, u32 size)
{
	if (size >= 8)
		memcpy(buf, &size, 4);
}

static void check_text(const struct mb2_info *in, const char *s)
{
	if (!*s)
		return; /* one of no tag */
	require(s >= in->text && s < in->text + MB2_MAX_TEXT);
	require(memchr(s, 0, (size_t)(in->text + MB2_MAX_TEXT - s)));
}

static void check_info(const struct mb2_info *in)
{
	require(in->module_count <= MB2_MAX_MODULES && in->mmap_count <= MB2_MAX_MMAP);
	require(in->text_used <= MB2_MAX_TEXT && in->efi_size <= MB2_MAX_EFI);
	require(!in->efi_size || in->efi_size % in->efi_entry_size == 0);
	require(in->framebuffer_size <= MB2_MAX_RAW);
	require(in->rsdp_old.size <= MB2_MAX_RSDP && in->rsdp_new.size <= MB2_MAX_RSDP);
	check_text(in, in->cmdline);
	for (u32 i = 0; i < in->module_count; i++) {
		require(in->module[i].start < in->module[i].end);
		check_text(in, in->module[i].text);
	}
}

static void build_and_read(void)
{
	const struct mb2_range hidden[] = {{0x100000, 0x200000},
					   {fuzz_below(1u << 30), 0x40000000}};
	u32 room = fuzz_below(4) ? 128 * 1024 : 8 * fuzz_below(256), count = fuzz_below(3);
	u8 *out = malloc(room ? room : 1);
	int n;

	require(out != NULL);
	n = mb2_build(&info, 0, hidden, count, out, room);
	require(n <= (int)room);
	if (!info.module_count)
		require(n == -EINVAL);
	else if (n < 0)
		require(n == -ENOSPC);
	else if (mb2_parse(out, (u64)n, &again))
		require(count > 0); /* what is hidden may have made too many entries of it */
	else
		require(again.module_count == info.module_count - 1);
	free(out);
}

static bool run(const u8 *data, u32 size)
{
	if (mb2_parse(data, size, &info)) {
		require(info.problem != NULL);
		return false;
	}
	check_info(&info);
	build_and_read();
	return true;
}

const struct fuzz_target fuzz_mb2 = {"mb2", good, 3, mend, run};
