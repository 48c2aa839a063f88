// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* require.c: the consumers that a ring requires, and the first claim's wait for them */
#include <errno.h>
#include <string.h>

#include "internal.h"
#include "liveness.h"

/* ---- rings ---- */

int dmp_ring_require(struct dmp_ring *ring, uint32_t uid, const char *const *names, uint32_t count)
{
	char copies[DMP_MAX_GATES][DMP_MEMBER_NAME_MAX];
	struct dmp_require args = { .size = sizeof(args), .uid = uid, .count = count };
	int err;

	if (!ring->ops->require)
		return -EOPNOTSUPP;
	if (count && !names)
		return -EINVAL;
	err = dmp_member_names_(copies, names, count);
	if (err)
		return err;
	args.names = count ? (uintptr_t)copies : 0;
	return ring->ops->require(ring, &args);
}

int dmp_ring_required(const struct dmp_ring *ring, struct dmp_required_info *infos, uint32_t count)
{
	return ring->ops->required ? ring->ops->required(ring, infos, count) : -EOPNOTSUPP;
}

/* ---- members ---- */

int dmp_missing(struct dmp_member *m, struct dmp_required_info *infos, uint32_t count)
{
	struct dmp_required_info all[DMP_MAX_GATES];
	int required, i, missing = 0;

	if (!dmp_load_once(m->meta->missing))
		return 0;
	required = m->ops->read_required(m, all, DMP_MAX_GATES);
	for (i = 0; i < required; i++) {
		if (all[i].there)
			continue;
		if ((uint32_t)missing < count)
			infos[missing] = all[i];
		missing++;
	}
	return required < 0 ? required : missing;
}

/* ---- the first claim ---- */

static int look_for_required(struct dmp_member *m, struct dmp_want_ *w)
{
	(void)w;
	return dmp_load_once(m->meta->missing) ? -EAGAIN : 0;
}

/* Until when to wait: the claim's deadline or the member's own, whichever comes first. */
static uint64_t begin_deadline(const struct dmp_member *m, uint64_t deadline)
{
	uint64_t own = dmp_sys_now() + m->liveness->options.startup_wait;

	return own < deadline ? own : deadline;
}

static int wait_for_required(struct dmp_member *m, uint64_t deadline)
{
	struct dmp_want_ w = { .flags = DMP_WAIT_REQUIRED, .deadline = begin_deadline(m, deadline) };
	int err = dmp_wait_loop_(m, &w, look_for_required);

	return err == -ETIMEDOUT ? -EUNATCH : err;
}

int dmp_begin_(struct dmp_member *m, uint64_t deadline)
{
	struct dmp_liveness_ *l = m->liveness;
	int err = 0;

	if (l->failed)
		return -EHOSTDOWN;
	if (dmp_load_once(m->meta->missing))
		err = deadline ? wait_for_required(m, deadline) : -EUNATCH;
	l->begun = !err;
	return err;
}
