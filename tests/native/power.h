/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * power.h: a disk whose power can be cut
 *
 * Stands behind the library's dmp_sys_sync and dmp_sys_boot. The file of the ring is what the page cache has; the disk
 * has what completed syncs have written, and besides, as disks are, any sectors that were written back at any moment.
 * A cut leaves of every sector that differs the old content or the new one. Cuts come at ticks: between and within the
 * steps of the game and in the middle of a sync.
 */
#ifndef DMP_NATIVE_POWER_H
#define DMP_NATIVE_POWER_H

#include <fcntl.h>
#include <sys/stat.h>

#include "native.h"
#include "segment.h"

#define SECTOR 512

struct disk {
	const char *cache; /* the file, mapped */
	char *image;	   /* what is on the disk */
	char *left;	   /* what a cut has left */
	size_t size;
	const struct dmp_segment_ *segment;
	uint64_t seed;
	uint64_t ticks;		 /* until the cut; 0: no more */
	uint64_t boots;		 /* so far */
	uint64_t fails;		 /* one sync in so many does; 0: none */
	void (*meanwhile)(void); /* what others do while a sync runs */
	void (*on_cut)(void);
	void (*on_sync)(bool data, bool done);
};

static struct disk disk;

static inline bool a_coin(void)
{
	return stress_below(&disk.seed, 2);
}

static inline void write_sector(size_t sector)
{
	memcpy(disk.image + sector * SECTOR, disk.cache + sector * SECTOR, SECTOR);
}

/* Some of what is dirty is written, for no reason. */
static inline void write_back(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (a_coin())
			write_sector(i);
}

/* Sectors of the page cache may be on their way, too. */
static inline void cut_power(void)
{
	memcpy(disk.left, disk.image, disk.size);
	for (size_t i = 0; i < disk.size / SECTOR; i++)
		if (a_coin())
			memcpy(disk.left + i * SECTOR, disk.cache + i * SECTOR, SECTOR);
	disk.on_cut();
}

static inline void tick(void)
{
	if (disk.ticks && !--disk.ticks)
		cut_power();
	if (disk.ticks && !stress_below(&disk.seed, 50))
		write_back(0, disk.size / SECTOR);
}

static inline size_t offset_of(const char *at)
{
	const struct dmp_segment_ *s = disk.segment;
	const char *head = (const char *)s->head;

	if (at >= head && at < head + s->head_size)
		return (size_t)(at - head);
	assert_ptr_equal(at, s->data);
	return s->head->data_off;
}

/* In pieces, while the world goes on. */
static inline int sync_sectors(size_t from, size_t to)
{
	bool fails = disk.fails && !stress_below(&disk.seed, disk.fails);

	for (size_t i = from; i < to; i++) {
		if (!stress_below(&disk.seed, 8))
			disk.meanwhile();
		tick();
		if (!fails || a_coin())
			write_sector(i);
	}
	tick();
	return fails ? -EIO : 0;
}

/* A sync holds for what was there when it began: what comes later it may take along. */
int dmp_sys_sync(void *at, size_t size)
{
	size_t offset;
	bool data;
	int err;

	if (!disk.image)
		return 0;
	offset = offset_of(at);
	data = at == disk.segment->data;
	disk.on_sync(data, false);
	err = sync_sectors(offset / SECTOR, (offset + size) / SECTOR);
	if (!err)
		disk.on_sync(data, true);
	return err;
}

void dmp_sys_boot(char *id)
{
	memset(id, 0, DMP_BOOT_MAX);
	snprintf(id, DMP_BOOT_MAX, "boot-%" PRIu64, disk.boots);
}

/* ---- the file of a ring that is open now is on the disk as it is ---- */

static inline void plug_in(const struct dmp_ring *ring)
{
	struct stat st;

	assert_int_equal(fstat(dmp_ring_fd(ring), &st), 0);
	disk.size = (size_t)st.st_size;
	disk.segment = ring->segment;
	disk.cache = mmap(NULL, disk.size, PROT_READ, MAP_SHARED, dmp_ring_fd(ring), 0);
	assert_ptr_not_equal(disk.cache, MAP_FAILED);
	disk.left = malloc(disk.size);
	disk.image = malloc(disk.size);
	memcpy(disk.image, disk.cache, disk.size);
}

static inline void unplug(void)
{
	munmap((void *)disk.cache, disk.size);
	free(disk.image);
	disk.image = NULL;
}

/* A new file of what the cut has left, and a new boot. */
static inline void power_up(const struct address *a)
{
	int fd = open(path_of(a), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, disk.left, disk.size), disk.size);
	close(fd);
	free(disk.left);
	disk.boots++;
}

#endif /* DMP_NATIVE_POWER_H */
