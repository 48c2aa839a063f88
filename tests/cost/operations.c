// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* operations.c: in a file of its own, so that no caller's knowledge of the arguments gets in */
#include <sys/syscall.h>
#include <unistd.h>

#include "operations.h"

void cost_nothing(void)
{
}

void cost_system_call(void)
{
	syscall(SYS_getppid);
}

/* ---- producing ---- */

uint64_t cost_claim_1(struct dmp_member *m)
{
	uint64_t pos;

	return dmp_claim(m, 1, &pos) ? UINT64_MAX : pos;
}

uint64_t cost_claim_8(struct dmp_member *m)
{
	uint64_t pos;

	return dmp_claim(m, 8, &pos) ? UINT64_MAX : pos;
}

uint64_t cost_claim_32(struct dmp_member *m)
{
	uint64_t pos;

	return dmp_claim(m, 32, &pos) ? UINT64_MAX : pos;
}

void *cost_slot(struct dmp_member *m, uint64_t pos)
{
	return dmp_slot(m, pos);
}

/* Of each event the first 8 bytes: the rest is the user's. */
void cost_write(struct dmp_member *m, uint64_t pos, uint64_t n)
{
	uint64_t *event;

	dmp_for_each_slot(event, m, pos, n)
		*event = pos;
}

void cost_publish_1(struct dmp_member *m, uint64_t pos)
{
	dmp_publish(m, pos, 1);
}

void cost_publish_8(struct dmp_member *m, uint64_t pos)
{
	dmp_publish(m, pos, 8);
}

void cost_publish_32(struct dmp_member *m, uint64_t pos)
{
	dmp_publish(m, pos, 32);
}

/* Together, as a program has it: what the compiler loads once. */
int cost_produce(struct dmp_member *m, uint64_t value)
{
	uint64_t pos;
	int err = dmp_claim(m, 1, &pos);

	if (err)
		return err;
	*(uint64_t *)dmp_slot(m, pos) = value;
	dmp_publish(m, pos, 1);
	return 0;
}

/* ---- consuming ---- */

int cost_wait(struct dmp_member *m, struct dmp_batch *batch)
{
	return dmp_wait(m, 1, batch);
}

int cost_try_wait(struct dmp_member *m, struct dmp_batch *batch)
{
	return dmp_try_wait(m, 1, batch);
}

const void *cost_event(const struct dmp_member *m, uint64_t pos)
{
	return dmp_event(m, pos);
}

uint64_t cost_read(const struct dmp_member *m, const struct dmp_batch *batch)
{
	const uint64_t *event;
	uint64_t sum = 0;

	dmp_for_each(event, m, batch)
		sum += *event;
	return sum;
}

int cost_release(struct dmp_member *m, uint64_t end)
{
	return dmp_release(m, end);
}

uint64_t cost_consume(struct dmp_member *m)
{
	const uint64_t *event;
	struct dmp_batch batch;
	uint64_t sum = 0;

	if (dmp_wait(m, 1, &batch))
		return UINT64_MAX;
	dmp_for_each(event, m, &batch)
		sum += *event;
	return dmp_release(m, batch.end) ? UINT64_MAX : sum;
}

/* ---- observing ---- */

int cost_observe(struct dmp_member *m, void *event, uint64_t *pos, uint64_t *lost)
{
	return dmp_try_observe(m, event, pos, lost);
}
