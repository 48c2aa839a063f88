/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * native.h: what the tests of the backends share: rings of any owner, through the public API alone
 *
 * The tests of tests/native need no module. Those listed as PROMISE_TESTS in tests/files.mk run on every backend: the
 * environment variable DMP_TEST_BACKEND says dmp (the default), shm or file.
 *
 * Functions assert that they succeed, unless they say what they return.
 */
#ifndef DMP_TESTS_NATIVE_H
#define DMP_TESTS_NATIVE_H

#include "../stress/stress.h"

/* ---- names ---- */

#define ADDRESS_MAX 256

/* What a ring is opened by: "shm:NAME". */
struct address {
	char s[ADDRESS_MAX];
};

struct address new_shm(const char *what);     /* of this process and this call */
struct address new_file(const char *what);    /* in a folder of this process, which is removed with all files at exit */
struct address new_path(const char *what);    /* the same without "file:" */
struct address new_address(const char *what); /* of the backend that is tested */
const char *path_of(const struct address *a); /* of a file ring */
struct address shm_path(const struct address *a); /* where a ring of shared memory lies */

bool is_backend(const char *name);

/* ---- rings ---- */

#define NATIVE_SLOTS 64

/* 64 slots of 64 bytes, 16 members. */
struct dmp_ring_options native_options(uint32_t flags);
struct dmp_ring *create_ring(const struct address *a, uint32_t flags);
struct dmp_ring *open_ring(const struct address *a);
int try_open(const struct address *a, uint32_t rights); /* 0, and closed again, or -errno */
int try_create(const struct address *a, const struct dmp_ring_options *options);
uint32_t event_size_of(uint32_t flags);

struct dmp_info info_of(const struct dmp_ring *ring);
bool has_member(const struct dmp_ring *ring, const char *name, struct dmp_member_info *m); /* one that has joined */
void await_sleeper(const struct dmp_ring *ring, const char *name);
void await_members(const struct dmp_ring *ring, uint32_t count);

/* ---- members ---- */

int try_join(struct dmp_ring *ring, uint32_t role, const char *name); /* 0, and left again, or -errno */
struct dmp_member *join_as(struct dmp_ring *ring, const struct dmp_join_options *options); /* a consumer */

/* Events of stress_fill(). */
int try_publish(struct dmp_member *p, uint64_t n);     /* in one batch; 0 or -errno */
void publish(struct dmp_member *p, uint64_t n);	       /* one after the other; waits for room, but not long */
int64_t consume(struct dmp_member *c);		       /* all there is: how many, or if none -errno */
int consume_up_to(struct dmp_member *c, uint64_t end); /* waits, but not long; 0 or -errno */
bool is_intact(const struct dmp_member *m, uint64_t pos);

/* ---- processes ---- */

void send_fd(int socket, int fd);
int receive_fd(int socket);
_Noreturn void stay(void); /* until killed */

#endif /* DMP_TESTS_NATIVE_H */
