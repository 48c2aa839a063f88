// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * export_pins.c: the maps that 'dmp trace --pin' has pinned, read by bpf(2) itself: it takes no libbpf
 *
 * In batches, which come by each element once, however many come and go meanwhile.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "export.h"

#define BATCH 512 /* elements at a time */

/* ---- bpf(2) ---- */

static int sys_bpf(int what, union bpf_attr *attr)
{
	long n = syscall(SYS_bpf, what, attr, sizeof(*attr));

	return n < 0 ? -errno : (int)n;
}

static int open_pin(const char *folder, const char *name)
{
	char path[PATH_MAX];
	union bpf_attr attr = { .pathname = (uint64_t)(uintptr_t)path, .file_flags = BPF_F_RDONLY };

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return sys_bpf(BPF_OBJ_GET, &attr);
}

/* The kernel writes as much as the map has, not as much as we have room for. */
static int check_sizes(int fd, uint32_t key, uint32_t value)
{
	struct bpf_map_info info = { .type = 0 };
	union bpf_attr attr = {
		.info = { .bpf_fd = (uint32_t)fd, .info_len = sizeof(info), .info = (uint64_t)(uintptr_t)&info }
	};
	int err = sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);

	if (err)
		return err;
	return info.type == BPF_MAP_TYPE_HASH && info.key_size == key && info.value_size == value ? 0 : -EPROTO;
}

/* ---- a whole map: elements, each a key and its value ---- */

struct elements {
	char *list;
	uint32_t count;
	uint32_t key, value; /* sizes */
	char *keys, *values; /* of a batch */
};

static int append(struct elements *e, uint32_t n)
{
	size_t size = e->key + e->value;
	char *list = realloc(e->list, (e->count + n + 1) * size), *to;
	uint32_t i;

	if (!list)
		return -ENOMEM;
	e->list = list;
	for (i = 0; i < n; i++, e->count++) {
		to = list + e->count * size;
		memcpy(to, e->keys + (size_t)i * e->key, e->key);
		memcpy(to + e->key, e->values + (size_t)i * e->value, e->value);
	}
	return 0;
}

static int read_batches(int fd, struct elements *e)
{
	union bpf_attr attr = { .batch = { .map_fd = (uint32_t)fd,
					   .keys = (uint64_t)(uintptr_t)e->keys,
					   .values = (uint64_t)(uintptr_t)e->values } };
	uint32_t position[2]; /* of hash tables one is enough */
	int err, end;

	do {
		attr.batch.out_batch = (uint64_t)(uintptr_t)position;
		attr.batch.count = BATCH;
		end = sys_bpf(BPF_MAP_LOOKUP_BATCH, &attr);
		if (end && end != -ENOENT)
			return end;
		err = append(e, attr.batch.count);
		attr.batch.in_batch = attr.batch.out_batch;
	} while (!err && !end);
	return err;
}

static int read_elements(int fd, struct elements *e)
{
	int err = check_sizes(fd, e->key, e->value);

	if (err)
		return err;
	e->keys = malloc((size_t)BATCH * e->key);
	e->values = malloc((size_t)BATCH * e->value);
	err = e->keys && e->values ? read_batches(fd, e) : -ENOMEM;
	free(e->keys);
	free(e->values);
	return err;
}

/* Its elements, each as the two stand in a struct, one behind the other. */
static int read_map(const char *folder, const char *name, uint32_t key, uint32_t value, void **list, uint32_t *count)
{
	struct elements e = { .key = key, .value = value };
	int err, fd = open_pin(folder, name);

	if (fd < 0)
		return fd;
	err = read_elements(fd, &e);
	close(fd);
	if (err)
		free(e.list);
	*list = err ? NULL : e.list;
	*count = err ? 0 : e.count;
	return err;
}

_Static_assert(sizeof(struct sampled) == sizeof(struct dmp_member_key) + sizeof(struct dmp_member_counters), "no gap");
_Static_assert(sizeof(struct timed) == sizeof(struct dmp_ring_key) + sizeof(struct dmp_latency), "no gap");

/* ---- in order ---- */

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_sampled(const void *one, const void *other)
{
	const struct sampled *a = one, *b = other;
	int order = compare_numbers(a->key.ring, b->key.ring);

	if (!order)
		order = compare_numbers(a->key.index, b->key.index);
	return order ? order : compare_numbers(a->key.incarnation, b->key.incarnation);
}

static int compare_timed(const void *one, const void *other)
{
	const struct timed *a = one, *b = other;

	return compare_numbers(a->key.ring, b->key.ring);
}

const struct sampled *find_sampled(const struct pins *pins, uint64_t ring, const struct counted *m)
{
	const struct sampled wanted = {
		.key = { .ring = ring, .index = m->info.index, .incarnation = m->info.incarnation }
	};

	return pins->members ? bsearch(&wanted, pins->member, pins->members, sizeof(wanted), compare_sampled) : NULL;
}

const struct dmp_latency *find_latency(const struct pins *pins, uint32_t which, uint64_t ring)
{
	const struct timed wanted = { .key.ring = ring }, *found = NULL;

	if (pins->rings[which])
		found = bsearch(&wanted, pins->ring[which], pins->rings[which], sizeof(wanted), compare_timed);
	return found ? &found->value : NULL;
}

/* ---- all ---- */

/* -ENOENT: that one is not pinned. */
static int read_members(const char *folder, struct pins *pins)
{
	void *list;
	int err = read_map(folder, "counters", sizeof(struct dmp_member_key), sizeof(struct dmp_member_counters), &list,
			   &pins->members);

	if (err)
		return err;
	pins->member = list;
	qsort(pins->member, pins->members, sizeof(*pins->member), compare_sampled);
	return 0;
}

static int read_latencies(const char *folder, const char *name, struct pins *pins, uint32_t which)
{
	void *list;
	int err = read_map(folder, name, sizeof(struct dmp_ring_key), sizeof(struct dmp_latency), &list,
			   &pins->rings[which]);

	if (err)
		return err;
	pins->ring[which] = list;
	qsort(pins->ring[which], pins->rings[which], sizeof(*pins->ring[which]), compare_timed);
	return 0;
}

int read_pins(const char *folder, struct pins *pins)
{
	static const char *const names[LATENCIES] = { "wake_to_run", "time_asleep", "kill_to_ungate" };
	int err, first;
	uint32_t i;

	*pins = (struct pins){ .members = 0 };
	first = read_members(folder, pins);
	for (i = 0; i < LATENCIES && (!first || first == -ENOENT); i++) {
		err = read_latencies(folder, names[i], pins, i);
		first = !err || err == -ENOENT ? (first && err) * -ENOENT : err;
	}
	if (first)
		free_pins(pins);
	return first;
}

void free_pins(struct pins *pins)
{
	uint32_t i;

	free(pins->member);
	for (i = 0; i < LATENCIES; i++)
		free(pins->ring[i]);
	*pins = (struct pins){ .members = 0 };
}
