/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * join.pml: consumers join and leave while producers run (kmod/member.c: begin_consumer, dmp_member_raise; kmod/join.c:
 * start_consumer; kmod/place.c: drop; kmod/wake.c: dmp_wake_changed; lib/claim.c: dmp_gate_, look_for_room; -DMULTI:
 * lib/several.c: published, look_for_room, kmod/stamps.c: dmp_published). Letters: include/dmp/ring.h
 *
 * Producers write N positions into SLOTS slots, each as far as its cached limit goes; then it reads the gates again. Members
 * read as many events as they like, then leave, if they do. A change of membership is made under ring->mutex.
 *
 *   -DSCENARIO=1   nobody gates; two members join at the latest position, leave, and join again: bits of the mask are reused
 *              2   member 0 gates from the start, member 1 joins at the oldest position, that is, where member 0 is
 *              3   as 2, at the position that was the oldest before: -ERANGE if it is no more
 *              4   as 2, then member 1 leaves and member 2 joins at the latest position, by the bit that member 1 had
 *              5   member 1 depends on member 0 and starts where that is
 *   -DMULTI        two producers; published is what the stamps say; in scenario 1 one member joins, once
 *   -DSLEEPS       a producer without room sleeps until all gates have crossed its target; all are to read to the end.
 *                  Sleeping itself is wake.pml's: here it is one step
 *
 * No member finds a position from its start on overwritten that it has not read. Whoever sleeps is woken: all end.
 *
 * Left out: eviction (what was read since the last release is void then), hostile cursors. The broken twins are marked
 * TWIN; what is not as built and holds too, SAME. What each shows: run.
 */
#ifndef SCENARIO
#define SCENARIO 1
#endif
#ifndef N
#define N 5
#endif
#define SLOTS 2
#ifndef READS
#define READS 2
#endif

#ifdef MULTI
#define NCPU 2
#elif SCENARIO == 4
#define NCPU 4
#else
#define NCPU 3
#endif
#define NOWHERE 200
#define MASK 0
#define GENERATION 1
#define OWN(b) (2 + (b))	    /* the cursor of who has this bit */
#define CURSOR 4		    /* MULTI: how far somebody has looked */
#define CLAIMED 5
#define STAMP(n) (6 + (n) % SLOTS)  /* position + 1 */
#define NADDR (6 + SLOTS)
#include "tso_cpus.inc"

#define DONE(stamp, n) ((stamp) > (n))

bool mutex, left1;
byte prefix;		/* ring->published */
byte ended, sleepers;
bool queued[2];		/* SLEEPS: the producer, on the cursor of who has this bit */
byte target;
/* Ghosts. */
bool on[3];
byte pos[3];		/* read up to */
byte written;		/* at most */

#define overwrites(i) (on[i] && pos[i] + SLOTS <= n)
inline write_event()
{
	d_step {
		assert(!overwrites(0) && !overwrites(1) && !overwrites(2));
		written = (n + 1 > written -> n + 1 : written)
	}
}

/* ---- producers ---- */

#define smaller(b) if :: m & (1 << (b)) -> c = LD(p, OWN(b)); if :: c < gate -> gate = c :: else fi :: else fi

/* gate comes in as the highest it can be. */
inline read_gates()
{
	top = gate;
	do
	:: true ->
#ifndef NO_L /* TWIN */
		EMPTY(p); /* L */
#endif
		g = LD(p, GENERATION);
		m = LD(p, MASK);
		gate = top;
		smaller(0); /* G */
		smaller(1);
		atomic { m = 0; c = 0 };
		if
#ifndef ONCE /* TWIN */
		:: LD(p, GENERATION) != g
#endif
		:: else -> break
		fi
	od;
	atomic { g = 0; top = 0 }
}

/* The gates at the moment of C: a joiner's may be at 0 still. */
inline sleep()
{
	atomic {
		EMPTY(p) ->
		target = n + 1 - SLOTS;
		queued[0] = (mem[MASK] & 1 && mem[OWN(0)] < target);
		queued[1] = (mem[MASK] & 2 && mem[OWN(1)] < target)
	}
	atomic { !queued[0] && !queued[1] -> target = 0 }
}

#ifndef MULTI
proctype Producer(byte p)
{
	byte n, limit, gate, top, g, m, c;

	do
	:: n < N && n < limit ->
		write_event();
		n++;
		ST(p, CURSOR, n) /* A */
	:: n < N && n >= limit ->
		gate = n;
		read_gates();
		d_step { limit = gate + SLOTS; gate = 0 };
#ifdef SLEEPS
		if :: n >= limit -> sleep() :: else fi
#endif
	:: n == N -> break
	od;
	EMPTY(p);
	ended++
}
#else

inline look_at_stamps() /* N */
{
	seen = LD(p, CURSOR);
	do :: seen < n && DONE(LD(p, STAMP(seen)), seen) -> seen++ :: else -> break od;
	atomic { EMPTY(p) -> mem[CURSOR] = (seen > mem[CURSOR] -> seen : mem[CURSOR]) }
}

proctype Producer(byte p)
{
	byte n, limit, gate, top, g, m, c, seen;

	do
	:: n < N && n < limit ->
		atomic {
			EMPTY(p) ->
			if
			:: mem[CLAIMED] == n -> mem[CLAIMED] = n + 1; c = 1
			:: else -> n = mem[CLAIMED]
			fi
		};
		if :: c == 1 -> c = 0; write_event(); ST(p, STAMP(n), n + 1); n++ /* I */ :: else fi
	:: n < N && n >= limit ->
		n = LD(p, CLAIMED);
#ifndef N_AFTER_L /* TWIN */
		look_at_stamps();
		gate = seen;
		read_gates();
#else
		gate = NOWHERE;
		read_gates();
		look_at_stamps();
		gate = (seen < gate -> seen : gate);
#endif
		atomic { limit = gate + SLOTS; gate = 0; seen = 0 }
	:: n >= N -> break
	od
}
#endif

/* ---- the kernel, on the CPU of who joins or leaves ---- */

#define LOCK() atomic { !mutex -> mutex = 1 }
#define UNLOCK() atomic { BARRIER -> mutex = 0 }
/* MULTI: a member's stores are seen at once, the release of an event a step later than it was read. */
#ifdef MULTI
#define SEEN(x) mem[x]
#define STORE(x, v) mem[x] = v
#define BARRIER true
#else
#define CPU (1 + i)
#define SEEN(x) LD(CPU, x)
#define STORE(x, v) ST(CPU, x, v)
#define BARRIER EMPTY(CPU)
#endif

inline raise_generation() /* M */
{
	g = SEEN(GENERATION);
	STORE(GENERATION, g + 1);
#ifndef NO_M /* TWIN */
	BARRIER;
#endif
	g = 0
}

inline store_mask(mask)
{
#ifdef GENERATION_FIRST /* TWIN */
	raise_generation();
	STORE(MASK, mask);
	BARRIER
#else
	STORE(MASK, mask); /* M */
	raise_generation()
#endif
}

inline published()
{
#ifdef MULTI
	c = prefix;
	do :: c < SEEN(CLAIMED) && DONE(SEEN(STAMP(c)), c) -> c++ :: else -> break od;
	atomic { prefix = (c > prefix -> c : prefix); c = prefix }
#else
	c = SEEN(CURSOR)
#endif
}

#define LATEST 0
#define OLDEST 1
#define POSITION 2
#define DEPENDENT 3

/* The start, in r. In the scenarios only member 0 gates that long. */
inline start()
{
	published();
	r = c;
	if
	:: how != LATEST && m & 1 -> c = SEEN(OWN(0)); r = (c < r -> c : r)
	:: else
	fi;
#ifdef OLDEST_IS_A_LAP /* TWIN */
	r = (r > SLOTS -> r - SLOTS : 0);
#endif
	c = 0
}

inline join()
{
	LOCK();
	m = SEEN(MASK);
	if :: how == POSITION -> start(); want = r :: else fi;
#ifndef STALE_GATE /* SAME */
	STORE(OWN(b), 0); /* its page, before anybody can look */
#endif
#ifdef START_FIRST /* TWIN */
	start();
#endif
	store_mask(m | (1 << b));
#ifndef START_FIRST
	start();
#endif
	if
	:: how == POSITION && r > want ->
#ifdef RANGE_UNCHECKED /* TWIN */
		r = want
#else
		store_mask(m); /* -ERANGE */
		UNLOCK();
		goto out
#endif
	:: else
	fi;
	d_step { on[i] = 1; pos[i] = r; assert(written <= r + SLOTS) };
	STORE(OWN(b), r); /* F in its stead */
	raise_generation();
#ifdef SLEEPS
#ifndef NO_LOOK /* TWIN */
	atomic { queued[0] = 0; queued[1] = 0 };
#endif
#endif
	UNLOCK();
	atomic { m = 0; r = 0; want = 0 }
}

inline leave()
{
	LOCK();
	d_step { on[i] = 0; pos[i] = 0 };
	m = SEEN(MASK);
	store_mask(m & ~(1 << b));
	m = 0;
	UNLOCK()
}

/* ---- members ---- */

#ifdef MULTI
#define there (DONE(SEEN(STAMP(pos[i])), pos[i])) /* H */
#else
#define there (SEEN(CURSOR) > pos[i]) /* H */
#endif
#define released (how != DEPENDENT || SEEN(OWN(0)) > pos[i])
#ifdef SLEEPS
#define reads true
#else
#define reads (k < READS)
#endif

inline release() /* F */
{
	pos[i] = pos[i] + 1;
	STORE(OWN(b), pos[i]);
#ifdef SLEEPS
	atomic { BARRIER -> queued[b] = queued[b] && pos[i] < target }
#endif
}

inline consume()
{
	do
	:: reads && pos[i] < N && there && released -> k++; release()
#ifdef SLEEPS
	:: pos[i] == N -> break
#else
	:: break
#endif
	od;
	k = 0
}

/* Member 0, where it gates from the start. */
proctype First(byte i; byte b; byte how)
{
	byte k;

	consume();
	BARRIER;
	ended++
}

proctype Member(byte i; byte b; byte how; byte rounds)
{
	byte m, r, c, g, k, want;

	do
	:: rounds > 0 ->
		rounds--;
		join();
		consume();
#ifndef SLEEPS
		leave()
#endif
	:: else -> break
	od;
out:	BARRIER;
	atomic { left1 = 1; ended++ }
}

#if SCENARIO == 4
proctype Third()
{
	left1;
	run Member(2, 1, LATEST, 1)
}
#endif

init {
	atomic {
		run Producer(0);
#ifdef MULTI
		run Producer(1);
#endif
#if SCENARIO == 1
#ifdef MULTI
		run Member(0, 0, LATEST, 1)
#else
		run Member(0, 0, LATEST, 2);
		run Member(1, 1, LATEST, 1)
#endif
#else
		mem[MASK] = 1;
		on[0] = 1;
		run First(0, 0, LATEST);
#if SCENARIO == 2
		run Member(1, 1, OLDEST, 1)
#elif SCENARIO == 3
		run Member(1, 1, POSITION, 1)
#elif SCENARIO == 4
		run Member(1, 1, OLDEST, 1);
		run Third()
#else
		run Member(1, 1, DEPENDENT, 1)
#endif
#endif
	}
#ifdef SLEEPS
	ended == 3
#endif
}
