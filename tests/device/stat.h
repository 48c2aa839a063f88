/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* stat.h: a ring whose members count, and what dmp stat says of them */
#ifndef DMP_TESTS_STAT_H
#define DMP_TESTS_STAT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dmp.h>

#include "shell.h"

/* ---- a ring of a backend, its producer "p" and its consumer "c" ---- */

struct scene {
	char name[DMP_NAME_MAX + 8];
	struct dmp_ring *ring;
	struct dmp_member *p, *c;
};

static inline struct dmp_member *join_counting(struct dmp_ring *ring, uint32_t role, const char *name,
					       uint32_t counters)
{
	const struct dmp_join_options o = { .name = name, .counters = counters };
	struct dmp_member *m = NULL;

	assert_int_equal(dmp_join(ring, role, &o, &m), 0);
	return m;
}

static inline struct scene empty_scene(const char *backend, const char *options)
{
	struct name name = unique_name("stat");
	struct scene s = { .p = NULL };

	snprintf(s.name, sizeof(s.name), "%s%s", backend, name.s);
	must("dmp create %s --slots 64 --size 56 --stamped %s", s.name, options);
	assert_int_equal(dmp_ring_open(&s.ring, s.name, 0), 0);
	return s;
}

static inline struct scene scene_of(const char *backend, const char *options, uint32_t counters)
{
	struct scene s = empty_scene(backend, options);

	s.c = join_counting(s.ring, DMP_ROLE_CONSUMER, "c", counters);
	s.p = join_counting(s.ring, DMP_ROLE_PRODUCER, "p", counters);
	return s;
}

static inline void end_scene(struct scene *s)
{
	dmp_leave(s->p);
	dmp_leave(s->c);
	dmp_ring_close(s->ring);
	must("dmp rm %s", s->name);
}

static inline void publish(struct dmp_member *p, uint64_t n)
{
	uint64_t pos, i;

	assert_int_equal(dmp_claim(p, n, &pos), 0);
	for (i = 0; i < n; i++)
		memset(dmp_slot(p, pos + i), 0, 56);
	dmp_publish(p, pos, n);
}

static inline void consume(struct dmp_member *c, uint64_t n)
{
	struct dmp_batch batch;

	assert_int_equal(dmp_wait(c, n, &batch), 0);
	assert_int_equal(dmp_release(c, batch.pos + n), 0);
}

/* ---- what the table says ---- */

/* The row of a member's counter: its value, and its unit if unit is not NULL. "": there is none. */
static inline const char *cell(const char *out, const char *member, const char *role, const char *counter, char *unit)
{
	static char value[32];
	char m[32], r[32], c[64], u[16];
	const char *line;

	for (line = out; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%31s %31s %63s %31s %15s", m, r, c, value, u) == 5 && !strcmp(m, member) &&
		    !strcmp(r, role) && !strcmp(c, counter)) {
			if (unit)
				strcpy(unit, u);
			return value;
		}
	}
	return "";
}

static inline void assert_row(const struct said *said, const char *member, const char *role, const char *counter,
			      const char *value, const char *wanted)
{
	char unit[16] = "";
	const char *got = cell(said->out, member, role, counter, unit);

	if (strcmp(got, value) || strcmp(unit, wanted))
		fail_msg("wanted %s %s %s %s %s in:\n%s%s", member, role, counter, value, wanted, said->out, said->err);
}

static inline struct said stat_of(const struct scene *s, const char *options)
{
	struct said said = run("dmp stat %s %s", s->name, options);

	if (said.status || *said.err)
		fail_msg("dmp stat: exit code %d, %s", said.status, said.err);
	return said;
}

/* ---- what JSON says ---- */

/* Behind "key": value, from there on; NULL: it is not there. */
static inline const char *find(const char *from, const char *key, const char *value)
{
	char pair[128];

	snprintf(pair, sizeof(pair), "\"%s\": %s", key, value);
	from = from ? strstr(from, pair) : NULL;
	return from ? from + strlen(pair) : NULL;
}

static inline const char *find_counter(const char *out, const char *member, const char *label)
{
	char quoted[2][64];

	snprintf(quoted[0], sizeof(quoted[0]), "\"%s\"", member);
	snprintf(quoted[1], sizeof(quoted[1]), "\"%s\"", label);
	return find(find(out, "name", quoted[0]), "label", quoted[1]);
}

static inline uint64_t number(const char *from, const char *key)
{
	const char *at = find(from, key, "");

	assert_non_null(at);
	return strtoull(at, NULL, 10);
}

#endif /* DMP_TESTS_STAT_H */
