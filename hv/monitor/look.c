/* SPDX-License-Identifier: MIT */
/* Looking at memory; see monitor/look.h. */
#include "monitor/look.h"
#include <linux/errno.h>
#include "core/memmap.h"
#include "cpu/regs.h"
#include "kvm/mmu.h"
#include "lib/string.h"
#include "mm/paging.h"
#include "monitor/command.h"
#include "monitor/park.h"

/* The control guest's memory, of which kvm0's own is no part. */
static int read_control(u64 a, void *buf, u32 len)
{
	int type = a >> 52 ? MEM_DEVICE : memmap_type(&memmap, a, len);
	bool uncached;

	if ((type != MEM_RAM && type != MEM_ACPI && type != MEM_NVS) ||
	    paging_find(DIRECT_MAP_BASE + a, &uncached) < len || uncached)
		return EMU_MMIO;
	memcpy(buf, phys_to_virt(cg_identity(gpa(a))), len);
	return GUEST_MEM_OK;
}

/* struct guest_mem's, for the walk of page tables: bytes in one page. */
static int read_physical(void *ctx, gpa_t a, void *buf, u32 len)
{
	const struct look *l = ctx;

	return l->vm ? mmu_peek(l->vm, a, buf, len) : read_control(a.v, buf, len);
}

static void init(struct look *l, struct vm *vm)
{
	*l = (struct look){.at = LOOK_PHYSICAL, .vm = vm};
	l->mem = (struct guest_mem){.read_gpa = read_physical, .ctx = l};
}

int look_at_vcpu(struct look *l, const char *text)
{
	struct vmx_vcpu *v;
	struct vcpu *c;
	int err = arg_any_vcpu(text, &v, &c);

	if (!err)
		err = park_load(v);
	if (err)
		return err;
	init(l, c ? c->vm : NULL);
	l->at = LOOK_LINEAR;
	l->paging = (struct gva_paging){
		.cr0 = vmx_cr0(),
		.cr3 = vmx_cr3(),
		.cr4 = vmx_cr4(),
		.efer = vmx_efer(),
		.maxphyaddr = c ? c->maxphyaddr : (u8)cpuid(0x80000008, 0).eax,
	};
	if ((l->paging.cr4 & CR4_PAE) && !(l->paging.efer & EFER_LMA)) {
		vmx_get_pdptes(l->pdpte);
		l->paging.pdpte = l->pdpte;
	}
	return 0;
}

/* Is it "0"?  Else the VM of that number. */
static int find_vm(const char *text, struct vm **vm)
{
	u64 id;

	*vm = NULL;
	return !arg_number(text, &id) && id == 0 ? 0 : arg_vm(text, vm);
}

int look_vm(const char *text, struct vm **vm, struct ept *ept)
{
	int err = find_vm(text, vm);

	if (err || *vm) {
		*ept = *vm ? (*vm)->ept : (struct ept){0};
		return err;
	}
	vmx_load(park_control(this_cpu()->index)); /* all CPUs have the same */
	*ept = (struct ept){.root = phys_to_virt(hpa(vmx_ept_pointer() & PAGE_MASK))};
	return 0;
}

int look_parse(struct look *l, const char *text, u64 *address)
{
	char whose[24];
	struct vm *vm;
	size_t n = 0;
	int err;

	while (text[n] && text[n] != ':' && text[n] != '@')
		n++;
	if (!text[n]) {
		*l = (struct look){.at = LOOK_KVM0};
		return arg_number(text, address);
	}
	if (n >= sizeof(whose) || arg_number(text + n + 1, address))
		return -EINVAL;
	memcpy(whose, text, n);
	whose[n] = 0;
	if (text[n] == '@')
		return look_at_vcpu(l, whose);
	err = find_vm(whose, &vm);
	init(l, vm);
	return err;
}

/* --- one page at a time: NULL, or why it cannot be read --- */

static const char *read_kvm0(u64 a, u8 *buf, u32 n)
{
	bool uncached = false;

	if (paging_find(a, &uncached) < n)
		return "kvm0 maps nothing there";
	if (uncached)
		return "a device's registers, which are not read";
	memcpy(buf, (const void *)(uintptr_t)a, n);
	return NULL;
}

static const char *read_gpa(struct look *l, gpa_t a, u8 *buf, u32 n)
{
	switch (read_physical(l, a, buf, n)) {
	case GUEST_MEM_OK:
		return NULL;
	case GUEST_MEM_ABSENT:
		return "the control guest has not supplied this page";
	default:
		return l->vm ? "no slot has this guest-physical address"
			     : "not memory of the control guest's, and so not read";
	}
}

static const char *read_page(struct look *l, u64 a, u8 *buf, u32 n)
{
	gpa_t physical = gpa(a);

	if (l->at == LOOK_KVM0)
		return read_kvm0(a, buf, n);
	if (l->at == LOOK_LINEAR && !gva_to_gpa(&l->paging, &l->mem, gva(a), &physical))
		return "its page tables do not map this address";
	return read_gpa(l, physical, buf, n);
}

u32 look_read(struct look *l, u64 address, u8 *buf, u32 n, const char **why)
{
	u32 done = 0;

	while (done < n && !*why) {
		u64 at = address + done;
		u32 piece = (u32)MIN(n - done, PAGE_SIZE - (at & ~PAGE_MASK));

		*why = read_page(l, at, buf + done, piece);
		if (!*why)
			done += piece;
	}
	return done;
}
