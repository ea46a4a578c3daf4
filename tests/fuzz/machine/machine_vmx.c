/* SPDX-License-Identifier: MIT */
/*
 * VMX of the machine: VMCSs, entries and exits, EPT with its cached translations; see
 * machine.h.  A VMCS's fields lie in its own page, by their encodings; the last slot has
 * the state that the hardware keeps.
 */
#include "tests/fuzz/machine/machine.h"

#include <linux/errno.h>
#include <string.h>

#include "core/memmap.h"
#include "vmx/check.h"
#include "vmx/ept.h"

#define SLOTS      512u
#define STATE_SLOT (SLOTS - 1)

#define STATE_CPU      0xffffull /* + 1; 0: active nowhere */
#define STATE_LAUNCHED BIT(16)

#define INVALID_CONTROL 7u
#define EXIT_PML_FULL   62u
#define VMCS_PML_INDEX_ 0x812u
#define PML_ENTRIES     512u

#define PHYS_BITS 48u

static u64 *current[MACHINE_CPUS];

const char vmx_exit_point[1], vmx_exit_point_filling[1];
const char vmx_enter_window[1], vmx_enter_window_end[1], vmx_enter_abort[1];
void (*machine_guest)(struct vmx_vcpu *v);

static u64 **current_here(void)
{
	return &current[this_cpu()->index];
}

/* SDM vol. 3, Field Encoding in VMCS: width in bits 14:13, type in 11:10, index in 9:1. */
static u64 *field_slot(u64 field)
{
	u64 width = field >> 13 & 3, type = field >> 10 & 3, index = field >> 1 & 0x1ff;

	MACHINE_REQUIRE(*current_here(), "VMCS field 0x%llx with no current VMCS", field);
	MACHINE_REQUIRE(index < 31 && !(field & ~0x6ffeull), "no VMCS field 0x%llx", field);
	return &(*current_here())[width << 7 | type << 5 | index];
}

bool vmcs_try_read(u64 field, u64 *value)
{
	if ((field >> 1 & 0x1ff) >= 31)
		return false;
	*value = vmcs_read_any(field);
	return true;
}

u64 vmcs_read_any(u64 field)
{
	u64 v = *field_slot(field);

	switch (field >> 13 & 3) {
	case 0:
		return (u16)v;
	case 2:
		return (u32)v;
	default:
		return v;
	}
}

void vmcs_write_any(u64 field, u64 value)
{
	*field_slot(field) = value;
}

int vmx_on(hpa_t region)
{
	MACHINE_REQUIRE(region.v, "VMXON of 0");
	return 0;
}

void vmx_off(void)
{
	machine_broken("VMXOFF");
}

static u64 *vmcs_at(hpa_t a)
{
	MACHINE_REQUIRE(a.v && IS_ALIGNED(a.v, PAGE_SIZE), "VMCS at 0x%llx", a.v);
	return phys_to_virt(a);
}

static void require_not_elsewhere(const u64 *vmcs)
{
	u64 cpu = vmcs[STATE_SLOT] & STATE_CPU;

	MACHINE_REQUIRE(!cpu || cpu == this_cpu()->index + 1u, "VMCS is active on CPU %llu",
			cpu - 1);
}

int vmx_clear(hpa_t a)
{
	u64 *vmcs = vmcs_at(a);

	require_not_elsewhere(vmcs);
	vmcs[STATE_SLOT] = 0;
	if (*current_here() == vmcs)
		*current_here() = NULL;
	return 0;
}

int vmx_ptrld(hpa_t a)
{
	u64 *vmcs = vmcs_at(a);

	require_not_elsewhere(vmcs);
	vmcs[STATE_SLOT] = (vmcs[STATE_SLOT] & STATE_LAUNCHED) | (this_cpu()->index + 1);
	*current_here() = vmcs;
	return 0;
}

/* --- EPT --- */

#define EPT_LEAF     BIT(7)
#define EPT_ACCESSED BIT(8)
#define EPT_DIRTY    BIT(9)
#define EPT_ADDRESS  0x000ffffffffff000ull
#define EPTP_AD      BIT(6)

/* Translations that a CPU may have cached: it uses them until they are flushed. */
#define CACHED 64u
static struct cached {
	u64 root, page, entry; /* root 0: unused */
} cached[MACHINE_CPUS][CACHED];

int vmx_invept(u64 type, u64 eptp)
{
	for (u32 i = 0; i < CACHED; i++) {
		struct cached *c = &cached[this_cpu()->index][i];

		if (type == INV_ALL_CONTEXTS || c->root == (eptp & EPT_ADDRESS))
			c->root = 0;
	}
	return 0;
}

int vmx_invvpid(u64 type, u16 vpid)
{
	(void)type;
	MACHINE_REQUIRE(vpid, "INVVPID of 0");
	return 0;
}

/* SDM vol. 3, EPT Misconfigurations. */
static void require_configured(u64 entry, bool leaf)
{
	u64 type = entry >> 3 & 7;

	MACHINE_REQUIRE((entry & EPT_READ) || !(entry & EPT_WRITE), "EPT entry 0x%llx", entry);
	MACHINE_REQUIRE(leaf ? type == 0 || type == 1 || (type >= 4 && type <= 6) : !(entry & 0xf8),
			"EPT entry 0x%llx: reserved bits", entry);
	MACHINE_REQUIRE(!((entry & EPT_ADDRESS) >> PHYS_BITS), "EPT entry 0x%llx: too wide", entry);
}

/* The leaf of @gpa, made one of 4 KiB, and where it stands; 0: not mapped. */
static u64 walk(u64 gpa, u64 **place)
{
	u64 eptp = vmcs_read_any(VMCS_EPT_POINTER);
	u64 *table = phys_to_virt(hpa(eptp & EPT_ADDRESS));

	for (u32 level = 3;; level--) {
		u64 *slot = &table[gpa >> (12 + 9 * level) & 511], entry = *slot;
		bool leaf = level == 0 || (entry & EPT_LEAF);
		u64 inside = (PAGE_SIZE << 9 * level) - 1;

		if (!(entry & EPT_ALL))
			return 0;
		require_configured(entry, leaf);
		if (eptp & EPTP_AD)
			*slot |= EPT_ACCESSED;
		*place = slot;
		if (leaf) {
			MACHINE_REQUIRE(!(entry & EPT_ADDRESS & inside),
					"EPT entry 0x%llx of level %u: not aligned", entry, level);
			return entry | (gpa & inside & PAGE_MASK);
		}
		table = phys_to_virt(hpa(entry & EPT_ADDRESS));
	}
}

/* What the CPU has cached has to be what the tables say: kvm0 has flushed what it took away. */
static void use_cached(u64 gpa, u64 entry, bool write)
{
	u64 root = vmcs_read_any(VMCS_EPT_POINTER) & EPT_ADDRESS;
	struct cached *c = &cached[this_cpu()->index][gpa >> PAGE_SHIFT & (CACHED - 1)];
	u64 lost;

	if (c->root == root && c->page == gpa >> PAGE_SHIFT) {
		lost = c->entry & ~entry & EPT_ALL;
		MACHINE_REQUIRE(!lost, "0x%llx: permissions 0x%llx are gone and not flushed", gpa,
				lost);
		MACHINE_REQUIRE(((c->entry ^ entry) & EPT_ADDRESS) == 0,
				"0x%llx: mapped elsewhere and not flushed", gpa);
		/* One that cannot be written through is of no use for that, dirty or not. */
		MACHINE_REQUIRE(!write || !(c->entry & EPT_WRITE) || !(c->entry & EPT_DIRTY) ||
					(entry & EPT_DIRTY),
				"0x%llx: dirty flag cleared and not flushed", gpa);
	}
	*c = (struct cached){entry & EPT_ALL ? root : 0, gpa >> PAGE_SHIFT, entry};
}

/* Note @gpa in the page-modification log.  False: it is full, which is an exit. */
static bool log_modification(u64 gpa)
{
	u64 index = vmcs_read_any(VMCS_PML_INDEX_);
	u64 *log;

	if (!(vmcs_read_any(VMCS_CPU2_CONTROLS) & CPU2_PML))
		return true;
	if (index >= PML_ENTRIES) {
		machine_exit(EXIT_PML_FULL, 0, 0);
		return false;
	}
	log = phys_to_virt(hpa(vmcs_read_any(VMCS_PML_ADDRESS)));
	log[index] = gpa & PAGE_MASK;
	vmcs_write_any(VMCS_PML_INDEX_, (u16)(index - 1));
	return true;
}

/* An access to @page by way of @gpa, if that is the APIC-access page. */
static bool is_apic_access(u64 gpa, u64 page, bool write)
{
	if (!page || page != vmcs_read_any(VMCS_APIC_ACCESS_PAGE))
		return false;
	MACHINE_REQUIRE(vmcs_read_any(VMCS_CPU2_CONTROLS) & CPU2_APIC_ACCESSES,
			"0x%llx: the APIC-access page is memory to this vCPU", gpa);
	machine_exit(EXIT_APIC_ACCESS, (gpa & ~PAGE_MASK) | (write ? 0x1000 : 0), 3);
	return true;
}

bool machine_touch(u64 gpa, bool write)
{
	bool flags = vmcs_read_any(VMCS_EPT_POINTER) & EPTP_AD;
	u64 *slot = NULL, entry = walk(gpa, &slot);
	u64 page = entry & EPT_ADDRESS & PAGE_MASK;

	use_cached(gpa, entry, write);
	if (!(entry & (write ? EPT_WRITE : EPT_READ))) {
		machine_ept_violation(gpa, gpa, (write ? 2 : 1) | (entry & 7) << 3 | 0x180);
		return false;
	}
	if (is_apic_access(gpa, page, write))
		return false;
	MACHINE_REQUIRE(memmap_type(&memmap, page, PAGE_SIZE) == MEM_RAM,
			"0x%llx is mapped to 0x%llx, which is not the control guest's", gpa, page);
	if (write) {
		if (flags && !(*slot & EPT_DIRTY)) {
			if (!log_modification(gpa))
				return false;
			*slot |= EPT_DIRTY;
			use_cached(gpa, entry | EPT_DIRTY, false);
		}
		(*(volatile u8 *)phys_to_virt(hpa(page | (gpa & ~PAGE_MASK))))++;
	}
	return true;
}

/* --- entries and exits --- */

void machine_exit(u32 reason, u64 qualification, u32 length)
{
	vmcs_write_any(VMCS_EXIT_REASON, reason);
	vmcs_write_any(VMCS_EXIT_QUALIFICATION, qualification);
	vmcs_write_any(VMCS_EXIT_INSTRUCTION_LENGTH, length);
}

void machine_vectoring(u32 info)
{
	vmcs_write_any(VMCS_IDT_VECTORING_INFO, info);
	vmcs_write_any(VMCS_IDT_VECTORING_ERROR_CODE,
		       vmcs_read_any(VMCS_ENTRY_ERROR_CODE) & 0xffff);
}

void machine_ept_violation(u64 gpa, u64 gva, u64 qualification)
{
	machine_exit(EXIT_EPT_VIOLATION, qualification, 1);
	vmcs_write_any(VMCS_GUEST_PHYSICAL_ADDRESS, gpa);
	vmcs_write_any(VMCS_GUEST_LINEAR_ADDRESS, gva);
}

enum entry { ENTERED, EVENT_REFUSED, STATE_REFUSED };

/* The checks of an entry.  A VMM may have caused what is wrong with the event or the guest's
 * state; a wrong control or host field is kvm0's fault. */
static enum entry try_entry(void)
{
	struct check all = {.phys_bits = PHYS_BITS, .linear_bits = PHYS_BITS}, own, event, guest;

	if (check_vmcs(&all))
		return ENTERED;
	own = event = guest = all;
	own.failures = event.failures = guest.failures = 0;
	check_controls(&own);
	check_host(&own);
	check_event(&event);
	check_guest(&guest);
	check_segments(&guest);
	MACHINE_REQUIRE(!own.failures && (event.failures || guest.failures),
			"controls or host state are wrong: see MACHINE_LOG=1");
	return event.failures ? EVENT_REFUSED : STATE_REFUSED;
}

u32 vmx_enter(struct vmx_vcpu *v, u32 how)
{
	u64 *vmcs = *current_here();

	if (this_cpu()->kick)
		return 2;
	MACHINE_REQUIRE(vmcs == phys_to_virt(v->vmcs), "another VMCS is current");
	MACHINE_REQUIRE((how & 1) == !!(vmcs[STATE_SLOT] & STATE_LAUNCHED), "launch state");
	vmcs_write_any(VMCS_IDT_VECTORING_INFO, 0);
	vmcs_write_any(VMCS_EXIT_INTR_INFO, 0);
	switch (try_entry()) {
	case ENTERED:
		break;
	case EVENT_REFUSED: /* SDM vol. 3, VM-Instruction Error Numbers */
		vmcs_write_any(VMCS_INSTRUCTION_ERROR, INVALID_CONTROL);
		return 1;
	case STATE_REFUSED:
		machine_exit((u32)EXIT_ENTRY_FAILED | EXIT_ENTRY_GUEST_STATE, 0, 0);
		return 0;
	}
	vmcs[STATE_SLOT] |= STATE_LAUNCHED;
	machine_guest(v);
	vmcs_write_any(VMCS_ENTRY_INTR_INFO,
		       vmcs_read_any(VMCS_ENTRY_INTR_INFO) & ~(u64)INTR_VALID);
	return 0;
}

void vmx_unblock_nmis(void) {}
