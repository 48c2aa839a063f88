// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* liveness.c: required consumers that are there, but do not get on while the producer waits for them */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "liveness.h"

#define MS 1000000ULL

const struct dmp_liveness dmp_liveness_default = {
	.startup_wait = 5000 * MS,
	.progress_timeout = 250 * MS,
	.check_interval = 5 * MS,
	.grace = 1000 * MS,
	.action = DMP_STALL_FAIL,
};

/* ---- join ---- */

/* Times that can be added up. */
static bool is_valid(const struct dmp_liveness *o)
{
	uint64_t longest = o->startup_wait | o->progress_timeout | o->check_interval | o->grace;

	return o->startup_wait && o->progress_timeout && o->check_interval && !(longest >> 61) &&
	       o->action <= DMP_STALL_WAIT;
}

int dmp_liveness_new_(struct dmp_member *m, const struct dmp_liveness *options)
{
	const struct dmp_liveness *o = options ? options : &dmp_liveness_default;

	if (m->role != DMP_ROLE_PRODUCER)
		return options ? -EINVAL : 0;
	if (!m->ops->read_required)
		return options ? -EOPNOTSUPP : 0;
	if (!is_valid(o))
		return -EINVAL;
	m->liveness = calloc(1, sizeof(*m->liveness));
	if (!m->liveness)
		return -ENOMEM;
	m->liveness->options = *o;
	m->liveness->next_check = o->check_interval;
	return 0;
}

/* ---- judging one: pure ---- */

/* It got on: what was held against it is forgotten. */
static enum dmp_verdict_ clear(struct dmp_watched_ *w, const struct dmp_sight_ *seen, uint64_t now)
{
	w->incarnation = seen->incarnation;
	w->position = seen->position;
	w->since = now;
	w->alert = w->evicted = false;
	return DMP_ALIVE_;
}

/* Another incarnation of the name has got on, too: it has just come. To die is not to get on: a place that is held, and one
 * that is missing, stands where it was. */
static bool got_on(const struct dmp_watched_ *w, const struct dmp_sight_ *seen)
{
	bool has_come = !seen->held && seen->incarnation != w->incarnation;

	return seen->there && (has_come || seen->position > w->position || !seen->behind);
}

enum dmp_verdict_ dmp_judge_(struct dmp_watched_ *w, const struct dmp_sight_ *seen, uint64_t now,
			     const struct dmp_liveness *options)
{
	if (got_on(w, seen))
		return clear(w, seen, now);
	if (w->evicted || now - w->since < options->progress_timeout)
		return DMP_ALIVE_;
	if (!w->alert) {
		w->alert = true;
		w->alerted = now;
		return DMP_ALERT_;
	}
	return now - w->alerted >= options->grace ? DMP_OVERDUE_ : DMP_STALLED_;
}

/* ---- seeing one ---- */

/* Has it something to read? What its dependencies have not released is not its to read yet. */
static bool is_behind(const struct dmp_member *m, uint32_t index, uint64_t position)
{
	const struct dmp_entry *table = (const void *)((const char *)m->meta + m->meta->table_off);
	uint64_t available = dmp_load_acquire(m->ring->cursor), deps = dmp_load_once(table[index].deps);

	for (; deps; deps &= deps - 1) {
		uint64_t cursor = dmp_load_acquire(dmp_own_(m, (uint32_t)__builtin_ctzll(deps))->cursor);

		if (cursor < available)
			available = cursor;
	}
	return position < available;
}

static struct dmp_sight_ see(const struct dmp_member *m, const struct dmp_required_info *info)
{
	return (struct dmp_sight_){
		.there = info->there,
		.held = info->state == DMP_MEMBER_HELD,
		.behind = info->there && is_behind(m, info->index, info->cursor),
		.incarnation = info->incarnation,
		.position = info->cursor,
	};
}

/* Who it is that is watched there, from now on. */
static struct dmp_watched_ *watched(struct dmp_liveness_ *l, uint32_t i, const char *name)
{
	struct dmp_watched_ *w = &l->watched[i];

	if (memcmp(w->name, name, sizeof(w->name))) {
		*w = (struct dmp_watched_){ .since = l->blocked };
		memcpy(w->name, name, sizeof(w->name));
	}
	return w;
}

/* ---- what follows ---- */

static int tell_kernel(struct dmp_member *m, const struct dmp_required_info *info, uint32_t flags)
{
	struct dmp_stalled args = {
		.size = sizeof(args),
		.flags = flags,
		.index = info->index,
		.incarnation = info->incarnation,
		.position = m->liveness->stall.position,
		.since = m->liveness->stall.stalled_for,
	};

	return m->ops->stalled(m, &args);
}

static void remember(struct dmp_liveness_ *l, const struct dmp_watched_ *w)
{
	memcpy(l->stall.name, w->name, sizeof(l->stall.name));
	l->stall.position = w->position;
	l->stall.stalled_for = l->blocked - w->since;
	l->stalled = true;
}

static void alert(struct dmp_member *m, const struct dmp_required_info *info)
{
	const struct dmp_liveness *o = &m->liveness->options;

	if (info->there)
		tell_kernel(m, info, 0); /* it only counts: that it is not so any more is no error */
	if (o->alert)
		o->alert(o->arg, &m->liveness->stall);
}

/* The claim's last word. Whatever room is left, the next claim is to hear it as well. */
static int fail(struct dmp_member *m)
{
	m->liveness->failed = true;
	m->liveness->begun = false;
	m->limit = m->next;
	return -EHOSTDOWN;
}

/* One that is missing holds nobody up; one that has moved meanwhile need not go. */
static int evict(struct dmp_member *m, struct dmp_watched_ *w, const struct dmp_required_info *info)
{
	int err = info->there ? tell_kernel(m, info, DMP_STALLED_EVICT) : 0;

	if (err == -ENOENT)
		return 0;
	w->evicted = err >= 0;
	return err < 0 ? err : 0;
}

static int act(struct dmp_member *m, struct dmp_watched_ *w, const struct dmp_required_info *info)
{
	switch (m->liveness->options.action) {
	case DMP_STALL_FAIL:
		return fail(m);
	case DMP_STALL_EVICT:
		return evict(m, w, info);
	default:
		return 0;
	}
}

static int check_one(struct dmp_member *m, uint32_t i, const struct dmp_required_info *info)
{
	struct dmp_liveness_ *l = m->liveness;
	struct dmp_watched_ *w = watched(l, i, info->name);
	struct dmp_sight_ seen = see(m, info);
	enum dmp_verdict_ verdict = dmp_judge_(w, &seen, l->blocked, &l->options);

	if (verdict == DMP_ALERT_) {
		remember(l, w);
		alert(m, info);
		verdict = l->options.grace ? DMP_STALLED_ : DMP_OVERDUE_;
	}
	if (verdict != DMP_OVERDUE_)
		return 0;
	remember(l, w);
	return act(m, w, info);
}

static int check(struct dmp_member *m)
{
	struct dmp_required_info infos[DMP_MAX_GATES];
	int i, n = m->ops->read_required(m, infos, DMP_MAX_GATES), err = 0;

	for (i = 0; i < n && !err; i++)
		err = check_one(m, (uint32_t)i, &infos[i]);
	return n < 0 ? n : err;
}

/* ---- waiting ---- */

/* The clock goes on while it waits. */
static void pass_time(struct dmp_liveness_ *l, uint64_t *last)
{
	uint64_t now = dmp_sys_now();

	l->blocked += now - *last;
	*last = now;
}

/* Wait by slices, each until the next check or the deadline. */
int dmp_watch_loop_(struct dmp_member *m, struct dmp_want_ *w, int (*look)(struct dmp_member *m, struct dmp_want_ *w))
{
	struct dmp_liveness_ *l = m->liveness;
	uint64_t deadline = w->deadline, last;
	int err = look(m, w);

	if (err != -EAGAIN)
		return err;
	dmp_count_vain_(m, w);
	last = dmp_sys_now();
	do {
		uint64_t next = last + (l->next_check > l->blocked ? l->next_check - l->blocked : 0);

		w->deadline = next < deadline ? next : deadline;
		err = dmp_wait_loop_(m, w, look);
		pass_time(l, &last);
		if (err != -ETIMEDOUT)
			return err;
		if (l->blocked < l->next_check)
			continue;
		l->next_check = l->blocked + l->options.check_interval;
		err = check(m);
		if (err)
			return err;
	} while (last < deadline);
	return -ETIMEDOUT;
}

/* ---- what came of it ---- */

int dmp_last_stall(const struct dmp_member *m, struct dmp_stall *stall)
{
	if (!m->liveness || !m->liveness->stalled)
		return -ENOENT;
	*stall = m->liveness->stall;
	return 0;
}
