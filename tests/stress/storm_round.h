/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * storm_round.h: the director of a storm, who kills and sends in the next one
 *
 * At once: before the dead one is gone even. Then the director waits until a ring's worth has passed everybody. Now and
 * then it kills several together, or stops a producer while others die: it is slow, not dead.
 */
#ifndef DMP_STORM_ROUND_H
#define DMP_STORM_ROUND_H

#include "storm_cast.h"
#include "storm_check.h"

#define MIXED  (DMP_POLICY_FAIL + 1) /* a policy of its own for each consumer */
#define NOBODY SEATS

static const char *const policy_names[] = { "default", "drop", "hold", "fail", "a policy each" };

struct storm {
	struct dmp_ring *ring;
	struct log *log;
	uint64_t seed, slots;
	uint32_t policy, lives;
	bool unrecorded, slow_producers;
	struct actor cast[SEATS];
	pid_t pids[SEATS];
	uint32_t stopped; /* a seat */
	/* Of all rounds. */
	uint64_t rounds, kills, stops, failed;
	struct outcome sum;
};

/* ---- sending in ---- */

static inline uint32_t some_policy(struct storm *s, uint32_t seat)
{
	if (seat == AUDIT)
		return DMP_POLICY_DROP;
	return s->policy == MIXED ? stress_below(&s->seed, MIXED) : s->policy;
}

static inline void send_in(struct storm *s, uint32_t seat)
{
	struct actor *a = &s->cast[seat];

	assert_true(++s->lives < LIVES);
	s->log->life[s->lives].seat = seat;
	dmp_store_release(s->log->settled[seat], 0);
	*a = (struct actor){
		.ring = s->ring,
		.log = s->log,
		.seed = stress_random(&s->seed),
		.slots = s->slots,
		.seat = seat,
		.life = s->lives,
		.policy = some_policy(s, seat),
		.may_fail = s->policy != DMP_POLICY_DROP && s->policy != DMP_POLICY_HOLD,
		.ordered = s->policy != MIXED && s->policy != DMP_POLICY_DROP,
		.unrecorded = s->unrecorded,
		.slow = s->slow_producers == (seat < PRODUCERS),
	};
	s->pids[seat] = start_child(act, a);
}

static inline uint32_t seat_of(const struct storm *s, pid_t pid)
{
	uint32_t seat = 0;

	while (seat < SEATS && s->pids[seat] != pid)
		seat++;
	assert_true(seat < SEATS);
	return seat;
}

static inline bool has_failed(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == HAS_FAILED;
}

/* Those that ended by themselves: only because what they came after has died. */
static inline void tend(struct storm *s)
{
	uint32_t seat;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		seat = seat_of(s, pid);
		if (has_failed(status))
			s->failed++;
		else
			fault(s->log, BROKE_DOWN, seat);
		send_in(s, seat);
	}
}

/* ---- looking on ---- */

static inline bool is_spoilt(const struct storm *s)
{
	return count_faults(s->log) > 0;
}

/* What every position passes in the end. */
static inline uint64_t passed(const struct storm *s)
{
	return dmp_load_acquire(s->log->life[s->cast[AUDIT].life].released);
}

/* No claim is more than a ring's worth further. */
static inline bool is_full(const struct storm *s)
{
	return s->lives + 4 * SEATS > LIVES || passed(s) + s->slots + 2 * MARGIN > POSITIONS;
}

static inline void print_holdup(const struct storm *s, uint32_t what, const char *whose)
{
	struct dmp_holdup h = { 0 };
	int err = dmp_ring_holdup(s->ring, what, &h);

	if (!err && h.role)
		print_message("  in the way of %s: \"%.*s\", pid %d (%c), at %" PRIu64 "\n", whose, (int)sizeof(h.name),
			      h.name, h.pid, h.thread_state ? (char)h.thread_state : '?', (uint64_t)h.position);
}

static inline void print_ring(const struct storm *s)
{
	struct dmp_info info = stress_info(s->ring);

	print_message("  claimed %" PRIu64 ", published %" PRIu64 ", %" PRIu64 " undecided, %u there, %u held\n",
		      (uint64_t)info.claimed, (uint64_t)info.cursor, (uint64_t)info.undecided, info.joined, info.held);
	print_holdup(s, DMP_HOLDUP_ROOM, "producers");
	print_holdup(s, DMP_HOLDUP_EVENTS, "consumers");
}

/* Looks until cond, and sends in whoever is missing; that nothing passes for long is a fault. */
#define tend_until(s, cond)                                         \
	do {                                                        \
		uint64_t end_ = stuck_at(), at_ = passed(s);        \
		while (!(cond) && !is_spoilt(s)) {                  \
			tend(s);                                    \
			stress_pause();                             \
			if (passed(s) != at_)                       \
				end_ = stuck_at(), at_ = passed(s); \
			if (now_ns() > end_)                        \
				fault((s)->log, STUCK, at_);        \
		}                                                   \
	} while (0)

static inline bool all_have_joined(const struct storm *s)
{
	for (uint32_t seat = 0; seat < SEATS; seat++)
		if (!dmp_load_acquire(s->log->life[s->cast[seat].life].joined))
			return false;
	return true;
}

static inline void await_passage(struct storm *s)
{
	uint64_t from = passed(s);

	tend_until(s, passed(s) > from + s->slots || is_full(s));
}

/* ---- killing and stopping ---- */

static inline void doom(struct storm *s, uint32_t seat)
{
	dmp_store_release(s->log->life[s->cast[seat].life].doomed, 1);
	assert_int_equal(kill(s->pids[seat], SIGKILL), 0);
	if (s->stopped == seat)
		s->stopped = NOBODY;
}

/* Where it is in the kernel, for who reads of a process that does not end. */
static inline void print_stack(pid_t pid)
{
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stack", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		print_message("    %s", line);
	if (f)
		fclose(f);
}

/* Until it has ended, or, by flags, has stopped. Its status; -1 for who does neither. */
static inline int await_child(struct storm *s, uint32_t seat, pid_t pid, int flags)
{
	uint64_t end = stuck_at();
	int status;

	while (!waitpid(pid, &status, WNOHANG | flags)) {
		stress_pause();
		if (now_ns() < end)
			continue;
		print_message("  \"%s\" (pid %d) does not end\n", seat_names[seat], (int)pid);
		print_stack(pid);
		fault(s->log, STUCK, passed(s));
		return -1;
	}
	return status;
}

static inline void reap(struct storm *s, pid_t pid, uint32_t seat)
{
	int status = await_child(s, seat, pid, 0);

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		s->kills++;
	else if (has_failed(status))
		s->failed++; /* a moment before: this kill has killed nobody */
	else
		fault(s->log, BROKE_DOWN, seat);
}

/* The next one is born while this one dies. */
static inline void kill_one(struct storm *s, uint32_t seat)
{
	pid_t pid = s->pids[seat];

	doom(s, seat);
	send_in(s, seat);
	reap(s, pid, seat);
}

/* All producers, or all consumers but one, at the same time. */
static inline void kill_four(struct storm *s)
{
	uint32_t first = stress_below(&s->seed, 2) * PRODUCERS;
	pid_t pids[4];

	for (uint32_t i = 0; i < 4; i++) {
		pids[i] = s->pids[first + i];
		doom(s, first + i);
	}
	for (uint32_t i = 0; i < 4; i++) {
		send_in(s, first + i);
		reap(s, pids[i], first + i);
	}
}

static inline void stop_one(struct storm *s)
{
	uint32_t seat = stress_below(&s->seed, PRODUCERS);

	assert_int_equal(kill(s->pids[seat], SIGSTOP), 0);
	if (!WIFSTOPPED(await_child(s, seat, s->pids[seat], WUNTRACED)))
		fault(s->log, BROKE_DOWN, seat);
	s->stopped = seat;
	s->stops++;
}

static inline void go_on(struct storm *s)
{
	if (s->stopped != NOBODY)
		assert_int_equal(kill(s->pids[s->stopped], SIGCONT), 0);
	s->stopped = NOBODY;
}

/* Of any order of magnitude up to some milliseconds. */
static inline void let_some_time_pass(struct storm *s)
{
	const struct timespec t = { .tv_nsec = stress_below(&s->seed, 1 << stress_below(&s->seed, 23)) };

	nanosleep(&t, NULL);
}

/* most: so many may die. */
static inline void strike(struct storm *s, uint64_t most)
{
	if (s->stopped == NOBODY && (s->stops < s->rounds / 2 || !stress_below(&s->seed, 10)))
		stop_one(s);
	let_some_time_pass(s);
	if (most < 4 || stress_below(&s->seed, 20))
		kill_one(s, stress_below(&s->seed, AUDIT));
	else
		kill_four(s);
	if (s->stopped != NOBODY && !stress_below(&s->seed, 3))
		go_on(s);
	if (s->stopped == NOBODY)
		await_passage(s);
}

/* ---- a round ---- */

static inline void open_round(struct storm *s)
{
	s->slots = 64 << stress_below(&s->seed, 3);
	s->ring = make_ring(s->slots, EVENT_SIZE, DMP_RING_STAMPED | DMP_RING_MULTI);
	s->log = shared_memory(sizeof(struct log));
	s->policy = s->rounds % (MIXED + 1);
	s->slow_producers = !(s->rounds++ % 2);
	s->lives = 0;
	s->stopped = NOBODY;
	send_in(s, AUDIT);
	tend_until(s, dmp_load_acquire(s->log->life[s->cast[AUDIT].life].joined));
	for (uint32_t seat = 0; seat < AUDIT; seat++)
		send_in(s, seat);
}

static inline void end_round(struct storm *s)
{
	go_on(s);
	tend_until(s, all_have_joined(s));
	store_shared(&s->log->stop, 1);
	for (uint32_t seat = 0; seat < SEATS; seat++) {
		int status = await_child(s, seat, s->pids[seat], 0);

		s->pids[seat] = status == -1 ? s->pids[seat] : 0;
		if (status && !has_failed(status))
			fault(s->log, BROKE_DOWN, seat);
	}
}

static inline void check_ring(struct storm *s, struct outcome *o)
{
	struct dmp_info info = stress_info(s->ring);

	o->end = info.claimed;
	o->repaired = info.repaired;
	if (info.joined || info.held || info.undecided || info.cursor != info.claimed)
		fault(s->log, UNRESOLVED, info.cursor);
	if (info.futile)
		fault(s->log, WOKEN_IN_VAIN, info.cursor);
	if (info.late)
		fault(s->log, LOST_WAKE, info.cursor);
}

static inline void add(struct outcome *sum, const struct outcome *o)
{
	sum->end += o->end;
	sum->repaired += o->repaired;
	sum->given += o->given;
	sum->gave_up += o->gave_up;
	sum->orphans += o->orphans;
	sum->unsaid += o->unsaid;
	sum->either += o->either;
	sum->read += o->read;
}

static inline void check_round(struct storm *s)
{
	struct outcome o = { 0 };

	if (!is_spoilt(s)) {
		check_ring(s, &o);
		check_positions(s->log, &o);
		check_lives(s->log, PRODUCERS, s->policy == DMP_POLICY_HOLD, &o);
		add(&s->sum, &o);
	}
	if (is_spoilt(s))
		fail_msg("round %" PRIu64 ", %" PRIu64 " slots, policy %s: %" PRIu64 " faults", s->rounds, s->slots,
			 policy_names[s->policy], count_faults(s->log));
}

/* Doomed as well, for what of theirs is repaired now is no fault. */
static inline void kill_all(struct storm *s)
{
	for (uint32_t seat = 0; seat < SEATS; seat++)
		dmp_store_release(s->log->life[s->cast[seat].life].doomed, 1);
	for (uint32_t seat = 0; seat < SEATS; seat++) {
		if (s->pids[seat]) {
			kill(s->pids[seat], SIGKILL);
			finish_child(s->pids[seat]);
		}
	}
}

static inline void close_round(struct storm *s)
{
	dmp_ring_close(s->ring);
	free_shared_memory(s->log, sizeof(struct log));
}

static inline void one_round(struct storm *s, uint64_t kills)
{
	open_round(s);
	await_passage(s);
	while (s->kills < kills && !is_full(s) && !is_spoilt(s))
		strike(s, kills - s->kills);
	if (!is_spoilt(s))
		end_round(s);
	if (is_spoilt(s)) {
		print_ring(s);
		kill_all(s);
	}
	check_round(s);
	close_round(s);
}

#endif /* DMP_STORM_ROUND_H */
