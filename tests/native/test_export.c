// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_export.c: dmp export: what it serves of rings in shared memory, to whomsoever asks, however they ask */
#define _GNU_SOURCE
#include <signal.h>

#include "exposition.h"
#include "native.h"

/* ---- a ring, its producer "p" and its consumer "c" ---- */

struct scene {
	struct address name;
	struct dmp_ring *ring;
	struct dmp_member *p, *c;
};

static struct dmp_member *join_full(struct dmp_ring *ring, uint32_t role, const char *name)
{
	const struct dmp_join_options o = { .name = name, .counters = DMP_COUNTERS_FULL };
	struct dmp_member *m = NULL;

	assert_int_equal(dmp_join(ring, role, &o, &m), 0);
	return m;
}

static struct scene begin(void)
{
	struct scene s = { .name = new_shm("export") };

	s.ring = create_ring(&s.name, DMP_RING_STAMPED);
	s.c = join_full(s.ring, DMP_ROLE_CONSUMER, "c");
	s.p = join_full(s.ring, DMP_ROLE_PRODUCER, "p");
	return s;
}

static void end(struct scene *s)
{
	dmp_leave(s->p);
	dmp_leave(s->c);
	dmp_ring_close(s->ring);
}

/* dmp_NAME{ring="...",member="M",role="ROLE"MORE} */
static const char *series(const struct scene *s, const char *name, const char *member, const char *role,
			  const char *more)
{
	static char to[512];

	snprintf(to, sizeof(to), "dmp_%s{ring=\"%s\",member=\"%s\",role=\"%s\"%s}", name, s->name.s, member, role,
		 more);
	return to;
}

static void assert_scene(const struct scene *s, const char *text)
{
	assert_value(text, series(s, "published_total", "p", "producer", ""), "10");
	assert_value(text, series(s, "consumed_total", "c", "consumer", ""), "7");
	assert_value(text, series(s, "lag", "c", "consumer", ""), "3");
	assert_null(strstr(text, "role=\"observer\"")); /* itself */
}

static void both_formats_tell_what_was_counted(void **state)
{
	struct scene s = begin();
	struct export_run e = start_export("");
	char *old, *new;
	struct said said;

	(void)state;
	publish(s.p, 10);
	assert_int_equal(consume_up_to(s.c, 7), 0);
	old = get_metrics(e.port, "");
	new = get_metrics(e.port, WANTS_OPENMETRICS);
	assert_non_null(strstr(old, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	assert_non_null(
		strstr(new, "\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
	read_exposition(body_of(old), false);
	read_exposition(body_of(new), true);
	assert_scene(&s, body_of(old));
	assert_scene(&s, body_of(new));
	free(old);
	free(new);
	said = stop_export(&e);
	forget(&said);
	end(&s);
}

static void histograms_are_histograms_in_seconds(void **state)
{
	struct scene s = begin();
	struct dmp_counter_slot *h;
	struct export_run e;
	struct said said;
	char *answer;

	(void)state;
	assert_int_equal(dmp_histogram_register(s.p, DMP_HISTOGRAM_PUBLISH, NULL, &h), 0);
	dmp_histogram_record(h, 1000);
	dmp_histogram_record(h, 3000000000);
	e = start_export("");
	answer = get_metrics(e.port, WANTS_OPENMETRICS);
	read_exposition(body_of(answer), true);
	assert_value(answer, series(&s, "publish_latency_seconds_bucket", "p", "producer", ",le=\"0.000000512\""), "0");
	assert_value(answer, series(&s, "publish_latency_seconds_bucket", "p", "producer", ",le=\"0.000001024\""), "1");
	assert_value(answer, series(&s, "publish_latency_seconds_bucket", "p", "producer", ",le=\"4.294967296\""), "2");
	assert_value(answer, series(&s, "publish_latency_seconds_bucket", "p", "producer", ",le=\"+Inf\""), "2");
	assert_value(answer, series(&s, "publish_latency_seconds_count", "p", "producer", ""), "2");
	assert_value(answer, series(&s, "publish_latency_seconds_sum", "p", "producer", ""), "3.000001000");
	free(answer);
	said = stop_export(&e);
	forget(&said);
	end(&s);
}

/* ---- lies ---- */

static struct dmp_counter_slot *own_counter(struct dmp_member *m, uint32_t id, const char *label)
{
	struct dmp_counter_slot *slot;

	assert_int_equal(dmp_counter_register(m, id, 0, label, &slot), 0);
	return slot;
}

/* Labels that mean something to the format, that are the same, that are names of ours. */
static void lie(struct scene *s)
{
	static const char nasty[DMP_COUNTER_LABEL] = "x\"} 1\ndmp_published_total{ring=\"x\"} 9\n# EOF\n\\";
	struct dmp_counter_slot *slot[6];
	uint32_t i;

	for (i = 0; i < 6; i++) {
		slot[i] = own_counter(s->p, DMP_COUNTER_APPLICATION + i, (char[]){ (char)('a' + (char)i), 0 });
		dmp_counter_add(slot[i], i);
	}
	memcpy(slot[0]->label, nasty, sizeof(nasty));
	strcpy(slot[1]->label, "published_total");
	strcpy(slot[2]->label, "published_total");
	slot[3]->id = DMP_COUNTER_APPLICATION + 1;
	strcpy(slot[3]->label, "published_total");
	slot[5]->id = DMP_COUNTER_APPLICATION + 1;
	strcpy(slot[5]->label, "published_total");
	memset(slot[4]->label, 0xff, sizeof(slot[4]->label));
}

static void whatever_others_write_the_text_is_whole(void **state)
{
	struct scene s = begin();
	struct export_run e = start_export("");
	struct dmp_member *twin;
	struct said said;
	char *answer;

	(void)state;
	lie(&s);
	twin = join_full(s.ring, DMP_ROLE_OBSERVER, "c");
	memcpy((char *)(uintptr_t)twin->entry->name, "a\"} 1\n\\\033[2J\377", 13); /* what any member can do */
	dmp_leave(s.p);
	s.p = join_full(s.ring, DMP_ROLE_PRODUCER, "c");
	lie(&s);
	answer = get_metrics(e.port, "");
	read_exposition(body_of(answer), false);
	free(answer);
	answer = get_metrics(e.port, WANTS_OPENMETRICS);
	read_exposition(body_of(answer), true);
	assert_value(answer, series(&s, "application_total", "c", "producer", ",name=\"published_total\""), "1");
	assert_value(answer, series(&s, "application_total", "c", "producer", ",name=\"published_total#258\""), "2");
	free(answer);
	dmp_leave(twin);
	said = stop_export(&e);
	forget(&said);
	end(&s);
}

/* Unnamed observers, and two of one name. */
static void members_of_one_name_are_told_apart(void **state)
{
	struct scene s = begin();
	struct dmp_member *first = join_full(s.ring, DMP_ROLE_OBSERVER, "o"),
			  *second = join_full(s.ring, DMP_ROLE_OBSERVER, "o");
	struct export_run e = start_export("");
	struct said said;
	char *answer = get_metrics(e.port, WANTS_OPENMETRICS), other[32];

	(void)state;
	read_exposition(body_of(answer), true);
	snprintf(other, sizeof(other), "o#%u", first->index > second->index ? first->index : second->index);
	assert_value(answer, series(&s, "consumed_total", "o", "observer", ""), "0");
	assert_value(answer, series(&s, "consumed_total", other, "observer", ""), "0");
	free(answer);
	dmp_leave(first);
	dmp_leave(second);
	said = stop_export(&e);
	forget(&said);
	end(&s);
}

/* ---- those who ask ---- */

static void assert_answer(int port, const char *request, const char *status)
{
	char *answer = ask(port, request);

	if (strncmp(answer, status, strlen(status)))
		fail_msg("to %.60s it answers %.100s", request, answer);
	free(answer);
}

static void what_is_not_there_or_not_to_be_done_is_refused(void **state)
{
	struct export_run e = start_export("");
	struct said said;
	char huge[40000];

	(void)state;
	assert_answer(e.port, "GET /../etc/passwd HTTP/1.0\r\n\r\n", "HTTP/1.1 404");
	assert_answer(e.port, "GET /metrics/ HTTP/1.0\r\n\r\n", "HTTP/1.1 404");
	assert_answer(e.port, "GET /metrics/../metrics HTTP/1.0\r\n\r\n", "HTTP/1.1 404");
	assert_answer(e.port, "POST /metrics HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 405");
	assert_answer(e.port, "DELETE /metrics HTTP/1.0\r\n\r\n", "HTTP/1.1 405");
	assert_answer(e.port, "GET /metrics?a=b HTTP/1.0\r\n\r\n", "HTTP/1.1 200");
	assert_answer(e.port, "HEAD /metrics HTTP/1.0\r\n\r\n", "HTTP/1.1 200");
	snprintf(huge, sizeof(huge), "GET /metrics HTTP/1.0\r\nX: %*d\r\n\r\n", 30000, 1);
	assert_answer(e.port, huge, "HTTP/1.1 4");
	said = stop_export(&e);
	forget(&said);
}

static void who_is_slow_or_says_nothing_holds_nobody_up(void **state)
{
	enum { MANY = 1500 }; /* more than libmicrohttpd takes */
	struct export_run e = start_export("");
	struct said said;
	int idle[MANY], i;
	char *answer;

	(void)state;
	for (i = 0; i < MANY; i++) {
		idle[i] = connect_to(e.port);
		if (i % 2)
			send(idle[i], "GET /metrics HTTP/1.1\r\nX: ", 26, MSG_NOSIGNAL);
		if (i % 100 == 0) {
			answer = get_metrics(e.port, "");
			free(answer);
		}
	}
	answer = get_metrics(e.port, WANTS_OPENMETRICS);
	read_exposition(body_of(answer), true);
	free(answer);
	said = stop_export(&e); /* at once, all of them connected or not */
	forget(&said);
	for (i = 0; i < MANY; i++)
		close(idle[i]);
}

/* ---- what it costs ---- */

enum { EACH = 8 }; /* members of a ring */

struct many {
	struct dmp_ring *ring;
	struct dmp_member *member[EACH];
};

static struct many fill_ring(void)
{
	struct address name = new_shm("many");
	struct many m = { .ring = create_ring(&name, DMP_RING_STAMPED) };
	char consumer[8];
	int i;

	m.member[0] = join_full(m.ring, DMP_ROLE_PRODUCER, "p");
	for (i = 1; i < EACH; i++) {
		snprintf(consumer, sizeof(consumer), "c%d", i);
		m.member[i] = join_full(m.ring, DMP_ROLE_CONSUMER, consumer);
	}
	return m;
}

static void empty_ring(struct many *m)
{
	int i;

	for (i = 0; i < EACH; i++)
		dmp_leave(m->member[i]);
	dmp_ring_close(m->ring);
}

struct cost {
	uint64_t members, bytes;
};

/* Of those rings alone: others may be there. */
static struct cost cost_of(const char *text)
{
	struct cost cost = { 0 };
	const char *line, *end;

	for (line = text; (end = strchr(line, '\n')); line = end + 1) {
		if (!memmem(line, (size_t)(end - line), "{ring=\"shm:many-", 16))
			continue;
		cost.bytes += (uint64_t)(end - line) + 1;
		cost.members += !strncmp(line, "dmp_sleeps_total{", 17);
	}
	return cost;
}

/* Prints ns as well, which depend on who else is running. */
static struct cost measure(const struct export_run *e)
{
	uint64_t begun, ns;
	struct cost cost;
	char *answer;

	free(get_metrics(e->port, "")); /* joins the rings */
	begun = now_ns();
	answer = get_metrics(e->port, "");
	ns = now_ns() - begun;
	cost = cost_of(body_of(answer));
	free(answer);
	printf("%llu members: %llu bytes and %llu ns each\n", (unsigned long long)cost.members,
	       (unsigned long long)(cost.bytes / cost.members), (unsigned long long)(ns / cost.members));
	return cost;
}

static void each_member_costs_the_same_however_many_there_are(void **state)
{
	const uint64_t count = rounds(100, 1000);
	struct many *m = calloc(count, sizeof(*m));
	struct export_run e = start_export("");
	struct cost some, all;
	struct said said;
	uint64_t i;

	(void)state;
	for (i = 0; i < count / 10; i++)
		m[i] = fill_ring();
	some = measure(&e);
	for (; i < count; i++)
		m[i] = fill_ring();
	all = measure(&e);
	assert_int_equal(some.members, count / 10 * EACH);
	assert_int_equal(all.members, count * EACH);
	assert_in_range(all.bytes / all.members, 1, some.bytes / some.members + some.bytes / some.members / 20);
	said = stop_export(&e);
	forget(&said);
	for (i = 0; i < count; i++)
		empty_ring(&m[i]);
	free(m);
}

/* ---- where ---- */

static void an_address_that_cannot_be_is_told_of_in_one_line(void **state)
{
	struct export_run e = start_export("");
	struct said said;
	char line[128];

	(void)state;
	snprintf(line, sizeof(line), "dmp export --listen 127.0.0.1:%d", e.port);
	must_fail(line, 1, "another program listens", "--listen", NULL);
	must_fail("dmp export --listen 192.0.2.1:9823", 1, "cannot listen at 192.0.2.1:9823", NULL);
	must_fail("dmp export --listen here", 2, "an address is", NULL);
	must_fail("dmp export --listen 127.0.0.1:65536", 2, "an address is", NULL);
	must_fail("dmp export --listen 127.0.0.1:", 2, "an address is", NULL);
	must_fail("dmp export --listen ::1:9823", 2, "an address is", NULL);
	must_fail("dmp export --listen no.such.name:9823", 2, "no address", NULL);
	must_fail("dmp export ring", 2, "one argument too many", NULL);
	said = stop_export(&e);
	forget(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_formats_tell_what_was_counted),
		cmocka_unit_test(histograms_are_histograms_in_seconds),
		cmocka_unit_test(whatever_others_write_the_text_is_whole),
		cmocka_unit_test(members_of_one_name_are_told_apart),
		cmocka_unit_test(what_is_not_there_or_not_to_be_done_is_refused),
		cmocka_unit_test(who_is_slow_or_says_nothing_holds_nobody_up),
		cmocka_unit_test(each_member_costs_the_same_however_many_there_are),
		cmocka_unit_test(an_address_that_cannot_be_is_told_of_in_one_line),
	};

	find_tool();
	allow_many_files();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
