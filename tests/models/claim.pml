/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * claim.pml: several producers claim by compare-and-swap, publish, abort, die; the kernel repairs (kmod/repair.c)
 *
 * PRODUCERS make CLAIMS claims each of 1 or BATCH positions, up to OPEN at once, and publish or (ABORTS) abort them in
 * order. The first DIE of them may die at any instruction; any may be as slow as it likes, that is, stopped. A slot is used
 * again once the stamps say that the lap before is done. JOINS: another one joins at any time, after all have gone too.
 *
 * Left out: gates (they only take room away), payloads, the shared lower bound of the prefix (who scans remembers its own),
 * sleeping (mpwake.pml). The kernel's accesses are locked or one by one, so it has no store buffer. Its delayed work looks
 * again whenever memory has changed: a ring that stays undecided for ever is a deadlock, which the checker reports.
 *
 * Never is a live claim repaired, nor one that was published; nobody writes a slot whose lap before is not done; and in the
 * end each claimed position is published or aborted, by its owner or, if that died, by the kernel.
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
#ifndef OPEN
#define OPEN 1
#endif
#ifndef DIE
#define DIE 1
#endif
#ifndef SLOTS
#define SLOTS 2
#endif
#ifdef JOINS
#define PLACES (PRODUCERS + 1)
#else
#define PLACES PRODUCERS
#endif
#define POSITIONS (PLACES * CLAIMS * BATCH + 1)

#define NCPU PLACES
#define CLAIMED 0
#define LO(p) (1 + 2 * (p))
#define HI(p) (2 + 2 * (p))
#define STAMP(n) (1 + 2 * PLACES + (n) % SLOTS)
#define NADDR (1 + 2 * PLACES + SLOTS)

#define WRITING(n) (4 * (n) + 1)
#define PUBLISHED(n) (4 * (n) + 2)
#define ABORTED(n) (4 * (n) + 3)
#define DONE(stamp, n) ((stamp) >= PUBLISHED(n))

bool changed; /* memory, since the kernel's last look */
#define STORED changed = 1
#include "tso_cpus.inc"

bool gone[PLACES];	/* ring->mutex: has left */
bool died;		/* somebody has; the kernel has not heard yet */
byte ended;		/* producers that are through */
/* Ghosts. */
byte owner[POSITIONS];	/* 1 + who claimed it */
bool stamped[POSITIONS]; /* its owner has stored its last stamp */

/* ---- producers ---- */

#define may_die() if :: skip :: p < DIE -> goto dead fi

inline take() /* the compare-and-swap */
{
	atomic {
		EMPTY(p) ->
		if
		:: mem[CLAIMED] == c ->
			mem[CLAIMED] = c + k;
			changed = 1;
			owner[c] = p + 1;
			if :: k > 1 -> owner[c + 1] = p + 1 :: else fi;
			taken = 1
		:: else -> c = mem[CLAIMED] /* another was faster */
		fi
	}
}

inline record()
{
	if
#ifndef LO_MOVES /* TWIN */
	:: n > 0 -> skip
	:: n == 0 ->
#else
	:: true ->
#endif
		ST(p, LO(p), c);
		may_die()
	fi;
	ST(p, HI(p), c + k);
	may_die()
}

/* The record as if the try had not been. */
inline give_back()
{
#ifndef KEEPS /* TWIN */
	if
	:: n > 0 && LD(p, HI(p)) != pos + n -> ST(p, HI(p), pos + n); may_die()
	:: n == 0 && LD(p, HI(p)) != LD(p, LO(p)) -> j = LD(p, LO(p)); ST(p, HI(p), j); j = 0; may_die()
	:: else
	fi;
#endif
	skip
}

#ifdef OWN_LIMIT /* TWIN: "nobody gates" taken for room */
#define has_room true
#else
#define has_room (c + k <= seen + SLOTS)
#endif
#define next_done DONE(LD(p, STAMP(seen)), seen)

proctype Producer(byte p)
{
	byte i, c, k, seen, j;
	byte pos, n, pos2, n2; /* open claims: the older one, the newer one; 0: none */
	bool taken;

	do
	:: i < CLAIMS && (n == 0 || (OPEN > 1 && n2 == 0)) ->
		i++;
		if :: k = 1 :: BATCH > 1 -> k = BATCH fi;
		c = LD(p, CLAIMED);
		do
		:: taken -> break
		:: !taken && has_room ->
			may_die();
#ifndef RECORD_LATE /* TWIN */
			record();
#endif
			take()
		:: !taken && !has_room && next_done -> seen++
		:: !taken && !has_room && !next_done ->
			give_back();
			if
#ifndef WAITS_HOLDING /* TWIN */
			:: n > 0 -> break /* only tries */
#endif
			:: next_done -> seen++
			:: p < DIE -> goto dead
			fi
		od;
		may_die();
		if
		:: taken ->
#ifdef RECORD_LATE
			record();
#endif
			if
			:: n == 0 -> pos = c; n = k
			:: else -> pos2 = c; n2 = k
			fi
		:: else
		fi;
		d_step { c = 0; k = 0; taken = 0 }
	:: n > 0 -> /* publish, or abort, the older one */
#ifdef CLEARS_EARLY /* TWIN */
		ST(p, LO(p), pos + n);
		may_die();
#endif
		do
		:: j < n ->
			assert(pos + j < SLOTS || stamped[pos + j - SLOTS] || gone[owner[pos + j - SLOTS] - 1]);
			assert(pos + j < SLOTS || DONE(LD(p, STAMP(pos + j)), pos + j - SLOTS));
			ST(p, STAMP(pos + j), WRITING(pos + j));
			may_die();
			j++
		:: else -> break
		od;
		do
		:: j > 0 ->
			j--;
			atomic {
				stamped[pos + j] = 1;
				if
				:: ST(p, STAMP(pos + j), PUBLISHED(pos + j))
#ifdef ABORTS
				:: ST(p, STAMP(pos + j), ABORTED(pos + j))
#endif
				fi
			};
			may_die()
		:: else -> break
		od;
#ifndef CLEARS_EARLY
		ST(p, LO(p), pos + n);
#endif
		atomic { pos = pos2; n = n2; pos2 = 0; n2 = 0 };
		may_die()
	:: i == CLAIMS && n == 0 -> break
	od;
	EMPTY(p);
	goto out;
dead:	EMPTY(p);
	atomic { gone[p] = 1; died = 1; changed = 1 };
out:	skip;
	d_step { i = 0; c = 0; k = 0; seen = 0; j = 0; pos = 0; n = 0; pos2 = 0; n2 = 0; taken = 0; ended++ }
}

/* ---- the kernel ---- */

/* Does the record of one that lives cover s? Reads what may change between one load and the next. */
inline read_records()
{
	do
	:: q < PLACES && !covered ->
		if
#ifdef DEAD_COVER /* TWIN */
		:: true ->
#else
		:: !gone[q] ->
#endif
			lo = mem[LO(q)];
			covered = (lo <= s && s < mem[HI(q)]);
			lo = 0
		:: else
		fi;
		q++
	:: else -> break
	od;
	q = 0
}

inline abort(value)
{
	atomic {
		if
#ifndef NO_CMPXCHG /* TWIN with STAMP_FIRST, else SAME */
		:: mem[STAMP(s)] != value
#endif
		:: else ->
			assert(gone[owner[s] - 1]);
			assert(!stamped[s]);
			assert(mem[STAMP(s)] < PUBLISHED(s) && (s < SLOTS || DONE(mem[STAMP(s)], s - SLOTS)));
			mem[STAMP(s)] = ABORTED(s);
			changed = 1
		fi
	}
}

inline decide()
{
#ifdef STAMP_FIRST /* SAME */
	v = mem[STAMP(s)];
#endif
#ifndef RECORDS_FIRST /* TWIN */
	read_records();
#endif
#ifndef STAMP_FIRST
	v = mem[STAMP(s)];
#endif
	if
	:: !covered && !DONE(v, s) -> abort(v)
	:: else
	fi;
	atomic { covered = 0; v = 0 }
}

inline pass()
{
#ifdef RECORDS_FIRST
	s = prefix;
	read_records();
#endif
	c = mem[CLAIMED];
	do
	:: prefix < c && DONE(mem[STAMP(prefix)], prefix) -> prefix++
	:: else -> break
	od;
	s = prefix;
	do
	:: s < c && s < prefix + SLOTS -> decide(); s++
	:: else -> break
	od;
	atomic { s = 0; c = 0 }
}

proctype Kernel()
{
	byte prefix, bound, c, s, v, q, lo;
	bool covered, joined;

	do
	:: atomic { died -> died = 0 };
		c = mem[CLAIMED];
		d_step { bound = (c > bound -> c : bound); c = 0 }
	:: !died && prefix < bound && changed ->
		changed = 0;
		pass();
#ifdef NO_LOOK_AGAIN /* TWIN */
		if :: changed :: else -> bound = prefix fi
#endif
#ifdef JOINS
	:: !died && !joined -> /* under the same mutex */
		joined = 1;
		atomic { gone[PRODUCERS] = 0; run Producer(PRODUCERS) }
#endif
	:: ended == PLACES && !died && prefix >= bound -> break
	od;
	c = mem[CLAIMED];
	s = (c > SLOTS -> c - SLOTS : 0);
	do
	:: s < c -> assert(DONE(mem[STAMP(s)], s)); s++
	:: else -> break
	od
}

init {
	atomic {
		run Kernel();
		run Producer(0);
		run Producer(1);
#if PRODUCERS > 2
		run Producer(2);
#endif
#ifdef JOINS
		gone[PRODUCERS] = 1
#endif
	}
}
