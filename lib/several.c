// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * several.c: rings with several producers: claim, abort, wait
 *
 * Producers take positions by compare-and-swap, fill them in any order and stamp each slot; nothing else tells what is
 * published. Letters: dmp/ring.h
 */
#include <errno.h>

#include "internal.h"
#include "liveness.h"

static bool is_done(const struct dmp_member *m, uint64_t pos)
{
	return dmp_stamp_done(dmp_load_acquire(*dmp_stamp_(dmp_slot_(m, pos))), pos); /* H, N: pairs with I */
}

/* ---- producing ---- */

static bool has_open_claim(const struct dmp_member *m)
{
	return m->published != m->next;
}

/* Its range is this producer's, and P says so: if it dies now, all of it is void, whatever is stamped already. */
static void win(struct dmp_member *m, uint64_t lo, uint64_t hi)
{
	DMP_TEST_POINT(CLAIM_WON);
	dmp_store_release(m->own->claim_won, hi);
	m->published = lo;
	m->next = m->limit = hi;
	dmp_prefetch_w(dmp_slot_(m, lo)); /* one line: who reads ahead fetches the others back */
}

/* The next n positions, if there is room for them as far as is known. *at: where they would begin. */
static bool try_take(struct dmp_member *m, uint64_t n, __u64 *at)
{
	bool tried = false;

	*at = dmp_load_once(m->ring->claimed);
	while ((int64_t)(m->free - *at) >= (int64_t)n) {
		uint64_t lo = *at;

		dmp_store_release(m->own->claim_lo, lo);     /* P, pairs with R: before it is claimed */
		dmp_store_release(m->own->claim_hi, lo + n); /* P */
		tried = true;
		DMP_TEST_POINT(CLAIM_RECORDED);
		if (dmp_replace(m->ring->claimed, at, lo + n)) { /* P, pairs with R */
			win(m, lo, lo + n);
			return true;
		}
	}
	/* Others took it all. Covered still, nobody could tell whose it is while this one waits. */
	if (!tried)
		return false;
	DMP_TEST_POINT(CLAIM_LOST);
	dmp_store_release(m->own->claim_hi, 0);
	return false;
}

/* N: everything below is done, by the records of those who claim. 0: of some claims no record tells. */
static uint64_t recorded(const struct dmp_member *m)
{
	uint64_t first = dmp_load_acquire(m->ring->claimed); /* before the records: pairs with P */
	uint64_t writers = dmp_load_acquire(m->meta->writers);

	for (; writers; writers &= writers - 1) {
		const struct dmp_own *own = dmp_own_(m, m->meta->members - 1 - (uint32_t)__builtin_ctzll(writers));
		uint64_t lo = dmp_load_acquire(own->claim_lo);

		if (lo < first && lo < dmp_load_acquire(own->claim_hi))
			first = lo;
	}
	DMP_TEST_POINT(CLAIM_ASKED);
	return dmp_load_once(m->meta->unrecorded) ? 0 : first; /* after the records */
}

/* For others, who then need not look. */
static void tell_published(const struct dmp_member *m, uint64_t n)
{
	__u64 known = dmp_load_once(m->ring->cursor);

	if (n > known)
		dmp_replace(m->ring->cursor, &known, n); /* if not: somebody else has raised it */
}

/*
 * N: everything below is published or aborted: by the records, or else by the stamps up to what is needed. All share the
 * cursor's line, so it is raised for what took a look at stamps, and else by large steps.
 */
static uint64_t published(struct dmp_member *m, uint64_t needed)
{
	uint64_t known = dmp_load_acquire(m->ring->cursor), slots = m->mask + 1, first = recorded(m), n = known, from;

	if (needed > slots && needed - slots > n)
		n = needed - slots; /* nobody looked for long; the positions claimed say that all that is done */
	if (first > n)
		n = first;
	from = n;
	while (n < needed && is_done(m, n))
		n++;
	DMP_TEST_POINT(CLAIM_LOOKED);
	if (n > from || n - known > slots / 8)
		tell_published(m, n);
	return n;
}

static uint64_t a_lap_below(const struct dmp_member *m, uint64_t pos)
{
	uint64_t slots = m->mask + 1;

	return pos > slots ? pos - slots : 0;
}

static int look_for_room(struct dmp_member *m, struct dmp_want_ *w)
{
	uint64_t slots = m->mask + 1, done;
	__u64 at;

	if (try_take(m, w->n, &at))
		return 0;
	w->target = a_lap_below(m, at + w->n);
	if (w->looks && dmp_still_full_(m))
		return -EAGAIN;
	done = published(m, w->target);
	m->free = dmp_gate_(m, done) + slots; /* L after N */
	if (try_take(m, w->n, &at))
		return 0;
	w->target = a_lap_below(m, at + w->n); /* others may have claimed meanwhile */
	tell_published(m, done);	       /* who has stalled goes by it */
	return -EAGAIN;
}

/* One claim at a time: the record could not tell two from what others have claimed between them. */
static int claimable(const struct dmp_member *m, uint64_t n)
{
	if (m->role != DMP_ROLE_PRODUCER)
		return -EACCES;
	if (has_open_claim(m))
		return -EBUSY;
	return n - 1 <= m->mask ? 0 : -EINVAL;
}

static int claimed(const struct dmp_member *m, int err, uint64_t *pos)
{
	if (err)
		return err;
	*pos = m->published;
	dmp_detail_(m, DMP_COUNTER_AT_BATCHES, 1);
	DMP_TEST_POINT(CLAIM_AFTER);
	return 0;
}

int dmp_try_claim_several_(struct dmp_member *m, uint64_t n, uint64_t *pos)
{
	struct dmp_want_ w = { .n = n };
	int err = claimable(m, n);

	if (!err)
		err = dmp_may_claim_(m, 0);
	return claimed(m, err ? err : look_for_room(m, &w), pos);
}

int dmp_claim_several_(struct dmp_member *m, uint64_t n, uint64_t *pos, uint64_t deadline)
{
	struct dmp_want_ w = { .n = n, .deadline = deadline };
	int err = claimable(m, n);

	if (!err)
		err = dmp_may_claim_(m, deadline);
	if (!err)
		err = dmp_room_loop_(m, &w, look_for_room);
	return claimed(m, err, pos);
}

int dmp_abort_several_(struct dmp_member *m, uint64_t pos, uint64_t n)
{
	uint64_t i;

	if (pos != m->published)
		return -EINVAL;
	for (i = n; i--;) {
		dmp_store_release(*dmp_stamp_(dmp_slot_(m, pos + i)), dmp_stamp_aborted(pos + i)); /* I, pairs with H */
		if (i)
			DMP_TEST_POINT(ABORT_PARTLY);
	}
	DMP_TEST_POINT(ABORT_STAMPED);
	m->published = pos + n;
	dmp_store_release(*m->told, pos + n); /* P, pairs with R */
	dmp_wake_(m, pos + n);
	return 0;
}

bool dmp_watched_is_done_(const struct dmp_member *m)
{
	return is_done(m, dmp_load_once(m->line->notify) - 1);
}

/* ---- consuming ---- */

/* How far it may read at most: what its dependencies have released, never more than a ring's worth. */
static uint64_t end_of_reach(const struct dmp_member *m, uint64_t n)
{
	uint64_t most = n > DMP_BATCH_MAX ? n : DMP_BATCH_MAX, end = m->pos + most;
	uint64_t deps;

	for (deps = m->deps; deps; deps &= deps - 1) {
		const struct dmp_own *own = dmp_own_(m, (uint32_t)__builtin_ctzll(deps));
		uint64_t cursor = dmp_load_acquire(own->cursor); /* H, pairs with F of the dependency */

		if ((int64_t)(cursor - end) < 0)
			end = cursor;
	}
	return end;
}

static bool is_aborted(const struct dmp_member *m, uint64_t pos)
{
	return dmp_load_acquire(*dmp_stamp_(dmp_slot_(m, pos))) == dmp_stamp_aborted(pos); /* H, pairs with I */
}

/* Nothing before them has still to be released, so they are released at once. */
static void skip_aborted(struct dmp_member *m, uint64_t end)
{
	uint64_t pos = m->pos;

	while ((int64_t)(end - pos) > 0 && is_aborted(m, pos))
		pos++;
	if (pos == m->pos)
		return;
	DMP_TEST_POINT(SKIP_SEEN);
	dmp_store_once(m->own->aborted, m->own->aborted + (pos - m->pos));
	DMP_TEST_POINT(SKIP_COUNTED);
	m->pos = m->seen = pos;
	dmp_store_release(m->own->cursor, pos); /* F, pairs with G */
	dmp_wake_(m, pos);
}

/* On from seen over what is published; *stamp: of the slot it stopped at, if it is below end. */
static uint64_t run(const struct dmp_member *m, uint64_t end, uint64_t *stamp)
{
	uint64_t n = m->seen, want = dmp_stamp_published(n), stride = m->stride;
	char *slot = dmp_slot_(m, n);

	*stamp = 0;
	for (; (int64_t)(end - n) > 0; n++, want += 4, slot += stride) {
		*stamp = dmp_load_acquire(*dmp_stamp_(slot)); /* H, pairs with I */
		if (dmp_likely_(*stamp == want))
			continue;
		if (!dmp_stamp_done(*stamp, n) || *stamp == dmp_stamp_aborted(n))
			break;
	}
	return n;
}

static bool look_at_run(struct dmp_member *m, struct dmp_want_ *w)
{
	uint64_t end = end_of_reach(m, w->n), stamp;

	if (m->seen == m->pos)
		skip_aborted(m, end);
	m->seen = run(m, end, &stamp);
	w->target = m->pos + w->n;
	if (m->seen - m->pos >= w->n)
		return true;
	return m->seen != m->pos && stamp == dmp_stamp_aborted(m->seen);
}

/* At the end of the stream want no more than is left. -EAGAIN: not the end, or a dependency has still to release it. */
static int shorten(struct dmp_member *m, struct dmp_want_ *w)
{
	uint64_t left;

	if (!dmp_has_ended_(m))
		return -EAGAIN;
	if (look_at_run(m, w))
		return 0;
	left = dmp_available(dmp_load_acquire(m->ring->cursor), m->pos, m->mask + 1) - m->pos; /* H, pairs with A */
	if (!left)
		return -EPIPE;
	if (left >= w->n)
		return -EAGAIN;
	w->n = left;
	return 0;
}

static int look_for_run(struct dmp_member *m, struct dmp_want_ *w)
{
	int err;

	do {
		if (look_at_run(m, w))
			return 0;
		err = dmp_watch_(m);
		if (err == -EAGAIN)
			err = shorten(m, w);
	} while (!err);
	return err;
}

/* On the producers' heels, and not all that a batch may have: as keep_pace in wait.c. */
static void keep_pace(struct dmp_member *m, const struct dmp_want_ *w)
{
	m->streak = w->looks ? 0 : m->streak + 1;
	if (m->streak < DMP_PACE_STREAK || m->seen - m->pos >= DMP_BATCH_MAX)
		return;
	dmp_pause_for_(m->wait.pace);
}

static int found(struct dmp_member *m, int err, uint64_t n, struct dmp_batch *batch)
{
	if (err)
		return err;
	dmp_count_found_(m);
	dmp_give_(m, n, batch);
	return 0;
}

int dmp_wait_several_(struct dmp_member *m, uint64_t n, struct dmp_batch *batch, uint64_t deadline)
{
	struct dmp_want_ w = { .n = n, .deadline = deadline };
	int err = dmp_waitable_(m, n);

	if (!err)
		err = dmp_wait_loop_(m, &w, look_for_run);
	if (!err)
		keep_pace(m, &w);
	if (err == -ETIMEDOUT && !look_for_run(m, &w))
		err = 0; /* the kernel waits for n events: a slot may have been aborted meanwhile, and make it a short batch */
	return found(m, err, n, batch);
}

int dmp_try_wait_several_(struct dmp_member *m, uint64_t n, struct dmp_batch *batch)
{
	struct dmp_want_ w = { .n = n };
	int err = dmp_waitable_(m, n);

	if (!err)
		err = look_for_run(m, &w);
	return err ? dmp_count_try_(m, err) : found(m, 0, n, batch);
}
