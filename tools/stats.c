// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* stats.c: what a member has done, in one line */
#include <inttypes.h>
#include <unistd.h>

#include "tool.h"

void count_batch(struct stats *stats, uint64_t events, uint64_t bytes)
{
	stats->events += events;
	stats->bytes += bytes;
	stats->batches++;
	if (events > stats->max_batch)
		stats->max_batch = events;
}

/* This process has one member only. */
static struct dmp_member_info myself(struct dmp_member *member)
{
	struct members members = members_seen_by(member);
	struct dmp_member_info me = { .pid = 0 };
	uint32_t i;

	for (i = 0; i < members.count; i++)
		if (members.list[i].pid == getpid() && members.list[i].state == DMP_MEMBER_JOINED)
			me = members.list[i];
	free_members(&members);
	return me;
}

void print_stats(const struct stats *s, struct dmp_member *member)
{
	struct dmp_member_info me = myself(member);

	fprintf(stderr,
		"dmp: stats name=%s events=%" PRIu64 " bytes=%" PRIu64 " batches=%" PRIu64 " mean_batch=%.1f"
		" max_batch=%" PRIu64 " sleeps=%" PRIu64 " woken=%" PRIu64 " futile=%" PRIu64 " changed=%" PRIu64
		" late=%" PRIu64 " wakes=%" PRIu64 " empty=%" PRIu64 " arms=%" PRIu64 "\n",
		me.name, s->events, s->bytes, s->batches, s->batches ? (double)s->events / (double)s->batches : 0.0,
		s->max_batch, (uint64_t)me.sleeps, (uint64_t)me.woken, (uint64_t)me.futile, (uint64_t)me.changed,
		(uint64_t)me.late, (uint64_t)me.wakes, (uint64_t)me.empty, (uint64_t)me.arms);
}
