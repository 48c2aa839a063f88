/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * claim.pml: several producers claim by compare-and-swap, publish, abort, die; the kernel repairs, in repair.inc
 * (lib/several.c: try_take, win, recorded, dmp_abort_several_; loops.h, ring.h: dmp_publish). Letters: ring.h
 *
 * PRODUCERS make CLAIMS claims each, one at a time, of 1 or BATCH positions, and publish or (ABORTS) abort them. The first
 * DIE of them may die at any instruction; any may be as slow as it likes, that is, stopped. One that finds no room waits
 * for it, or gives up. A slot is used again once the stamps say that the lap before is done. JOINS=1: another one joins
 * after one has died, when the others have died or are through; JOINS=2: or are not.
 *
 * Left out: gates (they only take room away), payloads, the shared lower bound of the prefix (who scans remembers its own),
 * sleeping (mpwake.pml), and who lies. The kernel's accesses are locked or one by one, so it has no store buffer. Its delayed
 * work looks again whenever memory has changed: a ring that stays undecided for ever is a deadlock, which the checker reports.
 *
 * Never is a live claim repaired, nor one whose first slot was published; nobody writes a slot whose lap before is not done;
 * a batch is published as a whole or not at all, whoever looks and whenever; and in the end each claimed position is
 * published or aborted, by its owner or, if that died, by the kernel.
 *
 * The broken twins are marked TWIN; what is not as built and holds too, SAME. What each shows: run.
 */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef CLAIMS
#define CLAIMS 2
#endif
#ifndef BATCH
#define BATCH 1
#endif
#ifndef DIE
#define DIE 1
#endif
#ifndef SLOTS
#define SLOTS 2 /* or 3 */
#endif
#ifdef JOINS
#define PLACES (PRODUCERS + 1)
#else
#define PLACES PRODUCERS
#endif
#define POSITIONS (PLACES * CLAIMS * BATCH + SLOTS)

#define NCPU PLACES
#define CLAIMED 0
#define LO(p) (1 + 3 * (p))
#define HI(p) (2 + 3 * (p))
#define WON(p) (3 + 3 * (p))
#define STAMP(n) (1 + 3 * PLACES + (n) % SLOTS)
#define NADDR (1 + 3 * PLACES + SLOTS)

#define WRITING(n) (4 * (n) + 1)
#define PUBLISHED(n) (4 * (n) + 2)
#define ABORTED(n) (4 * (n) + 3)
#define DONE(stamp, n) ((stamp) >= PUBLISHED(n))

/* Ghosts. */
byte owner[POSITIONS];	 /* 1 + who claimed it */
bool two[POSITIONS];	 /* a batch of two begins here */
bool stamped[POSITIONS]; /* its owner has stored its last stamp */

/* If the first of a batch, in slot i, is published, the second is, or is used again; if aborted, the second is never published. */
#define V(i) mem[STAMP(i)]
#define begins_two(i) (V(i) % 4 >= 2 && two[V(i) / 4])
#define alike(i) \
	(!begins_two(i) || V((i) + 1) == V(i) + 4 || V((i) + 1) > V(i) + 5 || (V(i) % 4 == 3 && V((i) + 1) < V(i) + 3))
#define all_or_none() assert(alike(0) && alike(1) && alike(SLOTS - 1))

bool changed; /* memory, since the kernel's last look */
#define STORED changed = 1; all_or_none();
#include "tso_cpus.inc"

#define THERE 0
#define DEAD 1	    /* the kernel has not heard yet */
#define GONE 2
byte left[PLACES];  /* ring->mutex */
byte ended;	    /* producers that are through */
byte writers;	    /* one of them is a writer by its bit: its record tells what it has claimed */
bool unrecorded;    /* of some claims no record of a writer tells */

/* ---- producers ---- */

#define may_die() if :: skip :: p < DIE -> goto dead fi
#define STORE(x, v) atomic { ST(p, x, v); may_die() }

inline replace() /* the compare-and-swap */
{
	atomic {
		EMPTY(p) ->
		if
		:: mem[CLAIMED] == c ->
			mem[CLAIMED] = c + k;
			changed = 1;
			owner[c] = p + 1;
			if :: k > 1 -> owner[c + 1] = p + 1; two[c] = 1 :: else fi;
			n = k
		:: else -> c = mem[CLAIMED] /* another was faster */
		fi
	}
}

inline record() /* P */
{
	STORE(LO(p), c);
	STORE(HI(p), c + k)
}

#ifndef has_room /* TWIN: true, "nobody gates" taken for room */
#define has_room (c + k <= seen + SLOTS)
#endif

inline try_take()
{
	do
	:: n == 0 && has_room ->
#ifndef RECORD_LATE /* TWIN */
		record();
#endif
#ifdef WON_EARLY /* TWIN */
		STORE(WON(p), c + k);
#endif
		atomic { replace(); tried = 1; may_die() }
	:: n == 0 && !has_room ->
#ifndef KEEPS /* TWIN */
		if :: tried -> STORE(HI(p), 0) :: else fi;
#endif
		break
	:: n > 0 ->
#ifdef RECORD_LATE
		record();
#endif
#ifndef WON_EARLY
		STORE(WON(p), c + k); /* P */
#endif
		break
	od;
	tried = 0
}

#ifdef RECORDED
#ifdef CLAIMED_LAST /* TWIN */
#define before_records skip
#define after_records  first = LD(p, CLAIMED)
#else
#define before_records first = LD(p, CLAIMED)
#define after_records  skip
#endif

/* N, by the records: all below the first open claim is done, and nothing is claimed from "claimed" on. */
inline look_at_records()
{
	before_records;
#ifdef UNRECORDED_FIRST /* TWIN */
	tried = unrecorded;
#endif
	w = writers;
	do
	:: j < PLACES && (w & (1 << j)) ->
		lo = LD(p, LO(j));
		if :: lo < LD(p, HI(j)) && lo < open -> open = lo :: else fi;
		atomic { lo = 0; j++ }
	:: j < PLACES && !(w & (1 << j)) -> j++
	:: else -> break
	od;
	after_records;
#ifndef UNRECORDED_FIRST
	tried = unrecorded;
#endif
#ifdef UNRECORDED_UNSEEN /* TWIN */
	tried = 0;
#endif
	first = (open < first -> open : first);
	atomic {
		if :: !tried && first > seen -> seen = first :: else fi;
		first = 0; open = POSITIONS; j = 0; w = 0; tried = 0
	}
}
#else
#define look_at_records() skip
#endif

/* As the loops do: all but the first are published at once. */
inline write_slots()
{
	do
	:: j < n ->
		assert(c + j < SLOTS || stamped[c + j - SLOTS] || left[owner[c + j - SLOTS] - 1]);
		assert(c + j < SLOTS || DONE(LD(p, STAMP(c + j)), c + j - SLOTS));
		STORE(STAMP(c + j), WRITING(c + j));
		if
		:: j > 0 -> STORE(STAMP(c + j), PUBLISHED(c + j))
		:: else
		fi;
		j++
	:: else -> break
	od
}

inline stamp_last(i)
{
	atomic {
		stamped[c + i] = 1;
		ST(p, STAMP(c + i), PUBLISHED(c + i) + abort); /* that is ABORTED */
		may_die()
	}
}

inline publish() /* I, then P */
{
#ifdef ABORTS
	if :: abort = 1 :: skip fi;
#endif
#ifdef CLEARS_EARLY /* TWIN */
	STORE(LO(p), c + n);
#endif
#ifdef FORWARD /* TWIN */
	do :: j > 0 -> stamp_last(n - j); j-- :: else -> break od;
#else
	do :: j > 0 -> j--; stamp_last(j) :: else -> break od;
#endif
#ifndef CLEARS_EARLY
	STORE(LO(p), c + n)
#endif
}

proctype Producer(byte p)
{
	byte i, c, k, n, seen, j; /* n: positions of the open claim, which begins at c */
	bool tried, abort;
#ifdef RECORDED
	byte w, lo, first, open = POSITIONS;
#endif

	do
	:: i < CLAIMS ->
		i++;
		if :: k = 1 :: BATCH > 1 -> k = BATCH fi;
		do
		:: n == 0 ->
			c = LD(p, CLAIMED);
			try_take();
			if
			:: n == 0 && DONE(LD(p, STAMP(seen)), seen) -> seen++ /* N */
#ifdef RECORDED
			:: n == 0 -> look_at_records()
#endif
			:: n == 0 -> break /* gives up */
			:: n == 0 && p < DIE -> goto dead
			:: n > 0
			fi
		:: n > 0 -> write_slots(); publish(); break
		od;
		atomic { c = 0; k = 0; n = 0; j = 0; abort = 0 }
	:: else -> break
	od;
	EMPTY(p);
	goto out;
dead:	EMPTY(p);
	atomic { left[p] = DEAD; changed = 1 };
out:	skip;
	d_step { i = 0; c = 0; k = 0; n = 0; seen = 0; j = 0; tried = 0; abort = 0; ended++ }
}

#include "repair.inc"

init {
	atomic {
		writers = (1 << PRODUCERS) - 1;
		run Kernel();
		run Producer(0);
		run Producer(1);
#if PRODUCERS > 2
		run Producer(2);
#endif
#ifdef JOINS
		left[PRODUCERS] = GONE
#endif
	}
}
