/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * every_step: whoever dies or is stopped, at whichever step: all go on, and what was published arrives, once
 *
 *   steady, rival, subject ---> ring ---> first ---> second          every_step_points.h: the steps
 *                                    \--> subject                    every_step_cast.h: who they are
 *
 * The subject, a producer or a consumer, is killed at one test point of the library; or it is stopped there, others come
 * and die, each at a step of its own, and it goes on. Every step there is has its turn, on a ring of its own, of each kind.
 * A ring with one producer has no steady one beside a producer that is the subject.
 *
 * In the end each consumer has read of every producer that ever lived exactly what that one is known to have published,
 * and it has skipped exactly what producers have aborted and what the kernel says it has in their stead.
 */
#define _GNU_SOURCE
#include "every_step_account.h"
#include "every_step_cast.h"

#define SOAK_STOP_NS 30000000000ULL
#define NOWHERE	     DMP_POINT_COUNT

/* ---- the cast ---- */

static struct actor cast(struct play *p, enum side side, enum seat_number seat, const char *name)
{
	return (struct actor){
		.stage = p->stage,
		.ring = p->ring,
		.kind = p->kind,
		.side = side,
		.name = name,
		.seat = seat,
		.point = NOWHERE,
		.seed = stress_random(&p->seed),
	};
}

/* A producer that nobody has been before, or a consumer that has read nothing. */
static pid_t send_in(struct play *p, struct actor *a)
{
	if (a->side == PRODUCER) {
		a->id = p->stage->writers;
		check(a->id < WRITERS);
		a->writer = &p->stage->writer[a->id];
		store_shared(&p->stage->writers, a->id + 1);
	} else if (!a->victim) {
		a->reader = &p->stage->reader[a->seat];
		memset(a->reader, 0, sizeof(*a->reader));
	}
	return start_child(act, a);
}

static void send_witness(struct play *p, enum seat_number seat, const char *name, const char *after)
{
	struct actor a = cast(p, CONSUMER, seat, name);

	a.after = after;
	a.exact = true;
	p->pid[seat] = send_in(p, &a);
	check(stress_until(info(p).joined == (uint32_t)seat + 1));
}

static void send_steady(struct play *p, enum seat_number seat, const char *name)
{
	struct actor a = cast(p, PRODUCER, seat, name);
	struct dmp_member_info m;

	p->pid[seat] = send_in(p, &a);
	check(stress_until(find_member(dmp_ring_fd(p->ring), name, &m)));
}

static void send_steady_producers(struct play *p)
{
	if (p->kind == SEVERAL)
		send_steady(p, RIVAL, "rival");
	if (p->kind == SEVERAL || p->side == CONSUMER)
		send_steady(p, STEADY, "steady");
}

static void open_stage(struct play *p)
{
	struct dmp_ring_options options = {
		.slots = SLOTS,
		.event_size = kinds[p->kind].event_size,
		.members = 16,
		.flags = kinds[p->kind].flags,
	};

	memset(p->stage, 0, sizeof(*p->stage));
	memset(p->pid, 0, sizeof(p->pid));
	check(dmp_ring_create(&p->ring, NULL, &options) == 0);
	send_witness(p, FIRST, "first", NULL);
	send_witness(p, SECOND, "second", "first");
}

/* ---- what the ring does ---- */

static uint64_t received(const struct play *p)
{
	return dmp_load_acquire(p->stage->reader[SECOND].received);
}

/* More than a ring's worth: whoever gates has moved, and each slot was used again. */
static void check_goes_on(const struct play *p)
{
	uint64_t from = received(p);

	check(stress_until(received(p) > from + SLOTS));
}

static bool ended_or_stopped(pid_t pid)
{
	siginfo_t got = { 0 };

	check(waitid(P_PID, pid, &got, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) == 0);
	return got.si_pid == pid;
}

/* ---- the subject ---- */

static void send_subject(struct play *p, uint64_t nth, bool exact)
{
	struct actor a = cast(p, p->side, SUBJECT, "subject");

	a.point = p->point;
	a.signal = p->signal;
	a.nth = is_taken_once(p->point) ? 1 : nth;
	a.exact = exact && p->side == CONSUMER;
	store_shared(&p->stage->mood, steps[p->point].of[p->side].mood);
	p->pid[SUBJECT] = send_in(p, &a);
}

static void await_subject(struct play *p)
{
	int status;

	if (!stress_until(ended_or_stopped(p->pid[SUBJECT])))
		fail_msg("%s: it never comes there", playing);
	store_shared(&p->stage->mood, AT_WILL);
	check(waitpid(p->pid[SUBJECT], &status, WUNTRACED) == p->pid[SUBJECT]);
	check(p->signal == SIGKILL ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL : WIFSTOPPED(status));
}

/* ---- killed ---- */

static void kill_one(struct play *p, uint64_t nth, uint32_t joined)
{
	send_subject(p, nth, false);
	await_subject(p);
	p->deaths++;
	p->pid[SUBJECT] = 0;
	check(stress_until(info(p).joined == joined));
	check(stress_until(info(p).undecided == 0));
}

static void play_killed(struct play *p)
{
	uint32_t joined = 2 + (p->kind == SEVERAL ? 2 : p->side == CONSUMER);

	send_steady_producers(p);
	for (uint64_t i = 0; i < rounds(3, 30); i++)
		kill_one(p, 1 + i % 5, joined);
	if (!p->pid[STEADY])
		send_steady(p, STEADY, "heir");
	check_goes_on(p);
}

/* ---- stopped ---- */

static uint32_t choose_point(struct play *p, enum side side)
{
	uint32_t point;

	do
		point = (uint32_t)stress_below(&p->seed, DMP_POINT_COUNT);
	while (!occurs(p->kind, side, point));
	return point;
}

/* It joins, plays and dies; what it has left undone is repaired, but for what the stopped one covers. */
static void one_victim(struct play *p, enum side side, uint32_t point, uint64_t nth)
{
	uint32_t joined = info(p).joined;
	struct actor a = cast(p, side, SUBJECT, "victim");
	pid_t pid;

	a.victim = true;
	a.signal = SIGKILL;
	a.point = point;
	a.nth = is_taken_once(point) ? 1 : nth;
	a.reader = calloc(1, sizeof(*a.reader));
	pid = send_in(p, &a);
	free(a.reader);
	check(finish_child(pid) == 128 + SIGKILL);
	p->deaths++;
	check(stress_until(info(p).joined == joined));
	check(stress_until(info(p).undecided <= p->stage->covered));
	if (info(p).undecided > p->most_undecided)
		p->most_undecided = info(p).undecided;
}

static void some_victim(struct play *p)
{
	enum side side = stress_below(&p->seed, 3) ? PRODUCER : CONSUMER;

	if (p->kind != SEVERAL || p->stage->writers + SEATS > WRITERS)
		side = CONSUMER; /* its producer lives; or no more fit into the books */
	one_victim(p, side, choose_point(p, side), 1 + stress_below(&p->seed, 3));
}

static void hush(struct play *p)
{
	store_shared(&p->stage->hush, 1);
	await_shared(&p->stage->hushed[STEADY], 1);
	await_shared(&p->stage->hushed[RIVAL], 1);
}

/*
 * One has only recorded what it is about to claim, and another claims just that and dies before it can say so: nobody
 * knows whose it is until the first goes on. Who could say so has its claim repaired at once.
 */
static void leave_undecided(struct play *p)
{
	uint64_t undecided, repaired;

	one_victim(p, PRODUCER, DMP_POINT_CLAIM_WON, 1);
	undecided = info(p).undecided;
	repaired = info(p).repaired;
	check(undecided > 0);
	one_victim(p, PRODUCER, DMP_POINT_CLAIM_AFTER, 1);
	check(info(p).undecided == undecided);
	check(info(p).repaired > repaired);
}

/*
 * The first half of them while no steady producer fills the ring: they find room to claim. Of a single producer's ring only
 * consumers die, and nothing has to be repaired but gates.
 */
static void let_others_die(struct play *p)
{
	uint64_t brief = rounds(p->kind == SEVERAL ? 50 : 10, 0);
	uint64_t n = is_soak() ? UINT64_MAX : brief, end = now_ns() + SOAK_STOP_NS;

	if (p->point == DMP_POINT_CLAIM_RECORDED)
		leave_undecided(p);
	for (uint64_t i = 0; i < n && (!is_soak() || now_ns() < end); i++) {
		if (i == n / 2 || i == 25)
			store_shared(&p->stage->hush, 0);
		some_victim(p);
	}
	store_shared(&p->stage->hush, 0);
}

/* The only producer goes on only to leave. */
static void send_heir(struct play *p)
{
	check(finish_child(p->pid[SUBJECT]) == 0);
	p->pid[SUBJECT] = 0;
	send_steady(p, STEADY, "heir");
}

static void go_on(struct play *p)
{
	if (!p->stage->holds)
		check_goes_on(p);
	check(kill(p->pid[SUBJECT], SIGCONT) == 0);
	if (!p->pid[STEADY] && is_leaving(p->point))
		send_heir(p);
	check_goes_on(p);
	check(stress_until(info(p).undecided == 0));
}

static void play_stopped(struct play *p)
{
	bool exact = p->point != DMP_POINT_JOIN_BEFORE, alone = p->point == DMP_POINT_CLAIM_RECORDED;

	if (p->side == CONSUMER && exact) {
		send_subject(p, 2, true);
		check(stress_until(info(p).joined == 3 || ended_or_stopped(p->pid[SUBJECT])));
	}
	send_steady_producers(p);
	if (alone)
		hush(p);
	if (!p->pid[SUBJECT])
		send_subject(p, 2, false);
	await_subject(p);
	if (!alone && p->stage->holds)
		store_shared(&p->stage->hush, 1);
	let_others_die(p);
	go_on(p);
}

/* ---- the end ---- */

static void end_cast(struct play *p, enum seat_number from, enum seat_number to)
{
	for (uint32_t seat = from; seat <= (uint32_t)to; seat++)
		if (p->pid[seat])
			check(finish_child(p->pid[seat]) == 0);
}

static void close_stage(struct play *p)
{
	store_shared(&p->stage->ending, 1);
	end_cast(p, STEADY, RIVAL);
	if (p->side == PRODUCER)
		end_cast(p, SUBJECT, SUBJECT);
	store_shared(&p->stage->ending, 2);
	end_cast(p, FIRST, p->side == CONSUMER ? SUBJECT : SECOND);
	check_reader(p, FIRST);
	check_reader(p, SECOND);
	if (p->side == CONSUMER && p->pid[SUBJECT])
		check_reader(p, SUBJECT);
	p->repaired += info(p).repaired;
	for (uint32_t side = 0; side < SIDES; side++)
		for (uint32_t i = 0; i < DMP_POINT_COUNT; i++)
			p->reached[p->kind][side][i] += p->stage->reached[side][i];
	dmp_ring_close(p->ring);
}

/* ---- every one of them ---- */

static void play(struct play *p)
{
	announce(p);
	open_stage(p);
	if (p->signal == SIGKILL)
		play_killed(p);
	else
		play_stopped(p);
	close_stage(p);
}

static void each_step(enum kind kind, int signal)
{
	struct play p = { .kind = kind, .signal = signal, .seed = stress_seed() };
	uint64_t from = now_ns();

	check_table();
	p.stage = shared_memory(sizeof(*p.stage));
	for (p.side = 0; p.side < SIDES; p.side++)
		for (p.point = 0; p.point < DMP_POINT_COUNT; p.point++)
			if (occurs(kind, p.side, p.point))
				play(&p);
	check_reached(&p, kind);
	free_shared_memory(p.stage, sizeof(*p.stage));
	print_message("%" PRIu64 " deaths, %" PRIu64 " slots repaired, at most %" PRIu64 " undecided, %" PRIu64 " ms\n",
		      p.deaths, p.repaired, p.most_undecided, (now_ns() - from) / 1000000);
}

static void several_producers_or_consumers_killed_at_any_step(void **state)
{
	(void)state;
	each_step(SEVERAL, SIGKILL);
}

static void several_producers_or_consumers_stopped_at_any_step(void **state)
{
	(void)state;
	each_step(SEVERAL, SIGSTOP);
}

static void one_producer_or_consumers_stopped_at_any_step_packed(void **state)
{
	(void)state;
	each_step(PACKED, SIGSTOP);
}

static void one_producer_or_consumers_stopped_at_any_step_stamped(void **state)
{
	(void)state;
	each_step(STAMPED, SIGSTOP);
}

static void one_producer_or_consumers_killed_at_any_step_packed(void **state)
{
	(void)state;
	each_step(PACKED, SIGKILL);
}

static void one_producer_or_consumers_killed_at_any_step_stamped(void **state)
{
	(void)state;
	each_step(STAMPED, SIGKILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_producers_or_consumers_killed_at_any_step),
		cmocka_unit_test(several_producers_or_consumers_stopped_at_any_step),
		cmocka_unit_test(one_producer_or_consumers_killed_at_any_step_packed),
		cmocka_unit_test(one_producer_or_consumers_killed_at_any_step_stamped),
		cmocka_unit_test(one_producer_or_consumers_stopped_at_any_step_packed),
		cmocka_unit_test(one_producer_or_consumers_stopped_at_any_step_stamped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
