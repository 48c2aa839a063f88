// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* sys.c: ioctl, mmap and the clock as -errno */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "sys.h"

#define WEAK __attribute__((weak))

WEAK int dmp_sys_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

WEAK void dmp_sys_close(int fd)
{
	close(fd);
}

WEAK int dmp_sys_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

WEAK int dmp_sys_map(void **at, size_t size, int prot, int fd, uint64_t offset)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, fd, (off_t)offset);

	if (p == MAP_FAILED)
		return -errno;
	*at = p;
	return 0;
}

WEAK void dmp_sys_unmap(void *at, size_t size)
{
	munmap(at, size);
}

WEAK int dmp_sys_sync(void *at, size_t size)
{
	return msync(at, size, MS_SYNC) ? -errno : 0;
}

WEAK void dmp_sys_boot(char *id)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	memset(id, 0, DMP_BOOT_MAX);
	if (fd < 0)
		return;
	if (read(fd, id, DMP_BOOT_MAX - 1) < 0)
		id[0] = 0;
	close(fd);
}

WEAK uint64_t dmp_sys_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

WEAK void dmp_sys_yield(void)
{
	sched_yield();
}
