/* SPDX-License-Identifier: MIT */
/* GDT, TSS, IDT, the dispatch of every vector, and the 8259 pair; see trap.h. */
#include "guest/lib/trap.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"

#define SEL_CODE 0x08
#define SEL_DATA 0x10
#define SEL_TSS  0x28

#define GATE_INTERRUPT 0x8e
#define GATE_USER      0xee
#define MSR_GS_BASE    0xc0000101u
#define RFLAGS_IF_ON   0x202ull

#define PIC1     0x20
#define PIC2     0xa0
#define PIC_EOI  0x20
#define PIC_LINE 2 /* where the second 8259 is attached */

struct gate {
	u16 low, selector;
	u8 ist, type;
	u16 middle;
	u32 high, zero;
} __packed;

struct tss {
	u32 reserved;
	u64 rsp[3];
	u64 zero[8];
	u16 zeros[3], io_map;
	u32 rest;
} __packed;

struct table_pointer {
	u16 limit;
	u64 base;
} __packed;

struct cpu_tables {
	u64 gdt[7];
	struct tss tss;
};

_Static_assert(offsetof(struct cpu, catch_rsp) == 8, "traps.asm");
_Static_assert(offsetof(struct cpu, caught) == 16, "traps.asm");
_Static_assert(offsetof(struct cpu, tss) == 24, "traps.asm");
_Static_assert(offsetof(struct tss, rsp) == 4, "traps.asm");
_Static_assert(sizeof(struct trap_frame) == 22 * 8, "traps.asm");
_Static_assert(sizeof(struct gate) == 16, "SDM vol. 3, 64-Bit Mode IDT");

extern const u8 trap_stubs[256][16];
extern const u8 trap_recover[];
void trap_dispatch(struct trap_frame *frame);

static struct gate idt[256];
static struct cpu_tables tables[CPU_MAX];
static void (*handlers[256])(void);

static const char *const names[] = {
	"divide error",
	"debug",
	"NMI",
	"breakpoint",
	"overflow",
	"bound range",
	"invalid opcode",
	"device not there",
	"double fault",
	"vector 9",
	"invalid TSS",
	"segment not present",
	"stack fault",
	"general protection",
	"page fault",
	"vector 15",
	"x87 error",
	"alignment check",
	"machine check",
	"SIMD floating point",
	"virtualization",
	"control protection",
};

static u64 read_cr2(void)
{
	u64 v;
	__asm__ volatile("mov %%cr2, %0" : "=r"(v));
	return v;
}

static void __noreturn report(const struct trap_frame *f)
{
	extern const u8 image_start[];
	const char *name = f->vector < ARRAY_SIZE(names) ? names[f->vector] : "exception";

	console_printf("\nCPU %u: unexpected exception %llu (%s), error code 0x%llx\n",
		       cpu_this()->index, f->vector, name, f->error);
	console_printf("  rip %016llx (image + 0x%llx)  cs %llx  rflags %llx\n", f->rip,
		       f->rip - addr(image_start), f->cs, f->rflags);
	console_printf("  rsp %016llx  ss %llx  cr2 %llx\n", f->rsp, f->ss, read_cr2());
	console_printf("  rax %016llx  rbx %016llx  rcx %016llx\n", f->rax, f->rbx, f->rcx);
	console_printf("  rdx %016llx  rsi %016llx  rdi %016llx\n", f->rdx, f->rsi, f->rdi);
	console_printf("  rbp %016llx  r8  %016llx  r9  %016llx\n", f->rbp, f->r8, f->r9);
	console_printf("  r10 %016llx  r11 %016llx  r12 %016llx\n", f->r10, f->r11, f->r12);
	console_printf("  r13 %016llx  r14 %016llx  r15 %016llx\n", f->r13, f->r14, f->r15);
	console_printf("This control guest is broken; it stops here.  Reset the machine.\n");
	cpu_stop();
}

/* Makes the way back from a trap lead out of trap_try(). */
static void recover(struct cpu *cpu, struct trap_frame *f)
{
	if (cpu->caught)
		*cpu->caught = *f;
	f->rax = f->vector == TRAP_VECTOR_USER ? ~0ull : f->vector;
	f->rip = addr(trap_recover);
	f->rsp = cpu->catch_rsp;
	f->cs = SEL_CODE;
	f->ss = SEL_DATA;
	f->rflags = RFLAGS_IF_ON;
	cpu->catch_rsp = 0;
}

void trap_dispatch(struct trap_frame *f)
{
	struct cpu *cpu = cpu_this();

	if (f->vector < TRAP_VECTOR_PIC || f->vector == TRAP_VECTOR_USER) {
		if (!cpu->catch_rsp)
			report(f);
		recover(cpu, f);
		return;
	}
	WRITE_ONCE(cpu->irq_seen, 1);
	if (handlers[f->vector])
		handlers[f->vector]();
	else if (f->vector == TRAP_VECTOR_PIC + 15)
		outb(PIC1, PIC_EOI); /* spurious on the second 8259: real for the first */
}

void trap_set_handler(u8 vector, void (*handler)(void))
{
	handlers[vector] = handler;
}

static void pic_init(void)
{
	static const u8 sequence[][2] = {
		{PIC1, 0x11},
		{PIC2, 0x11}, /* edge, cascade, with ICW4 */
		{PIC1 + 1, TRAP_VECTOR_PIC},
		{PIC2 + 1, TRAP_VECTOR_PIC + 8},
		{PIC1 + 1, 1 << PIC_LINE},
		{PIC2 + 1, PIC_LINE},
		{PIC1 + 1, 0x01},
		{PIC2 + 1, 0x01}, /* 8086 mode */
		{PIC1 + 1, 0xff},
		{PIC2 + 1, 0xff}, /* all masked */
	};

	for (u32 i = 0; i < ARRAY_SIZE(sequence); i++)
		outb(sequence[i][0], sequence[i][1]);
}

void pic_unmask(u8 irq)
{
	u16 port = irq < 8 ? PIC1 + 1 : PIC2 + 1;

	outb(port, (u8)(inb(port) & ~(1u << (irq & 7))));
	if (irq >= 8)
		pic_unmask(PIC_LINE);
}

void pic_eoi(u8 irq)
{
	if (irq >= 8)
		outb(PIC2, PIC_EOI);
	outb(PIC1, PIC_EOI);
}

void trap_init(void)
{
	for (u32 i = 0; i < 256; i++) {
		u64 to = addr(trap_stubs[i]);
		idt[i] = (struct gate){
			.low = (u16)to,
			.selector = SEL_CODE,
			.type = i == TRAP_VECTOR_USER ? GATE_USER : GATE_INTERRUPT,
			.middle = (u16)(to >> 16),
			.high = (u32)(to >> 32),
		};
	}
	pic_init();
}

void trap_init_cpu(struct cpu *cpu)
{
	struct cpu_tables *t = &tables[cpu->index];
	u64 tss = addr(&t->tss);
	struct table_pointer gdtr = {sizeof(t->gdt) - 1, addr(t->gdt)};
	struct table_pointer idtr = {sizeof(idt) - 1, addr(idt)};

	t->gdt[1] = 0x00af9b000000ffff; /* 64-bit code */
	t->gdt[2] = 0x00cf93000000ffff; /* data */
	t->gdt[3] = 0x00cff3000000ffff; /* data, CPL 3 */
	t->gdt[4] = 0x00affb000000ffff; /* 64-bit code, CPL 3 */
	t->gdt[5] = (sizeof(t->tss) - 1) | (tss & 0xffffff) << 16 | 0x89ull << 40 |
		    (tss >> 24 & 0xff) << 56;
	t->gdt[6] = tss >> 32;
	t->tss.io_map = sizeof(t->tss);
	cpu->self = cpu;
	cpu->tss = &t->tss;
	__asm__ volatile("lgdt %0; lidt %1; ltr %w2"
			 :
			 : "m"(gdtr), "m"(idtr), "r"(SEL_TSS)
			 : "memory");
	__asm__ volatile("push %0; lea 1f(%%rip), %%rax; push %%rax; lretq; 1:"
			 :
			 : "i"(SEL_CODE)
			 : "rax", "memory");
	__asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%ss" : : "r"(SEL_DATA) : "memory");
	wrmsr(MSR_GS_BASE, addr(cpu));
}
