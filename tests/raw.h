/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * raw.h: rings and members by ioctl and mmap alone, so that the module is tested, not the library
 *
 * Functions that return a descriptor or -errno say so; all others assert.
 */
#ifndef DMP_TESTS_RAW_H
#define DMP_TESTS_RAW_H

#include <pthread.h>
#include <stdint.h>

#include <linux/dmp.h>

#include "helpers.h"

#define SLOTS 64 /* of EVENT bytes: one page, the smallest ring */
#define EVENT 64
#define NEVER UINT64_MAX

/* ---- ring files ---- */

int device(void);				  /* /dev/dmp, not bound */
struct dmp_create create_args(const char *name);  /* SLOTS of EVENT bytes, 16 members, mode 0700; NULL: anonymous */
int ring_create(const struct dmp_create *args);	  /* a ring file, or -errno */
int ring_open(const char *name, uint32_t rights); /* likewise */
int ring_open_with(const char *name, uint32_t rights, int open_flags);
int ring_bind(int fd, uint32_t rights); /* likewise */
int ring_unlink(const char *name);	/* 0 or -errno */
int new_ring(void);			/* anonymous */
bool ring_is_listed(const char *name);

/* ---- member files ---- */

struct dmp_join join_args(uint32_t role, const char *name);
void join_after_names(struct dmp_join *args, const char (*names)[DMP_MEMBER_NAME_MAX], uint32_t count);
int ring_join(int ring, struct dmp_join *args); /* a member file, or -errno */

/* A member with everything mapped that it may map. */
struct raw {
	int fd;
	uint32_t index, role;
	uint64_t start, incarnation;
	uint64_t slots;
	uint32_t stride;
	const struct dmp_meta *meta;
	struct dmp_cursor *cursor; /* writable for the producer */
	char *members;
	struct dmp_own *own;
	char *self; /* the pages own lies in */
	char *data; /* twice in a row */
};

struct raw raw_join(int ring, uint32_t role, const char *name); /* from the latest */
struct raw raw_join_after(int ring, const char *name, const char *upstream);
struct raw raw_join_with(int ring, struct dmp_join *args);
struct raw raw_map(int fd, const struct dmp_join *args);
void *raw_mmap(int fd, uint64_t offset, size_t size, int prot); /* MAP_FAILED and errno if refused */
void raw_unmap(struct raw *m);
void raw_leave(struct raw *m); /* LEAVE, close, unmap */
void raw_close(struct raw *m); /* without LEAVE */

/* A ring with a consumer "c" and a producer "p" who know of each other: no POLLPRI is pending. */
struct pair {
	int ring;
	struct raw p, c;
};

struct pair make_pair(void);
void end_pair(struct pair *x);
void read_members(int fd); /* settles POLLPRI of a member file */

/* ---- in mapped memory ---- */

uint64_t *raw_slot(const struct raw *m, uint64_t position); /* the payload */
uint64_t raw_cursor(const struct raw *m);		    /* the ring's */
void raw_publish(struct raw *m, uint64_t n);   /* n more events that hold their positions; looks at no gate */
void raw_release(struct raw *m, uint64_t end); /* the consumer's cursor */
const struct dmp_entry *raw_entry(const struct raw *m, uint32_t index);
uint64_t raw_room(const struct raw *m); /* how far a producer may write: smallest gate + slots */

/* ---- waiting ---- */

int raw_wait(int fd, uint64_t target, uint64_t deadline); /* as the ioctl: 0 or -errno */
int raw_arm(int fd, uint64_t target);			  /* as the ioctl: 0, 1 or -errno */

/* A thread that waits; its result is there once finish_sleeper() returns. */
struct sleeper {
	pthread_t thread;
	int fd;
	uint64_t target, deadline;
	int result;
};

void start_sleeper(struct sleeper *s, int fd, uint64_t target, uint64_t deadline);
int finish_sleeper(struct sleeper *s);

#endif /* DMP_TESTS_RAW_H */
