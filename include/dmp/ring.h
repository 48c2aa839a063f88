/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * ring.h: the hot path: claim, slot, publish, wait, event, release
 *
 * Contracts are in dmp.h, which includes this file. What loops or enters the kernel is in lib/claim.c and lib/wait.c.
 *
 *
 * ORDER: who stores and loads what, in which order. C, D, E and M are the kernel's (kmod/dmp.h, kmod/wait.c).
 *
 *   writing and reading an event
 *
 *     producer                                      reader
 *     L  full barrier; generation, gate mask,       H  load-acquire the next stamp, or the ring's cursor and the
 *     G  load-acquire the gates' cursors;              dependencies' cursors
 *        generation again                              read the payload
 *     J  store "writing" (packed: the claimed       K  observer: load fence, look at the stamp (packed: the claimed
 *        position); store fence                        position) again
 *        write the payload                          F  consumer: load fence, load the incarnation;
 *     I  store-release the stamps, the first last      store-release the own cursor
 *     A  store-release the ring's cursor
 *
 *   waking: the owner of a sequence (A: the ring's cursor, F: a consumer's)
 *
 *     owner                                         sleeper: one ioctl, WAIT or ARM
 *     A  store-release the cursor                   C  lower notify on every unmet dependency
 *     B  load mode; quiet: done                     D  no grace period seen since mode left quiet: run one
 *        fenced: full barrier, load notify,         E  full barrier, re-check all; met: leave, else sleep
 *        if notify <= cursor: WAKE
 *
 *   joining: the kernel
 *
 *     M  store the gate mask, raise the generation, full barrier, only then compute the start
 *
 *   several producers: the ring's cursor only says how far somebody looked. I is A, and so on:
 *
 *     producer                                      kernel, after a death
 *     N  load-acquire the claimed position, then    R  load the claimed position; full barrier
 *        the records; or the stamps a lap below        load the living producers' records; load barrier
 *        what is to be claimed; then L and G           load the stamps: not done and not covered is an
 *     P  store the record, compare-and-swap the        orphan; exchange it for "aborted"
 *        claimed position, store that it is won;
 *        ..., I, store-release the record's start
 *
 * A  pairs with H: who sees the cursor sees the events below it. Without: payloads of the lap before are read as new.
 *    Pairs with E: see B.
 * B  The mode is read after the store of A, never before; the compiler barrier keeps it so in the code, D in the CPU:
 *    the grace period interrupts every CPU, so an owner that has read "quiet" has its cursor stored before E looks.
 *    Read before, the store could slip past D and E: lost wake. When fenced the full barrier pairs with the one in E;
 *    without it both sides may miss each other's store: lost wake.
 * F  pairs with G: what allows the producer to overwrite must come after the last read. Without: a consumer reads the
 *    lap after. To who sleeps on the consumer's cursor it is A, with B after it. The load fence: the incarnation must
 *    be that of after the reads, else an evicted consumer takes overwritten events for good.
 * G  pairs with F: without the acquire the payload could be written before the consumer has read it.
 * H  pairs with A and I: without the acquire the payload could be read before it is known to be there.
 * I  pairs with H: the stamp is the event's own news. A batch's first comes last, so that a reader in order sees all or
 *    none, and a producer that dies in between has published none. Before A: who repairs a ring moves the cursor
 *    over published stamps, never back.
 * J  pairs with K: "this is being overwritten" must be seen by who sees any of the new payload. Without: an observer
 *    returns a torn event.
 * K  pairs with J: without the load fence the second look could be older than the copy: a torn event passes.
 * N  pairs with P and I, and before L pairs with M: a slot is claimed only when it is done a lap below, whoever gates or
 *    does not, so two producers never write one slot. A record loaded before the claimed position might miss a claim below
 *    it. Looked at after the mask, a joiner might start below what is claimed already.
 * P  pairs with R: an open claim is covered by its producer's record at each moment at which R can see it. Record after
 *    the claim, or taken back before the stamps: a living producer's claim is aborted.
 * L  pairs with M: the producer's own cursor (A) is stored before the mask is read, the kernel's mask before the cursor
 *    is read: one of them sees the other. Without: a joiner starts at an event which the producer, not knowing of the
 *    gate, overwrites. The generation a second time: without it the mask of one moment is combined with the cursors of
 *    another, and a reused bit lets an unread slot be overwritten. Who only spins watches the generation too, by a
 *    load-acquire: what a generation announces (dependencies, the end of the stream) was stored before it.
 */
#ifndef DMP_RING_H
#define DMP_RING_H

#include <errno.h>

#include <dmp.h>

#include <dmp/counting.h>
#include <dmp/order.h>
#include <dmp/seq.h>
#include <dmp/test_point.h>

#ifndef DMP_INLINE
#define DMP_INLINE static inline
#endif
#define DMP_ALWAYS_    static inline __attribute__((always_inline, unused))
#define dmp_likely_(x) __builtin_expect(!!(x), 1)

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/*
 * Chosen by measurement, on one machine: distances and limits of prefetching, pacing and batches. The consumer
 * prefetches from a stride of a line on: below, it stops vectorisation. The producer does in rings that stay in its
 * cache, and for big events in all.
 */
#define DMP_AHEAD_BYTES	     1024	  /* prefetch so far ahead: 16 lines */
#define DMP_AHEAD_READ_MIN   64		  /* stride */
#define DMP_AHEAD_WRITE_BIG  256	  /* stride, whatever the size of the ring */
#define DMP_AHEAD_WRITE_MIN  16		  /* stride, in rings of less than ... */
#define DMP_AHEAD_WRITE_RING (256 * 1024) /* ... so many bytes */
#define DMP_BATCH_MAX	     64		  /* events per batch, unless more are asked for: release in time */
#define DMP_PACE_BATCH	     256 /* on the producer's heels: it finds fewer, or less than a quarter of the ring, ... */
#define DMP_PACE_STREAK	     3	 /* ... at its first look, so often running */
#define DMP_PACE_REST	     16	 /* without pacing: so many batches until the cursor is read again */
#define DMP_MANY	     4	 /* so many at once are a batch: it is told of by the cursor */
#define DMP_NEXT_POLLS	     16	 /* packed: prefetch the next slot after so many looks in vain */

/* Events pos .. end - 1. */
struct dmp_batch {
	uint64_t pos;
	uint64_t end;
};

struct dmp_ops_;     /* lib/ops.h */
struct dmp_maps_;    /* lib/internal.h */
struct dmp_segment_; /* lib/segment.h */
struct dmp_liveness_;
struct dmp_counters_page; /* dmp/counters.h */
struct dmp_counter_slot;

/* Private memory of the process that joined: never shared, never in a mapping. Use the functions. */
struct dmp_member {
	/* The ring as this member sees it: fixed at join. */
	char *data;		 /* the slots, twice in a row */
	uint64_t mask;		 /* slots - 1 */
	uint32_t stride;	 /* bytes from slot to slot */
	uint32_t payload_off;	 /* from slot to payload */
	uint16_t stamped;	 /* a stamp before each payload */
	uint16_t multi;		 /* several producers: nothing but the stamps tells what is published */
	uint32_t lines;		 /* to prefetch per slot */
	uint64_t ahead_write;	 /* slots; all ones: no prefetch */
	struct dmp_cursor *ring; /* the ring's cursor */
	struct dmp_notify *line; /* what the owner looks at after A: the ring's, or the consumer's own */
	__u64 *told;		 /* the ring's cursor. Several producers: theirs is the own claim_lo, others' claimed */

	/* Producer. */
	uint64_t next __attribute__((aligned(64))); /* claimed up to */
	uint64_t limit;				    /* may write below: cached gate + slots; never below next */
	uint64_t published;			    /* the ring's cursor; of several: the first open claim */
	uint64_t claimed;			    /* packed: the highest claimed position stored; stamped: all ones */
	const __u64 *slowest;			    /* the cursor that held the gate at the last look, or NULL */
	uint64_t slowest_at;			    /* what it was then */
	uint64_t free; /* of several: may claim below; limit is next, so each claim is slow */
	__u64 *count;  /* publishes, of several: events published; observer: copied out. NULL: not counted */

	/* Consumer, observer. */
	uint64_t pos __attribute__((aligned(64))); /* released up to; observer: the next to observe */
	uint64_t seen;				   /* known to be published up to; never below pos */
	struct dmp_own *own;			   /* its cursor */
	const struct dmp_entry *entry;		   /* its entry in the member table */
	uint64_t incarnation;			   /* of that entry, at join */
	uint64_t deps;				   /* by member index; as of generation */
	uint64_t ahead_read;			   /* slots; all ones: no prefetch */
	int32_t streak;				   /* batches found at the first look, running */
	uint32_t by_cursor; /* stamped: the producer publishes batches, its cursor tells of all */

	/* Everyone, not per event. */
	uint64_t generation __attribute__((aligned(64))); /* of the membership, as last seen */
	const struct dmp_meta *meta;
	const char *members; /* all members' pages */
	uint32_t member_size;
	uint32_t role;
	uint32_t index;
	int fd;		       /* the member file */
	uint64_t lost;	       /* observer: overwritten since the last one returned */
	uint32_t fenced_looks; /* in vain, since the mode left quiet */
	uint64_t wanted;       /* producer: where the last claim that found no room would have ended */
	struct dmp_wait_strategy wait;
	const struct dmp_ops_ *ops;   /* who owns the memory */
	struct dmp_segment_ *segment; /* shm, file: where it lies */
	struct dmp_maps_ *maps;	      /* what to unmap */
	/* Its counters: lib/counters.c. The slots of the built-in ones if they are shown; if all of them are. */
	struct dmp_counters_page *page;
	struct dmp_counter_slot *counters, *detail;
	uint32_t slots_used;
	uint64_t lag_from;	      /* as many events found at a look, or more, are news */
	uint64_t slept_for, slept_at; /* the last sleep's target and generation */
	/* A producer: of the consumers that its ring requires, see lib/liveness.h. */
	struct dmp_liveness_ *liveness;
};

/* ---- out of line ---- */

int dmp_claim_slow_(struct dmp_member *m, uint64_t n, uint64_t *pos, uint64_t deadline); /* lib/claim.c */
int dmp_try_claim_slow_(struct dmp_member *m, uint64_t n, uint64_t *pos);
int dmp_wait_slow_(struct dmp_member *m, uint64_t n, struct dmp_batch *batch, uint64_t deadline); /* lib/wait.c */
int dmp_try_wait_slow_(struct dmp_member *m, uint64_t n, struct dmp_batch *batch);
int dmp_release_void_(struct dmp_member *m) __attribute__((cold));
void dmp_wake_slow_(struct dmp_member *m, uint64_t cursor) __attribute__((cold));

/* ---- shared by both sides ---- */

DMP_ALWAYS_ char *dmp_slot_(const struct dmp_member *m, uint64_t pos)
{
	return m->data + (pos & m->mask) * m->stride;
}

DMP_ALWAYS_ __u64 *dmp_stamp_(char *slot)
{
	return (__u64 *)(void *)slot;
}

/* B: after a store to a sequence of its own. */
DMP_ALWAYS_ void dmp_wake_(struct dmp_member *m, uint64_t cursor)
{
	dmp_compiler_barrier(); /* B: the mode after the store */
	if (!dmp_likely_(dmp_load_once(m->line->mode) == DMP_MODE_QUIET))
		dmp_wake_slow_(m, cursor);
}

/* ---- producing ---- */

/* The next n positions, which are known to be free. */
DMP_ALWAYS_ void dmp_take_(struct dmp_member *m, uint64_t n, uint64_t *pos)
{
	*pos = m->next;
	m->next += n;
	if (m->next > m->claimed) {
		m->claimed = m->next;
		dmp_store_once(m->ring->claimed, m->next); /* J, pairs with K */
		dmp_store_fence();			   /* J */
	}
	DMP_TEST_POINT(CLAIM_AFTER);
}

/* 1 <= n <= room, in one comparison. */
DMP_ALWAYS_ bool dmp_has_room_(const struct dmp_member *m, uint64_t n)
{
	return n - 1 < m->limit - m->next;
}

DMP_INLINE int dmp_claim_until(struct dmp_member *m, uint64_t n, uint64_t *pos, uint64_t deadline)
{
	DMP_TEST_POINT(CLAIM_BEFORE);
	if (!dmp_likely_(dmp_has_room_(m, n)))
		return dmp_claim_slow_(m, n, pos, deadline);
	dmp_take_(m, n, pos);
	return 0;
}

DMP_INLINE int dmp_claim(struct dmp_member *m, uint64_t n, uint64_t *pos)
{
	return dmp_claim_until(m, n, pos, DMP_FOREVER);
}

DMP_INLINE int dmp_try_claim(struct dmp_member *m, uint64_t n, uint64_t *pos)
{
	DMP_TEST_POINT(CLAIM_BEFORE);
	if (!dmp_likely_(dmp_has_room_(m, n)))
		return dmp_try_claim_slow_(m, n, pos);
	dmp_take_(m, n, pos);
	return 0;
}

/* "Being written", before its payload changes. */
DMP_ALWAYS_ void dmp_stamp_writing_(char *slot, uint64_t stamp)
{
	dmp_store_once(*dmp_stamp_(slot), stamp); /* J, pairs with K */
	dmp_store_fence();			  /* J */
	DMP_TEST_POINT(SLOT_WRITING);
}

/* Take the lines of a slot from who read them last. Only of slots inside the gate: others are still being read. */
DMP_ALWAYS_ void dmp_ahead_write_(const char *slot, uint32_t lines)
{
	const char *end = slot + lines * 64;

	do
		dmp_prefetch_w(slot);
	while ((slot += 64) != end);
}

DMP_ALWAYS_ void dmp_ahead_read_(const char *slot, uint32_t lines)
{
	const char *end = slot + lines * 64;

	do
		dmp_prefetch(slot);
	while ((slot += 64) != end);
}

DMP_INLINE void *dmp_slot(struct dmp_member *m, uint64_t pos)
{
	char *slot = dmp_slot_(m, pos);

	if (m->limit - pos > m->ahead_write)
		dmp_ahead_write_(slot + m->ahead_write * m->stride, m->lines);
	if (m->stamped)
		dmp_stamp_writing_(slot, dmp_stamp_writing(pos));
	return slot + m->payload_off;
}

/*
 * The first slot last, so that a reader in order sees all of the batch or none. The loops have stamped the others when
 * they were written, while their lines were at hand; a second time would fetch them back from who reads ahead.
 */
DMP_ALWAYS_ void dmp_stamp_published_(struct dmp_member *m, uint64_t pos, uint64_t n)
{
	uint64_t stamp = dmp_stamp_published(pos + n), stride = m->stride; /* a stamp might alias the member's own */
	char *first = dmp_slot_(m, pos), *slot = first + n * stride;

	while (slot != first) {
		slot -= stride;
		stamp -= 4;
		if (dmp_load_once(*dmp_stamp_(slot)) != stamp)
			dmp_store_release(*dmp_stamp_(slot), stamp); /* I, pairs with H */
		if (slot != first)
			DMP_TEST_POINT(PUBLISH_PARTLY);
	}
}

DMP_INLINE void dmp_publish(struct dmp_member *m, uint64_t pos, uint64_t n)
{
	if (m->stamped)
		dmp_stamp_published_(m, pos, n);
	DMP_TEST_POINT(PUBLISH_STAMPED);
	m->published = pos + n;
	dmp_store_release(*m->told, pos + n); /* A, pairs with H and E; P: behind the stamps */
	DMP_TEST_POINT(PUBLISH_CURSOR);
	if (m->count)
		dmp_grow(*m->count, m->multi ? n : 1);
	dmp_wake_(m, pos + n);
}

/* ---- consuming ---- */

/* What is known to be there, from the member's place on. */
DMP_ALWAYS_ void dmp_give_(const struct dmp_member *m, uint64_t n, struct dmp_batch *batch)
{
	uint64_t most = n > DMP_BATCH_MAX ? n : DMP_BATCH_MAX;

	batch->pos = m->pos;
	batch->end = m->seen - m->pos > most ? m->pos + most : m->seen;
}

/* 1 <= n <= known to be there, in one comparison. */
DMP_ALWAYS_ bool dmp_has_events_(const struct dmp_member *m, uint64_t n)
{
	return n - 1 < m->seen - m->pos;
}

DMP_INLINE int dmp_wait_until(struct dmp_member *m, uint64_t n, struct dmp_batch *batch, uint64_t deadline)
{
	if (!dmp_has_events_(m, n))
		return dmp_wait_slow_(m, n, batch, deadline);
	dmp_give_(m, n, batch);
	return 0;
}

DMP_INLINE int dmp_wait(struct dmp_member *m, uint64_t n, struct dmp_batch *batch)
{
	return dmp_wait_until(m, n, batch, DMP_FOREVER);
}

DMP_INLINE int dmp_try_wait(struct dmp_member *m, uint64_t n, struct dmp_batch *batch)
{
	if (!dmp_has_events_(m, n))
		return dmp_try_wait_slow_(m, n, batch);
	dmp_give_(m, n, batch);
	return 0;
}

DMP_INLINE const void *dmp_event(const struct dmp_member *m, uint64_t pos)
{
	return dmp_slot_(m, pos) + m->payload_off;
}

DMP_INLINE int dmp_release(struct dmp_member *m, uint64_t end)
{
	if (end - m->pos > m->seen - m->pos)
		return -EINVAL;
	DMP_TEST_POINT(RELEASE_BEFORE);
	dmp_load_fence(); /* F: the incarnation after the last read */
	if (!dmp_likely_(dmp_load_once(m->entry->incarnation) == m->incarnation))
		return dmp_release_void_(m);
	m->pos = end;
	dmp_store_release(m->own->cursor, end); /* F, pairs with G; A to who sleeps on it */
	DMP_TEST_POINT(RELEASE_AFTER);
	dmp_wake_(m, end);
	return 0;
}

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#include <dmp/loops.h>

#endif /* DMP_RING_H */
