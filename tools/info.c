// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* info.c: a ring and its members */
#include <stdlib.h>
#include <string.h>

#include "tool.h"

struct info {
	const char *name;
	bool json;
};

enum { JSON = 0x200 };

static const struct argp_option options[] = {
	{ "json", JSON, NULL, 0, "One object, with the members as an array in it", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct info *i = state->input;

	if (key != JSON)
		return parse_ring_name(key, arg, state, &i->name);
	i->json = true;
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "NAME",
	.doc = "Tell what a ring is, how it stands, and who is there.\v"
	       "Pids are those of your pid namespace, 0 for who is not in it. S is the state of the thread that "
	       "joined, as ps shows it. \"Held up by\" names who has to move before there is room, or the next event. "
	       "A lag is how many events a consumer is behind. Counters are since creation: woken sleepers, of them "
	       "futile ones (nothing was there), late "
	       "ones (just there when their time was up: a lost wake only if that was long), calls that wake, and of "
	       "them empty ones (nobody slept any more).",
	.children = common_options,
};

static void print_flags(uint32_t flags)
{
	unsigned int i;

	printf("%s", flags & DMP_RING_STAMPED ? "" : "packed");
	for (i = 0; flag_word(flags, i); i++)
		printf("%s%s", i || !(flags & DMP_RING_STAMPED) ? ", " : "", flag_word(flags, i));
	printf("\n");
}

static void print_ring(const struct dmp_info *i)
{
	char rights[4];

	rights_word(i->rights, rights);
	printf("ring       %s, id %llu, ", i->name, i->id);
	print_flags(i->flags);
	printf("rights     uid %u, gid %u, mode %04o; you have %s\n", i->uid, i->gid, i->mode, rights);
	printf("size       %llu slots for %u bytes each (stride %u), %u members; %llu bytes of memory\n", i->slots,
	       i->event_size, i->stride, i->members, i->bytes);
	printf("stream     %s; producers so far: %u\n", ended_phrase(i->ended), i->epoch);
	printf("position   cursor %llu, gate %llu\n", i->cursor, i->gate);
	if (i->held || i->evicted || i->failed)
		printf("places     %u held for dead consumers; %llu consumers evicted, %llu failed with another\n",
		       i->held, i->evicted, i->failed);
	if (i->stalls || i->repaired || i->undecided)
		printf("trouble    %llu stalls; %llu slots of dead producers aborted, %llu not decided yet\n",
		       i->stalls, i->repaired, i->undecided);
	printf("sleepers   %llu sleeps, %llu woken, %llu futile, %llu changed, %llu"
	       " late\n",
	       i->sleeps, i->woken, i->futile, i->changed, i->late);
	printf("wakes      %llu, %llu empty; waiters examined %llu, crossed %llu"
	       "; grace periods %llu\n",
	       i->wakes, i->empty, i->examined, i->crossed, i->fences);
}

/* "required   journal, risk (held), replica (missing)" */
static void print_required(const struct dmp_ring *ring)
{
	struct dmp_required_info infos[DMP_MAX_GATES];
	int i, n = dmp_ring_required(ring, infos, DMP_MAX_GATES);
	char name[DMP_MEMBER_NAME_MAX];

	for (i = 0; i < n; i++)
		printf("%s%s%s", i ? ", " : "required   ", printable(infos[i].name, name, sizeof(name)),
		       !infos[i].there			   ? " (missing)"
		       : infos[i].state == DMP_MEMBER_HELD ? " (held)"
							   : "");
	if (n > 0)
		printf("\n");
}

/* What a library without the answer says, as of shm: and file:, is that nobody is known. */
static struct dmp_holdup holdup_of(const struct dmp_ring *ring, uint32_t what)
{
	struct dmp_holdup h = { .role = 0 };

	dmp_ring_holdup(ring, what, &h);
	return h;
}

/* "held up by: consumer journal pid 17 (T, stopped) at 4096" */
static void print_holdup(const struct dmp_holdup *h)
{
	char name[DMP_MEMBER_NAME_MAX];

	printf("held up by: %s %s pid %d", role_word(h->role),
	       h->name[0] ? printable(h->name, name, sizeof(name)) : "-", h->pid);
	if (h->tid && h->tid != h->pid)
		printf(" thread %d", h->tid);
	if (h->thread_state)
		printf(" (%c, %s)", (char)h->thread_state, thread_word(h->thread_state));
	if (h->state == DMP_MEMBER_HELD)
		printf(" (dead, its place is held)");
	printf(" at %llu\n", h->position);
}

static void print_holdups(const struct holdups *h)
{
	if (h->room.role)
		print_holdup(&h->room);
	if (h->events.role && (!h->room.role || h->room.index != h->events.index))
		print_holdup(&h->events);
}

/* "asleep until ring, journal reach 17" */
static void waits_text(const struct members *members, const struct dmp_member_info *m, char *to, size_t size)
{
	const char *comma = m->waiting & DMP_WAITING_CURSOR ? "," : "";
	uint64_t set = m->waits_on;
	size_t len;

	if (!m->waiting) {
		snprintf(to, size, "-");
		return;
	}
	if (m->waiting & DMP_WAITING_MISSING) {
		snprintf(to, size, "asleep until all required are there");
		return;
	}
	len = (size_t)snprintf(to, size, "%s until%s", waiting_word(m->waiting), *comma ? " ring" : "");
	for (; set && len < size; set &= set - 1, comma = ",")
		len += (size_t)snprintf(to + len, size - len, "%s %s", comma,
					name_of_member(members, (uint32_t)__builtin_ctzll(set)));
	if (len < size)
		snprintf(to + len, size - len, " reach %llu", m->waits_target);
}

static void after_text(const struct members *members, uint64_t deps, char *to, size_t size)
{
	size_t len = 0;

	snprintf(to, size, "-");
	for (; deps && len < size; deps &= deps - 1)
		len += (size_t)snprintf(to + len, size - len, "%s%s", len ? "," : "",
					name_of_member(members, (uint32_t)__builtin_ctzll(deps)));
}

static void member_row(struct table *table, const struct members *members, const struct dmp_member_info *m,
		       uint64_t cursor)
{
	bool observer = m->role == DMP_ROLE_OBSERVER;
	char text[200];

	table_cell(table, "%d", m->pid);
	table_cell(table, "%c", m->thread_state ? (char)m->thread_state : '-');
	table_cell(table, "%s", role_word(m->role));
	table_cell(table, "%s", m->name[0] ? m->name : "-");
	table_cell(table, "%s", state_word(m->state));
	table_cell(table, observer ? "-" : "%llu", m->cursor);
	table_cell(table, m->role != DMP_ROLE_CONSUMER ? "-" : "%llu", lag_of_member(m, cursor));
	after_text(members, m->deps, text, sizeof(text));
	table_cell(table, "%s", text);
	table_cell(table, "%llu", m->sleeps);
	table_cell(table, "%llu", m->wakes);
	waits_text(members, m, text, sizeof(text));
	table_cell(table, "%s", text);
}

static void print_members(const struct members *members, uint64_t cursor)
{
	static const char *const heads[] = {
		"PID", "S", "ROLE", "NAME", "STATE", "CURSOR", "LAG", "AFTER", "SLEEPS", "WAKES", "WAITS",
	};
	struct table *table = table_new("rllllrrlrrl");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(heads); i++)
		table_cell(table, "%s", heads[i]);
	for (i = 0; i < members->count; i++)
		member_row(table, members, &members->list[i], cursor);
	printf("\n");
	table_print(table);
}

int cmd_info(int argc, char **argv)
{
	struct info options = { .name = NULL };
	struct dmp_ring *ring;
	struct holdups holdups;
	struct members members;
	struct dmp_info info;

	parse_options(&argp, argc, argv, &options);
	ring = open_ring(options.name, 0);
	dmp_ring_info(ring, &info);
	holdups.room = holdup_of(ring, DMP_HOLDUP_ROOM);
	holdups.events = holdup_of(ring, DMP_HOLDUP_EVENTS);
	members = members_of_ring(ring);
	if (options.json) {
		json_info(ring, &info, &members, &holdups);
	} else {
		print_ring(&info);
		print_required(ring);
		print_holdups(&holdups);
		if (members.count)
			print_members(&members, info.cursor);
	}
	free_members(&members);
	dmp_ring_close(ring);
	return 0;
}
