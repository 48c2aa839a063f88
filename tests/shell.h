/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* shell.h: run commands, such as the tool, and look at what they say */
#ifndef DMP_TESTS_SHELL_H
#define DMP_TESTS_SHELL_H

#include "helpers.h"

/* What became of a command; both texts end with a NUL that size does not count. */
struct said {
	int status; /* exit code, or 128 + the signal that killed it */
	char *out;
	size_t size;
	char *err;
};

void forget(struct said *said);

/* A line for the shell, formatted; as root, or as uid. */
struct said run(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct said run_as(uid_t uid, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, in the background: a simple command, without | and ;, has the pid itself. Ended by finish_command(). */
struct command {
	pid_t pid;
	int out, err;
};
struct command start_command(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct said finish_command(struct command *command);

/* Run it: exit code 0, and nothing on the standard error. */
void must(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Fails with exit code status, and says one line that has all of the words (NULL ends them) in it. */
void must_fail(const char *command, int status, ...) __attribute__((sentinel));
/* The same of one that has run. */
void assert_one_line(const struct said *said, int status, const char *word);

/* ---- a ring by its name, and a file to ask questions by ---- */

struct ring {
	struct name name;
	struct dmp_ring *ring;
	int fd;
};

struct ring stamped_ring(void); /* 64 slots for 56 bytes */
struct ring packed_ring(void);	/* 512 slots for 56 bytes */
void remove_ring(struct ring *ring);

/* dmp consume --as NAME OPTIONS, asleep already: what is published from now on is for it. */
struct command start_consumer(const struct ring *ring, const char *name, const char *options);

/* ---- what is said, and read ---- */

/* Is it one JSON value, and nothing else but white space? */
bool is_json(const char *text);

/* A file to read, of these bytes; it goes with the machine's /tmp. */
struct name write_file(const void *bytes, size_t size);

#endif /* DMP_TESTS_SHELL_H */
