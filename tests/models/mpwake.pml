/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * mpwake.pml: sleep and wake on a ring with several producers (kmod/wait.c, wake.c, mode.c; letters: include/dmp/ring.h)
 *
 * PRODUCERS publish POSITIONS in all, in any order. SLEEPERS each wait until all below a target are published. The
 * kernel keeps the published prefix and the waiters under ring->lock; the notify word it makes from the first waiter's
 * target T: T itself while slot T - 1 is not done, so that nobody rings for less; else the first hole + 1. Whoever is
 * told of the slot notify - 1, and only who sees it done, rings. The mode is QUIET or fenced; a sleeper that finds it
 * unsettled runs D. WORK: the delayed work makes it quiet again, any time when nobody is queued.
 *
 *   -DFENCED        from the start, and for good
 *   -DDIES          one producer dies between stamp and bell; the kernel looks as it leaves
 *   -DTIMEOUTS=n    so many sleepers' deadlines pass
 *   -DSLOTS=n       fewer than POSITIONS: slots are used again. Nobody gates, the sleepers are lapped observers
 *   -DRINGS=n       at most so many WAKEs in all
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

#define QUIET 0
#define FENCE 1

byte claimed, ended;
byte timeouts = TIMEOUTS, deaths = 1;
/* ring->lock */
byte prefix;				/* all below are done, as far as anybody has looked */
bool queued[SLEEPERS];
byte target[SLEEPERS];
byte key;				/* what notify is, or is about to be */
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

/* ---- the kernel, on CPU p, under the lock ---- */

inline take(s) { if :: queued[s] && target[s] <= prefix -> queued[s] = 0 :: else fi }
inline first(s) { if :: queued[s] && target[s] < key -> key = target[s] :: else fi }

/* How far is it published; who is met; who is first now. */
inline scan()
{
	do
	:: prefix < POSITIONS && DONE(mem[STAMP(prefix)], prefix) -> prefix++
	:: else -> break
	od;
	atomic {
		take(0);
#if SLEEPERS > 1
		take(1);
#endif
		key = NOBODY;
		first(0);
#if SLEEPERS > 1
		first(1);
#endif
	}
}

/* The notify word from the first waiter's target. */
inline announce(p)
{
	if
#if defined(KEY_IS_TARGET) /* TWIN: for want of a better key it looks but once */
	:: false
#elif defined(KEY_IS_HOLE) /* SAME, but rings more often */
	:: key != NOBODY -> key = prefix + 1
#else
	:: key != NOBODY && DONE(mem[STAMP(key - 1)], key - 1) -> key = prefix + 1
#endif
	:: else
	fi;
	ST(p, NOTIFY, key)
}

/* As long as what notify names is there already. waking: not by a sleeper. */
inline look(p, waking)
{
	do
	:: true ->
		scan();
		announce(p);
#ifdef NO_E_BARRIER /* TWIN */
		if :: waking -> EMPTY(p) :: else fi;
#endif
#ifdef NO_WAKE_BARRIER /* TWIN */
		if :: !waking -> EMPTY(p) :: else fi;
#endif
#if !defined(NO_E_BARRIER) && !defined(NO_WAKE_BARRIER)
		EMPTY(p);
#endif
		if
#ifdef KEY_IS_TARGET
		:: true -> break
#endif
#ifdef NO_E_LOOK /* TWIN */
		:: !waking -> break
#endif
#ifdef NO_WAKE_LOOK /* TWIN */
		:: waking -> break
#endif
		:: key == NOBODY -> break
		:: key != NOBODY && !DONE(mem[STAMP(key - 1)], key - 1) -> break
		:: else
		fi
	od
}

inline wake(p)
{
	LOCK(p);
	look(p, true);
	UNLOCK(p)
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
#ifndef NO_OWNER_BARRIER /* TWIN */
		EMPTY(p);
#endif
		x = LD(p, NOTIFY);
		if
#ifdef UNSEEN /* SAME, but rings in vain */
		:: x <= n + 1 ->
#else
		:: x <= n + 1 && DONE(LD(p, STAMP(x - 1)), x - 1) ->
#endif
			x = 0;
#ifdef RINGS
			atomic { rings++; assert(rings <= RINGS) };
#endif
			wake(p)
		:: else -> x = 0
		fi
	fi;
	m = QUIET
}

proctype Producer(byte p)
{
	byte n, m, x, i;

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
		d_step { returned[n] = 1; n = 0; nobody_lost() }
	:: atomic { claimed == POSITIONS -> break }
	od;
	goto out;
dead:	EMPTY(p);
#ifndef DIES_UNSEEN /* TWIN */
	wake(p);
#endif
	atomic { returned[n] = 1; n = 0; m = 0; nobody_lost() };
out:	ended++
}

/* ---- sleepers ---- */

inline fence(p) /* of C; needed: D is */
{
	if
	:: !fenced ->
		atomic { fenced = 1; switches++ };
		ST(p, MODE, FENCE)
	:: else
	fi;
	needed = !settled
}

inline settle(p) /* D */
{
	UNLOCK(p);
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
	LOCK(p);
#ifdef ANY_SWITCH /* TWIN */
	if :: fenced -> settled = 1 :: else fi;
#else
	if :: fenced && switches <= seen -> settled = 1 :: else fi;
#endif
	seen = 0
}

#define ME (PRODUCERS + s)

proctype Sleeper(byte s)
{
	byte i, seen;
	bool needed;

	if :: target[s] = 1 :: target[s] = 2 :: target[s] = POSITIONS fi;
	LOCK(ME);
	scan();
	if
	:: target[s] > prefix ->
		queued[s] = 1;	/* C */
		key = (target[s] < key -> target[s] : key);
		announce(ME);
		fence(ME);
		if
		:: needed -> settle(ME)
		:: else
		fi;
#ifndef NO_RECHECK /* TWIN */
		look(ME, false);	/* E; if it needed none, the notify word is stored once more: of no matter */
#endif
		atomic { asleep[s] = queued[s]; needed = 0; nobody_lost() }
	:: else
	fi;
	UNLOCK(ME);
	do
	:: !queued[s] -> break
	:: atomic { queued[s] && timeouts > 0 -> timeouts-- };
		LOCK(ME);
		queued[s] = 0;
		look(ME, false);
		UNLOCK(ME);
		break
	od;
	atomic { asleep[s] = 0; target[s] = 0; ended++ }
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
