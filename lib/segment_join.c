// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* segment_join.c: a new member of a ring that no kernel owns: rules, seat, gate, start; as kmod/join.c and member.c */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "segment.h"

/* ---- arguments ---- */

static bool is_name(const char *name, bool may_be_empty)
{
	char plain[DMP_NAME_MAX];

	return name[0] ? !dmp_plain_name_(plain, name) : may_be_empty;
}

static int check_consumer(const struct dmp_join *a)
{
	if (a->policy > DMP_POLICY_FAIL || a->ndeps >= DMP_MAX_GATES || (a->hold && a->policy != DMP_POLICY_HOLD))
		return -EINVAL;
	return a->policy > DMP_POLICY_DROP ? -EOPNOTSUPP : 0;
}

static int check_args(const struct dmp_join *a)
{
	bool consumer = a->role == DMP_ROLE_CONSUMER;

	if (a->role < DMP_ROLE_PRODUCER || a->role > DMP_ROLE_OBSERVER || !is_name(a->name, !consumer))
		return -EINVAL;
	if (a->from > DMP_FROM_POSITION || (a->role == DMP_ROLE_PRODUCER && a->from))
		return -EINVAL;
	if (consumer)
		return check_consumer(a);
	return a->policy || a->hold || a->ndeps ? -EINVAL : 0;
}

static uint32_t right_of(uint32_t role)
{
	return role == DMP_ROLE_PRODUCER ? DMP_RIGHT_W : role == DMP_ROLE_CONSUMER ? DMP_RIGHT_X : DMP_RIGHT_R;
}

/* ---- rules ---- */

static struct dmp_entry *find_consumer(const struct dmp_segment_ *s, const char *name)
{
	uint32_t i;

	for (i = 0; i < s->shape.members && i < DMP_MAX_GATES; i++) {
		struct dmp_entry *e = &s->table[i];

		if (e->role == DMP_ROLE_CONSUMER && !strncmp(e->name, name, DMP_MEMBER_NAME_MAX) &&
		    (e->state == DMP_MEMBER_JOINED || e->state == DMP_MEMBER_HELD))
			return e;
	}
	return NULL;
}

static int find_deps(const struct dmp_segment_ *s, const struct dmp_join *a, uint64_t *deps)
{
	const char(*names)[DMP_MEMBER_NAME_MAX] = (const void *)(uintptr_t)a->deps;
	uint32_t i;

	*deps = 0;
	for (i = 0; i < a->ndeps; i++) {
		const struct dmp_entry *e;

		if (!is_name(names[i], false))
			return -EINVAL;
		e = find_consumer(s, names[i]);
		if (!e)
			return -ENOENT;
		*deps |= 1ULL << (e - s->table);
	}
	return 0;
}

static bool is_busy(const struct dmp_segment_ *s)
{
	uint32_t i;

	for (i = 0; i < s->shape.members; i++)
		if (s->table[i].role == DMP_ROLE_PRODUCER && s->table[i].state == DMP_MEMBER_JOINED)
			return true;
	return false;
}

static uint32_t count_observers(const struct dmp_segment_ *s)
{
	uint32_t i, n = 0;

	for (i = 0; i < s->shape.members; i++)
		n += s->table[i].role == DMP_ROLE_OBSERVER && s->table[i].state != DMP_MEMBER_FREE;
	return n;
}

/* Consumers from the bottom, for their index is their bit in the gate mask; the others from the top. */
static int find_seat(const struct dmp_segment_ *s, uint32_t role, uint32_t *index)
{
	uint32_t members = s->shape.members, i;

	if (role == DMP_ROLE_OBSERVER && count_observers(s) >= members / 2)
		return -ENOSPC;
	for (i = 0; i < members; i++) {
		*index = role == DMP_ROLE_CONSUMER ? i : members - 1 - i;
		if (role == DMP_ROLE_CONSUMER && i >= DMP_MAX_GATES)
			break;
		if (s->table[*index].state == DMP_MEMBER_FREE)
			return 0;
	}
	return -ENOSPC;
}

/* ---- starts ---- */

static int start_consumer(const struct dmp_segment_ *s, const struct dmp_join *a, uint64_t deps, uint64_t gates,
			  uint64_t *start)
{
	uint64_t cursor = dmp_load_once(s->cursor->cursor), slots = s->shape.slots;
	uint64_t floor = cursor > slots ? cursor - slots : 0, oldest = cursor, latest = cursor;

	for (; gates; gates &= gates - 1) {
		uint64_t at = dmp_load_once(dmp_seat_own_(s, (uint32_t)__builtin_ctzll(gates))->cursor);

		oldest = at < oldest ? at : oldest;
		if (deps & gates & -gates)
			latest = at < latest ? at : latest;
	}
	oldest = oldest > floor ? oldest : floor;
	latest = latest > floor ? latest : floor;
	if (a->from == DMP_FROM_POSITION && (a->position < oldest || a->position > latest))
		return -ERANGE;
	*start = a->from == DMP_FROM_POSITION ? a->position : a->from == DMP_FROM_OLDEST ? oldest : latest;
	return 0;
}

static int start_other(const struct dmp_segment_ *s, const struct dmp_join *a, uint64_t *start)
{
	uint64_t cursor = dmp_load_once(s->cursor->cursor), slots = s->shape.slots;

	if (a->from == DMP_FROM_POSITION && a->position > cursor)
		return -ERANGE;
	if (a->from == DMP_FROM_POSITION)
		*start = a->position;
	else
		*start = a->from == DMP_FROM_LATEST ? cursor : cursor > slots ? cursor - slots : 0;
	return 0;
}

static int start_of(const struct dmp_segment_ *s, const struct dmp_join *a, uint64_t deps, uint64_t gates,
		    uint64_t *start)
{
	return a->role == DMP_ROLE_CONSUMER ? start_consumer(s, a, deps, gates, start) : start_other(s, a, start);
}

/* ---- admission ---- */

/* What a member joins as, decided before any effect. */
struct place {
	uint32_t index;
	uint64_t deps;
	uint64_t start;
	bool held; /* it goes on where one of its name died */
};

/* Whether one of the set waits, by way of others, for consumer i: a dead one's dependants are there before it. */
static bool waits_for(const struct dmp_segment_ *s, uint64_t set, uint32_t i)
{
	uint64_t seen = 0, todo = set;

	while (todo && !(seen >> i & 1)) {
		uint32_t next = (uint32_t)__builtin_ctzll(todo);

		seen |= 1ULL << next;
		todo = (todo | s->table[next].deps) & ~seen & dmp_possible_gates_(s);
	}
	return seen >> i & 1;
}

/* A consumer of this name is there already: it may go on in a dead one's place, of the same user. */
static int take_place_of(const struct dmp_segment_ *s, const struct dmp_entry *e, struct place *p)
{
	p->index = (uint32_t)(e - s->table);
	if (e->state != DMP_MEMBER_HELD || s->seats[p->index].uid != geteuid())
		return -EEXIST;
	if (waits_for(s, p->deps, p->index))
		return -EINVAL;
	p->held = true;
	p->start = dmp_load_once(dmp_seat_own_(s, p->index)->cursor);
	return 0;
}

static int find_place(const struct dmp_segment_ *s, const struct dmp_join *a, struct place *p)
{
	const struct dmp_entry *e;
	int err;

	if (a->role == DMP_ROLE_PRODUCER && is_busy(s))
		return -EBUSY;
	err = find_deps(s, a, &p->deps);
	if (err)
		return err;
	e = a->role == DMP_ROLE_CONSUMER ? find_consumer(s, a->name) : NULL;
	if (e)
		return take_place_of(s, e, p);
	err = start_of(s, a, p->deps, s->meta->gates & dmp_possible_gates_(s), &p->start);
	return err ? err : find_seat(s, a->role, &p->index);
}

/* From the mask on the consumer gates, at 0 until its start is known: that holds the producer up, and frees nothing. */
static int gate(struct dmp_segment_ *s, const struct dmp_join *a, struct place *p)
{
	uint64_t gates = s->meta->gates & dmp_possible_gates_(s);
	int err;

	dmp_store_once(s->meta->gates, gates | 1ULL << p->index);
	DMP_TEST_POINT(MEMBERSHIP);
	dmp_segment_raise_generation_(s);
	err = start_of(s, a, p->deps, gates, &p->start);
	if (!err)
		dmp_store_release(dmp_seat_own_(s, p->index)->cursor, p->start); /* F in its stead, pairs with G */
	DMP_TEST_POINT(MEMBERSHIP);
	return err;
}

static void begin_producer(struct dmp_segment_ *s)
{
	dmp_store_once(s->meta->epoch, s->meta->epoch + 1);
	DMP_TEST_POINT(MEMBERSHIP);
	dmp_store_once(s->meta->ended, (__u32)DMP_END_OPEN);
	DMP_TEST_POINT(MEMBERSHIP);
}

static void fill_seat(struct dmp_segment_ *s, uint32_t i)
{
	memset(&s->seats[i], 0, sizeof(s->seats[i]));
	s->seats[i].pid = getpid();
	s->seats[i].uid = geteuid();
}

static void fill_entry(struct dmp_segment_ *s, const struct dmp_join *a, const struct place *p)
{
	struct dmp_entry *e = &s->table[p->index];

	e->role = a->role;
	e->policy = a->policy;
	e->deps = p->deps;
	e->start = p->start;
	memcpy(e->name, a->name, sizeof(e->name));
	e->incarnation++;
	DMP_TEST_POINT(MEMBERSHIP);
	dmp_store_release(e->state, (__u32)DMP_MEMBER_JOINED);
	DMP_TEST_POINT(MEMBERSHIP);
}

/* With everything that may fail done. After an error settle() takes the gate away again. */
static int begin(struct dmp_segment_ *s, const struct dmp_join *a, struct place *p)
{
	int err = 0;

	fill_seat(s, p->index);
	DMP_TEST_POINT(MEMBERSHIP);
	if (!p->held)
		memset(s->members + (size_t)p->index * s->shape.member_size, 0, s->shape.member_size);
	if (a->role == DMP_ROLE_CONSUMER && !p->held)
		err = gate(s, a, p);
	else if (a->role == DMP_ROLE_PRODUCER)
		begin_producer(s);
	if (a->role != DMP_ROLE_OBSERVER)
		dmp_segment_own_sequence_(s, a->role == DMP_ROLE_CONSUMER ? 1 + p->index : 0);
	if (!err)
		fill_entry(s, a, p);
	dmp_segment_settle_(s);
	return err;
}

static int admit(struct dmp_segment_ *s, struct dmp_maps_ *maps, const struct dmp_join *a, struct place *p)
{
	int err;

	dmp_segment_sweep_(s);
	err = find_place(s, a, p);
	if (!err)
		err = dmp_segment_map_(s, maps, a->role, p->index);
	if (err)
		return err;
	err = dmp_try_lock_(s->fds[0], DMP_LOCK_MEMBER_ + p->index);
	if (!err)
		err = begin(s, a, p);
	if (err) {
		dmp_unlock_(s->fds[0], DMP_LOCK_MEMBER_ + p->index);
		dmp_unmap_(maps);
		return err;
	}
	dmp_segment_set_mine_(s, p->index, true);
	return 0;
}

int dmp_segment_join_(struct dmp_member *m, const struct dmp_ring *ring, struct dmp_join *args)
{
	struct dmp_segment_ *s = ring->segment;
	struct place place = { 0 };
	int err = check_args(args);

	if (!err && !(ring->rights & right_of(args->role)))
		err = -EACCES;
	if (!err)
		err = dmp_segment_lock_(s);
	if (err)
		return err;
	err = admit(s, m->maps, args, &place);
	if (!err) {
		m->segment = dmp_segment_again_(s);
		args->position = place.start;
		args->index = place.index;
		args->incarnation = s->table[place.index].incarnation;
	}
	dmp_segment_unlock_(s);
	DMP_TEST_POINT(JOIN_AFTER);
	m->fd = -EOPNOTSUPP;
	return err;
}
