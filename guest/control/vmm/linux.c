/* SPDX-License-Identifier: MIT */
/* The Linux boot protocol, 64-bit entry; see linux.h. */
#include <asm/bootparam.h>
#include <linux/errno.h>
#include "guest/control/vmm/linux.h"
#include "guest/lib/format.h"
#include "guest/lib/string.h"

#define BOOT_FLAG      0xaa55u
#define HEADER_MAGIC   0x53726448u /* "HdrS" */
#define HEADER_OFFSET  0x1f1u
#define MIN_VERSION    0x020cu /* the first with xloadflags */
#define RSDP_VERSION   0x020eu
#define SECTOR         512u
#define ENTRY_64       0x200u
#define LOADER_UNKNOWN 0xffu
#define EBDA           0x9fc00ull
#define E820_RAM       1
#define E820_RESERVED  2
/* Pages that KVM itself uses: KVM_SET_TSS_ADDR, KVM_SET_IDENTITY_MAP_ADDR. */
#define KVM_PAGES     0xfffbc000ull
#define KVM_PAGES_END 0xfffc0000ull
#define PTE_TABLE     0x03ull
#define PTE_LARGE     0x83ull

_Static_assert(sizeof(struct boot_params) == 4096, "boot.rst, zero page");
_Static_assert(offsetof(struct boot_params, hdr) == HEADER_OFFSET, "boot.rst");

int linux_check(struct linux_image *image, const void *file, u64 size, char *why, u64 why_size)
{
	struct setup_header h;

	if (size < HEADER_OFFSET + sizeof(h)) {
		format_text(why, why_size, "has only %llu bytes: not a kernel", size);
		return -ENOEXEC;
	}
	memcpy(&h, (const u8 *)file + HEADER_OFFSET, sizeof(h));
	if (h.boot_flag != BOOT_FLAG || h.header != HEADER_MAGIC) {
		format_text(why, why_size,
			    "is not a Linux bzImage (no boot header): use the vmlinuz file");
		return -ENOEXEC;
	}
	if (h.version < MIN_VERSION || !(h.xloadflags & XLF_KERNEL_64) ||
	    !(h.loadflags & LOADED_HIGH)) {
		format_text(why, why_size,
			    "has no 64-bit entry (boot protocol %u.%02u): use a 64-bit kernel of "
			    "Linux 3.8 or later",
			    h.version >> 8, h.version & 0xffu);
		return -ENOEXEC;
	}
	u64 offset = ((h.setup_sects ? h.setup_sects : 4u) + 1u) * SECTOR;
	u64 length = h.syssize * 16ull;
	if (offset + length > size || length <= ENTRY_64) {
		format_text(why, why_size,
			    "is truncated: its header promises %llu bytes, it has %llu",
			    offset + length, size);
		return -ENOEXEC;
	}
	*image = (struct linux_image){
		.file = file,
		.kernel_offset = offset,
		.kernel_size = length,
		.init_size = MAX((u64)h.init_size, length),
		.preferred = h.pref_address,
		.alignment = MAX((u64)h.kernel_alignment, PAGE_SIZE),
		.relocatable = h.relocatable_kernel,
		.cmdline_max = h.cmdline_size ? h.cmdline_size : 255,
		.initrd_max = h.initrd_addr_max,
		.version = h.version,
	};
	if (image->alignment & (image->alignment - 1)) {
		format_text(why, why_size, "asks for an impossible alignment of 0x%llx",
			    image->alignment);
		return -ENOEXEC;
	}
	return 0;
}

/* Where the kernel goes: its preferred address, else the lowest one that it accepts. */
static int place_kernel(const struct ram *ram, const struct linux_image *image, u64 *load,
			char *why, u64 why_size)
{
	u64 top = ram_low_top(ram), lowest = ALIGN_UP(SIZE_1M, image->alignment);

	*load = image->preferred;
	if (*load >= SIZE_1M && *load < top && image->init_size <= top - *load)
		return 0;
	*load = lowest;
	if (image->relocatable && lowest < top && image->init_size <= top - lowest)
		return 0;
	u64 need = ALIGN_UP((image->relocatable ? lowest : image->preferred) + image->init_size,
			    SIZE_2M);
	format_text(why, why_size, "does not fit into %llu MiB: give it mem=%lluM or more",
		    ram->size / SIZE_1M, need / SIZE_1M);
	return -ENOMEM;
}

static int place_initrd(const struct ram *ram, const struct linux_image *image, u64 load, u64 size,
			u64 *at, char *why, u64 why_size)
{
	u64 top = MIN(ram_low_top(ram), image->initrd_max + 1);
	u64 kernel_end = ALIGN_UP(load + image->init_size, PAGE_SIZE);

	if (!size) {
		*at = 0;
		return 0;
	}
	if (top > kernel_end && size <= top - kernel_end) {
		*at = ALIGN_DOWN(top - size, PAGE_SIZE);
		return 0;
	}
	format_text(
		why, why_size,
		"and its initrd of %llu KiB do not fit into %llu MiB: give it mem=%lluM or more",
		size / 1024, ram->size / SIZE_1M, ALIGN_UP(kernel_end + size, SIZE_2M) / SIZE_1M);
	return -ENOMEM;
}

static void add_e820(struct boot_params *p, u64 start, u64 end, u32 type)
{
	if (start < end)
		p->e820_table[p->e820_entries++] =
			(struct boot_e820_entry){start, end - start, type};
}

static void fill_params(struct boot_params *p, const struct ram *ram,
			const struct linux_image *image, u64 initrd, u64 initrd_size, u64 rsdp)
{
	const u8 *file = image->file;
	u64 header = MIN(0x202u + file[0x201] - HEADER_OFFSET, sizeof(p->hdr));

	memset(p, 0, sizeof(*p));
	memcpy(&p->hdr, file + HEADER_OFFSET, header);
	p->hdr.type_of_loader = LOADER_UNKNOWN;
	p->hdr.cmd_line_ptr = (u32)LINUX_CMDLINE;
	p->hdr.ramdisk_image = (u32)initrd;
	p->hdr.ramdisk_size = (u32)initrd_size;
	p->hdr.setup_data = 0;
	if (image->version >= RSDP_VERSION)
		p->acpi_rsdp_addr = rsdp;
	add_e820(p, 0, EBDA, E820_RAM);
	add_e820(p, EBDA, RAM_LOW_END, E820_RESERVED);
	add_e820(p, RAM_BIOS, SIZE_1M, E820_RESERVED);
	add_e820(p, SIZE_1M, ram_low_top(ram), E820_RAM);
	add_e820(p, KVM_PAGES, KVM_PAGES_END, E820_RESERVED);
	add_e820(p, SIZE_4G, ram_high_end(ram), E820_RAM);
}

/* A page of the guest's, cleared. */
static u64 *clear_page(struct ram *ram, u64 gpa)
{
	u64 *page = ram_at(ram, gpa, PAGE_SIZE);

	return page ? memset(page, 0, PAGE_SIZE) : NULL;
}

/* Identity map of the first 4 GiB in 2 MiB pages. */
static int fill_page_tables(struct ram *ram)
{
	u64 *pml4 = clear_page(ram, LINUX_PAGE_TABLES);
	u64 *pdpt = clear_page(ram, LINUX_PAGE_TABLES + PAGE_SIZE);

	if (!pml4 || !pdpt)
		return -EFAULT;
	pml4[0] = (LINUX_PAGE_TABLES + PAGE_SIZE) | PTE_TABLE;
	for (u64 i = 0; i < 4; i++) {
		u64 at = LINUX_PAGE_TABLES + (2 + i) * PAGE_SIZE;
		u64 *directory = clear_page(ram, at);
		if (!directory)
			return -EFAULT;
		pdpt[i] = at | PTE_TABLE;
		for (u64 j = 0; j < 512; j++)
			directory[j] = (i * 512 + j) * SIZE_2M | PTE_LARGE;
	}
	return 0;
}

/* The segments of the protocol. */
static int fill_gdt(struct ram *ram)
{
	u64 *gdt = clear_page(ram, LINUX_GDT);

	if (!gdt)
		return -EFAULT;
	gdt[2] = 0x00af9b000000ffff; /* 0x10: code */
	gdt[3] = 0x00cf93000000ffff; /* 0x18: data */
	gdt[4] = 0x00008b0000000067; /* 0x20: TSS */
	return 0;
}

int linux_load(struct ram *ram, const struct linux_image *image, const void *initrd,
	       u64 initrd_size, const char *cmdline, u64 rsdp, struct linux_entry *entry, char *why,
	       u64 why_size)
{
	u64 length = strlen(cmdline), load, initrd_at;
	u64 most = MIN((u64)image->cmdline_max, (u64)LINUX_CMDLINE_MAX - 1);
	struct boot_params *params = ram_at(ram, LINUX_BOOT_PARAMS, sizeof(*params));

	if (length > most) {
		format_text(why, why_size, "takes a command line of %llu bytes at most, not %llu",
			    most, length);
		return -E2BIG;
	}
	int err = place_kernel(ram, image, &load, why, why_size);
	if (!err)
		err = place_initrd(ram, image, load, initrd_size, &initrd_at, why, why_size);
	if (err)
		return err;
	format_text(why, why_size, "cannot be copied into the guest's memory");
	if (!params || fill_page_tables(ram) || fill_gdt(ram))
		return -EFAULT;
	fill_params(params, ram, image, initrd_at, initrd_size, rsdp);
	if (ram_write(ram, LINUX_CMDLINE, cmdline, length + 1) ||
	    ram_write(ram, load, image->file + image->kernel_offset, image->kernel_size) ||
	    ram_clear(ram, load + image->kernel_size, image->init_size - image->kernel_size) ||
	    (initrd_size && ram_write(ram, initrd_at, initrd, initrd_size)))
		return -EFAULT;
	why[0] = 0;
	*entry = (struct linux_entry){load + ENTRY_64, LINUX_BOOT_PARAMS, load};
	return 0;
}
