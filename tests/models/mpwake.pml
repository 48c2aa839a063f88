/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * mpwake.pml: sleep and wake on a ring with several producers (kmod/wait.c, wake.c, mode.c; letters: include/dmp/ring.h)
 *
 * PRODUCERS publish POSITIONS in all, in any order. SLEEPERS each wait until all below a target are published, SLEEPS
 * times. The kernel keeps the published prefix, and the waiters under ring->lock. The first of them, with target T, watches
 * one slot that it needs: T - 1 if that is not done, else the first hole; notify is that slot + 1 (dmp_look, watch_slot).
 * Whoever is told of it and sees it done rings. The mode is quiet or fenced; a sleeper that finds it unsettled runs D, and
 * only then stores notify. WORK: the delayed work makes it quiet again, any time when nobody is queued.
 *
 *   -DFENCED        from the start, and for good
 *   -DDIES          one producer dies between stamp and bell; the kernel looks as it leaves
 *   -DTIMEOUTS=n    so many sleepers' deadlines pass
 *   -DSLOTS=n       fewer than POSITIONS: slots are used again. Nobody gates, the sleepers are lapped observers
 *   -DRINGS=n       at most so many WAKEs in all
 *   -DBOUND=n       the kernel looks again no more than so often
 *
 * Left out: the record and the compare-and-swap (claim.pml; a claim is one step here), "writing", aborted slots (done is
 * done), signals and the switches' numbers for several sequences (wake.pml). The grace period of D interrupts every CPU
 * once, in either order.
 *
 * Nobody is lost: asleep, while each position below the target has been published by a call that has returned (or whose
 * producer has left). And everybody ends. The broken twins are marked TWIN; what holds as well though it is not as
 * built, SAME. What each shows: run.
 */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef SLEEPERS
#define SLEEPERS 1
#endif
#ifndef SLEEPS
#define SLEEPS 1
#endif
#ifndef POSITIONS
#define POSITIONS 3
#endif
#ifndef SLOTS
#define SLOTS 4
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0
#endif
#ifndef WORK
#define WORK 1
#endif

#define NCPU (PRODUCERS + SLEEPERS)
#define NOTIFY 0
#define MODE 1
#define LOCKED 2
#define STAMP(n) (3 + (n) % SLOTS)
#define NADDR (3 + SLOTS)
#include "tso_cpus.inc"

#define NOBODY 255
#define PUBLISHED(n) (4 * (n) + 2)
#ifdef EXACT /* TWIN */
#define DONE(stamp, n) ((stamp) == PUBLISHED(n))
#else
#define DONE(stamp, n) ((stamp) >= PUBLISHED(n))
#endif

#ifdef BOUND
#define round() rounds++
#define rounds_left (rounds <= BOUND)
#else
#define round() rounds = 1
#define rounds_left true
#endif

#define QUIET 0
#define FENCE 1

byte claimed, ended;
byte timeouts = TIMEOUTS, deaths = 1;
/* ring->lock */
byte prefix;				/* all below are done, as far as anybody has looked; raised without the lock */
bool queued[SLEEPERS];
byte target[SLEEPERS];
bool fenced, settled;
byte switches;				/* from quiet to fenced; one sequence, so each has the last number */
/* Ghosts. */
bool asleep[SLEEPERS], returned[POSITIONS];
byte rings;

#define LOCK(p) atomic { EMPTY(p) && mem[LOCKED] == 0 -> mem[LOCKED] = 1 }
#define UNLOCK(p) ST(p, LOCKED, 0)

inline nobody_lost() /* in one step */
{
	i = 0;
	do :: i < POSITIONS && returned[i] -> i++ :: else -> break od;
	assert(!(asleep[0] && queued[0] && target[0] <= i));
#if SLEEPERS > 1
	assert(!(asleep[1] && queued[1] && target[1] <= i));
#endif
	i = 0
}

/* ---- the kernel, on CPU p ---- */

/* A full barrier and the load behind it are one step here: nothing can come between that could not come before. */
#if defined(NO_E_BARRIER) /* TWIN */
#define barrier(p, by_wake) (EMPTY(p) || !(by_wake))
#elif defined(NO_WAKE_BARRIER) /* TWIN */
#define barrier(p, by_wake) (EMPTY(p) || (by_wake))
#else
#define barrier(p, by_wake) EMPTY(p)
#endif

#if defined(KEY_IS_TARGET)
#define looks_again(by_wake) false
#elif defined(NO_E_LOOK) /* TWIN */
#define looks_again(by_wake) (by_wake)
#elif defined(NO_WAKE_LOOK) /* TWIN */
#define looks_again(by_wake) (!(by_wake))
#else
#define looks_again(by_wake) true
#endif

inline published() /* without the lock */
{
	far = prefix;
	do
	:: atomic { far < POSITIONS && DONE(mem[STAMP(far)], far) -> far++ }
	:: else -> break
	od;
	atomic { prefix = (far > prefix -> far : prefix) }
}

/* Under the lock: */
inline take_crossed(s) { if :: queued[s] && target[s] <= far -> queued[s] = 0 :: else fi }
inline first_of(s) { if :: queued[s] && target[s] < first -> first = target[s] :: else fi }

inline find_first()
{
	first = NOBODY;
	first_of(0);
#if SLEEPERS > 1
	first_of(1)
#endif
}

/* The slot that the first waiter watches, and whether that is not done after the barrier. by_wake: not a sleeper's E */
inline watch_slot(p, by_wake)
{
	atomic {
		take_crossed(0);
#if SLEEPERS > 1
		take_crossed(1);
#endif
		find_first();
		far = 0;
		slot = prefix
	};
	if
	:: first == NOBODY -> ST(p, NOTIFY, NOBODY); done = 0
	:: first != NOBODY && slot >= first -> done = 1
	:: else ->
#if defined(KEY_IS_TARGET) /* TWIN: looks but once, for it would find the same for ever */
		slot = first - 1;
#elif !defined(KEY_IS_HOLE) /* SAME, but rings more often */
		if
		:: atomic { rounds == 0 && !DONE(mem[STAMP(first - 1)], first - 1) -> slot = first - 1 }
		:: else
		fi;
#endif
		ST(p, NOTIFY, slot + 1);
		atomic {
			barrier(p, by_wake) ->
			done = (DONE(mem[STAMP(slot)], slot) && looks_again(by_wake))
		}
	fi
}

/* WAKE, and a sleeper's E. */
inline look(p, by_wake)
{
	do
	:: true ->
		published();
		LOCK(p);
		watch_slot(p, by_wake);
		atomic { first = 0; slot = 0 };
		UNLOCK(p);
		round();
		if
		:: done && rounds_left -> done = 0
		:: else -> break
		fi
	od;
	atomic { rounds = 0; done = 0 }
}

/* ---- producers ---- */

inline bell() /* B */
{
#ifndef MODE_FIRST
	m = LD(p, MODE);
#endif
	if
	:: m == QUIET
	:: else ->
#ifdef NO_OWNER_BARRIER /* TWIN */
		x = LD(p, NOTIFY);
#else
		atomic { EMPTY(p) -> x = LD(p, NOTIFY) };
#endif
		if
		:: x <= n + 1 ->
			x = LD(p, NOTIFY);	/* may be another by now */
			if
#ifdef UNSEEN /* SAME, but rings in vain */
			:: true ->
#else
			:: DONE(LD(p, STAMP(x - 1)), x - 1) ->
#endif
				x = 0;
#ifdef RINGS
				atomic { rings++; assert(rings <= RINGS) };
#endif
				look(p, true)
			:: else -> x = 0
			fi
		:: else -> x = 0
		fi
	fi;
	m = QUIET
}

proctype Producer(byte p)
{
	byte n, m, x, i, far, first, slot, rounds;
	bool done;

	do
	:: atomic { claimed < POSITIONS -> n = claimed; claimed++ };
		if :: n >= SLOTS -> LD(p, STAMP(n)) >= PUBLISHED(n - SLOTS) :: else fi;
#ifdef MODE_FIRST /* TWIN */
		m = LD(p, MODE);
#endif
		ST(p, STAMP(n), PUBLISHED(n));	/* A */
#ifdef DIES
		if :: skip :: atomic { deaths > 0 -> deaths--; goto dead } fi;
#endif
		bell();
		atomic { returned[n] = 1; n = 0; nobody_lost() }
	:: atomic { claimed == POSITIONS -> break }
	od;
	goto out;
dead:	EMPTY(p);
#ifndef DIES_UNSEEN /* TWIN */
	look(p, true);
#endif
	atomic { returned[n] = 1; n = 0; m = 0; nobody_lost() };
out:	ended++
}

/* ---- sleepers ---- */

inline queue(p) /* C; needed: D is */
{
	published();
	LOCK(p);
	far = 0;
	if
	:: target[s] > prefix ->
		queued[s] = 1;
		needed = !settled;
		if
		:: !fenced ->
			atomic { fenced = 1; switches++ };
			ST(p, MODE, FENCE)
		:: else
		fi
	:: else
	fi;
	UNLOCK(p)
}

inline settle(p) /* D */
{
	EMPTY(p);
	seen = switches;
#ifndef NO_D /* TWIN */
	if
	:: EMPTY(0) -> EMPTY(1)
	:: EMPTY(1) -> EMPTY(0)
	fi;
#if PRODUCERS > 2
	EMPTY(2);
#endif
#endif
	atomic {
		EMPTY(p) && mem[LOCKED] == 0 ->
		if :: fenced && switches <= seen -> settled = 1 :: else fi;
		seen = 0
	}
}

/* The link goes; nobody there, nobody named. Who is left watches what was watched: it has to be done for them as well. */
inline drop(p)
{
	atomic { queued[s] = 0; find_first() };
	if
	:: first == NOBODY -> ST(p, NOTIFY, NOBODY)
	:: else
	fi;
	first = 0
}

#define ME (PRODUCERS + s)

proctype Sleeper(byte s)
{
	byte sleeps, i, seen, far, first, slot, rounds;
	bool needed, done;

again:	sleeps++;
	/* Of two the first waits for the most: what they are called does not matter. */
	if
	:: target[s] = POSITIONS
	:: s > 0 || SLEEPERS == 1 -> target[s] = 1
	:: POSITIONS > 2 && (s > 0 || SLEEPERS == 1) -> target[s] = 2
	fi;
	queue(ME);
	if :: needed -> settle(ME) :: else fi;
#ifndef NO_RECHECK /* TWIN */
	look(ME, false);	/* E */
#endif
	LOCK(ME);
	if :: queued[s] && target[s] <= prefix -> drop(ME) :: else fi;
	atomic { asleep[s] = queued[s]; needed = 0; nobody_lost() };
	UNLOCK(ME);
	do
	:: !queued[s] -> break
	:: atomic { queued[s] && timeouts > 0 -> timeouts-- };
		LOCK(ME);
		drop(ME);
		UNLOCK(ME);
		break
	od;
	atomic { asleep[s] = 0; target[s] = 0 };
	if
	:: sleeps < SLEEPS -> goto again
	:: else -> ended++
	fi
}

/* ---- back to quiet ---- */

#if !defined(FENCED) && WORK > 0
#if SLEEPERS > 1
#define nobody_queued (!queued[0] && !queued[1])
#else
#define nobody_queued (!queued[0])
#endif
active proctype Work()
{
	byte n;

end:	do
	:: atomic {
			n < WORK && mem[LOCKED] == 0 && fenced && nobody_queued ->
			mem[MODE] = QUIET;
			fenced = 0;
#ifndef STAYS_SETTLED /* TWIN */
			settled = 0;
#endif
			n++
		}
	od
}
#endif

init {
	atomic {
		mem[NOTIFY] = NOBODY;
#ifdef FENCED
		mem[MODE] = FENCE;
		fenced = 1;
		settled = 1;
#endif
		run Producer(0);
		run Producer(1);
#if PRODUCERS > 2
		run Producer(2);
#endif
		run Sleeper(0);
#if SLEEPERS > 1
		run Sleeper(1)
#endif
	}
	ended == PRODUCERS + SLEEPERS
}
