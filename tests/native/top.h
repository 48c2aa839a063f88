/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* top.h: dmp top on a terminal, and what it shows of a ring */
#ifndef DMP_TESTS_TOP_H
#define DMP_TESTS_TOP_H

#include <signal.h>
#include <stdlib.h>

#include "scene.h"

#include "../terminal.h"

#define ENTER "\r"
#define UP    "\033OA"
#define DOWN  "\033OB"

/* The dmp that was built with this program; in a virtual machine there is none, but the one that PATH finds. */
static inline void find_tools(void)
{
	char self[512] = "", path[1024];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(len > 0);
	*strrchr(self, '/') = '\0';
	snprintf(path, sizeof(path), "%s/../../tools:%.400s", self, getenv("PATH"));
	assert_int_equal(setenv("PATH", path, 1), 0);
}

/* Of this ring, NULL: of all. */
static inline void start_top(struct terminal *t, uid_t uid, const struct scene *s)
{
	const char *const argv[] = { "dmp", "top", s ? s->address : NULL, NULL };

	start_on_terminal(t, uid, "xterm", argv);
}

static inline void quit(struct terminal *t)
{
	press(t, "q");
	assert_int_equal(end_on_terminal(t), 0);
}

/* A member as it is shown at 80 columns, up to how many events it counts. */
static inline const char *member_line(const char *name, const char *role, unsigned int events)
{
	static char line[96];

	snprintf(line, sizeof(line), "  %-10s %7d %-8s %6u", name, (int)getpid(), role, events);
	return line;
}

#endif /* DMP_TESTS_TOP_H */
