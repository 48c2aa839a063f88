// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* attack.c: see attack.h */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"

#define TARGETS 4

struct fight {
	int ring;
	uint32_t role;
	attack_fn fn;
	uint64_t *step;
};

enum { JOINED, GO, DONE, END };

/* The regions it may only read; returns how many. */
static int targets_of(const struct raw *m, struct target t[TARGETS])
{
	size_t members = (size_t)m->meta->members * m->meta->member_size;

	t[0] = (struct target){ m->fd, DMP_OFF_META, (char *)m->meta, m->meta->meta_size };
	t[1] = (struct target){ m->fd, DMP_OFF_MEMBERS, m->members, members };
	t[2] = (struct target){ m->fd, DMP_OFF_CURSOR, (char *)m->cursor, DMP_PAGE };
	t[3] = (struct target){ m->fd, DMP_OFF_DATA, m->data, 2 * m->meta->data_size };
	return m->role == DMP_ROLE_PRODUCER ? 2 : 4;
}

static void attack_one(attack_fn fn, const struct target *t)
{
	char *before = malloc(t->size);

	memcpy(before, t->p, t->size);
	fn(t);
	assert_memory_equal(before, t->p, t->size);
	free(before);
}

static int be_hostile(void *arg)
{
	struct fight *f = arg;
	struct target t[TARGETS];
	struct raw m;
	int i, n;

	become(1001);
	m = raw_join(f->ring, f->role, "hostile");
	n = targets_of(&m, t);
	store_shared(&f->step[JOINED], 1);
	await_shared(&f->step[GO], 1);
	for (i = 0; i < n; i++)
		attack_one(f->fn, &t[i]);
	store_shared(&f->step[DONE], 1);
	await_shared(&f->step[END], 1);
	return 0;
}

/* All bytes of a ring, as somebody else sees them. */
static char *copy_ring(const struct raw *m, size_t *size)
{
	struct target t[TARGETS];
	struct raw all = *m;
	size_t at = 0;
	char *copy;
	int i;

	all.role = DMP_ROLE_OBSERVER;
	targets_of(&all, t);
	*size = t[0].size + t[1].size + t[2].size + t[3].size;
	copy = malloc(*size);
	for (i = 0; i < TARGETS; at += t[i++].size)
		memcpy(copy + at, t[i].p, t[i].size);
	return copy;
}

/* Returns what the hostile child came to. */
static int fight(struct fight *f, const struct raw *witness)
{
	pid_t child = start_child(be_hostile, f);
	char *before, *after;
	int result, same;
	size_t size;

	await_shared(&f->step[JOINED], 1);
	before = copy_ring(witness, &size);
	store_shared(&f->step[GO], 1);
	result = finish_unless_shared(child, &f->step[DONE], 1);
	after = copy_ring(witness, &size);
	same = !memcmp(before, after, size);
	if (!result) {
		store_shared(&f->step[END], 1);
		result = finish_child(child);
		assert_true(same);
	}
	free(before);
	free(after);
	return result;
}

static void attack_as(attack_fn fn, uint32_t role)
{
	struct fight f = { .role = role, .fn = fn, .step = shared_memory(DMP_PAGE) };
	struct dmp_create args = create_args(NULL);
	struct raw p, o;

	args.slots = 4 * SLOTS; /* no region is as long as another, or half of it */
	f.ring = ring_create(&args);
	p = raw_join(f.ring, DMP_ROLE_PRODUCER, "p");
	o = raw_join(f.ring, DMP_ROLE_OBSERVER, "o");
	raw_publish(&p, 4 * SLOTS);
	if (role == DMP_ROLE_PRODUCER)
		raw_leave(&p);
	assert_int_equal(fight(&f, &o), 0);
	if (role != DMP_ROLE_PRODUCER)
		raw_leave(&p);
	raw_leave(&o);
	close(f.ring);
	free_shared_memory(f.step, DMP_PAGE);
}

void attack_by(attack_fn fn)
{
	attack_as(fn, DMP_ROLE_CONSUMER);
	attack_as(fn, DMP_ROLE_OBSERVER);
	attack_as(fn, DMP_ROLE_PRODUCER);
}
