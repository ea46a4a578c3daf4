/* SPDX-License-Identifier: MIT */
/*
 * The control guest's VMM (guest/control/vmm) as a Linux process on /dev/kvm: what guest/lib
 * does on the bare machine is done here by system calls.  Run by hand (a SIGTERM shows the vCPU's
 * registers), after `make build/vmm-host`:
 *   vmm-host KERNEL INITRD|- MEM_MIB CPUS COMMAND-LINE [save|migrate SECONDS]
 * Each vCPU has a thread of its own.  With the last words it saves the VM each so many seconds and
 * goes on with a new one made of that, or migrates it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include "guest/control/vmm/migrate.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/memory.h"
#include "guest/lib/rtc.h"
#include "guest/lib/time.h"

#define LOOK_MS 20

static int kvm;
static u64 tsc_hz;
static struct termios saved;

s64 kvm0_ioctl(u32 handle, u64 request, u64 arg)
{
	int r;

	do
		r = ioctl(handle ? (int)handle : kvm, request, arg);
	while (r < 0 && errno == EINTR && request != KVM_RUN);
	return r < 0 ? -errno : r;
}

s64 kvm0_ioctl_ptr(u32 handle, u64 request, void *arg)
{
	return kvm0_ioctl(handle, request, addr(arg));
}

s64 kvm0_close(u32 handle)
{
	return close((int)handle);
}

/* The kernel's kvm_run page takes the place of the one given. */
s64 kvm0_set_page(u32 vcpu, u32 number, const void *page)
{
	size_t size = (size_t)kvm0_ioctl(0, KVM_GET_VCPU_MMAP_SIZE, 0);
	void *at = mmap(ptr(addr(page)), size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			(int)vcpu, (off_t)(number * PAGE_SIZE));
	return at == MAP_FAILED ? -errno : 0;
}

s64 kvm0_run_once(u32 vcpu, u64 hints, u64 *deadline)
{
	(void)hints;
	*deadline = 0;
	return kvm0_ioctl(vcpu, KVM_RUN, 0);
}

/* Linux finds pages on demand by itself. */
s64 kvm0_supply(u32 vm, u64 gpa, const void *memory, u32 pages, u32 flags)
{
	(void)vm, (void)gpa, (void)memory, (void)pages, (void)flags;
	return -ENOSYS;
}

s64 kvm0_withdraw(u32 vm, u64 gpa, u64 pages)
{
	(void)vm, (void)gpa, (void)pages;
	return -ENOSYS;
}

const char *kvm0_errno_name(s64 error)
{
	return strerror((int)-error);
}
u64 time_tsc_hz(void)
{
	return tsc_hz;
}

void *memory_alloc_raw(u64 size, u64 align)
{
	char *at = mmap(NULL, size + align, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return at == MAP_FAILED ? NULL : ptr(ALIGN_UP(addr(at), align));
}

void *memory_alloc(u64 size, u64 align)
{
	return memory_alloc_raw(size, align);
}
void memory_free(void *block, u64 size)
{
	if (block)
		munmap(block, size);
}
u64 memory_largest_block(void)
{
	return SIZE_4G;
}

u8 rtc_read(u8 index)
{
	time_t now = time(NULL);
	struct tm *t = gmtime(&now);
	const int values[] = {
		t->tm_sec,       0, t->tm_min, 0, t->tm_hour, 0, 0, t->tm_mday, t->tm_mon + 1,
		t->tm_year % 100};
	return index < 10 ? (u8)values[index] : index == 11 ? 6 : 0;
}

static void on_output(void *owner, u8 byte)
{
	(void)owner;
	while (write(1, &byte, 1) < 0 && errno == EINTR)
		;
}

static void on_report(void *owner, const char *text)
{
	(void)owner;
	fprintf(stderr, "\r\nVM %s\r\n", text);
}

static volatile sig_atomic_t ended;

/* It ends a KVM_RUN. */
static void on_kick(int signal)
{
	(void)signal;
}

static void on_end(int signal)
{
	(void)signal;
	ended = 1;
}

static void measure_tsc(void)
{
	struct timespec wait = {.tv_nsec = 50000000};
	u64 start = rdtsc();
	nanosleep(&wait, NULL);
	tsc_hz = (rdtsc() - start) * 20;
}

static void *map_file(const char *name, u64 *size)
{
	struct stat st;
	int fd = open(name, O_RDONLY);

	if (fd < 0 || fstat(fd, &st)) {
		perror(name);
		exit(2);
	}
	*size = (u64)st.st_size;
	return mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
}

static void restore(void)
{
	tcsetattr(0, TCSANOW, &saved);
}

static void set_up_terminal(void)
{
	struct termios raw;
	struct sigaction action = {.sa_handler = on_kick};

	if (!tcgetattr(0, &saved)) {
		raw = saved;
		cfmakeraw(&raw);
		tcsetattr(0, TCSANOW, &raw);
		atexit(restore);
	}
	sigaction(SIGUSR1, &action, NULL);
	action.sa_handler = on_end;
	sigaction(SIGTERM, &action, NULL);
}

static void take_input(struct vm *vm)
{
	struct pollfd in = {.fd = 0, .events = POLLIN};
	u8 byte;

	while (vm_input_room(vm) && poll(&in, 1, 0) > 0 && read(0, &byte, 1) == 1)
		vm_input(vm, byte);
}

static const struct vm_sink sink = {NULL, on_output, on_report};

static void must(int err, const char *why)
{
	if (!err)
		return;
	fprintf(stderr, "\r\n%s\r\n", why);
	exit(1);
}

static struct vm vm;
static pthread_t threads[VM_CPUS_MAX];
static bool hold, stop;
static u32 parked;

static void *run_vcpu(void *arg)
{
	struct vm_vcpu *v = arg;

	while (!READ_ONCE(stop)) {
		if (vm_lives(&vm) && !__atomic_load_n(&hold, __ATOMIC_ACQUIRE)) {
			(void)vm_step(v, false);
			continue;
		}
		__atomic_fetch_add(&parked, 1, __ATOMIC_RELEASE);
		while (!READ_ONCE(stop) && (!vm_lives(&vm) || READ_ONCE(hold)))
			usleep(1000);
		__atomic_fetch_sub(&parked, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void start_vcpus(u32 cpus)
{
	for (u32 i = 0; i < cpus; i++)
		must(pthread_create(&threads[i], NULL, run_vcpu, &vm.vcpus[i]), "no thread");
}

/* Sees to it that no thread is in vm_step(). */
static void hold_vcpus(u32 cpus)
{
	__atomic_store_n(&hold, true, __ATOMIC_RELEASE);
	while (__atomic_load_n(&parked, __ATOMIC_ACQUIRE) < cpus) {
		for (u32 i = 0; i < cpus; i++)
			pthread_kill(threads[i], SIGUSR1);
		usleep(1000);
	}
}

static void release_vcpus(void)
{
	__atomic_store_n(&hold, false, __ATOMIC_RELEASE);
}

static void save_and_restore(void)
{
	static struct snapshot snapshot;
	char why[256];

	must(snapshot_take(&snapshot, &vm, why, sizeof(why)), why);
	vm_destroy(&vm);
	must(snapshot_restore(&snapshot, &vm, &sink, why, sizeof(why)), why);
	snapshot_free(&snapshot);
}

/* What the event loop of the control guest does. */
static void move(const char *how, long every)
{
	static struct migration migration;
	static time_t last;
	char why[256];
	u32 cpus = vm.config.cpus;

	last = last ? last : time(NULL);
	if (migration.state != MIGRATE_NONE) {
		if (migration.state == MIGRATE_LAST)
			hold_vcpus(cpus);
		migrate_step(&migration);
		release_vcpus();
	} else if (how && time(NULL) - last >= every && !strcmp(how, "save")) {
		hold_vcpus(cpus);
		save_and_restore();
		release_vcpus();
		last = time(NULL);
	} else if (how && time(NULL) - last >= every) {
		must(migrate_start(&migration, &vm, MIGRATE_ROUNDS, why, sizeof(why)), why);
		last = time(NULL);
	}
	if (migration.state == MIGRATE_NONE)
		usleep(LOOK_MS * 1000);
}

static void take_arguments(struct vm_config *config, int argc, char **argv)
{
	if ((argc != 6 && argc != 8) || kvm < 0) {
		fprintf(stderr, "vmm-host KERNEL INITRD|- MEM_MIB CPUS COMMAND-LINE "
				"[save|migrate SECONDS] (needs /dev/kvm)\n");
		exit(2);
	}
	config->kernel = map_file(argv[1], &config->kernel_size);
	if (strcmp(argv[2], "-") != 0)
		config->initrd = map_file(argv[2], &config->initrd_size);
	config->mem = strtoull(argv[3], NULL, 10) * SIZE_1M;
	config->cpus = (u32)strtoul(argv[4], NULL, 10);
	must(!config->cpus || config->cpus > VM_CPUS_MAX, "so many CPUs are not possible");
	snprintf(config->kernel_name, sizeof(config->kernel_name), "the kernel");
	snprintf(config->cmdline, sizeof(config->cmdline), "%s", argv[5]);
}

int main(int argc, char **argv)
{
	static struct vm_config config;
	char why[256];

	kvm = open("/dev/kvm", O_RDWR);
	take_arguments(&config, argc, argv);
	measure_tsc();
	must(vm_create(&vm, &config, &sink, why, sizeof(why)), why);
	vm.named = true;
	set_up_terminal();
	start_vcpus(config.cpus);
	while (vm_lives(&vm) && !ended) {
		take_input(&vm);
		move(argc == 8 ? argv[6] : NULL, argc == 8 ? atol(argv[7]) : 0);
	}
	hold_vcpus(config.cpus);
	for (u32 i = 0; ended && i < config.cpus; i++)
		vm_report_registers(&vm.vcpus[i]);
	stop = true;
	for (u32 i = 0; i < config.cpus; i++)
		pthread_join(threads[i], NULL);
	fprintf(stderr, "\r\nend: state %d, exits IO %llu MMIO %llu\r\n", (int)vm.state,
		vm.exits[KVM_EXIT_IO], vm.exits[KVM_EXIT_MMIO]);
	vm_destroy(&vm);
	return vm.state == VM_POWERED_OFF ? 0 : 1;
}
