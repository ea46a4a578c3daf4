/* SPDX-License-Identifier: MIT */
/* The control guest's image: what control_image_check() accepts can be loaded. */
#include "tests/fuzz/fuzz.h"

#include <linux/elf.h>
#include <stdlib.h>
#include <string.h>

#include "abi/control_image.h"
#include "cpu/layout.h"

u64 image_phys_base;

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* Two segments and a multiboot2 header. */
static u32 good(u32 which, u8 *buf)
{
	const Elf64_Ehdr e = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			      .e_type = ET_DYN,
			      .e_machine = EM_X86_64,
			      .e_entry = 0x100,
			      .e_phoff = sizeof(e),
			      .e_phentsize = sizeof(Elf64_Phdr),
			      .e_phnum = 2};
	const Elf64_Phdr p[] = {
		{.p_type = PT_LOAD, .p_filesz = 0x200, .p_memsz = 0x200},
		{.p_type = which ? PT_LOAD : PT_NOTE,
		 .p_offset = 0x200,
		 .p_vaddr = 0x1000,
		 .p_filesz = 0x40,
		 .p_memsz = 0x2000},
	};
	const u32 header[] = {0xe85250d6, 0, 24, 0 - (0xe85250d6 + 24), 0, 8};

	memcpy(buf, &e, sizeof(e));
	memcpy(buf + sizeof(e), p, sizeof(p));
	memcpy(buf + 0xc0, header, sizeof(header));
	return 0x240;
}

/* What the loader does with it: copy each segment out of the file into the span. */
static bool run(const u8 *data, u32 size)
{
	const char *why = NULL;
	u64 span, entry;
	Elf64_Ehdr e;

	if (control_image_check(data, size, &span, &entry, &why)) {
		require(why != NULL);
		return false;
	}
	require(span <= SIZE_1G && entry < span);
	memcpy(&e, data, sizeof(e));
	for (u32 i = 0; i < e.e_phnum; i++) {
		Elf64_Phdr p;

		memcpy(&p, data + e.e_phoff + i * sizeof(p), sizeof(p));
		if (p.p_type != PT_LOAD)
			continue;
		require((__uint128_t)p.p_offset + p.p_filesz <= size);
		require((__uint128_t)p.p_vaddr + p.p_memsz <= span);
		require(p.p_filesz <= p.p_memsz);
	}
	return true;
}

const struct fuzz_target fuzz_image = {"image", good, 2, NULL, run};
