// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * trace_pin.c: everything attached, and kept by a folder of a bpf file system
 *
 *   DIR/rings, DIR/members                                  tables: cat
 *   DIR/counters, counters_missed                           maps: bpftool map dump pinned
 *   DIR/wake_to_run, time_asleep, kill_to_ungate, missed    likewise
 *   DIR/links/...                                           what keeps the programs attached
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/magic.h>

#include "bpf/counters.skel.h"
#include "bpf/latency.skel.h"
#include "bpf/members.skel.h"
#include "bpf/rings.skel.h"
#include "trace.h"

struct path {
	char s[PATH_MAX];
};

static struct path join_path(const char *folder, const char *name)
{
	struct path path;

	if (snprintf(path.s, sizeof(path.s), "%s/%s", folder, name) >= (int)sizeof(path.s))
		fail_errno(-ENAMETOOLONG);
	return path;
}

static struct path parent_of(const char *folder)
{
	struct path path = join_path(folder, "");
	size_t end = strlen(path.s);

	while (end && path.s[end - 1] == '/')
		end--;
	while (end && path.s[end - 1] != '/')
		end--;
	path.s[end] = '\0';
	return end ? path : (struct path){ "." };
}

static bool is_on_bpffs(const char *folder)
{
	struct statfs fs;

	return !statfs(folder, &fs) && fs.f_type == BPF_FS_MAGIC;
}

/* ---- away ---- */

/* Only what is on a bpf file system: where that is for everybody, a link may lead anywhere. */
static void remove_files(int at, const char *folder)
{
	int fd = openat(at, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statfs fs;
	struct dirent *entry;
	DIR *dir;

	if (fd < 0)
		return;
	dir = !fstatfs(fd, &fs) && fs.f_type == BPF_FS_MAGIC ? fdopendir(fd) : NULL;
	while (dir && (entry = readdir(dir)))
		if (entry->d_type != DT_DIR)
			unlinkat(fd, entry->d_name, 0);
	if (dir)
		closedir(dir);
	else
		close(fd);
}

/* 0 or -errno of removing the folder itself, which fails if there is more in it than we put there. */
static int remove_pins(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	remove_files(fd, "links");
	unlinkat(fd, "links", AT_REMOVEDIR);
	remove_files(fd, ".");
	close(fd);
	return rmdir(folder) ? -errno : 0;
}

void unpin_all(const char *folder)
{
	int err;

	if (access(join_path(folder, "links").s, F_OK)) {
		if (errno == EACCES)
			fail("you may not look into %s: be root", folder);
		fail("nothing of dmp is pinned in %s", folder);
	}
	if (!is_on_bpffs(folder))
		fail("%s is on no bpf file system: what is there is not of 'dmp trace --pin'", folder);
	err = remove_pins(folder);
	if (err)
		fail("%s cannot be removed: %s", folder, strerror(-err));
}

/* ---- there ---- */

/* Nothing stays of what was not pinned whole. */
static void fail_to_pin(const char *folder, const char *what, int err) __attribute__((noreturn));
static void fail_to_pin(const char *folder, const char *what, int err)
{
	remove_pins(folder);
	fail_bpf(what, err);
}

static void pin_programs(const char *folder, const struct bpf_object_skeleton *s, const struct bpf_map *const *maps,
			 size_t count)
{
	struct path links = join_path(folder, "links");
	int err = 0, i;
	size_t m;

	for (i = 0; i < s->prog_cnt && !err; i++)
		err = bpf_link__pin(*s->progs[i].link, join_path(links.s, s->progs[i].name).s);
	for (m = 0; m < count && !err; m++)
		err = bpf_map__pin((struct bpf_map *)maps[m], join_path(folder, bpf_map__name(maps[m])).s);
	if (err)
		fail_to_pin(folder, "the programs and their maps cannot be pinned", err);
}

static void pin_latency(const char *folder, struct latency_bpf *latency)
{
	const struct bpf_map *const maps[] = { latency->maps.wake_to_run, latency->maps.time_asleep,
					       latency->maps.kill_to_ungate, latency->maps.missed };

	pin_programs(folder, latency->skeleton, maps, ARRAY_SIZE(maps));
	latency_bpf__destroy(latency);
}

static void pin_counters(const char *folder, struct counters_bpf *counters)
{
	const struct bpf_map *const maps[] = { counters->maps.counters, counters->maps.counters_missed };

	pin_programs(folder, counters->skeleton, maps, ARRAY_SIZE(maps));
	counters_bpf__destroy(counters);
}

/* An iterator over the pieces of its table, see bpf/walk.h. */
static void pin_table(const char *folder, const char *name, struct bpf_program *show, struct bpf_map *pieces)
{
	union bpf_iter_link_info info = { .map.map_fd = (__u32)bpf_map__fd(pieces) };
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));
	struct bpf_link *link = bpf_program__attach_iter(show, &opts);
	int err = link ? bpf_link__pin(link, join_path(folder, name).s) : -errno;

	if (err)
		fail_to_pin(folder, "a table cannot be pinned", err);
	bpf_link__destroy(link);
}

static void pin_tables(const char *folder)
{
	struct rings_bpf *rings = rings_bpf__open_and_load();
	struct members_bpf *members = rings ? members_bpf__open_and_load() : NULL;

	if (!members)
		fail_to_pin(folder, "the kernel does not take the programs of the tables", -errno);
	pin_table(folder, "rings", rings->progs.show, rings->maps.pieces);
	pin_table(folder, "members", members->progs.show, members->maps.pieces);
	rings_bpf__destroy(rings);
	members_bpf__destroy(members);
}

static void make_folder(const char *folder)
{
	struct path parent = parent_of(folder);

	if (!is_on_bpffs(parent.s))
		fail("%s is on no bpf file system: mount -t bpf bpffs /sys/fs/bpf", parent.s);
	if (mkdir(folder, 0755)) {
		if (errno == EEXIST)
			fail("%s is there already: 'dmp trace --unpin %s' takes it away", folder, folder);
		fail("cannot make %s: %s", folder, strerror(errno));
	}
	if (mkdir(join_path(folder, "links").s, 0755))
		fail_to_pin(folder, "cannot make a folder for links", -errno);
}

void pin_all(const char *folder)
{
	struct latency_bpf *latency;
	struct counters_bpf *counters;

	require_bpf();
	latency = attach_latency();
	counters = attach_counters();
	make_folder(folder);
	pin_tables(folder);
	pin_latency(folder, latency);
	pin_counters(folder, counters);
}
