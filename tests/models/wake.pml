/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * wake.pml: sleep and wake on sequences with one owner each: a single producer's, a consumer's (kmod/wait.c: arm, announce,
 * recheck, wait_once, result; kmod/wake.c: dmp_link_queue, dmp_link_drop, dmp_wake, dmp_wake_ended; kmod/mode.c in mode.inc;
 * ring.h: dmp_wake_; lib/wait.c: dmp_wake_slow_). Letters: include/dmp/ring.h
 *
 * The owner of each of SEQUENCES stores positions up to N. SLEEPERS wait, ROUNDS times, each for any target, on all
 * sequences. A sequence is quiet or fenced; the delayed work makes it quiet again, QUIETS times, whenever nobody is queued
 * (the second that it waits is left out). The grace period of D interrupts every CPU once, in any order.
 *
 *   -DFENCED        from the start, and for good
 *   -DSIGNALS=n     so many signals: a sleeper returns and stays armed; then it waits as before, or for another target, or
 *                   leaves
 *   -DTIMEOUTS=n    so many deadlines pass: a sleeper withdraws
 *   -DHELD          the owners may die at any instruction, and their places are held (kmod/place.c: hold): who waits for
 *                   more than was published sleeps on
 *   -DENDS          the one owner, the last producer, leaves or dies at any instruction (kmod/member.c: leave_producer)
 *
 * Left out: who takes part (join.pml), poll (ARM is C, D, E too), the pause after 32 wakes.
 *
 * Nobody is lost: asleep, while its target is published on each sequence by a call that has returned, or whose owner
 * has been seen to. Nobody is woken in vain. And everybody ends, but for who waits for a dead one's held place.
 *
 * The broken twins are marked TWIN; what is not as built and holds too, SAME. What each shows: run.
 */
#ifndef N
#define N 2
#endif
#ifndef SEQUENCES
#define SEQUENCES 1
#endif
#ifndef SLEEPERS
#define SLEEPERS 2
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef QUIETS
#define QUIETS 1
#endif
#ifndef SIGNALS
#define SIGNALS 0
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0
#endif

#define NCPU (SEQUENCES + SLEEPERS)
#define LOCKED 0
#define CURSOR(d) (1 + 3 * (d))
#define NOTIFY(d) (2 + 3 * (d))
#define MODE(d) (3 + 3 * (d))
#define NADDR (1 + 3 * SEQUENCES)
#include "tso_cpus.inc"

#define NOBODY 255
#define QUIET 0
#define FENCE 1

#define IDLE 0
#define ARMED 1
#define MET 2
#define ENDED 3

byte through;				/* processes */
byte signals = SIGNALS, timeouts = TIMEOUTS;
/* ring->lock */
byte state[SLEEPERS], target[SLEEPERS];
bool queued_[SLEEPERS * SEQUENCES];
bool ended;
/* Ghosts. */
bool asleep[SLEEPERS];
byte wanted[SLEEPERS];
byte published[SEQUENCES];		/* by calls that have returned */

#define queued(s, d) queued_[(s) * SEQUENCES + (d)]
#if SEQUENCES == 1
#define is_queued(s) queued(s, 0)
#define all_at(x, t) ((x(0)) >= (t))
#else
#define is_queued(s) (queued(s, 0) || queued(s, 1))
#define all_at(x, t) ((x(0)) >= (t) && (x(1)) >= (t))
#endif
#define told(d) published[d]
#define stored(d) mem[CURSOR(d)]
#define crossed(s) all_at(stored, wanted[s])
#define lost(s) (asleep[s] && state[s] == ARMED && all_at(told, wanted[s]))
#if SLEEPERS == 1
#define nobody_lost() assert(!lost(0))
#else
#define nobody_lost() assert(!lost(0) && !lost(1))
#endif

#define LOCK(p) atomic { EMPTY(p) && mem[LOCKED] == 0 -> mem[LOCKED] = 1 }
#define UNLOCK(p) ST(p, LOCKED, 0)

/* ---- the kernel, on CPU p, under the lock ---- */

#define lowest(s, d) if :: queued(s, d) && target[s] < least -> least = target[s] :: else fi

inline update_notify(p, q)
{
	atomic {
		least = NOBODY;
		lowest(0, q);
#if SLEEPERS > 1
		lowest(1, q);
#endif
#ifdef LAST_TARGET /* TWIN */
		least = (is_queued(s) -> target[s] : least);
#endif
		ST(p, NOTIFY(q), least);
		least = 0
	}
}

#ifndef WAKES_AT_FIRST /* TWIN: 1 */
#define WAKES_AT_FIRST 0
#endif

inline take(w, q)
{
	if
	:: queued(w, q) && target[w] <= x ->
		queued(w, q) = 0;
		if
		:: !is_queued(w) || WAKES_AT_FIRST -> state[w] = MET
		:: else
		fi
	:: else
	fi
}

inline wake(p, q)
{
	LOCK(p);
	atomic {
		x = LD(p, CURSOR(q));
		take(0, q);
#if SLEEPERS > 1
		take(1, q);
#endif
		x = 0
	};
	update_notify(p, q);
	UNLOCK(p)
}

/* ---- owners ---- */

#if defined(HELD) || defined(ENDS)
#define may_die() if :: skip :: goto died fi
#else
#define may_die() skip
#endif

#ifndef LESS_THAN /* TWIN: 1 */
#define LESS_THAN 0
#endif

inline look(d) /* B */
{
#ifndef MODE_FIRST
	m = LD(d, MODE(d));
#endif
	if
	:: m == QUIET
	:: else ->
#ifdef NO_OWNER_BARRIER /* TWIN */
		x = LD(d, NOTIFY(d));
#else
		atomic { EMPTY(d) -> x = LD(d, NOTIFY(d)) };
#endif
		may_die();
		if
		:: x <= k - LESS_THAN -> x = 0; wake(d, d)
		:: else -> x = 0
		fi
	fi;
	m = QUIET
}

inline end_stream(d)
{
	LOCK(d);
	ended = 1;
	UNLOCK(d);
	LOCK(d);
	if :: queued(0, d) -> queued(0, d) = 0; state[0] = ENDED :: else fi;
#if SLEEPERS > 1
	if :: queued(1, d) -> queued(1, d) = 0; state[1] = ENDED :: else fi;
#endif
	update_notify(d, d);
	UNLOCK(d)
}

proctype Owner(byte d)
{
	byte k, m, x, least;
#ifdef LAST_TARGET
	byte s;
#endif

	do
	:: k < N ->
		if :: k++ :: k = N fi;
#ifdef MODE_FIRST /* TWIN */
		m = LD(d, MODE(d));
#endif
		ST(d, CURSOR(d), k); /* A */
		may_die();
		look(d);
		d_step { published[d] = k; nobody_lost() }
	:: k == N -> break
#ifdef ENDS
	:: break
#endif
	od;
died:	skip;
	EMPTY(d);
#if defined(HELD) || defined(ENDS)
#ifndef DIES_UNSEEN /* TWIN */
	wake(d, d);
#endif
	d_step { published[d] = mem[CURSOR(d)]; nobody_lost() }
#endif
#ifdef ENDS
	end_stream(d);
#endif
	atomic { k = 0; m = 0; x = 0; through++ }
}

/* ---- sleepers ---- */

#define ME (SEQUENCES + s)
#include "mode.inc"

inline drop(d)
{
	if
	:: queued(s, d) ->
		queued(s, d) = 0;
#ifdef RAISES_ALL /* TWIN */
		ST(ME, NOTIFY(d), NOBODY)
#else
		update_notify(ME, d)
#endif
	:: else
	fi
}

inline disarm()
{
	drop(0);
#if SEQUENCES > 1
	drop(1);
#endif
	state[s] = IDLE
}

inline queue_unmet(d)
{
	if
	:: LD(ME, CURSOR(d)) < target[s] ->
		queued(s, d) = 1;
		update_notify(ME, d);
		fence(d)
	:: else
	fi
}

inline announce() /* C */
{
	disarm();
	target[s] = wanted[s];
	queue_unmet(0);
#if SEQUENCES > 1
#ifdef ARMS_ONE /* TWIN */
	if :: !queued(s, 0) -> queue_unmet(1) :: else fi;
#else
	queue_unmet(1);
#endif
#endif
	state[s] = (is_queued(s) -> ARMED : MET)
}

#define recheck_one(d) if :: queued(s, d) && LD(ME, CURSOR(d)) >= target[s] -> drop(d) :: else fi

inline recheck() /* E */
{
#ifndef NO_E_BARRIER /* SAME: x86's lock is a full barrier */
	EMPTY(ME);
#endif
#ifndef NO_RECHECK /* TWIN */
	recheck_one(0);
#if SEQUENCES > 1
#ifndef RECHECKS_ONE /* TWIN */
	recheck_one(1);
#endif
#endif
#endif
	if
	:: state[s] == ARMED && !is_queued(s) -> state[s] = MET
#ifndef END_UNSEEN /* TWIN */
	:: state[s] == ARMED && is_queued(s) && ended -> disarm(); state[s] = ENDED
#endif
	:: else
	fi
}

#ifndef ANY_TARGET /* TWIN: 1 */
#define ANY_TARGET 0
#endif

inline arm()
{
	LOCK(ME);
	if
	:: state[s] == ARMED && (target[s] == wanted[s] || ANY_TARGET)
	:: else -> announce()
	fi;
	UNLOCK(ME);
	if :: needed -> settle() :: else fi;
	LOCK(ME);
	recheck()
}

proctype Sleeper(byte s)
{
	byte rounds, seen, least, why;
	bool needed;

	do
	:: rounds < ROUNDS ->
		rounds++;
		if :: wanted[s] = 1 :: wanted[s] = N fi;
again:		arm();
		atomic { asleep[s] = (state[s] == ARMED); nobody_lost() };
		UNLOCK(ME);
		if
		:: !asleep[s] -> goto met
		:: else
		fi;
end:		if
		:: state[s] != ARMED
		:: atomic { state[s] == ARMED && signals > 0 -> signals--; why = 1 }
		:: atomic { state[s] == ARMED && timeouts > 0 -> timeouts--; why = 2 }
		fi;
		LOCK(ME);
		asleep[s] = 0;
		assert(state[s] != MET || crossed(s));
		if
		:: state[s] == ARMED && why == 2 -> disarm()
		:: state[s] == ARMED && why == 1 ->
			why = 0;
			UNLOCK(ME);
			if
			:: goto again
			:: wanted[s] = (wanted[s] == 1 -> N : 1); goto again
			:: LOCK(ME); disarm(); rounds = ROUNDS /* leaves */
			fi
		:: else
		fi;
		UNLOCK(ME);
met:		atomic { why = 0; target[s] = 0; state[s] = IDLE; wanted[s] = 0 }
	:: else -> break
	od;
	atomic { rounds = 0; through++ }
}

init {
	atomic {
		mem[NOTIFY(0)] = NOBODY;
#ifdef FENCED
		mem[MODE(0)] = FENCE;
		fenced[0] = 1;
		settled[0] = 1;
#endif
		run Owner(0);
#if SEQUENCES > 1
		mem[NOTIFY(1)] = NOBODY;
#ifdef FENCED
		mem[MODE(1)] = FENCE;
		fenced[1] = 1;
		settled[1] = 1;
#endif
		run Owner(1);
#endif
		run Sleeper(0);
#if SLEEPERS > 1
		run Sleeper(1)
#endif
	}
#ifdef HELD
end:
#endif
	through == SEQUENCES + SLEEPERS
}
