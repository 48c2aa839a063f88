// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* info_json.c: rings and members as JSON: keys are the ABI's names, and stay */
#include "tool.h"

static void flags(struct json *j, uint32_t set)
{
	unsigned int i;

	json_open(j, "flags", '[');
	for (i = 0; flag_word(set, i); i++)
		json_string(j, NULL, flag_word(set, i));
	json_close(j, ']');
}

void json_ring(struct json *j, const char *name, const struct dmp_info *info)
{
	char mode[8];

	snprintf(mode, sizeof(mode), "%04o", info->mode);
	json_string(j, "name", name);
	json_number(j, "id", info->id);
	json_number(j, "uid", info->uid);
	json_number(j, "gid", info->gid);
	json_string(j, "mode", mode);
	flags(j, info->flags);
	json_number(j, "slots", info->slots);
	json_number(j, "event_size", info->event_size);
	json_number(j, "stride", info->stride);
	json_number(j, "member_slots", info->members);
	json_number(j, "joined", info->joined);
	json_number(j, "held", info->held);
	json_number(j, "bytes", info->bytes);
	json_number(j, "cursor", info->cursor);
	json_number(j, "gate", info->gate);
	json_number(j, "generation", info->generation);
	json_number(j, "producers", info->producers);
	json_number(j, "epoch", info->epoch);
	json_string(j, "stream", ended_word(info->ended));
}

void json_ring_counters(struct json *j, const struct dmp_info *info)
{
	json_open(j, "counters", '{');
	json_number(j, "sleeps", info->sleeps);
	json_number(j, "woken", info->woken);
	json_number(j, "futile", info->futile);
	json_number(j, "changed", info->changed);
	json_number(j, "late", info->late);
	json_number(j, "wakes", info->wakes);
	json_number(j, "empty", info->empty);
	json_number(j, "examined", info->examined);
	json_number(j, "crossed", info->crossed);
	json_number(j, "fences", info->fences);
	json_number(j, "stalls", info->stalls);
	json_number(j, "repaired", info->repaired);
	json_number(j, "undecided", info->undecided);
	json_number(j, "evicted", info->evicted);
	json_number(j, "failed", info->failed);
	json_close(j, '}');
}

static void member_counters(struct json *j, const struct dmp_member_info *m)
{
	json_open(j, "counters", '{');
	json_number(j, "sleeps", m->sleeps);
	json_number(j, "woken", m->woken);
	json_number(j, "futile", m->futile);
	json_number(j, "changed", m->changed);
	json_number(j, "late", m->late);
	json_number(j, "wakes", m->wakes);
	json_number(j, "empty", m->empty);
	json_number(j, "arms", m->arms);
	json_close(j, '}');
}

/* Consumers, as a set of indices, by name. */
static void names(struct json *j, const struct members *members, uint64_t set)
{
	for (; set; set &= set - 1)
		json_string(j, NULL, name_of_member(members, (uint32_t)__builtin_ctzll(set)));
}

/* The sequences it sleeps on: consumers by name; the ring's cursor is apart, a consumer may have any name. */
static void waits(struct json *j, const struct members *members, const struct dmp_member_info *m)
{
	json_string(j, "waiting", waiting_word(m->waiting));
	json_number(j, "waits_target", m->waits_target);
	json_bool(j, "waits_on_required", m->waiting & DMP_WAITING_MISSING);
	json_bool(j, "waits_on_cursor", m->waiting & DMP_WAITING_CURSOR);
	json_open(j, "waits_on", '[');
	names(j, members, m->waits_on);
	json_close(j, ']');
}

/* A letter, or null: it cannot be seen. */
static void thread_state(struct json *j, uint32_t letter)
{
	const char text[2] = { (char)letter, '\0' };

	if (letter)
		json_string(j, "thread_state", text);
	else
		json_null(j, "thread_state");
}

static void holdup(struct json *j, const char *key, const struct dmp_holdup *h)
{
	if (!h->role) {
		json_null(j, key);
		return;
	}
	json_open(j, key, '{');
	json_string(j, "role", role_word(h->role));
	json_string(j, "name", h->name);
	json_number(j, "index", h->index);
	json_string(j, "state", state_word(h->state));
	json_number(j, "position", h->position);
	json_signed(j, "pid", h->pid);
	json_signed(j, "tid", h->tid);
	thread_state(j, h->thread_state);
	json_close(j, '}');
}

static void member(struct json *j, const struct members *members, const struct dmp_member_info *m, uint64_t cursor)
{
	json_open(j, NULL, '{');
	json_number(j, "index", m->index);
	json_signed(j, "pid", m->pid);
	json_signed(j, "tid", m->tid);
	thread_state(j, m->thread_state);
	json_number(j, "uid", m->uid);
	json_string(j, "name", m->name);
	json_string(j, "role", role_word(m->role));
	json_string(j, "state", state_word(m->state));
	json_string(j, "policy", policy_word(m->policy));
	json_number(j, "incarnation", m->incarnation);
	json_number(j, "cursor", m->cursor);
	if (m->role == DMP_ROLE_CONSUMER)
		json_number(j, "lag", lag_of_member(m, cursor));
	else
		json_null(j, "lag");
	json_number(j, "claim_lo", m->claim_lo);
	json_number(j, "claim_hi", m->claim_hi);
	json_number(j, "aborted", m->aborted);
	json_bool(j, "finished", m->finished);
	json_open(j, "after", '[');
	names(j, members, m->deps);
	json_close(j, ']');
	waits(j, members, m);
	member_counters(j, m);
	json_close(j, '}');
}

static void required(struct json *j, const struct dmp_ring *ring)
{
	struct dmp_required_info infos[DMP_MAX_GATES];
	int i, n = dmp_ring_required(ring, infos, DMP_MAX_GATES);

	json_open(j, "required", '[');
	for (i = 0; i < n; i++) {
		json_open(j, NULL, '{');
		json_string(j, "name", infos[i].name);
		json_number(j, "uid", infos[i].uid);
		json_bool(j, "there", infos[i].there);
		json_string(j, "state", infos[i].there ? state_word(infos[i].state) : "missing");
		json_close(j, '}');
	}
	json_close(j, ']');
}

void json_info(const struct dmp_ring *ring, const struct dmp_info *info, const struct members *members,
	       const struct holdups *holdups)
{
	struct json j = { .out = stdout };
	char rights[4];
	uint32_t i;

	rights_word(info->rights, rights);
	json_open(&j, NULL, '{');
	json_ring(&j, info->name, info);
	json_string(&j, "rights", rights);
	json_ring_counters(&j, info);
	required(&j, ring);
	json_open(&j, "held_up_by", '{');
	holdup(&j, "room", &holdups->room);
	holdup(&j, "events", &holdups->events);
	json_close(&j, '}');
	json_open(&j, "members", '[');
	for (i = 0; i < members->count; i++)
		member(&j, members, &members->list[i], info->cursor);
	json_close(&j, ']');
	json_close(&j, '}');
}
