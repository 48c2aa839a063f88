// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_counters_map.c: the map of bpf/counters.bpf.c has what the application counted: running, and when it has gone */
#include "raw.h"
#include "sampled.h"

#define BATCH 8

/* ---- a diamond of processes: b and c after all that p (and q) publish, d after both ---- */

struct part {
	struct diamond *x;
	const char *name;
	uint32_t role;
	pid_t pid;
	uint64_t done; /* the application's own count; in shared memory, as the next */
	uint64_t leave;
};

struct diamond {
	struct name name;
	struct dmp_ring *ring;
	uint64_t id, each, all; /* events that a producer publishes, and that there are */
	uint32_t parts;
	struct part part[5];
};

static struct dmp_member *join_part(struct part *p)
{
	static const char *const both[] = { "b", "c" };
	struct dmp_join_options o = { .name = p->name, .counters = DMP_COUNTERS_FULL };
	struct dmp_member *m = NULL;

	if (!strcmp(p->name, "d")) {
		o.after = both;
		o.after_count = 2;
	}
	assert_int_equal(dmp_join(p->x->ring, p->role, &o, &m), 0);
	return m;
}

static void publish_all(struct part *p, struct dmp_member *m)
{
	uint64_t pos;

	for (; p->done < p->x->each; store_shared(&p->done, p->done + BATCH)) {
		assert_int_equal(dmp_claim(m, BATCH, &pos), 0);
		publish_claim(m, pos, BATCH);
	}
}

static void consume_all(struct part *p, struct dmp_member *m)
{
	struct dmp_batch batch;

	while (p->done < p->x->all) {
		assert_int_equal(dmp_wait(m, 1, &batch), 0);
		assert_int_equal(dmp_release(m, batch.end), 0);
		store_shared(&p->done, p->done + batch.end - batch.pos);
	}
}

static int take_part(void *arg)
{
	struct part *p = arg;
	struct dmp_member *m = join_part(p);

	if (p->role == DMP_ROLE_PRODUCER)
		publish_all(p, m);
	else
		consume_all(p, m);
	await_shared(&p->leave, 1);
	dmp_leave(m);
	return 0;
}

static void start_part(struct diamond *x, const char *name, uint32_t role)
{
	struct part *p = &x->part[x->parts++];

	*p = (struct part){ .x = x, .name = name, .role = role };
	p->pid = start_child(take_part, p);
	await_joined(dmp_ring_fd(x->ring), x->parts);
}

static struct diamond *start_diamond(uint32_t flags)
{
	struct dmp_ring_options o = { .slots = 512, .event_size = EVENT_SIZE, .flags = flags };
	struct diamond *x = shared_memory(sizeof(*x));
	bool several = flags & DMP_RING_MULTI;

	x->name = unique_name("diamond");
	x->each = rounds(20000, 2000000);
	x->all = x->each * (several ? 2 : 1);
	assert_int_equal(dmp_ring_create(&x->ring, x->name.s, &o), 0);
	x->id = ring_info(dmp_ring_fd(x->ring)).id;
	start_part(x, "b", DMP_ROLE_CONSUMER);
	start_part(x, "c", DMP_ROLE_CONSUMER);
	start_part(x, "d", DMP_ROLE_CONSUMER);
	start_part(x, "p", DMP_ROLE_PRODUCER);
	if (several)
		start_part(x, "q", DMP_ROLE_PRODUCER);
	return x;
}

static uint64_t events_of(const struct part *p, const struct dmp_member_counters *c)
{
	return p->role == DMP_ROLE_PRODUCER ? c->published : c->consumed;
}

struct running {
	const struct part *part;
	struct sought s;
};

/* All that the application counted, and it is still there. */
static bool is_as_counted(void *arg)
{
	struct running *r = arg;

	await_shared(&r->part->done, r->part->role == DMP_ROLE_PRODUCER ? r->part->x->each : r->part->x->all);
	return find(&r->s) && !r->s.c.left && events_of(r->part, &r->s.c) == r->part->done;
}

static void assert_counters(const struct part *p, const struct sought *s)
{
	const struct dmp_member_counters *c = &s->c;
	bool produces = p->role == DMP_ROLE_PRODUCER;

	assert_string_equal(s->key.ring_name, p->x->name.s);
	assert_string_equal(s->key.role, produces ? "producer" : "consumer");
	assert_int_equal(c->published, produces ? p->done : 0);
	assert_int_equal(c->consumed, produces ? 0 : p->done);
	assert_int_equal(c->bytes, p->done * EVENT_SIZE);
	assert_int_equal(c->aborted + c->lost + c->futile, 0);
	if (produces)
		assert_int_equal(c->batches, p->done / BATCH);
	else
		assert_in_range(c->batches, 1, p->done);
	assert_in_range(c->lag_max, produces ? 0 : 1, produces ? 0 : 512);
	assert_in_range(c->sampled_ns, 1, now_ns());
}

static void assert_running(const struct part *p)
{
	struct running r = { .part = p, .s = sought(p->x->id, p->name) };
	struct dmp_member_info info;

	await(is_as_counted, &r, "a sample with all that was counted");
	assert_true(find(&r.s)); /* again: the rest is of that sample, too */
	assert_counters(p, &r.s);
	info = member_info(dmp_ring_fd(p->x->ring), p->name);
	assert_int_equal(r.s.key.index, info.index);
	assert_int_equal(r.s.key.incarnation, info.incarnation);
}

static void assert_last(const struct part *p)
{
	struct sought s = last_of(p->x->id, p->name);

	assert_counters(p, &s);
}

/* The last to come first. Those at either end are killed: nobody comes after them. */
static void end_part(struct part *p)
{
	if (!strcmp(p->name, "d") || !strcmp(p->name, "p")) {
		kill_child(p->pid);
	} else {
		store_shared(&p->leave, 1);
		assert_int_equal(finish_child(p->pid), 0);
	}
}

static void assert_all(const struct diamond *x, void (*assert_part)(const struct part *p))
{
	uint32_t i;

	for (i = 0; i < x->parts; i++)
		assert_part(&x->part[i]);
}

static void run_diamond(uint32_t flags)
{
	struct diamond *x;
	uint32_t i;

	attach(10, DMP_MEMBERS_MAX, DMP_GONE_KEPT);
	x = start_diamond(flags);
	assert_all(x, assert_running);
	for (i = x->parts; i-- > 0;) {
		end_part(&x->part[i]);
		assert_last(&x->part[i]);
	}
	dmp_ring_close(x->ring);
	assert_false(ring_is_listed(x->name.s));
	assert_all(x, assert_last);
	assert_int_equal(missed(), 0);
	free_shared_memory(x, sizeof(*x));
}

static void a_diamond_on_a_packed_ring_counts_what_it_did(void **state)
{
	(void)state;
	run_diamond(0);
}

static void a_diamond_on_a_stamped_ring_counts_what_it_did(void **state)
{
	(void)state;
	run_diamond(DMP_RING_STAMPED);
}

static void a_diamond_with_several_producers_counts_what_it_did(void **state)
{
	(void)state;
	run_diamond(MULTI);
}

#define TEST(name) cmocka_unit_test_teardown(name, detach)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_diamond_on_a_packed_ring_counts_what_it_did),
		TEST(a_diamond_on_a_stamped_ring_counts_what_it_did),
		TEST(a_diamond_with_several_producers_counts_what_it_did),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
