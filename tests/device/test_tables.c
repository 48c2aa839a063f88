// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_tables.c: the tables of bpf/rings.bpf.c and bpf/members.bpf.c, pinned by bpftool alone and read by cat */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dmp.h>

#include "raw.h"
#include "shell.h"

#define PINS "/sys/fs/bpf/test_tables"

/* ---- pins ---- */

static int pin(void **state)
{
	(void)state;
	must("mkdir " PINS);
	must("bpftool map create " PINS "/pieces type array key 4 value 4 entries 4096 name pieces");
	must("bpftool iter pin /dmp/bpf/rings.bpf.o " PINS "/rings map pinned " PINS "/pieces");
	must("bpftool iter pin /dmp/bpf/members.bpf.o " PINS "/members map pinned " PINS "/pieces");
	return 0;
}

static int unpin(void **state)
{
	(void)state;
	must("rm -r " PINS);
	return 0;
}

/* ---- lines ---- */

struct ring_line {
	uint64_t ring, slots, size, members, producers, cursor, lag, sleeps, woken;
	char name[DMP_NAME_MAX], stream[16];
};

static bool parse_ring(const char *line, struct ring_line *r)
{
	return sscanf(line,
		      "%" SCNu64 " %63s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		      " %" SCNu64 " %" SCNu64 " %15s",
		      &r->ring, r->name, &r->slots, &r->size, &r->members, &r->producers, &r->cursor, &r->lag,
		      &r->sleeps, &r->woken, r->stream) == 11;
}

struct member_line {
	uint64_t ring, index, cursor, lag, sleeps, woken;
	int pid;
	char ring_name[DMP_NAME_MAX], name[DMP_MEMBER_NAME_MAX], role[16], state[16];
};

static bool parse_member(const char *line, struct member_line *m)
{
	return sscanf(line,
		      "%" SCNu64 " %63s %" SCNu64 " %31s %15s %d %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %15s",
		      &m->ring, m->ring_name, &m->index, m->name, m->role, &m->pid, &m->cursor, &m->lag, &m->sleeps,
		      &m->woken, m->state) == 11;
}

/* Calls is_it() with each line behind the heading; returns for how many it was true. */
static unsigned int count_lines(const char *command, bool (*is_it)(const char *line, void *arg), void *arg)
{
	struct said said = run("%s", command);
	char *line, *rest = said.out;
	unsigned int n = 0;

	assert_int_equal(said.status, 0);
	assert_string_equal(said.err, "");
	line = strsep(&rest, "\n");
	assert_non_null(strstr(line, "RING NAME"));
	while (rest && *rest) {
		line = strsep(&rest, "\n");
		n += is_it(line, arg);
	}
	forget(&said);
	return n;
}

static bool is_line_of_ring(const char *line, void *arg)
{
	struct ring_line *wanted = arg, r;

	if (!parse_ring(line, &r))
		fail_msg("no line of a ring: %s", line);
	if (r.ring != wanted->ring)
		return false;
	*wanted = r;
	return true;
}

static struct ring_line ring_line(int ring)
{
	struct ring_line r = { .ring = ring_info(ring).id };

	assert_int_equal(count_lines("cat " PINS "/rings", is_line_of_ring, &r), 1);
	return r;
}

static bool is_line_of_member(const char *line, void *arg)
{
	struct member_line *wanted = arg, m;

	if (!parse_member(line, &m))
		fail_msg("no line of a member: %s", line);
	if (m.ring != wanted->ring || strcmp(m.name, wanted->name) != 0)
		return false;
	*wanted = m;
	return true;
}

static struct member_line member_line(int ring, const char *name)
{
	struct member_line m = { .ring = ring_info(ring).id };

	snprintf(m.name, sizeof(m.name), "%s", name);
	assert_int_equal(count_lines("cat " PINS "/members", is_line_of_member, &m), 1);
	return m;
}

/* ---- a diamond: b and c after p, d after both ---- */

struct diamond {
	struct name name;
	int ring;
	struct raw p, b, c, d;
};

static struct diamond make_diamond(void)
{
	static const char names[][DMP_MEMBER_NAME_MAX] = { "b", "c" };
	struct diamond x = { .name = unique_name("diamond") };
	struct dmp_create args = create_args(x.name.s);
	struct dmp_join after = join_args(DMP_ROLE_CONSUMER, "d");

	x.ring = ring_create(&args);
	assert_true(x.ring >= 0);
	x.p = raw_join(x.ring, DMP_ROLE_PRODUCER, "p");
	x.b = raw_join(x.ring, DMP_ROLE_CONSUMER, "b");
	x.c = raw_join(x.ring, DMP_ROLE_CONSUMER, "c");
	join_after_names(&after, names, 2);
	x.d = raw_join_with(x.ring, &after);
	return x;
}

static void end_diamond(struct diamond *x)
{
	raw_leave(&x->d);
	raw_leave(&x->c);
	raw_leave(&x->b);
	raw_leave(&x->p);
	close(x->ring);
}

static void assert_member(const struct diamond *x, const char *name, const char *role, uint64_t cursor, uint64_t lag)
{
	struct member_line m = member_line(x->ring, name);

	assert_string_equal(m.ring_name, x->name.s);
	assert_int_equal(m.index, member_info(x->ring, name).index);
	assert_string_equal(m.role, role);
	assert_int_equal(m.pid, getpid());
	assert_int_equal(m.cursor, cursor);
	assert_int_equal(m.lag, lag);
	assert_string_equal(m.state, "joined");
}

static void each_member_of_a_diamond_is_shown_where_it_is(void **state)
{
	struct diamond x = make_diamond();

	(void)state;
	raw_publish(&x.p, 40);
	raw_release(&x.b, 31);
	raw_release(&x.c, 40);
	raw_release(&x.d, 7);
	assert_member(&x, "p", "producer", 40, 0);
	assert_member(&x, "b", "consumer", 31, 9);
	assert_member(&x, "c", "consumer", 40, 0);
	assert_member(&x, "d", "consumer", 7, 33);
	end_diamond(&x);
}

static void a_ring_is_shown_with_its_largest_lag(void **state)
{
	struct diamond x = make_diamond();
	struct ring_line r;

	(void)state;
	raw_publish(&x.p, 40);
	raw_release(&x.b, 31);
	raw_release(&x.c, 40);
	raw_release(&x.d, 7);
	r = ring_line(x.ring);
	assert_string_equal(r.name, x.name.s);
	assert_int_equal(r.slots, SLOTS);
	assert_int_equal(r.size, EVENT);
	assert_int_equal(r.members, 4);
	assert_int_equal(r.producers, 1);
	assert_int_equal(r.cursor, 40);
	assert_int_equal(r.lag, 33);
	assert_string_equal(r.stream, "open");
	end_diamond(&x);
}

static void who_sleeps_is_shown_asleep_and_counted(void **state)
{
	struct pair x = make_pair();
	struct sleeper s;

	(void)state;
	start_sleeper(&s, x.c.fd, 1, wait_long());
	await_asleep(x.ring, "c");
	assert_string_equal(member_line(x.ring, "c").state, "asleep");
	raw_publish(&x.p, 1);
	assert_int_equal(finish_sleeper(&s), 0);
	assert_string_equal(member_line(x.ring, "c").state, "joined");
	assert_int_equal(member_line(x.ring, "c").sleeps, 1);
	assert_int_equal(member_line(x.ring, "c").woken, 1);
	assert_int_equal(ring_line(x.ring).sleeps, 1);
	assert_string_equal(ring_line(x.ring).name, "-");
	end_pair(&x);
}

/* ---- many ---- */

#define MANY 300 /* rings with two members each: more than one read() gives, and than one piece holds */

static bool has_none_missing(const char *command, uint64_t first, unsigned int members)
{
	struct said said = run("%s | awk 'NR > 1 && $1 >= %" PRIu64 " && $1 < %" PRIu64 " { n[$1]++; all++ } END "
			       "{ for (i in n) if (n[i] != %u) bad++; print all + 0, length(n), bad + 0 }'",
			       command, first, first + MANY, members);
	char wanted[64];
	bool same;

	snprintf(wanted, sizeof(wanted), "%u %u 0\n", MANY * members, MANY);
	same = !strcmp(said.out, wanted);
	if (!same)
		print_error("%s: %s, not %s", command, said.out, wanted);
	forget(&said);
	return same;
}

static void a_long_table_has_each_line_once_however_it_is_read(void **state)
{
	static struct pair x[MANY];
	uint64_t first;
	int i;

	(void)state;
	for (i = 0; i < MANY; i++)
		x[i] = make_pair();
	first = ring_info(x[0].ring).id;
	assert_int_equal(ring_info(x[MANY - 1].ring).id, first + MANY - 1);
	assert_true(has_none_missing("cat " PINS "/rings", first, 1));
	assert_true(has_none_missing("cat " PINS "/members", first, 2));
	assert_true(has_none_missing("dd bs=1000 2>/dev/null if=" PINS "/members", first, 2));
	for (i = 0; i < MANY; i++)
		end_pair(&x[i]);
}

struct comer {
	pthread_t thread;
	bool done;
};

/* Rings that come and go, two members each. */
static void *come_and_go(void *arg)
{
	struct comer *c = arg;

	while (!__atomic_load_n(&c->done, __ATOMIC_RELAXED)) {
		struct pair x = make_pair();

		raw_publish(&x.p, 1);
		end_pair(&x);
	}
	return NULL;
}

static bool is_sane(const char *line, void *arg)
{
	struct member_line m;

	(void)arg;
	if (!parse_member(line, &m) || m.cursor > 1 || m.index >= 16 || (m.pid && m.pid != getpid()) ||
	    (strcmp(m.name, "c") != 0 && strcmp(m.name, "p") != 0))
		fail_msg("no line of such a member: %s", line);
	return !m.cursor;
}

/* Every line is of a member there was, and one that stays is in each table. */
static void what_comes_and_goes_is_shown_as_it_was_or_not_at_all(void **state)
{
	struct pair stays = make_pair();
	struct comer comer = { .done = false };
	uint64_t i, n = rounds(40, 2000);

	(void)state;
	assert_int_equal(pthread_create(&comer.thread, NULL, come_and_go, &comer), 0);
	for (i = 0; i < n; i++) {
		assert_true(count_lines("cat " PINS "/members", is_sane, NULL) >= 2);
		assert_int_equal(member_line(stays.ring, "c").lag, 0);
		assert_int_equal(ring_line(stays.ring).members, 2);
	}
	__atomic_store_n(&comer.done, true, __ATOMIC_RELAXED);
	pthread_join(comer.thread, NULL);
	end_pair(&stays);
}

/* ---- the module ---- */

static void pins_hold_the_module_until_they_are_removed(void **state)
{
	struct said said;

	(void)state;
	assert_true(module_references() >= 2);
	said = run("rmmod dmp");
	assert_int_not_equal(said.status, 0);
	forget(&said);
	must("rm -r " PINS);
	await(module_is_unused, NULL, "the module without references");
	pin(NULL);
	assert_true(module_references() >= 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_member_of_a_diamond_is_shown_where_it_is),
		cmocka_unit_test(a_ring_is_shown_with_its_largest_lag),
		cmocka_unit_test(who_sleeps_is_shown_asleep_and_counted),
		cmocka_unit_test(a_long_table_has_each_line_once_however_it_is_read),
		cmocka_unit_test(what_comes_and_goes_is_shown_as_it_was_or_not_at_all),
		cmocka_unit_test(pins_hold_the_module_until_they_are_removed),
	};

	return cmocka_run_group_tests(tests, pin, unpin);
}
