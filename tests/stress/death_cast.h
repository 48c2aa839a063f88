/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * death_cast.h: the members that die in death.c, and how
 *
 * Each actor is a process, born with the manner of its death. It plays on until the director, in death.c, kills it or
 * gives it its cue. An event holds who wrote it, so that consumers can tell one producer's events from the next one's.
 */
#ifndef DMP_DEATH_CAST_H
#define DMP_DEATH_CAST_H

#include <fcntl.h>
#include <sys/socket.h>

#include <dmp/order.h>
#include <dmp/test_point.h>

#include "stress.h"

#define SLOTS		 256
#define LOG		 (4 * SLOTS)
#define MOST_PER_PUBLISH 8

enum part { PRODUCER, LEFT, RIGHT, PARTS };

static const char *const part_names[PARTS] = { "producer", "left", "right" };

enum manner {
	KILLED,
	KILLED_EARLY,	 /* while it starts and joins */
	AT_A_POINT,	 /* by its own hand, at some test point of the library */
	WITH_A_CHILD,	 /* that has inherited all its files, and lives on */
	WITH_A_RECEIVER, /* of the member file, by SCM_RIGHTS */
	BY_EXEC,
	BY_EXEC_KEEPING_FILE, /* without close-on-exec */
	AFTER_ITS_THREAD,     /* the thread that joined has ended long ago, another goes on */
	AFTER_CLOSE,	      /* it has closed the member file, and uses the mappings */
	BY_UNMAPPING,	      /* likewise, then drops the mappings and lives on */
	MID_PUBLISH,	      /* between stamps and cursor; of consumers: between read and release */
	MANNERS
};

static const char *const manner_names[MANNERS] = {
	"killed",
	"killed while joining",
	"killed at a test point",
	"killed, a child lives on",
	"killed, a receiver of the file lives on",
	"by exec",
	"by exec, the file stays open",
	"killed after the thread that joined",
	"killed after closing the file",
	"by unmapping after closing the file",
	"killed between stamps and cursor, or read and release",
};

/* Shared: what the director and an actor tell each other. */
struct seat {
	uint64_t joined; /* 1 + its index */
	uint64_t start;	 /* its first position */
	uint64_t ready;	 /* whoever is to outlive it is there */
	uint64_t steps;	 /* batches published or released */
	uint64_t cue;	 /* from the director: 1, then 2 */
	uint64_t there;	 /* the cue was answered: 1, then 2 */
	uint64_t pos;	 /* then: released up to; MID_PUBLISH: stamped up to */
	uint64_t linger; /* to what outlives it: go */
};

struct actor {
	struct dmp_ring *ring;
	enum part part;
	enum manner manner;
	uint32_t id; /* greater than of those before */
	uint64_t seed;
	struct seat *seat;
	uint64_t *log; /* shared, LOG of them: position and writer as the first reader found them */
	int socket;    /* to the director */
	pid_t pid;     /* the director knows it */
	struct name name;
	struct dmp_member *member;
};

/* ---- events ---- */

static inline uint64_t signed_position(uint64_t pos, uint64_t writer)
{
	return pos ^ writer << 40;
}

static inline void write_event(const struct actor *a, uint64_t pos)
{
	uint64_t *word = dmp_slot(a->member, pos);

	word[0] = a->id;
	stress_fill(word + 1, dmp_event_size(a->member) - 8, signed_position(pos, a->id));
}

/* Whole, and what others have found at the position. Returns who wrote it. */
static inline uint64_t check_event(const struct actor *a, uint64_t pos)
{
	const uint64_t *word = dmp_event(a->member, pos);
	uint64_t writer = word[0], seen;

	assert_true(stress_intact(word + 1, dmp_event_size(a->member) - 8, signed_position(pos, writer)));
	seen = __atomic_exchange_n(&a->log[pos % LOG], pos << 20 | writer, __ATOMIC_ACQ_REL);
	if (seen >> 20 == pos)
		assert_int_equal(seen & 0xfffff, writer);
	return writer;
}

/* ---- playing ---- */

static inline void produce_some(struct actor *a)
{
	uint64_t n = 1 + stress_below(&a->seed, MOST_PER_PUBLISH), pos;

	assert_int_equal(dmp_claim(a->member, n, &pos), 0);
	for (uint64_t i = 0; i < n; i++)
		write_event(a, pos + i);
	a->seat->pos = pos + n;
	dmp_publish(a->member, pos, n);
}

/* Twice, with a delay in between: what is not released must stay. Writers follow each other in order. */
static inline void consume_some(struct actor *a)
{
	struct dmp_batch batch;
	uint64_t writer = 0;
	int ret = dmp_wait(a->member, 1, &batch);

	if (ret == -EPIPE) {
		sched_yield(); /* the next producer is not there yet */
		return;
	}
	assert_int_equal(ret, 0);
	for (int look = 0; look < 2; look++, writer = 0) {
		for (uint64_t pos = batch.pos; pos < batch.end; pos++) {
			uint64_t by = check_event(a, pos);

			assert_true(by >= writer);
			writer = by;
		}
		stress_delay(&a->seed, 8);
	}
	assert_int_equal(dmp_release(a->member, batch.end), 0);
	a->seat->pos = batch.end;
}

static inline void step(struct actor *a)
{
	if (a->part == PRODUCER)
		produce_some(a);
	else
		consume_some(a);
	store_shared(&a->seat->steps, a->seat->steps + 1);
}

/* ---- dying ---- */

static struct actor *on_stage; /* in this process, for the hook */

static inline void stop_for_ever(void)
{
	for (;;)
		pause();
}

static inline void stop_mid_publish(enum dmp_test_point point)
{
	if (point != (on_stage->part == PRODUCER ? DMP_POINT_PUBLISH_STAMPED : DMP_POINT_RELEASE_BEFORE))
		return;
	store_shared(&on_stage->seat->there, 1);
	stop_for_ever();
}

static enum dmp_test_point last_point;

static inline void die_at_point(enum dmp_test_point point)
{
	if (point == last_point)
		kill(getpid(), SIGKILL);
}

/* One that it comes through sooner or later, or does if it ever sleeps. */
static inline enum dmp_test_point choose_point(struct actor *a)
{
	static const enum dmp_test_point producers[] = {
		DMP_POINT_CLAIM_BEFORE,	  DMP_POINT_CLAIM_AFTER, DMP_POINT_SLOT_WRITING, DMP_POINT_PUBLISH_STAMPED,
		DMP_POINT_PUBLISH_CURSOR, DMP_POINT_WAKE_BEFORE, DMP_POINT_WAIT_BEFORE,	 DMP_POINT_WAIT_AFTER,
	};
	static const enum dmp_test_point consumers[] = {
		DMP_POINT_WAIT_BEFORE,	 DMP_POINT_WAIT_AFTER,	DMP_POINT_RELEASE_BEFORE,
		DMP_POINT_RELEASE_AFTER, DMP_POINT_WAKE_BEFORE,
	};

	if (a->part == PRODUCER)
		return producers[stress_below(&a->seed, ARRAY_SIZE(producers))];
	return consumers[stress_below(&a->seed, ARRAY_SIZE(consumers))];
}

/* Becomes "death linger": see main(). It has to be told apart from the process that it was. */
static inline void become_another(struct actor *a, bool keep_file)
{
	int fd = dmp_member_fd(a->member);
	char number[16];
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	assert_int_equal(sigprocmask(SIG_BLOCK, &term, NULL), 0);
	if (keep_file)
		assert_int_equal(fcntl(fd, F_SETFD, 0), 0);
	snprintf(number, sizeof(number), "%d", fd);
	execl("/proc/self/exe", "death", "linger", number, keep_file ? "kept" : "closed", NULL);
	fail_msg("exec: %s", strerror(errno));
}

static inline void close_file(struct actor *a)
{
	assert_int_equal(close(dmp_member_fd(a->member)), 0);
	store_shared(&a->seat->there, 1);
	if (a->manner == AFTER_CLOSE)
		stop_for_ever();
	await_shared(&a->seat->cue, 2);
	dmp_leave(a->member);
	store_shared(&a->seat->there, 2);
	stop_for_ever();
}

/* The director has given the cue. */
static inline void answer_cue(struct actor *a)
{
	switch (a->manner) {
	case BY_EXEC:
	case BY_EXEC_KEEPING_FILE:
		become_another(a, a->manner == BY_EXEC_KEEPING_FILE);
		break;
	case AFTER_CLOSE:
	case BY_UNMAPPING:
		close_file(a);
		break;
	case MID_PUBLISH:
		dmp_test_hook = stop_mid_publish;
		break;
	case AT_A_POINT:
		last_point = choose_point(a);
		dmp_test_hook = die_at_point;
		break;
	default:
		break;
	}
}

static inline void *play_on(void *arg)
{
	struct actor *a = arg;

	store_shared(&a->seat->ready, 1);
	while (!dmp_load_acquire(a->seat->cue))
		step(a);
	answer_cue(a);
	for (;;)
		step(a);
	return NULL;
}

/* ---- being born ---- */

static inline void *join_ring(void *arg)
{
	struct actor *a = arg;
	uint32_t role = a->part == PRODUCER ? DMP_ROLE_PRODUCER : DMP_ROLE_CONSUMER;

	a->member = stress_join(a->ring, role, a->name.s, &dmp_wait_sleep);
	a->seat->start = dmp_position(a->member);
	a->seat->pos = a->seat->start;
	store_shared(&a->seat->joined, 1 + a->member->index);
	return NULL;
}

/* Holds everything its parent had, and may do nothing with it. */
static inline void leave_a_child(struct actor *a)
{
	if (fork())
		return;
	await_shared(&a->seat->linger, 1);
	if (xioctl(dmp_member_fd(a->member), DMP_IOC_WAKE, NULL) == -EPERM &&
	    mmap(NULL, DMP_PAGE, PROT_READ, MAP_SHARED, dmp_member_fd(a->member), DMP_OFF_CURSOR) == MAP_FAILED)
		store_shared(&a->seat->linger, 2);
	_exit(0);
}

static inline void send_file(int socket, int fd)
{
	char space[CMSG_SPACE(sizeof(fd))] = { 0 }, byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	assert_int_equal(sendmsg(socket, &msg, 0), 1);
}

static inline int receive_file(int socket)
{
	char space[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space) };
	int fd;

	assert_int_equal(recvmsg(socket, &msg, MSG_CMSG_CLOEXEC), 1);
	assert_non_null(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* Either thread may be the one that ends: the first of the process, or another. */
static inline void play_in_two_threads(struct actor *a)
{
	pthread_t other;

	if (a->seed & 1) {
		assert_int_equal(pthread_create(&other, NULL, join_ring, a), 0);
		assert_int_equal(pthread_join(other, NULL), 0);
		play_on(a);
	}
	join_ring(a);
	assert_int_equal(pthread_create(&other, NULL, play_on, a), 0);
	syscall(SYS_exit, 0); /* this thread alone; pthread_exit() would want libgcc_s at run time */
}

static inline int play(void *arg)
{
	struct actor *a = arg;

	on_stage = a;
	if (a->manner == AFTER_ITS_THREAD)
		play_in_two_threads(a);
	if (a->manner == KILLED_EARLY && a->seed & 1) {
		last_point = a->seed & 2 ? DMP_POINT_JOIN_BEFORE : DMP_POINT_JOIN_AFTER;
		dmp_test_hook = die_at_point;
	}
	join_ring(a);
	if (a->manner == WITH_A_CHILD)
		leave_a_child(a);
	if (a->manner == WITH_A_RECEIVER)
		send_file(a->socket, dmp_member_fd(a->member));
	play_on(a);
	return 0;
}

#endif /* DMP_DEATH_CAST_H */
