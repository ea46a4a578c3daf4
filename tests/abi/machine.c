/* SPDX-License-Identifier: MIT */
/* The tests' virtual machine: see machine.h. */
#include "tests/abi/machine.h"

#define TSS_ADDRESS      0xfffbd000ull
#define IDENTITY_ADDRESS 0xfffbc000ull

/* Bits that the guests start with. */
#define CR0_PE    (1ull << 0)
#define CR0_PROT  0x33ull /* PE MP ET NE */
#define CR0_PG_WP (1ull << 31 | 1ull << 16)
#define CR4_LONG  0x620ull /* PAE OSFXSR OSXMMEXCPT */
#define EFER_LONG 0xd00ull /* LME LMA NXE */

struct kvm_run *machine_map_run(int vcpu)
{
	u64 size = (u64)t_ioctl(t_system(), KVM_GET_VCPU_MMAP_SIZE, 0);

	return t_map(vcpu, 0, (u32)(size / PAGE_SIZE), check_pages(size));
}

void machine_supported_cpuid(struct cpuid_table *table)
{
	memset(table, 0, sizeof(*table));
	table->head.nent = MACHINE_MAX_CPUID;
	CHECK_RESULT(t_ioctl_ptr(t_system(), KVM_GET_SUPPORTED_CPUID, table), 0);
}

void machine_guest_cpuid(struct cpuid_table *table)
{
	machine_supported_cpuid(table);
	for (u32 i = 0; i < table->head.nent; i++) {
		struct kvm_cpuid_entry2 *e = &table->entries[i];
		if (e->function == 1) {
			e->ecx &= ~(1u << 5);
			e->ebx &= 0x00ffffff; /* APIC ID */
		} else if (e->function == 0xb || e->function == 0x1f) {
			e->edx = 0; /* APIC ID */
		}
	}
}

void machine_need_vmx(const char *what)
{
	if (!t_has_vmx())
		check_skip("this host's KVM does not use VMX, and differs in %s", what);
}

struct kvm_cpuid_entry2 *machine_cpuid(struct cpuid_table *table, u32 function, u32 index)
{
	for (u32 i = 0; i < table->head.nent; i++)
		if (table->entries[i].function == function && table->entries[i].index == index)
			return &table->entries[i];
	return NULL;
}

void *machine_at(const struct machine *m, u64 gpa)
{
	if (gpa < GPA_LOW_END)
		return m->low + gpa;
	CHECK(gpa >= GPA_HIGH && gpa < GPA_HIGH_END);
	return m->high + (gpa - GPA_HIGH);
}

u32 machine_u32(const struct machine *m, u64 gpa)
{
	return READ_ONCE(*(u32 *)machine_at(m, gpa));
}

u64 machine_u64(const struct machine *m, u64 gpa)
{
	return READ_ONCE(*(u64 *)machine_at(m, gpa));
}

long machine_slot(int vm, u32 slot, u32 flags, u64 gpa, u64 size, const void *memory)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (u64)(uintptr_t)memory,
	};
	return t_ioctl_ptr(vm, KVM_SET_USER_MEMORY_REGION, &region);
}

u64 machine_entry(const char *routine)
{
	return GPA_CODE + (u64)(routine - payloads_begin);
}

static void set_gate(const struct machine *m, u8 vector, u64 target)
{
	u64 *gate = machine_at(m, GPA_IDT + vector * 16ull);

	gate[0] = (target & 0xffff) | (u64)SEL_CODE << 16 | 0x8eull << 40 |
		  (target >> 16 & 0xffff) << 48;
	gate[1] = target >> 32;
}

void machine_set_vector(struct machine *m, u8 vector, const char *handler)
{
	u64 target = machine_entry(handler);
	u32 *real = machine_at(m, vector * 4ull);

	if (m->mode == MODE_REAL)
		*real = (u32)(target - GPA_CODE) | (u32)(GPA_CODE >> 4) << 16;
	else
		set_gate(m, vector, target);
}

/* Page tables that map the low 4 GiB onto themselves by 2M pages, GDT, and handlers of faults. */
static void build_tables(struct machine *m)
{
	u64 *gdt = machine_at(m, GPA_GDT);
	u64 *pml4 = machine_at(m, GPA_PML4);
	u64 *pdpt = machine_at(m, GPA_PDPT);
	u64 *pd = machine_at(m, GPA_PD);

	gdt[SEL_CODE / 8] = m->mode == MODE_LONG ? 0x00af9b000000ffffull : 0x00cf9b000000ffffull;
	gdt[SEL_DATA / 8] = 0x00cf93000000ffffull;
	pml4[0] = GPA_PDPT | 3;
	for (u64 i = 0; i < 4; i++)
		pdpt[i] = (GPA_PD + i * PAGE_SIZE) | 3;
	for (u64 i = 0; i < 4 * 512; i++)
		pd[i] = i * SIZE_2M | 0x83;
	for (u8 v = 0; m->mode == MODE_LONG && v < 32; v++)
		set_gate(m, v, machine_entry(fault_stubs) + v * 16u);
}

static struct kvm_segment segment(u16 selector, u8 type, u8 db, u8 l)
{
	return (struct kvm_segment){.limit = 0xffffffff,
				    .selector = selector,
				    .type = type,
				    .present = 1,
				    .s = 1,
				    .g = 1,
				    .db = db,
				    .l = l};
}

static void set_mode(const struct machine *m, int vcpu)
{
	struct kvm_sregs s;

	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_GET_SREGS, &s), 0);
	if (m->mode == MODE_REAL) {
		s.cs.base = GPA_CODE;
		s.cs.selector = GPA_CODE >> 4;
	} else {
		bool wide = m->mode == MODE_LONG;
		s.cs = segment(SEL_CODE, 11, !wide, wide);
		s.ds = s.es = s.fs = s.gs = s.ss = segment(SEL_DATA, 3, 1, 0);
		s.tr = (struct kvm_segment){.limit = 0x67, .type = 11, .present = 1};
		s.ldt = (struct kvm_segment){.unusable = 1};
		s.gdt.base = GPA_GDT;
		s.gdt.limit = 0x17;
		s.idt.base = GPA_IDT;
		s.idt.limit = 0xfff;
		s.cr0 = CR0_PROT;
	}
	if (m->mode == MODE_LONG) {
		s.cr3 = GPA_PML4;
		s.cr4 = CR4_LONG;
		s.cr0 |= CR0_PG_WP;
		s.efer = EFER_LONG;
	}
	CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_SREGS, &s), 0);
}

int machine_add_vcpu(struct machine *m, u32 id, struct kvm_run **run)
{
	struct cpuid_table *cpuid;
	int vcpu = CHECK_HANDLE(t_ioctl(m->vm, KVM_CREATE_VCPU, id));

	*run = machine_map_run(vcpu);
	CHECK(*run);
	if (m->options & MACHINE_CPUID) {
		cpuid = check_pages(sizeof(*cpuid));
		machine_guest_cpuid(cpuid);
		/* This timer has a capability of its own instead of a bit in the list. */
		if (m->options & MACHINE_APICS &&
		    t_ioctl(t_system(), KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0)
			machine_cpuid(cpuid, 1, 0)->ecx |= 1u << 24;
		CHECK_RESULT(t_ioctl_ptr(vcpu, KVM_SET_CPUID2, cpuid), 0);
	}
	set_mode(m, vcpu);
	return vcpu;
}

/* What is reserved for the CPU's own list differs, and with it the smallest size. */
static void enable_ring(struct machine *m)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_DIRTY_LOG_RING};

	for (m->ring_bytes = PAGE_SIZE; m->ring_bytes <= 4 * PAGE_SIZE; m->ring_bytes *= 2) {
		cap.args[0] = m->ring_bytes;
		if (!t_ioctl_ptr(m->vm, KVM_ENABLE_CAP, &cap))
			return;
	}
	check_fail(__FILE__, __LINE__, "no dirty ring of 16 KiB or less");
}

void machine_reopen(struct machine *m)
{
	u64 identity = IDENTITY_ADDRESS;
	u32 options = m->options;

	m->vm = CHECK_HANDLE(t_ioctl(t_system(), KVM_CREATE_VM, 0));
	CHECK_RESULT(t_ioctl(m->vm, KVM_SET_TSS_ADDR, TSS_ADDRESS), 0);
	CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity), 0);
	if (options & MACHINE_LOGGED)
		CHECK_RESULT(
			machine_slot(m->vm, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, GPA_LOW_END, m->low), 0);
	if (options & MACHINE_RING)
		enable_ring(m);
	if (options & (MACHINE_IRQCHIP | MACHINE_PIT))
		CHECK_RESULT(t_ioctl(m->vm, KVM_CREATE_IRQCHIP, 0), 0);
	if (options & MACHINE_SPLIT) {
		struct kvm_enable_cap cap = {.cap = KVM_CAP_SPLIT_IRQCHIP,
					     .args = {MACHINE_USER_PINS}};
		CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_ENABLE_CAP, &cap), 0);
	}
	if (options & MACHINE_PIT) {
		struct kvm_pit_config config = {.flags = 0};
		CHECK_RESULT(t_ioctl_ptr(m->vm, KVM_CREATE_PIT2, &config), 0);
	}
	if (!(options & MACHINE_LOGGED))
		CHECK_RESULT(machine_slot(m->vm, 0, 0, 0, GPA_LOW_END, m->low), 0);
	CHECK_RESULT(machine_slot(m->vm, 1, 0, GPA_HIGH, GPA_HIGH_END - GPA_HIGH, m->high), 0);
	if (!(options & MACHINE_BARE))
		m->vcpu = machine_add_vcpu(m, 0, &m->run);
}

static void make(struct machine *m, enum machine_mode mode, u32 options)
{
	memset(m, 0, sizeof(*m));
	m->mode = mode;
	m->options = options;
	m->regs.rflags = 2;
	m->regs.rsp = mode == MODE_REAL ? GPA_STACK_REAL : GPA_STACK;
	m->low = check_pages(GPA_LOW_END);
	m->high = check_pages(GPA_HIGH_END - GPA_HIGH);
	memcpy(machine_at(m, GPA_CODE), payloads_begin, (size_t)(payloads_end - payloads_begin));
	build_tables(m);
	machine_reopen(m);
}

/* Whether this host's KVM runs a guest in that mode up to its first port write. */
static bool mode_works(enum machine_mode mode)
{
	static const char *const routines[] = {real_done, prot_out, long_done};
	static s8 works[3];
	struct machine m;

	if (target_is_kvm0)
		return true;
	if (!works[mode]) {
		make(&m, mode, MACHINE_CPUID);
		machine_start(&m, routines[mode]);
		works[mode] = !t_run(m.vcpu) && m.run->exit_reason == KVM_EXIT_IO ? 1 : -1;
		check_close(m.vcpu);
		check_close(m.vm);
	}
	return works[mode] > 0;
}

void machine_open(struct machine *m, enum machine_mode mode, u32 options)
{
	static const char *const why[] = {"this host's KVM runs no real-mode guest",
					  "this host's KVM runs no 32-bit guest",
					  "this host's KVM runs no 64-bit guest"};

	if (!mode_works(mode))
		check_skip("%s", why[mode]);
	make(m, mode, options);
}

void machine_start(struct machine *m, const char *routine)
{
	m->regs.rip = machine_entry(routine) - (m->mode == MODE_REAL ? GPA_CODE : 0);
	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_SET_REGS, &m->regs), 0);
}

struct kvm_regs machine_regs(const struct machine *m)
{
	struct kvm_regs regs;

	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_GET_REGS, &regs), 0);
	return regs;
}

struct kvm_sregs machine_sregs(const struct machine *m)
{
	struct kvm_sregs sregs;

	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_GET_SREGS, &sregs), 0);
	return sregs;
}

void machine_set_sregs(const struct machine *m, const struct kvm_sregs *sregs)
{
	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_SET_SREGS, sregs), 0);
}

void machine_enable_apic(const struct machine *m)
{
	struct kvm_lapic_state s;

	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_GET_LAPIC, &s), 0);
	s.regs[0xf1] |= 1;
	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_SET_LAPIC, &s), 0);
}

static void wrong_exit(const char *file, int line, const struct machine *m, u32 want)
{
	const struct kvm_run *run = m->run;
	struct kvm_regs regs = machine_regs(m);

	if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		check_fail(file, line, "exit %u (suberror %u, data 0x%llx) at 0x%llx, not %u",
			   run->exit_reason, run->internal.suberror,
			   run->internal.ndata ? (u64)run->internal.data[0] : 0, (u64)regs.rip,
			   want);
	if (run->exit_reason == KVM_EXIT_MMIO)
		check_fail(file, line, "exit 6 (MMIO at 0x%llx) at 0x%llx, not %u",
			   (u64)run->mmio.phys_addr, (u64)regs.rip, want);
	if (run->exit_reason == KVM_EXIT_IO)
		check_fail(file, line, "exit 2 (port 0x%x) at 0x%llx, not %u", run->io.port,
			   (u64)regs.rip, want);
	check_fail(file, line, "exit %u at 0x%llx, not %u", run->exit_reason, (u64)regs.rip, want);
}

void machine_run_at(const char *file, int line, struct machine *m, u32 exit)
{
	long r = t_run(m->vcpu);

	if (r)
		check_fail(file, line, "KVM_RUN gives %ld at 0x%llx", r, (u64)machine_regs(m).rip);
	if (m->run->exit_reason != exit)
		wrong_exit(file, line, m, exit);
}

u8 machine_run_out_at(const char *file, int line, struct machine *m, u16 port)
{
	struct kvm_run *run = m->run;

	machine_run_at(file, line, m, KVM_EXIT_IO);
	if (run->io.port != port || run->io.direction != KVM_EXIT_IO_OUT || run->io.size != 1 ||
	    run->io.count != 1)
		check_fail(file, line, "%u times %u bytes %s port 0x%x, not a byte to 0x%x",
			   run->io.count, run->io.size, run->io.direction ? "to" : "from",
			   run->io.port, port);
	return *machine_io_data(m);
}

static void check_mmio(const char *file, int line, struct machine *m, u64 address, u32 len,
		       bool write)
{
	const struct kvm_run *run = m->run;

	machine_run_at(file, line, m, KVM_EXIT_MMIO);
	if (run->mmio.phys_addr != address || run->mmio.len != len || run->mmio.is_write != write)
		check_fail(file, line, "%s of %u bytes at 0x%llx, not %s of %u at 0x%llx",
			   run->mmio.is_write ? "write" : "read", run->mmio.len,
			   (u64)run->mmio.phys_addr, write ? "write" : "read", len, address);
}

void machine_mmio_write_at(const char *file, int line, struct machine *m, u64 address, u32 len,
			   u64 data)
{
	u64 got = 0;

	check_mmio(file, line, m, address, len, true);
	memcpy(&got, m->run->mmio.data, len);
	if (got != data)
		check_fail(file, line, "0x%llx is written to 0x%llx, not 0x%llx", got, address,
			   data);
}

void machine_mmio_read_at(const char *file, int line, struct machine *m, u64 address, u32 len,
			  u64 data)
{
	check_mmio(file, line, m, address, len, false);
	memset(m->run->mmio.data, 0xdd, sizeof(m->run->mmio.data));
	memcpy(m->run->mmio.data, &data, len);
}

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

u64 machine_get_msr(const struct machine *m, u32 index)
{
	struct one_msr msr = {.head.nmsrs = 1, .entry.index = index};

	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_GET_MSRS, &msr), 1);
	return msr.entry.data;
}

void machine_set_msr(const struct machine *m, u32 index, u64 value)
{
	struct one_msr msr = {.head.nmsrs = 1, .entry = {.index = index, .data = value}};

	CHECK_RESULT(t_ioctl_ptr(m->vcpu, KVM_SET_MSRS, &msr), 1);
}
