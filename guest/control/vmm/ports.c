/* SPDX-License-Identifier: MIT */
/* The I/O ports of a guest; see ports.h. */
#include "guest/control/vmm/ports.h"
#include "guest/control/vmm/tables.h"

#define KEYBOARD_RESET 0xfe /* command: pulse the reset line */
#define CF9_FULL_RESET 0x04

static u32 com1_read(struct vm *vm, u32 offset, u32 size)
{
	(void)size;
	return serial_read(&vm->devices.serial, offset);
}

static void com1_write(struct vm *vm, u32 offset, u32 size, u32 value)
{
	(void)size;
	serial_write(&vm->devices.serial, offset, (u8)value);
}

/* A keyboard controller without keyboard: never a byte, always ready for a command. */
static u32 keyboard_read(struct vm *vm, u32 offset, u32 size)
{
	(void)vm;
	(void)offset;
	(void)size;
	return 0;
}

static void keyboard_write(struct vm *vm, u32 offset, u32 size, u32 value)
{
	(void)size;
	if (offset == 4 && (u8)value == KEYBOARD_RESET)
		vm->state = VM_RESET;
}

/* Read by kernels that look for a PCI bus: all ones is "none". */
static u32 absent_read(struct vm *vm, u32 offset, u32 size)
{
	(void)vm;
	(void)offset;
	(void)size;
	return ~0u;
}

static void ignore_write(struct vm *vm, u32 offset, u32 size, u32 value)
{
	(void)vm;
	(void)offset;
	(void)size;
	(void)value;
}

static void pci_write(struct vm *vm, u32 offset, u32 size, u32 value)
{
	if (offset == TABLES_RESET - 0xcf8 && size == 1 && (value & CF9_FULL_RESET))
		vm->state = VM_RESET;
}

/* Ports whose absence is quite usual on a PC answer without being counted as unknown. */
static const struct port_range {
	u16 first, last;
	u32 (*read)(struct vm *vm, u32 offset, u32 size);
	void (*write)(struct vm *vm, u32 offset, u32 size, u32 value);
} ranges[] = {
	{SERIAL_PORT, SERIAL_PORT + 7, com1_read, com1_write},
	{TABLES_PM1_EVENT, TABLES_PM_TIMER + 3, pm_read, pm_write},
	{0x70, 0x71, cmos_read, cmos_write},
	{0x60, 0x64, keyboard_read, keyboard_write},
	{0xcf8, 0xcff, absent_read, pci_write},
	{0x80, 0x80, absent_read, ignore_write},   /* POST code: Linux's short delay */
	{0xed, 0xed, absent_read, ignore_write},   /* the same, elsewhere */
	{0x87, 0x8f, absent_read, ignore_write},   /* DMA pages */
	{0x2e8, 0x2ef, absent_read, ignore_write}, /* COM4 */
	{0x2f8, 0x2ff, absent_read, ignore_write}, /* COM2 */
	{0x3e8, 0x3ef, absent_read, ignore_write}, /* COM3 */
	{0x3b0, 0x3df, absent_read, ignore_write}, /* VGA */
};

static const struct port_range *find(u16 port)
{
	for (u32 i = 0; i < ARRAY_SIZE(ranges); i++)
		if (port >= ranges[i].first && port <= ranges[i].last)
			return &ranges[i];
	return NULL;
}

/* Each unknown port is named once where that is asked for. */
static void count_unknown(struct vm *vm, u16 port, const char *what)
{
	vm->unknown_ports++;
	if (!vm->named || vm->seen_count == VM_NAMED_MAX)
		return;
	for (u32 i = 0; i < vm->seen_count; i++)
		if (vm->seen[i] == port)
			return;
	vm->seen[vm->seen_count++] = port;
	vm_report(vm, "%s unknown port 0x%x", what, port);
}

u32 ports_read(struct vm *vm, u16 port, u32 size)
{
	const struct port_range *r = find(port);

	if (r)
		return r->read(vm, (u32)port - r->first, size);
	count_unknown(vm, port, "reads");
	return ~0u;
}

void ports_write(struct vm *vm, u16 port, u32 size, u32 value)
{
	const struct port_range *r = find(port);

	if (r)
		r->write(vm, (u32)port - r->first, size, value);
	else
		count_unknown(vm, port, "writes");
}
