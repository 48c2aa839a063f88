// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* survey_json.c: GET /survey.json: a survey for the page: keys stay. What has 64 bits is text: JavaScript's numbers have 53 */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "export.h"

static void digits(struct json *j, const char *key, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	json_string(j, key, text);
}

/* Why something cannot be seen, in a word. */
static void why(struct json *j, const char *key, int err)
{
	if (!err)
		json_null(j, key);
	else if (err == -ENODEV)
		json_string(j, key, "not_loaded");
	else if (err == -EACCES)
		json_string(j, key, "no_right");
	else
		json_string(j, key, err == -ENOSPC ? "no_place" : "error");
}

/* ---- members ---- */

/* By the names of the table: what their owner calls them does not matter. */
static void built_in_counters(struct json *j, const struct counted *m)
{
	static const struct {
		uint32_t id;
		const char *name;
	} table[] = {
#define ENTRY(NAME, id, name, unit, flags, help) { id, #name },
		DMP_COUNTERS(ENTRY)
#undef ENTRY
	};
	uint64_t value;
	size_t i;

	json_open(j, "counters", '{');
	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (built_in(m, table[i].id, &value))
			digits(j, table[i].name, value);
	json_close(j, '}');
}

/* The applications'. place tells those apart that are called the same. */
static void own_counters(struct json *j, const struct counted *m)
{
	uint32_t i;

	json_open(j, "own", '[');
	for (i = 0; i < m->counters; i++) {
		if (unit_of_counter(m->counter[i].id))
			continue;
		json_open(j, NULL, '{');
		json_number(j, "place", i);
		json_number(j, "id", m->counter[i].id);
		json_string(j, "label", m->counter[i].label);
		digits(j, "value", m->counter[i].value);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* Does it hold producers up? */
static bool gates(const struct dmp_member_info *m)
{
	return m->role == DMP_ROLE_CONSUMER && (m->state == DMP_MEMBER_JOINED || m->state == DMP_MEMBER_HELD);
}

static void member(struct json *j, const struct counted *m, uint64_t cursor)
{
	json_open(j, NULL, '{');
	json_number(j, "index", m->info.index);
	digits(j, "incarnation", m->info.incarnation);
	json_string(j, "name", m->name);
	json_string(j, "role", role_word(m->info.role));
	json_string(j, "state", state_word(m->info.state));
	json_string(j, "waiting", waiting_word(m->info.waiting));
	digits(j, "cursor", m->info.cursor);
	if (gates(&m->info))
		digits(j, "lag", lag_of_member(&m->info, cursor));
	else
		json_null(j, "lag");
	digits(j, "sleeps", m->info.sleeps);
	digits(j, "wakes", m->info.wakes);
	digits(j, "futile", m->info.futile);
	digits(j, "empty", m->info.empty);
	built_in_counters(j, m);
	own_counters(j, m);
	json_close(j, '}');
}

/* ---- rings ---- */

static void flags(struct json *j, uint32_t set)
{
	unsigned int i;

	json_open(j, "flags", '[');
	for (i = 0; flag_word(set, i); i++)
		json_string(j, NULL, flag_word(set, i));
	json_close(j, ']');
}

static void ring(struct json *j, const struct surveyed *r)
{
	uint32_t i;

	json_open(j, NULL, '{');
	json_string(j, "name", r->name);
	digits(j, "id", r->info.id);
	flags(j, r->info.flags);
	digits(j, "slots", r->info.slots);
	json_number(j, "event_size", r->info.event_size);
	digits(j, "cursor", r->info.cursor);
	json_string(j, "stream", ended_word(r->info.ended));
	json_number(j, "joined", r->info.joined);
	json_number(j, "held", r->info.held);
	digits(j, "sleeps", r->info.sleeps);
	digits(j, "wakes", r->info.wakes);
	why(j, "missing", r->missing);
	json_open(j, "members", '[');
	for (i = 0; i < r->count; i++)
		member(j, &r->member[i], r->info.cursor);
	json_close(j, ']');
	json_close(j, '}');
}

int write_survey_json(FILE *to, const char *type, const struct view *view)
{
	const struct survey *s = view->survey;
	struct json j = { .out = to };
	char host[256] = "";
	uint32_t i;

	(void)type;
	gethostname(host, sizeof(host) - 1);
	json_open(&j, NULL, '{');
	json_string(&j, "host", host);
	json_string(&j, "version", dmp_version());
	digits(&j, "at", s->at);
	why(&j, "module", s->module_error);
	json_open(&j, "rings", '[');
	for (i = 0; i < s->count; i++)
		ring(&j, &s->ring[i]);
	json_close(&j, ']');
	json_close(&j, '}');
	return 0;
}

const char *survey_json_type(const char *accept)
{
	(void)accept;
	return "application/json";
}
