/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * calls.h: every ioctl that takes a struct, with arguments that are accepted, and a ring to try them on
 *
 * The world is one ring "w.name" with a producer "p" and a consumer "c" that has one event to read.
 */
#ifndef DMP_TESTS_CALLS_H
#define DMP_TESTS_CALLS_H

#include "helpers.h"
#include "raw.h"

enum {
	CREATE,
	OPEN,
	BIND,
	UNLINK,
	LIST,
	INFO,
	MEMBERS,
	JOIN,
	EVICT,
	HOLDUP,
	WAIT,
	ARM,
	REQUIRE,
	REQUIRED,
	STALLED,
	CALLS
};
enum kind { BARE, RING, MEMBER, PRODUCER }; /* of file */

struct call {
	const char *name;
	unsigned long cmd;
	uint32_t size;
	enum kind kind; /* of the file it is for */
	bool writes;	/* its struct */
};

extern const struct call calls[CALLS];

union args {
	uint32_t size;
	struct dmp_create create;
	struct dmp_open open;
	struct dmp_bind bind;
	struct dmp_unlink unlink;
	struct dmp_info info;
	struct dmp_members members;
	struct dmp_join join;
	struct dmp_evict evict;
	struct dmp_holdup holdup;
	struct dmp_wait wait;
	struct dmp_require require;
	struct dmp_required required;
	struct dmp_stalled stalled;
	char bytes[512];
};

struct world {
	struct name name, spare; /* spare: of no ring, but for UNLINK */
	int ring;
	struct raw p, c;
	struct dmp_member_info entries[16];    /* that MEMBERS fills */
	struct dmp_required_info required[16]; /* that REQUIRED fills */
};

extern struct world w;

int make_world(void **state); /* for a group of tests */
int end_world(void **state);

union args valid_args(int call);

/* The size that its struct had first: it is taken without what was added later. */
uint32_t first_size(int call);

/* What a call without effect leaves as it was. */
struct snapshot {
	struct dmp_info info;
	struct dmp_member_info members[16];
	uint32_t count, rings;
	int next_file;
};

struct snapshot take_snapshot(void);
bool is_bare(int fd); /* not bound */

/* The call, on a file of its kind, must fail and have no effect; readable bytes at args must stay as they are. */
void refuse_at(int call, void *args, size_t readable, int err, const char *why);
void refuse(int call, union args *args, int err, const char *why);
/* It must succeed. It is undone. */
void accept_at(int call, void *args, const char *why);

#endif /* DMP_TESTS_CALLS_H */
