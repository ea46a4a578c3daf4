/* SPDX-License-Identifier: MIT */
/* The tests' target on Linux: a process that opens /dev/kvm.  See target.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "guest/lib/hypercall.h"
#include "tests/abi/target.h"

const char target_name[] = "Linux";
const bool target_is_kvm0 = false;

/* The mappings of vCPUs, by file descriptor, to be undone when it is closed. */
#define MAX_FD   1024
#define MAX_MAPS 4
static struct {
	void *start;
	size_t size;
} map_of_fd[MAX_FD][MAX_MAPS];

static void interrupt_run(int signal)
{
	(void)signal;
}

bool t_has_vmx(void)
{
	return access("/sys/module/kvm_intel", F_OK) == 0;
}

int t_system(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	return fd;
}

long target_ioctl(int handle, u64 request, u64 arg)
{
	int r = ioctl(handle, request, arg);
	return r < 0 ? -errno : r;
}

/* What guest/lib gives those on kvm0 who are neither test nor target. */
s64 kvm0_ioctl(u32 handle, u64 request, u64 arg)
{
	return target_ioctl(handle ? (int)handle : t_system(), request, arg);
}

s64 kvm0_ioctl_ptr(u32 handle, u64 request, void *arg)
{
	return kvm0_ioctl(handle, request, addr(arg));
}

long t_close(int handle)
{
	for (u32 i = 0; handle >= 0 && handle < MAX_FD && i < MAX_MAPS; i++) {
		if (map_of_fd[handle][i].start)
			munmap(map_of_fd[handle][i].start, map_of_fd[handle][i].size);
		map_of_fd[handle][i].start = NULL;
	}
	return close(handle) < 0 ? -errno : 0;
}

int t_event_create(u32 count, bool semaphore)
{
	int fd = eventfd(count, EFD_NONBLOCK | EFD_CLOEXEC | (semaphore ? EFD_SEMAPHORE : 0));

	return fd < 0 ? -errno : fd;
}

long t_event_signal(int event, u64 n)
{
	return write(event, &n, sizeof(n)) < 0 ? -errno : 0;
}

long t_event_read(int event, u64 *value)
{
	return read(event, value, sizeof(*value)) < 0 ? -errno : 0;
}

long t_read(int handle, void *to, u64 size, u64 position)
{
	ssize_t r = pread(handle, to, size, (off_t)position);

	return r < 0 ? -errno : r;
}

void *t_map(int vcpu, u32 first, u32 count, void *pages)
{
	size_t size = count * (size_t)PAGE_SIZE;
	void *start;
	u32 i = 0;

	(void)pages;
	while (vcpu >= 0 && vcpu < MAX_FD && i < MAX_MAPS && map_of_fd[vcpu][i].start)
		i++;
	if (vcpu < 0 || vcpu >= MAX_FD || i == MAX_MAPS)
		return NULL;
	start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu,
		     (off_t)(first * (size_t)PAGE_SIZE));
	if (start == MAP_FAILED)
		return NULL;
	map_of_fd[vcpu][i].start = start;
	map_of_fd[vcpu][i].size = size;
	return start;
}

long t_run(int vcpu)
{
	return t_ioctl(vcpu, KVM_RUN, 0);
}

long t_run_quick(int vcpu)
{
	return t_ioctl(vcpu, KVM_RUN, 0);
}

void t_start_watchdog(u32 ms)
{
	/* Comes again and again: the first may fall between two runs. */
	struct itimerval timer = {.it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000L},
				  .it_interval = {.tv_usec = 100000}};
	struct sigaction action = {.sa_handler = interrupt_run};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void signal_set(u64 signals, sigset_t *set)
{
	sigemptyset(set);
	for (int n = 1; n <= 64; n++)
		if (signals & T_SIGNAL_BIT(n))
			sigaddset(set, n);
}

void t_signal(int vcpu, u32 signal, u32 ms)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = (int)signal};
	struct itimerspec time = {
		.it_value = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}};
	static timer_t timer;
	static bool made;
	sigset_t set;

	(void)vcpu;
	signal_set(T_SIGNAL_BIT(T_SIGNAL_A) | T_SIGNAL_BIT(T_SIGNAL_B), &set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (!ms) {
		raise((int)signal);
		return;
	}
	if (made)
		timer_delete(timer);
	made = timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
	timer_settime(timer, 0, &time, NULL);
}

u64 t_take_signals(int vcpu, u64 signals)
{
	static const struct timespec now;
	u64 taken = 0;
	sigset_t set;
	int n;

	(void)vcpu;
	signal_set(signals, &set);
	while ((n = sigtimedwait(&set, NULL, &now)) > 0)
		taken |= T_SIGNAL_BIT(n);
	return taken;
}

void *t_alloc(u64 size)
{
	u8 *p = mmap(NULL, size + SIZE_2M, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	return (void *)ALIGN_UP((uintptr_t)p, (uintptr_t)SIZE_2M);
}

void t_printf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	t_vprintf(format, args);
	va_end(args);
}

void t_vprintf(const char *format, va_list args)
{
	vprintf(format, args);
	fflush(stdout);
}
