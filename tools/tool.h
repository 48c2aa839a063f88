/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* tool.h: what the files of the program dmp share, by file */
#ifndef DMP_TOOL_H
#define DMP_TOOL_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <dmp.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- subcommands: each a file of its name; they return the exit status ---- */

int cmd_create(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_rm(int argc, char **argv);
int cmd_evict(int argc, char **argv);
int cmd_publish(int argc, char **argv);
int cmd_consume(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_export(int argc, char **argv);

/* ---- options.c ---- */

/* To be the children of every subcommand's argp: --help, and one line for what getopt does not like. */
extern const struct argp_child common_options[];

/* argp_parse() that says what is wrong in one line, and ends the program then. */
void parse_options(const struct argp *argp, int argc, char **argv, void *input);

/* The one argument that most commands have: in a parser, for any key that is not an option. */
error_t parse_ring_name(int key, char *arg, struct argp_state *state, const char **name);

/* ---- numbers.c ---- */

/* Decimal or 0x..., with k or M behind it: times 1,024 or 1,048,576. False: no such number, or above max. */
bool parse_number(const char *text, uint64_t max, uint64_t *number);

/* The value of an option, else a usage error that names it. */
uint64_t number_option(const char *option, const char *text, uint64_t min, uint64_t max);

/* ---- errors.c: exit status 1, usage: 2 ---- */

#define EXIT_USAGE 2

/* Whose errors are told: "dmp: COMMAND RING: ..." */
void errors_of_command(const char *command);
void errors_of_ring(const char *ring);

/* One line on the standard error, in which nothing can disturb a terminal. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, and the end. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void fail_usage(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* The sentence for a negative errno of the library. */
void fail_errno(int err) __attribute__((noreturn));

/* ---- open.c: or explain why not, and end ---- */

/* rights: DMP_RIGHT_*; 0: any */
struct dmp_ring *open_ring(const char *name, uint32_t rights);
struct dmp_member *join_ring(struct dmp_ring *ring, uint32_t role, const struct dmp_join_options *options);
/* By name, without the right to open it. */
bool find_ring(const char *name, struct dmp_info *info);
bool is_ring_name(const char *name);
void fail_name(void) __attribute__((noreturn)); /* says what a ring's name is */

/* ---- words.c: what the numbers of the ABI are called ---- */

const char *role_word(uint32_t role);
const char *state_word(uint32_t state);
const char *policy_word(uint32_t policy);
const char *ended_word(uint32_t ended);	  /* one word, for JSON */
const char *ended_phrase(uint32_t ended); /* for people */
const char *waiting_word(uint32_t waiting);
/* The flags of a ring that are set, one after the other: i from 0, until NULL. */
const char *flag_word(uint32_t flags, unsigned int i);
void rights_word(uint32_t rights, char word[4]); /* rwx */
/* What a thread does, by the letter of /proc/PID/stat. */
const char *thread_word(uint32_t letter);
/* Text of another process, for a terminal: what is no printable ASCII becomes '?'. */
const char *printable(const char *text, char *to, size_t size);

/* ---- members.c ---- */

struct members {
	struct dmp_member_info *list;
	uint32_t count;
};

/* All of them; free_members() afterwards. */
struct members members_of_ring(const struct dmp_ring *ring);
struct members members_seen_by(struct dmp_member *member);
/* The same as seen by member or, if it is NULL, of ring, and does not end the program: 0 or the library's error. */
int find_members(const struct dmp_ring *ring, struct dmp_member *member, struct members *to);
void free_members(struct members *members);
/* NULL: not there; by name: one whose place is held is. */
const struct dmp_member_info *member_by_index(const struct members *members, uint32_t index);
const struct dmp_member_info *member_by_name(const struct members *members, const char *name);
/* The name of a consumer by its index, "?" if it has just gone. */
const char *name_of_member(const struct members *members, uint32_t index);
/* How far a consumer is behind the ring's cursor. */
__u64 lag_of_member(const struct dmp_member_info *member, uint64_t cursor);

/* ---- table.c: rows of cells in columns, as wide as the widest cell ---- */

struct table;
/* One letter per column: l or r, the side it is aligned to. */
struct table *table_new(const char *alignment);
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes it to the standard output and frees it. */
void table_print(struct table *table);

/* ---- json.c: a writer that puts commas and quotes where they belong; key NULL: an element of an array ---- */

struct json {
	FILE *out;
	unsigned int depth;
	bool begun; /* the innermost object or array has an element already */
};

void json_open(struct json *json, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *json, char bracket);		  /* '}' or ']'; the outermost ends the line */
void json_string(struct json *json, const char *key, const char *value);
void json_number(struct json *json, const char *key, uint64_t value);
void json_signed(struct json *json, const char *key, int64_t value);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);

/* ---- info_json.c ---- */

/* Who is in the way of the producers' next event, and of the consumers' next; role 0: nobody, as far as is known. */
struct holdups {
	struct dmp_holdup room, events;
};

/* The fields of a ring that ls and info both tell. */
void json_ring(struct json *json, const char *name, const struct dmp_info *info);
void json_ring_counters(struct json *json, const struct dmp_info *info);
void json_info(const struct dmp_ring *ring, const struct dmp_info *info, const struct members *members,
	       const struct holdups *holdups);

/* ---- signals.c ---- */

/* From now on SIGINT, SIGTERM and SIGHUP are noted, and interrupt what waits; the second one kills as usual. */
void catch_signals(void);
bool was_signalled(void);
/* End as the noted signal would have done; returns if there was none. */
void die_of_signal(void);
/* Returns when one of them has come; from block_signals() on none of them does anything else. */
void block_signals(void);
void await_signal(void);

/* ---- stats.c ---- */

struct stats {
	uint64_t events, bytes;
	uint64_t batches, max_batch;
};

void count_batch(struct stats *stats, uint64_t events, uint64_t bytes);
/* One line of key=value on the standard error; the kernel tells what it knows of the member. */
void print_stats(const struct stats *stats, struct dmp_member *member);

/* ---- output.c: all or an error ---- */

struct iovec;
/* 0, -EINTR (a signal was noted), or the errno of write. Changes iov. */
int write_vector(int fd, struct iovec *iov, unsigned int count);

/* ---- drain.c, observe.c: from a ring to the standard output ---- */

struct reader {
	struct dmp_member *member;
	uint64_t left; /* events still to be written */
	bool follow;
	int epoll;     /* to follow; -1: not needed yet */
	uint64_t lost; /* by an observer */
	struct stats stats;
};

/* Both return how it ended: 0 (so many events as were wanted), -EPIPE (the stream has ended), -EINTR (a signal). */
int drain(struct reader *reader);
int observe(struct reader *reader);
/* drain.c: after -EPIPE, until membership has changed, so that there may be a producer. 0 or -EINTR. */
int await_change(struct reader *reader);
/* One event's bytes; what is not a block ends the program. */
void block_at(const struct reader *reader, uint64_t pos, const void *event, struct iovec *bytes);
void write_or_fail(struct iovec *iov, unsigned int count, int *err);

#endif /* DMP_TOOL_H */
