/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * every_step_points.h: who comes through which test point, on which kind of ring, and what the others do for it
 *
 * every_step.c holds it against what happens, both ways: a point that nobody reached fails, and so does one that was
 * reached by whom it is not listed for.
 */
#ifndef DMP_EVERY_STEP_POINTS_H
#define DMP_EVERY_STEP_POINTS_H

#include <stdbool.h>
#include <stdint.h>

#include <dmp/test_point.h>

enum kind { SEVERAL, STAMPED, PACKED, KINDS };
enum side { PRODUCER, CONSUMER, SIDES };

/* FULL: consumers take their time until producers wait. EMPTY: the other way round. */
enum mood { AT_WILL, FULL, EMPTY };

#define S   (1 << SEVERAL)
#define ST  (S | 1 << STAMPED)
#define ALL (ST | 1 << PACKED)

struct step {
	const char *name;
	struct {
		uint32_t kinds;
		enum mood mood;
		bool holds; /* stopped there, it holds the others up, once the ring is full or empty */
	} of[SIDES];
	const char *why; /* it is not everywhere */
};

#define ONE_OWNER "one producer has no rivals, and consumers claim nothing"
#define NO_CLAIM  "consumers claim and publish nothing"
#define NO_READER "producers read nothing"
#define NO_MODULE "with the module the kernel does that"

#define AT(who, ...)                          \
	{                                     \
		.kinds = (who), ##__VA_ARGS__ \
	}
#define HELD(who, ...)                                       \
	{                                                    \
		.kinds = (who), .holds = true, ##__VA_ARGS__ \
	}

static const struct step steps[DMP_POINT_COUNT] = {
	[DMP_POINT_JOIN_BEFORE] = { "join: before", .of = { AT(ALL), AT(ALL) } },
	[DMP_POINT_JOIN_AFTER] = { "join: after", .of = { AT(ALL), HELD(ALL) } },
	[DMP_POINT_LEAVE_BEFORE] = { "leave: before", .of = { AT(ALL), HELD(ALL) } },
	[DMP_POINT_LEAVE_AFTER] = { "leave: after", .of = { AT(ALL), AT(ALL) } },

	[DMP_POINT_CLAIM_BEFORE] = { "claim: before", .of = { AT(ALL) }, NO_CLAIM },
	[DMP_POINT_CLAIM_RECORDED] = { "claim: recorded", .of = { HELD(S) }, ONE_OWNER },
	[DMP_POINT_CLAIM_LOST] = { "claim: lost", .of = { HELD(S) }, ONE_OWNER },
	[DMP_POINT_CLAIM_ASKED] = { "claim: asked the records", .of = { AT(S) }, ONE_OWNER },
	[DMP_POINT_CLAIM_LOOKED] = { "claim: looked for room", .of = { AT(S) }, ONE_OWNER },
	[DMP_POINT_CLAIM_WON] = { "claim: won", .of = { HELD(S) }, ONE_OWNER },
	[DMP_POINT_CLAIM_AFTER] = { "claim: after", .of = { HELD(ALL) }, NO_CLAIM },
	[DMP_POINT_SLOT_WRITING] = { "slot: writing", .of = { HELD(ST) }, "packed slots have no stamps" },
	[DMP_POINT_PUBLISH_PARTLY] = { "publish: partly", .of = { HELD(ST) }, "packed slots have no stamps" },
	[DMP_POINT_PUBLISH_STAMPED] = { "publish: stamped", .of = { AT(ALL) }, NO_CLAIM },
	[DMP_POINT_PUBLISH_CURSOR] = { "publish: cursor", .of = { AT(ALL) }, NO_CLAIM },
	[DMP_POINT_ABORT_PARTLY] = { "abort: partly", .of = { HELD(S) }, "one producer gives its claim back" },
	[DMP_POINT_ABORT_STAMPED] = { "abort: stamped", .of = { AT(S) }, "one producer gives its claim back" },

	[DMP_POINT_WAKE_BEFORE] = { "wake", .of = { AT(ALL, .mood = EMPTY), HELD(ALL, .mood = FULL) } },
	[DMP_POINT_WAIT_BEFORE] = { "wait: before", .of = { AT(ALL, .mood = FULL), HELD(ALL, .mood = EMPTY) } },
	[DMP_POINT_WAIT_AFTER] = { "wait: after", .of = { AT(ALL, .mood = FULL), HELD(ALL, .mood = EMPTY) } },

	[DMP_POINT_RELEASE_BEFORE] = { "release: before", { { 0 }, HELD(ALL) }, NO_READER },
	[DMP_POINT_RELEASE_AFTER] = { "release: after", { { 0 }, HELD(ALL) }, NO_READER },
	[DMP_POINT_SKIP_SEEN] = { "skip: seen", { { 0 }, HELD(S) }, "one producer aborts nothing" },
	[DMP_POINT_SKIP_COUNTED] = { "skip: counted", { { 0 }, HELD(S) }, "one producer aborts nothing" },

	[DMP_POINT_MEMBERSHIP] = { "membership", { { 0 } }, NO_MODULE },
	[DMP_POINT_WAKE_TAKEN] = { "wake: taken", { { 0 } }, NO_MODULE },
	[DMP_POINT_SLEEP_ANNOUNCED] = { "sleep: announced", { { 0 } }, NO_MODULE },
	[DMP_POINT_SLEEP_BEFORE] = { "sleep: before", { { 0 } }, NO_MODULE },
	[DMP_POINT_CALM_BEFORE] = { "calm", { { 0 } }, NO_MODULE },
	[DMP_POINT_NAME_REMOVE] = { "name: remove", { { 0 } }, "the module's names are not files" },
};

static inline bool occurs(enum kind kind, enum side side, uint32_t point)
{
	return steps[point].of[side].kinds >> kind & 1;
}

/* In a life. */
static inline bool is_taken_once(uint32_t point)
{
	return point <= DMP_POINT_LEAVE_AFTER || point == DMP_POINT_CLAIM_LOST;
}

static inline bool is_leaving(uint32_t point)
{
	return point == DMP_POINT_LEAVE_BEFORE || point == DMP_POINT_LEAVE_AFTER;
}

#undef AT
#undef HELD
#undef S
#undef ST
#undef ALL

#endif /* DMP_EVERY_STEP_POINTS_H */
