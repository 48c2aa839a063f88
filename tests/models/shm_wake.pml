/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * shm_wake.pml: sleep and wake where no kernel keeps the list of who sleeps (lib/segment_wait.c, whose letters these are)
 *
 * An owner stores N positions to a sequence; after a publish in vain it may go back to quiet (Q), QUIETS times. SLEEPERS
 * wait for any target. A third process changes the membership CHANGES times and wakes all. Only the owner has a store
 * buffer (tso.inc). The clock is left out: whatever waits for a time may happen at once.
 *
 * Nobody is lost: asleep, while its target is published by a call that has returned, or while the membership is
 * another than when it began, and no wake is under way. And everybody ends.
 *
 *   -DFENCED    for good: an owner that cannot be interrupted
 *   -DTAKE_OVER the owner follows one that was fenced for good; it may be quiet, and says so as it joins
 *   -DENDS      the owner leaves after any number of positions; sleepers whose target will never come are told
 *   -DKILLED    the same, but it is killed at any instruction. Only where that was between X and the futex's wake do
 *               sleepers depend on looking up by themselves
 *
 * The broken twins are marked TWIN. What each shows: run.
 */
#ifndef N
#define N 2
#endif
#ifndef QUIETS
#define QUIETS 1
#endif
#ifndef CHANGES
#define CHANGES 0
#endif
#ifndef SLEEPERS
#define SLEEPERS 2
#endif

#define NADDR 7
#define CURSOR 0
#define NOTIFY 1
#define MODE 2
#define SETTLED 3
#define WAKES 4
#define GENERATION 5
#define ENDED 6

#include "tso.inc"

#define NOBODY 255
#define QUIET 0
#define FOREVER_FENCED 1

byte switches = FOREVER_FENCED;		/* the count that numbers are drawn from */
byte ended;				/* how many processes are through */
bool gone;				/* the owner is, its buffer empty */
/* Ghosts. */
bool asleep[2];
byte target[2], began[2];		/* began: the generation when it did */
byte published, announced;		/* by calls that have returned */
byte waking;				/* wakes under way: behind X, before the end of the futex's wake */
bool orphaned;				/* one that will never end */

#define lost(s) (asleep[s] && (target[s] <= published || began[s] < announced) && !waking && !orphaned)
inline nobody_lost() { assert(!lost(0) && !lost(1)) }

/* ---- wake ---- */

inline exchange_notify() { atomic { mem[NOTIFY] = NOBODY; waking++ } }
inline raise_count() { mem[WAKES]++ }
inline futex_wake() { d_step { asleep[0] = 0; asleep[1] = 0; waking--; nobody_lost() } }

/* By the owner, whose instructions are each the last that it may run. */
inline wake()
{
	EMPTY;
#ifdef Y_BEFORE_X /* TWIN */
	raise_count();
	may_die();
	exchange_notify();
#else
	exchange_notify();	/* X */
	may_die_waking();
	raise_count();		/* Y */
#endif
	may_die_waking();
	futex_wake()
}

inline wake_all()
{
	x = mem[NOTIFY];
	if
#ifdef WAKE_UNSEEN	/* not as built: without a look at notify nobody needs to look up after a death */
	:: true ->
#else
	:: x != NOBODY ->
#endif
		exchange_notify();
		raise_count();
		futex_wake()
	:: else
	fi;
	x = 0
}

/* ---- the owner ---- */

#ifdef KILLED
inline may_die() { if :: skip :: goto died fi }
inline may_die_waking() { if :: skip :: orphaned = 1; waking--; goto died fi }
#else
inline may_die() { skip }
inline may_die_waking() { skip }
#endif

inline calm() /* Q */
{
	old = LD(MODE);
#ifdef RESETS /* TWIN: and no numbers */
	ST(SETTLED, QUIET);
#endif
	ST(MODE, QUIET);
	may_die();
#ifndef Q_NO_BARRIER /* TWIN */
	EMPTY;
#endif
#ifndef Q_NO_LOOK /* TWIN */
	x = LD(NOTIFY);
	if
	:: x != NOBODY -> atomic { EMPTY -> if :: mem[MODE] == QUIET -> mem[MODE] = old :: else fi }
	:: else
	fi;
#endif
	x = 0;
	old = 0
}

inline look() /* B */
{
	if
	:: m != QUIET ->
#ifndef NO_OWNER_BARRIER /* TWIN */
		EMPTY;
#endif
		x = LD(NOTIFY);
		may_die();
		if
		:: x <= k -> x = 0; wake()
		:: x > k && m != FOREVER_FENCED && q < QUIETS -> q++; x = 0; calm()
		:: else -> x = 0
		fi
	:: else
	fi;
	m = 0
}

proctype Owner()
{
	byte k, m, x, q, old;

#ifdef TAKE_OVER
	ST(MODE, QUIET);
	EMPTY;
#ifndef TAKES_QUIETLY /* TWIN */
	mem[GENERATION]++;
	wake_all();
	d_step { announced++; nobody_lost() }
#endif
#endif
	do
	:: k < N ->
		if :: k++ :: k = N fi;
		may_die();
#ifdef MODE_FIRST /* TWIN */
		m = LD(MODE);
		ST(CURSOR, k);
#else
		ST(CURSOR, k);	/* A */
		may_die();
		m = LD(MODE);
#endif
		look();
		d_step { published = k; nobody_lost() }
	:: else -> break
#ifdef ENDS
	:: break
#endif
	od;
died:	skip;
	EMPTY;
	d_step { gone = 1; k = 0; m = 0; x = 0; old = 0; ended++ }
}

/* ---- sleepers ---- */

#define reached (mem[CURSOR] >= t)
#ifdef NO_GENERATION /* TWIN */
#define changed false
#else
#define changed (mem[GENERATION] != g)
#endif

inline announce() /* C */
{
	x = mem[NOTIFY];
	do
	:: t >= x -> break
	:: t < x -> atomic { if :: mem[NOTIFY] == x -> mem[NOTIFY] = t; break :: else -> x = mem[NOTIFY] fi }
	od;
	x = 0
}

inline fence() /* D */
{
	m = mem[MODE];
	if
	:: m == QUIET ->
#if defined(ONE_NUMBER) || defined(RESETS) /* TWINS: every switch has the same */
		drawn = 2;
#else
		atomic { switches++; drawn = switches };
#endif
		atomic { if :: mem[MODE] == QUIET -> mem[MODE] = drawn; m = drawn :: else -> m = mem[MODE] fi };
		drawn = 0
	:: else
	fi;
	x = mem[SETTLED];
	if
	:: x != m ->
		x = 0;
#ifndef NO_MEMBARRIER /* TWIN */
		EMPTY;
#endif
		mem[SETTLED] = m
	:: else -> x = 0
	fi;
	m = 0
}

inline futex_wait() /* W */
{
	atomic {
		if
#ifdef COUNT_UNSEEN /* TWIN */
		:: true -> asleep[s] = 1; nobody_lost()
#else
		:: mem[WAKES] == n -> asleep[s] = 1; nobody_lost()
		:: else
#endif
		fi
	};
	if
	:: !asleep[s]
#ifndef NEVER_LOOKS_UP /* TWIN */
	:: orphaned -> asleep[s] = 0
#endif
	fi
}

proctype Sleeper(byte s)
{
	byte t, g, n, x, m, drawn;

	if :: t = 1 :: t = N fi;
	target[s] = t;
again:	/* of the member: has it come, has the stream ended */
	if
	:: mem[ENDED] -> goto out
	:: else
	fi;
	g = mem[GENERATION];
	began[s] = g;
	do
	:: reached -> break
	:: else ->
		if :: changed -> goto again :: else fi;
#ifndef END_UNSEEN /* TWIN */
		if :: mem[ENDED] -> break :: else fi;
#endif
#ifndef N_AFTER_C /* TWIN */
		n = mem[WAKES];	/* N */
#endif
#ifndef C_AFTER_E /* TWIN */
		announce();
#endif
#ifdef N_AFTER_C
		n = mem[WAKES];
#endif
		fence();
#ifndef NO_RECHECK /* TWIN */
		if :: reached -> break :: else fi;
#endif
		if :: changed -> goto again :: else fi;
#ifdef C_AFTER_E
		announce();
#endif
		futex_wait();
		n = 0
	od;
out:	skip;
	d_step { g = 0; n = 0; ended++ }
}

/* ---- membership ---- */

inline settle()
{
	mem[GENERATION]++;
	wake_all();
	d_step { announced++; nobody_lost() }
}

proctype Third()
{
	byte i, x;

	do
	:: i < CHANGES -> i++; settle()
	:: break
	od;
#if defined(ENDS) || defined(KILLED)
	gone;			/* who sweeps, or the owner itself as it leaves */
	mem[ENDED] = 1;
	settle();
#endif
	skip;
	d_step { i = 0; ended++ }
}

init {
	atomic {
		mem[NOTIFY] = NOBODY;
#if defined(FENCED) || defined(TAKE_OVER)
		mem[MODE] = FOREVER_FENCED;
		mem[SETTLED] = FOREVER_FENCED;
#endif
		run Owner();
		run Third();
		run Sleeper(0);
#if SLEEPERS > 1
		run Sleeper(1)
#endif
	}
	ended == 2 + SLEEPERS
}
