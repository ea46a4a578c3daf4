/* SPDX-License-Identifier: MIT */
/*
 * The GDB stub under libFuzzer: whatever comes over the line is answered, with two VMs of which one
 * has its memory supplied on demand and in part not at all, and ends with a frame of its own.
 * Sanitizers, and the machine's own checks, watch.  Runs on the machine of tests/fuzz/machine.
 */
#include <kvm0/abi.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kvm/mmu.h"
#include "monitor/command.h"
#include "monitor/gdb.h"
#include "monitor/park.h"
#include "tests/fuzz/machine/machine.h"

#define SLOT_BYTES (256u * 1024)
#define SENT_MAX   (1u << 20)

static u32 sent; /* bytes of the answers */
static u8 first; /* the first of the last answer; 0: none */

/* --- what the stub calls that is not here --- */

int command_run(char *line)
{
	MACHINE_REQUIRE(strlen(line) < LINE_SIZE, "a line of %zu bytes", strlen(line));
	monitor_print("%s", line);
	return 0;
}

static monitor_sink sink;

monitor_sink monitor_set_sink(monitor_sink new_sink)
{
	monitor_sink old = sink;

	sink = new_sink;
	return old;
}

void monitor_print(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (sink)
		sink(text, strlen(text));
}

/* --- the machine that is debugged --- */

static void add_slot(struct vm *vm, u32 slot, u64 base, u64 offset, u32 flags)
{
	struct kvm_userspace_memory_region r = {.slot = slot,
						.flags = flags,
						.guest_phys_addr = base,
						.memory_size = SLOT_BYTES,
						.userspace_addr = machine_address(offset)};

	MACHINE_REQUIRE(!mmu_set_slot(vm, &r), "slot %u", slot);
}

/* Real mode, as after reset: linear addresses are physical ones. */
static void make_vm(u32 vcpus, u64 offset, u32 flags)
{
	struct vm *vm = vm_create();
	struct vcpu *c;

	MACHINE_REQUIRE(vm, "no memory for a VM");
	add_slot(vm, 0, 0, offset, flags);
	add_slot(vm, 1, SIZE_1M, offset + SLOT_BYTES, KVM_MEM_READONLY);
	for (u32 i = 0; i < vcpus; i++)
		MACHINE_REQUIRE(!vm_create_vcpu(vm, i, &c), "no memory for a vCPU");
}

static void free_vms(void)
{
	struct vm *vm;

	while ((vm = vm_after(NULL)) != NULL)
		vm_free(vm);
}

static void put(u8 byte)
{
	first = first ? first : byte;
	MACHINE_REQUIRE(++sent < SENT_MAX, "the stub does not stop to speak");
}

static void say(const char *packet)
{
	/* One in which no other begins or ends. */
	bool begins = !strncmp(packet, "qSupported", 10) && !strpbrk(packet, "#}$");
	u8 sum = 0;
	char end[4];

	gdb_receive('$', put);
	for (; *packet; packet++) {
		sum = (u8)(sum + (u8)*packet);
		gdb_receive((u8)*packet, put);
	}
	snprintf(end, sizeof(end), "#%02x", sum);
	first = 0;
	for (u32 i = 0; i < 3; i++)
		gdb_receive((u8)end[i], put);
	MACHINE_REQUIRE(!begins || first == '+', "a new session is not acknowledged");
}

static void go_on_all(void)
{
	vmx_load(machine_control());
	say("D");
	this_cpu()->nmi_pending = 0;
}

const char *__asan_default_options(void);

/* What boot took stays taken. */
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	machine_boot();
	machine_on_cpu(0);
	park_join(machine_control());
	return 0;
}

/* An input's lines are packets, which get their frame here; one that begins with ! is what comes
 * over the line as it is. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char packet[2048];
	u32 n = 0;

	machine_reset();
	MACHINE_REQUIRE(park_world(), "the world is parked");
	make_vm(2, 4 * SIZE_1M, 0);
	make_vm(1, 5 * SIZE_1M, KVM0_MEM_ON_DEMAND);
	sent = 0;
	for (size_t i = 0; i <= size; i++) {
		if (i < size && data[i] != '\n' && n < sizeof(packet) - 1) {
			packet[n++] = (char)data[i];
			continue;
		}
		packet[n] = 0;
		if (packet[0] == '!')
			for (u32 k = 1; k < n; k++)
				gdb_receive((u8)packet[k], put);
		else
			say(packet);
		n = 0;
	}
	go_on_all();
	free_vms();
	park_release();
	return 0;
}
