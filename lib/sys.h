/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * sys.h: the module, the disk and the clock, as 0 or -errno
 *
 * All symbols are weak, so that a test which defines them is the kernel, or the disk.
 */
#ifndef DMP_LIB_SYS_H
#define DMP_LIB_SYS_H

#include <stddef.h>
#include <stdint.h>

#define DMP_DEVICE "/dev/dmp"

/* Returns the descriptor. */
int dmp_sys_open(const char *path, int flags);
void dmp_sys_close(int fd);

/* Returns what the call returns, 0 or more. */
int dmp_sys_ioctl(int fd, unsigned long request, void *arg);

/* Shared; prot as for mmap. */
int dmp_sys_map(void **at, size_t size, int prot, int fd, uint64_t offset);
void dmp_sys_unmap(void *at, size_t size);
int dmp_sys_sync(void *at, size_t size); /* to the disk; returns once it is there */

#define DMP_BOOT_MAX 40
void dmp_sys_boot(char *id); /* which boot of the machine this is, in DMP_BOOT_MAX bytes, padded with NULs */

uint64_t dmp_sys_now(void); /* CLOCK_MONOTONIC, ns */
void dmp_sys_yield(void);

#endif /* DMP_LIB_SYS_H */
