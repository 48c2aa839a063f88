/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * helpers.h: what the device and the stress tests share
 *
 * Functions assert that they succeed, with cmocka, unless they say what they return. None sleeps to let something
 * happen: await() looks until it has. A failing assertion in a child of start_child() aborts the child.
 */
#ifndef DMP_TESTS_HELPERS_H
#define DMP_TESTS_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <cmocka.h>
#include <linux/dmp.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct dmp_ring;
struct dmp_member;

/* ---- how much ---- */

bool is_soak(void);	    /* DMP_SOAK is set: the long form */
bool is_debug_kernel(void); /* DMP_DEBUG_KERNEL is set */
/* How many rounds: in the long form, else in the short one, a tenth of that on a debug kernel. */
uint64_t rounds(uint64_t brief, uint64_t soak);

/* ---- names ---- */

struct name {
	char s[DMP_NAME_MAX];
};
struct name unique_name(const char *what); /* of this process and this call */

/* ---- time: for deadlines that must not pass, never to measure ---- */

uint64_t now_ns(void);	       /* CLOCK_MONOTONIC */
#define LONG_NS 10000000000ULL /* a wait that takes so long has lost its wake */

/* Call is() every millisecond until it is true; fail, saying what, after two minutes. */
void await(bool (*is)(void *), void *arg, const char *what);

/* ---- system calls that give -errno ---- */

int xioctl(int fd, unsigned long cmd, const void *arg);
int xopen(const char *path, int flags);

/* ---- rings and members, as the kernel tells of them; fd: a ring file (dmp_ring_fd) or a member file ---- */

struct dmp_info ring_info(int fd);
/* By name; false if no member that has not left has it. */
bool find_member(int fd, const char *name, struct dmp_member_info *m);
struct dmp_member_info member_info(int fd, const char *name); /* it must be there */
void await_asleep(int fd, const char *name);		      /* a thread sleeps in its WAIT */
void await_armed(int fd, const char *name);		      /* armed, for poll or across a signal */
void await_joined(int fd, uint32_t count);		      /* so many members are there */
uint64_t wait_long(void);				      /* now + LONG_NS */

/* ---- by library ---- */

/* An anonymous ring. */
struct dmp_ring *make_ring(uint64_t slots, uint32_t event_size, uint32_t flags);
/* Join with a name, from the latest; wait: see dmp.h, NULL: the default. */
struct dmp_member *join(struct dmp_ring *ring, uint32_t role, const char *name);
struct dmp_member *join_after(struct dmp_ring *ring, const char *name, const char *const *after, uint32_t count);

/* ---- the module ---- */

int module_references(void);	     /* rings and files each hold it */
bool module_is_unused(void *unused); /* for await() */
bool module_is_back(void *before);   /* int: it has as many as then */

/* ---- children: killed with their parent ---- */

typedef int (*child_fn)(void *arg);

pid_t start_child(child_fn fn, void *arg);
int finish_child(pid_t pid); /* its exit code, or 128 + the signal that killed it */
int run_child(child_fn fn, void *arg);
void kill_child(pid_t pid); /* SIGKILL, and reaped */
/* Until *word is at least value: 0. If the child ends before: not 0, and it is reaped. */
int finish_unless_shared(pid_t pid, const uint64_t *word, uint64_t value);

/* What parent and children tell each other: zeroed memory that fork shares. */
void *shared_memory(size_t size);
void free_shared_memory(void *p, size_t size);
/* Wait until *word is at least value (set with store_shared). */
void await_shared(const uint64_t *word, uint64_t value);
void store_shared(uint64_t *word, uint64_t value);

/* ---- who and where we are; for children ---- */

void become(uid_t uid);	      /* uid and gid, no other groups, no capabilities; may still be traced by itself */
void drop_capabilities(void); /* stays the same uid */
void pin_to_cpu(unsigned int cpu);

#endif /* DMP_TESTS_HELPERS_H */
