/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * attached.h: everything that dmp trace attaches, the sampler on, and somebody for whom all of it has work to do
 *
 * A test that finds nothing changed by it is worth something only if the programs did run meanwhile: all_have_run().
 */
#ifndef DMP_TESTS_ATTACHED_H
#define DMP_TESTS_ATTACHED_H

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "raw.h"
#include "shell.h"

#define PINS	 "/sys/fs/bpf/dmp-attached"
#define LINKS	 PINS "/links"
#define SAMPLES	 "/sys/kernel/tracing/instances/dmp-attached"
#define PROGRAMS 32 /* at most */

/* ---- what is attached ---- */

static inline void attach_everything(void)
{
	must("echo 1 >/proc/sys/kernel/bpf_stats_enabled");
	must("dmp trace --pin " PINS);
	must("echo 1 >/sys/module/dmp/parameters/sample_ms");
	must("mkdir " SAMPLES);
	must("echo 1 >" SAMPLES "/events/dmp/dmp_sample/enable");
}

/* Whatever of it there is. */
static inline void detach_everything(void)
{
	if (!access(SAMPLES, F_OK)) {
		must("echo 0 >" SAMPLES "/events/dmp/dmp_sample/enable");
		must("rmdir " SAMPLES);
	}
	must("echo 100 >/sys/module/dmp/parameters/sample_ms");
	if (!access(PINS, F_OK))
		must("dmp trace --unpin " PINS);
	must("echo 0 >/proc/sys/kernel/bpf_stats_enabled");
}

/* ---- who has run ---- */

struct program {
	char pin[128];
	uint64_t runs;
};

struct programs {
	struct program all[PROGRAMS];
	int count;
};

static inline uint64_t runs_of(const char *pin)
{
	struct bpf_link_info link = { .id = 0 };
	struct bpf_prog_info program = { .id = 0 };
	uint32_t link_size = sizeof(link), program_size = sizeof(program);
	int fd = bpf_obj_get(pin), program_fd;

	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &link, &link_size), 0);
	program_fd = bpf_prog_get_fd_by_id(link.prog_id);
	assert_true(program_fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(program_fd, &program, &program_size), 0);
	close(program_fd);
	close(fd);
	return program.run_cnt;
}

static inline void add_program(struct programs *to, const char *folder, const char *name)
{
	struct program *p = &to->all[to->count++];

	assert_true(to->count <= PROGRAMS);
	assert_true(snprintf(p->pin, sizeof(p->pin), "%s/%s", folder, name) < (int)sizeof(p->pin));
	p->runs = runs_of(p->pin);
}

static inline struct programs programs_now(void)
{
	struct programs now = { .count = 0 };
	struct dirent *entry;
	DIR *dir = opendir(LINKS);

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			add_program(&now, LINKS, entry->d_name);
	closedir(dir);
	assert_true(now.count > 0);
	add_program(&now, PINS, "rings");
	add_program(&now, PINS, "members");
	return now;
}

/* The first that has not run since; NULL: all have. */
static inline const char *has_not_run(const struct programs *since)
{
	int i;

	for (i = 0; i < since->count; i++)
		if (runs_of(since->all[i].pin) == since->all[i].runs)
			return since->all[i].pin;
	return NULL;
}

static inline bool all_have_run(void *since)
{
	return !has_not_run(since);
}

/* ---- something for each of them to see ---- */

static inline int sleep_for_ever(void *ring)
{
	return raw_wait(raw_join(*(int *)ring, DMP_ROLE_CONSUMER, "victim").fd, 2, NEVER);
}

static inline void look_at(const char *table)
{
	char text[4096];
	int fd = xopen(table, 0);
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = read(fd, text, sizeof(text))) > 0)
		;
	assert_int_equal(n, 0);
	close(fd);
}

/* A ring comes, one sleeps in it and is woken, one is killed, the tables are looked at, and the ring goes. */
static inline int be_restless(void *arg)
{
	struct sleeper s;
	struct pair x;
	pid_t victim;

	(void)arg;
	for (;;) {
		x = make_pair();
		start_sleeper(&s, x.c.fd, 1, wait_long());
		await_asleep(x.ring, "c");
		raw_publish(&x.p, 1);
		assert_int_equal(finish_sleeper(&s), 0);
		victim = start_child(sleep_for_ever, &x.ring);
		await_asleep(x.ring, "victim");
		kill_child(victim);
		look_at(PINS "/rings");
		look_at(PINS "/members");
		end_pair(&x);
	}
	return 1;
}

#endif /* DMP_TESTS_ATTACHED_H */
