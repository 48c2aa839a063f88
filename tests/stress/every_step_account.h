/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* every_step_account.h: what every_step.c knows of the play, and whether it comes out right in the end */
#ifndef DMP_EVERY_STEP_ACCOUNT_H
#define DMP_EVERY_STEP_ACCOUNT_H

#include "every_step_cast.h"

struct play {
	enum kind kind;
	enum side side;
	uint32_t point;
	int signal;
	uint64_t seed;
	struct stage *stage;
	struct dmp_ring *ring;
	pid_t pid[SEATS];
	uint64_t reached[KINDS][SIDES][DMP_POINT_COUNT];
	uint64_t deaths, repaired, most_undecided;
};

static const struct stress_kind kinds[KINDS] = {
	[SEVERAL] = { "several producers", DMP_RING_STAMPED | DMP_RING_MULTI, 56 },
	[STAMPED] = { "one producer, stamped", DMP_RING_STAMPED, 56 },
	[PACKED] = { "one producer, packed", 0, 64 },
};
static const char *const side_names[SIDES] = { "producer", "consumer" };

static char playing[128]; /* what fails, if it does */

#define check(cond)                                             \
	do {                                                    \
		if (!(cond))                                    \
			fail_msg("%s: not %s", playing, #cond); \
	} while (0)

static inline void announce(const struct play *p)
{
	snprintf(playing, sizeof(playing), "%s, a %s %s at \"%s\"", kinds[p->kind].name, side_names[p->side],
		 p->signal == SIGKILL ? "killed" : "stopped", steps[p->point].name);
	if (is_soak())
		print_message("%s\n", playing);
}

static inline struct dmp_info info(const struct play *p)
{
	return stress_info(p->ring);
}

/* ---- the reckoning ---- */

static inline uint64_t aborted_by_producers(const struct stage *s)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < s->writers; i++)
		sum += s->writer[i].aborted;
	return sum;
}

/* Of every producer what it has published, and nothing else. */
static inline void check_complete(const struct stage *s, const struct reader *r)
{
	for (uint64_t i = 0; i < s->writers; i++)
		check((r->seen[i] ? r->seen[i] - 1 : 0) == s->writer[i].published);
}

static inline void check_reader(struct play *p, enum seat_number seat)
{
	const struct stage *s = p->stage;
	const struct reader *r = &s->reader[seat];
	bool late = r->start > 0; /* it cannot know what was before */

	check(r->received + r->aborted == r->end - r->start);
	if (!r->done)
		return;
	check(r->end == info(p).cursor);
	if (late)
		return;
	check_complete(s, r);
	check(r->aborted == info(p).repaired + (p->kind == SEVERAL ? aborted_by_producers(s) : 0));
}

/* ---- the table of steps ---- */

static inline void check_reached(const struct play *p, enum kind kind)
{
	for (uint32_t side = 0; side < SIDES; side++) {
		for (uint32_t i = 0; i < DMP_POINT_COUNT; i++) {
			uint64_t n = p->reached[kind][side][i];

			if (occurs(kind, side, i) != (n > 0))
				fail_msg("%s, %s: \"%s\" reached %" PRIu64 " times", kinds[kind].name, side_names[side],
					 steps[i].name, n);
		}
	}
}

static inline void check_table(void)
{
	for (uint32_t i = 0; i < DMP_POINT_COUNT; i++) {
		if (!steps[i].name)
			fail_msg("test point %u is not in the table", i);
		for (uint32_t kind = 0; kind < KINDS; kind++)
			if (!(occurs(kind, PRODUCER, i) && occurs(kind, CONSUMER, i)) && !steps[i].why)
				fail_msg("\"%s\" does not say why it is not everywhere", steps[i].name);
	}
}

#endif /* DMP_EVERY_STEP_ACCOUNT_H */
