// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* scene.c: nothing in here is counted */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scene.h"

void must(const char *what, int err)
{
	if (!err)
		return;
	fprintf(stderr, "cost: %s: %s\n", what, strerror(-err));
	exit(1);
}

static uint32_t counters_of(const struct mode *mode)
{
	if (mode->flags & MODE_NONE)
		return DMP_COUNTERS_NONE;
	return mode->flags & MODE_FULL ? DMP_COUNTERS_FULL : DMP_COUNTERS_LITE;
}

static struct dmp_member *join(struct scene *s, uint32_t role, const char *name, const struct mode *mode)
{
	struct dmp_join_options options = { .name = name, .counters = counters_of(mode) };
	struct dmp_member *m;

	must("join", dmp_join(s->ring, role, &options, &m));
	return m;
}

/*
 * Nobody but the module has rings with several producers. Their slots, lines and code are those of any stamped ring, so
 * one of shared memory will do for what makes no system call.
 */
static void make_several(struct dmp_member *m)
{
	m->multi = true;
	m->told = m->role == DMP_ROLE_PRODUCER ? &m->own->claim_lo : &m->ring->claimed;
	if (m->counters && m->role == DMP_ROLE_PRODUCER)
		m->count = &m->counters[DMP_COUNTER_AT_PUBLISHED].value;
}

void scene_open(struct scene *s, const struct mode *mode)
{
	struct dmp_ring_options options = {
		.slots = SCENE_SLOTS,
		.event_size = mode->event_size,
		.members = SCENE_GATES_MAX + 2,
		.flags = mode->flags & ~(uint32_t)(DMP_RING_MULTI | MODE_NONE | MODE_FULL),
	};
	char name[16];
	uint32_t i;

	must("create", dmp_ring_create(&s->ring, "shm:", &options));
	for (s->gates = 0; s->gates < mode->gates; s->gates++) {
		snprintf(name, sizeof(name), "c%u", s->gates);
		s->consumers[s->gates] = join(s, DMP_ROLE_CONSUMER, name, mode);
	}
	s->producer = join(s, DMP_ROLE_PRODUCER, "p", mode);
	s->observer = join(s, DMP_ROLE_OBSERVER, "o", mode);
	if (mode->flags & DMP_RING_MULTI) {
		make_several(s->producer);
		make_several(s->observer);
		for (i = 0; i < s->gates; i++)
			make_several(s->consumers[i]);
	}
}

void scene_close(struct scene *s)
{
	uint32_t i;

	dmp_leave(s->observer);
	dmp_leave(s->producer);
	for (i = 0; i < s->gates; i++)
		dmp_leave(s->consumers[i]);
	dmp_ring_close(s->ring);
}

uint64_t scene_claim(struct scene *s, uint64_t n)
{
	uint64_t pos;

	must("claim", dmp_try_claim(s->producer, n, &pos));
	return pos;
}

void scene_publish(struct scene *s, uint64_t n)
{
	uint64_t pos = scene_claim(s, n), *event;

	dmp_for_each_slot(event, s->producer, pos, n)
		*event = pos;
	dmp_publish(s->producer, pos, n);
}

static struct dmp_batch wait_for_one(struct dmp_member *consumer)
{
	struct dmp_batch batch;

	must("wait", dmp_try_wait(consumer, 1, &batch));
	return batch;
}

struct dmp_batch scene_wait(struct scene *s)
{
	return wait_for_one(s->consumers[0]);
}

void scene_catch_up(struct scene *s)
{
	struct dmp_member *consumer = s->consumers[0];

	while (dmp_position(consumer) != dmp_position(s->producer))
		must("release", dmp_release(consumer, wait_for_one(consumer).end));
}

void scene_release_one(struct scene *s)
{
	uint32_t i;

	for (i = 0; i < s->gates; i++)
		must("release", dmp_release(s->consumers[i], wait_for_one(s->consumers[i]).pos + 1));
}
