/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* scene.h: a ring of a backend with a producer "p" and a consumer "c" that count, for others to look at */
#ifndef DMP_TESTS_SCENE_H
#define DMP_TESTS_SCENE_H

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <dmp.h>

#include "../helpers.h"

static const char *backend; /* "shm:", "dmp:" */

struct scene {
	char address[DMP_NAME_MAX + 8];
	struct dmp_ring *ring;
	struct dmp_member *p, *c;
};

static inline void make_anew(struct scene *s, uint32_t members, uint32_t flags)
{
	const struct dmp_ring_options options = {
		.slots = 64, .event_size = 56, .members = members, .mode = 0701, .flags = DMP_RING_STAMPED | flags
	};

	assert_int_equal(dmp_ring_create(&s->ring, s->address, &options), 0);
}

static inline struct scene make_scene(uint32_t members)
{
	struct scene s = { .ring = NULL };

	snprintf(s.address, sizeof(s.address), "%s%.59s", backend, unique_name("survey").s);
	make_anew(&s, members, 0);
	return s;
}

static inline struct dmp_member *join_counting(const struct scene *s, uint32_t role, const char *name)
{
	const struct dmp_join_options o = { .name = name, .counters = DMP_COUNTERS_FULL };
	struct dmp_member *m = NULL;

	assert_int_equal(dmp_join(s->ring, role, &o, &m), 0);
	return m;
}

static inline void join_both(struct scene *s)
{
	s->c = join_counting(s, DMP_ROLE_CONSUMER, "c");
	s->p = join_counting(s, DMP_ROLE_PRODUCER, "p");
}

static inline void leave_all(struct scene *s)
{
	dmp_leave(s->p);
	dmp_leave(s->c);
	dmp_ring_close(s->ring);
	s->p = s->c = NULL;
	s->ring = NULL;
}

static inline void publish_some(const struct scene *s, uint64_t n)
{
	uint64_t pos, i;

	assert_int_equal(dmp_claim(s->p, n, &pos), 0);
	for (i = 0; i < n; i++)
		memset(dmp_slot(s->p, pos + i), 0, 56);
	dmp_publish(s->p, pos, n);
}

static inline void consume_some(const struct scene *s, uint64_t n)
{
	struct dmp_batch batch;

	assert_int_equal(dmp_wait(s->c, n, &batch), 0);
	assert_int_equal(dmp_release(s->c, batch.pos + n), 0);
}

static inline bool is_there(const struct scene *s)
{
	struct dmp_ring *ring = NULL;
	int err = dmp_ring_open(&ring, s->address, 0);

	dmp_ring_close(ring);
	assert_true(!err || err == -ENOENT);
	return !err;
}

/* As dmp ls shows it. */
static inline const char *listed_name(const struct scene *s)
{
	return strncmp(s->address, "dmp:", 4) ? s->address : s->address + 4;
}

#endif /* DMP_TESTS_SCENE_H */
