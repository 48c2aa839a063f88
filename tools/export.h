/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * export.h: what the files of 'dmp export' share, by file
 *
 *   survey, pinned maps  ->  view  ->  text of a route  ->  HTTP
 *
 * One thread does it all: a survey and its text are made when they are asked for, sent as fast as they are taken.
 */
#ifndef DMP_EXPORT_H
#define DMP_EXPORT_H

#include "../bpf/counters.h"
#include "../bpf/latency.h"
#include "survey.h"

/* ---- export_pins.c: what eBPF has counted, see bpf/counters.h and bpf/latency.h ---- */

struct sampled {
	struct dmp_member_key key;
	struct dmp_member_counters value;
};

struct timed {
	struct dmp_ring_key key;
	struct dmp_latency value;
};

enum { WAKE_TO_RUN, TIME_ASLEEP, KILL_TO_UNGATE, LATENCIES };

struct pins {
	struct sampled *member; /* by ring, index and incarnation */
	uint32_t members;
	struct timed *ring[LATENCIES]; /* by ring */
	uint32_t rings[LATENCIES];
};

/*
 * All that is pinned in a folder; what is not there is empty. 0, then free_pins() afterwards; -ENOENT nothing is there,
 * -EPERM or -EACCES it takes more rights, -EPROTO it is of another version, -ENOMEM: nothing is to be freed.
 */
int read_pins(const char *folder, struct pins *pins);
void free_pins(struct pins *pins);

const struct sampled *find_sampled(const struct pins *pins, uint64_t ring, const struct counted *member);
const struct dmp_latency *find_latency(const struct pins *pins, uint32_t which, uint64_t ring);

/* What there is to be seen at one time. */
struct view {
	const struct survey *survey;
	const struct pins *pins;
};

/* ---- export_http.c: the server ---- */

/* What can be asked for by GET and HEAD. */
struct route {
	const char *path;
	/* The Content-Type of the answer to a request with this Accept header; NULL: without one. */
	const char *(*type)(const char *accept);
	/* The answer, as that type: 0 or -errno. Errors of writing to it are noticed. */
	int (*write)(FILE *to, const char *type, const struct view *view);
	bool still; /* always the same: no survey is taken for it, view is NULL */
};

/* Each ends with a route without a path. */
extern const struct route export_routes[], page_routes[];

/* Where a view comes from. */
struct source {
	struct surveyor *surveyor;
	const char *pins; /* a folder */
};

/* Serves until a signal. Takes the socket over. */
void serve(int listener, const struct source *source);

/* ---- export_listen.c ---- */

/* A socket that listens at "ADDRESS:PORT"; port 0: any. Says why not, and ends. */
int listen_at(const char *address);
/* One line. */
void say_where(int listener);

/* ---- export_clients.c: who is connected, and for how long ---- */

struct client;
struct clients {
	struct client *oldest, *newest;
	uint32_t count;
};

/* NULL: no memory. */
struct client *add_client(struct clients *clients, int fd);
void remove_client(struct clients *clients, struct client *client);
/* Has been answered: as if it came just now. */
void renew_client(struct clients *clients, struct client *client);
/* Hangs up on those that have taken too long, and on the oldest where there are too many. */
void hang_up_on_the_slow(struct clients *clients);

/* ---- export_accept.c: what the other side reads ---- */

/* How much it wants that type ("type/subtype") in that version: 0 to 1. Of what stands for several types nothing is wanted. */
double wish_for(const char *accept, const char *type, const char *version);

/* ---- export_label.c: what rings and members are called, so that no two are called the same ---- */

#define LABEL_MAX 96

struct label {
	char s[LABEL_MAX]; /* fit to stand between quotes; a ring or a member without a name is #ID */
	uint32_t role;	   /* DMP_ROLE_*, which tells apart, too; 0: it is a ring's */
	uint64_t id;	   /* the ring's, or the member's index */
	bool gone;	   /* eBPF remembers it */
	uint64_t age;	   /* of those that have gone: which was the last */
};

struct label new_label(const char *name, size_t size, uint32_t role, uint64_t id);

/*
 * Puts elements of that size, which begin with a label, in order. One that is called as another is becomes LABEL#ID; if
 * that is taken, too, as only a lie can have it, it is left out. So is what has gone, if there is, or was later, another
 * that is called so: that one goes on where it ended. Returns how many there are then.
 */
uint32_t tell_apart(void *list, uint32_t count, size_t size);

/* ---- export_shown.c: what is shown of a view, in the order of labels ---- */

struct shown_member {
	struct label label;
	const struct counted *counted;		   /* NULL: it has gone */
	const struct dmp_member_counters *sampled; /* NULL: by its page alone */
};

struct shown_ring {
	struct label label;
	const struct surveyed *ring; /* NULL: it has gone, or is another network namespace's */
	const struct dmp_latency *latency[LATENCIES];
	struct shown_member *member;
	uint32_t members;
};

struct shown {
	struct shown_ring *ring;
	uint32_t rings;
	struct shown_member *member; /* of all rings */
};

/* 0, then free_shown() afterwards; -ENOMEM. */
int show_view(const struct view *view, struct shown *shown);
void free_shown(struct shown *shown);

/* A built-in counter, by its place in the table. False: it is not counted. */
bool shown_value(const struct shown_member *member, uint32_t at, uint64_t *value);

/* ---- export_text.c: the formats ---- */

struct text {
	FILE *to;
	bool openmetrics;
	const struct shown *shown;
};

struct family {
	const char *name, *type, *unit, *help; /* type: counter, gauge or histogram */
};

/* Whose: NULL: not told. */
struct series {
	const struct shown_ring *ring;
	const struct shown_member *member;
	const char *name; /* of an application's counter */
};

struct distribution {
	const uint64_t *bucket;
	uint32_t buckets;
	uint64_t sum;
	uint64_t (*bound)(uint32_t bucket); /* the greatest value that is in it; all ones: of the last one */
	bool ns;			    /* to be shown in seconds */
};

void put_head(const struct text *t, const struct family *f);
void put_sample(const struct text *t, const struct family *f, const struct series *s, uint64_t value);
void put_distribution(const struct text *t, const struct family *f, const struct series *s,
		      const struct distribution *d);

const char *metrics_type(const char *accept);
int write_metrics(FILE *to, const char *type, const struct view *view);

/* ---- export_rings.c, export_members.c, export_application.c: the families ---- */

void put_rings(const struct text *t);
void put_members(const struct text *t);
void put_application(const struct text *t);

/* ---- export_host.c ---- */

/* May who is connected there ask for this host, as the request says? NULL: it does not say. */
bool is_for_here(int fd, const char *host);

/* ---- page.c, survey_json.c: GET / and what it asks for ---- */

const char *survey_json_type(const char *accept);
int write_survey_json(FILE *to, const char *type, const struct view *view);

#endif /* DMP_EXPORT_H */
