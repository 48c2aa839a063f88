// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * cost.c: every operation in every mode, for callgrind to count; tests/cost/cost makes a table of it
 *
 * A cell is one operation in one mode: its round, in which it is called once, runs a few times on a ring of its own,
 * and the counts are dumped under the cell's name. The rounds are so few that no cell crosses what happens only now
 * and then: the producer's cached gate lasts, nothing wraps around.
 */
#include <stdio.h>
#include <string.h>
#include <valgrind/callgrind.h>

#include "operations.h"
#include "scene.h"

#define WARM  4	 /* rounds before: the gate is read, the consumer has found its pace */
#define CALLS 16 /* rounds that count */

#define BATCH 32

/* Instead of libc's, which is another on each CPU: callgrind is told not to count it. */
void *memcpy(void *to, const void *from, size_t n)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n)::"memory");
	return to;
}

/* ---- rounds: producing ---- */

static void nothing(struct scene *s)
{
	(void)s;
	cost_nothing();
}

static void system_call(struct scene *s)
{
	(void)s;
	cost_system_call();
}

static void publish_claim(struct scene *s, uint64_t pos, uint64_t n)
{
	if (pos != dmp_position(s->producer) - n)
		must("claim", -EPROTO);
	dmp_publish(s->producer, pos, n);
}

static void claim(struct scene *s)
{
	publish_claim(s, cost_claim_1(s->producer), 1);
}

static void claim_8(struct scene *s)
{
	publish_claim(s, cost_claim_8(s->producer), 8);
}

static void claim_32(struct scene *s)
{
	publish_claim(s, cost_claim_32(s->producer), 32);
}

/* The ring is full but for the one event that everybody has just released. */
static void claim_read_gates(struct scene *s)
{
	if (!dmp_position(s->producer))
		scene_publish(s, SCENE_SLOTS);
	scene_release_one(s);
	claim(s);
}

static void slot(struct scene *s)
{
	uint64_t pos = scene_claim(s, 1);

	cost_slot(s->producer, pos);
	dmp_publish(s->producer, pos, 1);
}

static void write_batch(struct scene *s)
{
	uint64_t pos = scene_claim(s, BATCH);

	cost_write(s->producer, pos, BATCH);
	dmp_publish(s->producer, pos, BATCH);
}

static void publish_1(struct scene *s)
{
	cost_publish_1(s->producer, scene_claim(s, 1));
}

static void publish_8(struct scene *s)
{
	cost_publish_8(s->producer, scene_claim(s, 8));
}

static void publish_32(struct scene *s)
{
	cost_publish_32(s->producer, scene_claim(s, 32));
}

static void produce(struct scene *s)
{
	must("produce", cost_produce(s->producer, 0));
}

/* ---- rounds: consuming ---- */

static void wait_known(struct scene *s)
{
	struct dmp_batch batch;

	scene_publish(s, BATCH);
	scene_wait(s);
	must("wait", cost_wait(s->consumers[0], &batch));
	scene_catch_up(s);
}

static void wait_look(struct scene *s)
{
	struct dmp_batch batch;

	scene_publish(s, BATCH);
	must("wait", cost_wait(s->consumers[0], &batch));
	scene_catch_up(s);
}

/* The look before was in vain, as if the consumer had caught up. */
static void try_wait_look(struct scene *s)
{
	struct dmp_batch batch;

	if (dmp_try_wait(s->consumers[0], 1, &batch) != -EAGAIN)
		must("an event too many", -EPROTO);
	scene_publish(s, 1);
	must("wait", cost_try_wait(s->consumers[0], &batch));
	scene_catch_up(s);
}

static void try_wait_in_vain(struct scene *s)
{
	struct dmp_batch batch;

	if (cost_try_wait(s->consumers[0], &batch) != -EAGAIN)
		must("an event too many", -EPROTO);
}

static void event(struct scene *s)
{
	cost_event(s->consumers[0], 0);
}

static void read_batch(struct scene *s)
{
	struct dmp_batch batch = { .pos = dmp_position(s->producer) };

	scene_publish(s, BATCH);
	batch.end = batch.pos + BATCH;
	if (cost_read(s->consumers[0], &batch) != BATCH * batch.pos)
		must("events read", -EPROTO);
}

static void release(struct scene *s)
{
	scene_publish(s, 1);
	must("release", cost_release(s->consumers[0], scene_wait(s).end));
}

/* A look at the ring for each batch. */
static void consume(struct scene *s)
{
	scene_publish(s, BATCH);
	if (cost_consume(s->consumers[0]) == UINT64_MAX)
		must("wait or release", -EPROTO);
	scene_catch_up(s);
}

static void observe(struct scene *s)
{
	uint64_t pos, lost;
	char event[256];

	scene_publish(s, 1);
	must("observe", cost_observe(s->observer, event, &pos, &lost));
}

/* ---- cells ---- */

static const struct mode modes[] = {
	{ "packed 8", 0, 8, 1 },
	{ "packed 64", 0, 64, 1 },
	{ "stamped 56", DMP_RING_STAMPED, 56, 1 },
	{ "stamped 248", DMP_RING_STAMPED, 248, 1 },
};
static const struct mode fenced[] = {
	{ "packed 8 fenced", DMP_RING_FENCED, 8, 1 },
	{ "packed 64 fenced", DMP_RING_FENCED, 64, 1 },
	{ "stamped 56 fenced", DMP_RING_STAMPED | DMP_RING_FENCED, 56, 1 },
	{ "stamped 248 fenced", DMP_RING_STAMPED | DMP_RING_FENCED, 248, 1 },
};
static const struct mode gates[] = {
	{ "packed 8", 0, 8, 2 },
	{ "packed 8", 0, 8, 8 },
	{ "packed 8", 0, 8, 64 },
	{ "stamped 56", DMP_RING_STAMPED, 56, 2 },
	{ "stamped 56", DMP_RING_STAMPED, 56, 8 },
	{ "stamped 56", DMP_RING_STAMPED, 56, 64 },
};
static const struct mode several[] = {
	{ "several 56", DMP_RING_STAMPED | DMP_RING_MULTI, 56, 1 },
};
/* The same with other counters than those that are there by themselves. */
static const struct mode counters[] = {
	{ "packed 8 none", MODE_NONE, 8, 1 },
	{ "packed 8 full", MODE_FULL, 8, 1 },
	{ "stamped 56 none", DMP_RING_STAMPED | MODE_NONE, 56, 1 },
	{ "stamped 56 full", DMP_RING_STAMPED | MODE_FULL, 56, 1 },
	{ "several 56 none", DMP_RING_STAMPED | DMP_RING_MULTI | MODE_NONE, 56, 1 },
	{ "several 56 full", DMP_RING_STAMPED | DMP_RING_MULTI | MODE_FULL, 56, 1 },
};
static const struct mode any[] = { { "any", 0, 8, 1 } };

enum { ANY = 1, MODES = 2, FENCED = 4, GATES = 8, SEVERAL = 16, COUNTERS = 32 };

static const struct operation {
	const char *name;
	void (*round)(struct scene *s);
	uint32_t events;
	uint32_t modes;
} operations[] = {
	{ "(nothing)", nothing, 1, ANY },
	{ "(system call)", system_call, 1, ANY },
	{ "claim", claim, 1, MODES | GATES | SEVERAL | COUNTERS },
	{ "claim", claim_8, 8, SEVERAL },
	{ "claim", claim_32, BATCH, SEVERAL },
	{ "claim, gates read", claim_read_gates, 1, MODES | GATES },
	{ "slot", slot, 1, MODES },
	{ "for_each_slot", write_batch, BATCH, MODES },
	{ "publish", publish_1, 1, MODES | FENCED | GATES | SEVERAL | COUNTERS },
	{ "publish", publish_8, 8, MODES | FENCED | SEVERAL },
	{ "publish", publish_32, 32, MODES | FENCED | SEVERAL | COUNTERS },
	{ "claim, slot, publish", produce, 1, MODES | FENCED | SEVERAL | COUNTERS },
	{ "wait, events known", wait_known, BATCH, MODES },
	{ "wait, one look", wait_look, BATCH, MODES | SEVERAL | COUNTERS },
	{ "try_wait, one look", try_wait_look, 1, MODES | SEVERAL | COUNTERS },
	{ "try_wait, in vain", try_wait_in_vain, 1, MODES | SEVERAL | COUNTERS },
	{ "event", event, 1, MODES },
	{ "for_each", read_batch, BATCH, MODES },
	{ "release", release, 1, MODES | FENCED },
	{ "wait to release", consume, BATCH, MODES | FENCED | SEVERAL | COUNTERS },
	{ "try_observe", observe, 1, MODES | SEVERAL | COUNTERS },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void run(const struct operation *o, const struct mode *mode)
{
	struct scene s;
	char cell[128];
	int i;

	scene_open(&s, mode);
	for (i = 0; i < WARM; i++)
		o->round(&s);
	CALLGRIND_ZERO_STATS;
	for (i = 0; i < CALLS; i++)
		o->round(&s);
	snprintf(cell, sizeof(cell), "%s|%s|%u|%u|%u", o->name, mode->name, mode->gates, o->events, CALLS);
	CALLGRIND_DUMP_STATS_AT(cell);
	scene_close(&s);
}

static void run_in(const struct operation *o, const struct mode *in, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		run(o, &in[i]);
}

static void run_all(const struct operation *o)
{
	if (o->modes & ANY)
		run_in(o, any, COUNT(any));
	if (o->modes & MODES)
		run_in(o, modes, COUNT(modes));
	if (o->modes & GATES)
		run_in(o, gates, COUNT(gates));
	if (o->modes & FENCED)
		run_in(o, fenced, COUNT(fenced));
	if (o->modes & SEVERAL)
		run_in(o, several, COUNT(several));
	if (o->modes & COUNTERS)
		run_in(o, counters, COUNT(counters));
}

int main(void)
{
	size_t i;

#ifdef __clang__
	printf("clang %d.%d.%d, %s\n", __clang_major__, __clang_minor__, __clang_patchlevel__, COST_FLAGS);
#else
	printf("gcc %s, %s\n", __VERSION__, COST_FLAGS);
#endif
	if (!RUNNING_ON_VALGRIND)
		must("it counts nothing without valgrind: make cost", -ENOEXEC);
	for (i = 0; i < COUNT(operations); i++)
		run_all(&operations[i]);
	return 0;
}
