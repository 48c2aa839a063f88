/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * death: members die at random moments and in all manners; no one is stuck, no gate is left, nothing readable is lost
 *
 *   producer ---> ring ---> left, right        death_cast.h: who they are and how they die
 *
 * The director kills one of the three, sees that its place is vacant, that the other two go on, and sends in the next. What
 * a new producer may not do, overwrite what could be read already, the consumers would notice: events name their writer.
 * After some deaths the play ends: the last to hold the ring are killed too, and the ring must be gone. All of it happens
 * in a cgroup of its own, which must have its memory back in the end.
 */
#define _GNU_SOURCE
#include <sys/stat.h>

#include "death_account.h"
#include "death_cast.h"

#define DEATHS_PER_RING 10

struct stage {
	struct dmp_ring *ring;
	struct dmp_member *watch; /* an observer: sees gates and cursor without a system call */
	struct actor cast[PARTS];
	int sockets[PARTS][2]; /* to each seat, the director's end first */
	bool stamped;
};

struct play {
	uint64_t deaths, seed;
	uint32_t last_id;
	struct seat *seats;
	uint64_t *log;
	struct account *account;
};

/* ---- what can be seen from outside ---- */

static bool is_joined(const struct stage *s, const struct actor *a)
{
	struct dmp_member_info m;

	return find_member(dmp_ring_fd(s->ring), a->name.s, &m);
}

/* Its gate, or the producer's place, is vacant. */
static bool is_vacant(const struct stage *s, const struct actor *a)
{
	const struct dmp_meta *meta = s->watch->meta;

	if (a->part == PRODUCER)
		return dmp_load_acquire(meta->producers) == 0;
	return !(dmp_load_acquire(meta->gates) >> (a->seat->joined - 1) & 1);
}

static uint64_t cursor(const struct stage *s)
{
	return stress_info(s->ring).cursor;
}

/* More than a ring's worth further: everyone who gates has moved. */
static void check_goes_on(const struct stage *s)
{
	uint64_t from = cursor(s);

	assert_true(stress_until(cursor(s) > from + SLOTS));
}

/* ---- the cast ---- */

static void send_in(struct play *p, struct stage *s, enum part part)
{
	struct actor *a = &s->cast[part];

	memset(&p->seats[part], 0, sizeof(struct seat));
	*a = (struct actor){
		.ring = s->ring,
		.part = part,
		.manner = stress_below(&p->seed, MANNERS),
		.id = ++p->last_id,
		.seed = stress_random(&p->seed),
		.seat = &p->seats[part],
		.log = p->log,
		.socket = s->sockets[part][1],
		.name = unique_name(part_names[part]),
	};
	a->pid = start_child(play, a);
}

/* ---- deaths ---- */

/* Until the place is vacant: noted, from the SIGKILL on. */
static void kill_and_time(struct play *p, struct stage *s, struct actor *a)
{
	struct account *t = p->account;
	uint64_t from = now_ns(), end = from + 12 * LONG_NS;

	assert_int_equal(kill(a->pid, SIGKILL), 0);
	while (!is_vacant(s, a) && now_ns() < end)
		sched_yield();
	assert_true(is_vacant(s, a));
	t->ns[t->timed++ % ARRAY_SIZE(t->ns)] = now_ns() - from;
	assert_int_equal(finish_child(a->pid), 128 + SIGKILL);
}

static void give_cue(struct actor *a, uint64_t cue)
{
	store_shared(&a->seat->cue, cue);
	await_shared(&a->seat->there, cue);
}

/* The file is closed, a mapping lives: it is there as before, and gates as before. */
static void check_still_there(struct stage *s, struct actor *a)
{
	struct dmp_member *second = NULL;

	assert_true(is_joined(s, a));
	if (a->part == PRODUCER)
		assert_int_equal(dmp_join(s->ring, DMP_ROLE_PRODUCER, NULL, &second), -EBUSY);
	else
		assert_true(stress_until(cursor(s) > a->seat->pos + SLOTS - MOST_PER_PUBLISH));
	assert_in_range(cursor(s), 0, a->seat->pos + SLOTS);
	assert_false(is_vacant(s, a));
}

static void die_closing(struct play *p, struct stage *s, struct actor *a)
{
	give_cue(a, 1);
	check_still_there(s, a);
	if (a->manner == AFTER_CLOSE) {
		kill_and_time(p, s, a);
		return;
	}
	give_cue(a, 2);
	assert_true(is_vacant(s, a));
	if (a->part != PRODUCER)
		check_goes_on(s);
	kill_child(a->pid);
}

/* What it has become lives on, and says whether it could use the file: by its exit code. */
static void die_by_exec(struct stage *s, struct actor *a)
{
	store_shared(&a->seat->cue, 1);
	assert_true(stress_until(is_vacant(s, a)));
	if (a->part != PRODUCER)
		check_goes_on(s);
	assert_int_equal(kill(a->pid, SIGTERM), 0);
	assert_int_equal(finish_child(a->pid), 0);
}

/* Nothing of the batch is lost that could be read, and nothing comes that could not. */
static void die_mid_publish(struct play *p, struct stage *s, struct actor *a)
{
	uint64_t before;

	give_cue(a, 1);
	before = cursor(s);
	kill_and_time(p, s, a);
	if (a->part == PRODUCER)
		assert_int_equal(cursor(s), s->stamped ? a->seat->pos : before);
}

static void die_with_heir(struct play *p, struct stage *s, struct actor *a)
{
	int fd = a->manner == WITH_A_RECEIVER ? receive_file(s->sockets[a->part][0]) : -1;

	kill_and_time(p, s, a);
	if (fd >= 0) {
		assert_int_equal(xioctl(fd, DMP_IOC_WAKE, NULL), -EPERM);
		assert_int_equal(close(fd), 0);
		return;
	}
	store_shared(&a->seat->linger, 1);
	await_shared(&a->seat->linger, 2);
}

static bool has_ended(const struct actor *a)
{
	siginfo_t info = { 0 };

	assert_int_equal(waitid(P_PID, a->pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
	return info.si_pid == a->pid;
}

/* By its own hand at the point, or by ours if it plays on and does not come there. */
static void die_at_a_point(struct actor *a)
{
	uint64_t enough = dmp_load_acquire(a->seat->steps) + 60;

	store_shared(&a->seat->cue, 1);
	assert_true(stress_until(has_ended(a) || dmp_load_acquire(a->seat->steps) > enough));
	kill_child(a->pid);
}

static void die(struct play *p, struct stage *s, struct actor *a)
{
	switch (a->manner) {
	case AT_A_POINT:
		die_at_a_point(a);
		break;
	case WITH_A_CHILD:
	case WITH_A_RECEIVER:
		die_with_heir(p, s, a);
		break;
	case BY_EXEC:
	case BY_EXEC_KEEPING_FILE:
		die_by_exec(s, a);
		break;
	case AFTER_CLOSE:
	case BY_UNMAPPING:
		die_closing(p, s, a);
		break;
	case MID_PUBLISH:
		die_mid_publish(p, s, a);
		break;
	default:
		kill_and_time(p, s, a);
	}
	assert_true(stress_until(!is_joined(s, a)));
}

/* ---- a play ---- */

static void die_early(struct play *p, struct stage *s, struct actor *a)
{
	stress_delay(&p->seed, 18);
	kill_child(a->pid);
	assert_true(stress_until(!is_joined(s, a)));
	note(p->account, a);
}

/* The next one in the place, however many die on the way to it. A producer goes on exactly where the last one ended. */
static void replace(struct play *p, struct stage *s, enum part part)
{
	struct actor *a = &s->cast[part];
	uint64_t published;

	for (;;) {
		published = cursor(s);
		send_in(p, s, part);
		if (a->manner != KILLED_EARLY)
			break;
		die_early(p, s, a);
	}
	await_shared(&a->seat->ready, 1);
	if (part == PRODUCER)
		assert_int_equal(a->seat->start, published);
}

static void one_death(struct play *p, struct stage *s)
{
	struct actor *a = &s->cast[stress_below(&p->seed, PARTS)];

	await_shared(&a->seat->steps, stress_below(&p->seed, 20));
	stress_delay(&p->seed, 18);
	die(p, s, a);
	note(p->account, a);
	if (a->part != PRODUCER)
		check_goes_on(s);
	replace(p, s, a->part);
}

static void open_stage(struct play *p, struct stage *s)
{
	const struct stress_kind *kind = &stress_kinds[p->account->rings++ % STRESS_ONE_PRODUCER];
	struct dmp_ring_options options = {
		.slots = SLOTS,
		.event_size = kind->event_size,
		.members = 1 + 2 * PARTS,
		.flags = kind->flags,
	};

	s->stamped = kind->flags & DMP_RING_STAMPED;
	assert_int_equal(dmp_ring_create(&s->ring, unique_name("death").s, &options), 0);
	s->watch = stress_join(s->ring, DMP_ROLE_OBSERVER, "watch", &dmp_wait_spin);
	p->account->ring_bytes = stress_info(s->ring).bytes;
	memset(p->log, 0xff, LOG * sizeof(*p->log));
	for (int part = 0; part < PARTS; part++)
		assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, s->sockets[part]), 0);
	for (int part = PARTS; part-- > 0;)
		replace(p, s, part);
}

static uint64_t rings_there(void)
{
	struct dmp_info info = { 0 };
	uint64_t n = 0;

	while (!dmp_ring_next(info.id, &info))
		n++;
	return n;
}

/* Those who hold the ring last are killed, and it goes with them. */
static void close_stage(struct stage *s)
{
	dmp_leave(s->watch);
	dmp_ring_close(s->ring);
	assert_int_equal(rings_there(), 1);
	for (int part = 0; part < PARTS; part++) {
		kill_child(s->cast[part].pid);
		store_shared(&s->cast[part].seat->linger, 1);
		close(s->sockets[part][0]);
		close(s->sockets[part][1]);
	}
	assert_true(stress_until(rings_there() == 0));
}

static int direct(void *arg)
{
	struct play *p = arg;

	write_file(CGROUP "/cgroup.procs", "0");
	while (p->account->deaths < p->deaths) {
		struct stage s = { 0 };
		uint64_t end = p->account->deaths + DEATHS_PER_RING;

		open_stage(p, &s);
		while (p->account->deaths < end)
			one_death(p, &s);
		close_stage(&s);
	}
	return 0;
}

/* Touched here, so that it is charged here, and not to the cgroup that is watched. */
static void *touched_memory(size_t size)
{
	return memset(shared_memory(size), 0, size);
}

static void no_death_leaves_anything_behind(void **state)
{
	struct play p = {
		.deaths = rounds(300, 2000),
		.seed = stress_seed(),
		.seats = touched_memory(PARTS * sizeof(struct seat)),
		.log = touched_memory(LOG * sizeof(uint64_t)),
		.account = touched_memory(sizeof(struct account)),
	};

	(void)state;
	assert_int_equal(rings_there(), 0);
	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	assert_int_equal(mkdir(CGROUP, 0755), 0);
	assert_int_equal(run_child(direct, &p), 0);
	print_account(p.account);
	check_memory_is_back(p.account);
	free_shared_memory(p.account, sizeof(struct account));
	free_shared_memory(p.log, LOG * sizeof(uint64_t));
	free_shared_memory(p.seats, PARTS * sizeof(struct seat));
}

/* What an actor becomes by exec: the same process, and not the member. */
static int linger(const char *fd, const char *file)
{
	sigset_t term;
	int signal, expected = strcmp(file, "kept") ? -EBADF : -EPERM;
	int got = xioctl(atoi(fd), DMP_IOC_WAKE, NULL);

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigwait(&term, &signal);
	return got != expected;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_death_leaves_anything_behind),
	};

	if (argc == 4 && !strcmp(argv[1], "linger"))
		return linger(argv[2], argv[3]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
