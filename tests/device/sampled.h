/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* sampled.h: bpf/counters.bpf.c attached, and what its map has of a member */
#ifndef DMP_TESTS_SAMPLED_H
#define DMP_TESTS_SAMPLED_H

#include <string.h>

#include "bpf/counters.h"
#include "bpf/counters.skel.h"
#include "positions.h"
#include "shell.h"

#define EVENT_SIZE 56

static struct counters_bpf *attached;

/* From now on each is sampled so often. After an hour: at its end, and perhaps once before that. */
static inline void attach(uint32_t sample_ms, uint32_t members, uint32_t gone)
{
	must("echo %u >/sys/module/dmp/parameters/sample_ms", sample_ms);
	attached = counters_bpf__open();
	assert_non_null(attached);
	assert_int_equal(bpf_map__set_max_entries(attached->maps.counters, members), 0);
	assert_int_equal(bpf_map__set_max_entries(attached->maps.counters_gone, gone), 0);
	assert_int_equal(counters_bpf__load(attached), 0);
	assert_int_equal(counters_bpf__attach(attached), 0);
}

static inline int detach(void **state)
{
	(void)state;
	counters_bpf__destroy(attached);
	attached = NULL;
	must("echo 100 >/sys/module/dmp/parameters/sample_ms");
	return 0;
}

/* ---- what the map has ---- */

struct sought {
	uint64_t ring;
	const char *name;
	struct dmp_member_key key; /* of the last one with that name */
	struct dmp_member_counters c;
};

static inline bool find(struct sought *s)
{
	struct dmp_member_key key, *last = NULL;
	bool found = false;

	s->key.incarnation = 0;
	for (; !bpf_map__get_next_key(attached->maps.counters, last, &key, sizeof(key)); last = &key)
		if (key.ring == s->ring && !strcmp(key.name, s->name) && key.incarnation > s->key.incarnation) {
			s->key = key;
			found = true;
		}
	return found && !bpf_map__lookup_elem(attached->maps.counters, &s->key, sizeof(s->key), &s->c, sizeof(s->c), 0);
}

static inline struct sought sought(uint64_t ring, const char *name)
{
	return (struct sought){ .ring = ring, .name = name };
}

static inline bool is_known(uint64_t ring, const char *name)
{
	struct sought s = sought(ring, name);

	return find(&s);
}

static inline bool is_there(void *arg)
{
	return find(arg);
}

static inline bool has_left(void *arg)
{
	struct sought *s = arg;

	return find(s) && s->c.left && find(s); /* again: now it is all of the last sample */
}

static inline struct sought last_of(uint64_t ring, const char *name)
{
	struct sought s = sought(ring, name);

	await(has_left, &s, "the last sample");
	return s;
}

static inline uint64_t missed(void)
{
	uint32_t zero = 0;
	uint64_t n;

	assert_int_equal(bpf_map__lookup_elem(attached->maps.counters_missed, &zero, sizeof(zero), &n, sizeof(n), 0),
			 0);
	return n;
}

#endif /* DMP_TESTS_SAMPLED_H */
