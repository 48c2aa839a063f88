// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* native.c: see native.h */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "native.h"

/* ---- names ---- */

static char folder[64]; /* of file rings */
static pid_t maker;	/* whose it is */

static void remove_folder(void)
{
	DIR *d = getpid() == maker ? opendir(folder) : NULL;
	const struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(folder);
}

static const char *file_folder(void)
{
	if (!*folder) {
		strcpy(folder, "/tmp/dmp-test-XXXXXX");
		assert_non_null(mkdtemp(folder));
		maker = getpid();
		atexit(remove_folder);
	}
	return folder;
}

struct address new_shm(const char *what)
{
	struct address a;

	snprintf(a.s, sizeof(a.s), "shm:%s", unique_name(what).s);
	return a;
}

struct address new_path(const char *what)
{
	struct address a;

	snprintf(a.s, sizeof(a.s), "%s/%s", file_folder(), unique_name(what).s);
	return a;
}

struct address new_file(const char *what)
{
	struct address a;

	snprintf(a.s, sizeof(a.s), "file:%.200s", new_path(what).s);
	return a;
}

bool is_backend(const char *name)
{
	const char *tested = getenv("DMP_TEST_BACKEND");

	return !strcmp(name, tested ? tested : "dmp");
}

struct address new_address(const char *what)
{
	struct address a;

	if (is_backend("shm"))
		return new_shm(what);
	if (is_backend("file"))
		return new_file(what);
	assert_true(is_backend("dmp"));
	snprintf(a.s, sizeof(a.s), "dmp:%s", unique_name(what).s);
	return a;
}

const char *path_of(const struct address *a)
{
	assert_memory_equal(a->s, "file:", 5);
	return a->s + 5;
}

struct address shm_path(const struct address *a)
{
	struct address path;

	assert_memory_equal(a->s, "shm:", 4);
	snprintf(path.s, sizeof(path.s), "/dev/shm/dmp.%.200s", a->s + 4);
	return path;
}

/* ---- rings ---- */

uint32_t event_size_of(uint32_t flags)
{
	return flags & DMP_RING_STAMPED ? 56 : 64;
}

struct dmp_ring_options native_options(uint32_t flags)
{
	return (struct dmp_ring_options){
		.slots = NATIVE_SLOTS,
		.event_size = event_size_of(flags),
		.flags = flags,
	};
}

struct dmp_ring *create_ring(const struct address *a, uint32_t flags)
{
	struct dmp_ring_options options = native_options(flags);
	struct dmp_ring *ring = NULL;

	assert_int_equal(dmp_ring_create(&ring, a->s, &options), 0);
	return ring;
}

struct dmp_ring *open_ring(const struct address *a)
{
	struct dmp_ring *ring = NULL;

	assert_int_equal(dmp_ring_open(&ring, a->s, 0), 0);
	return ring;
}

int try_open(const struct address *a, uint32_t rights)
{
	struct dmp_ring *ring = NULL;
	int err = dmp_ring_open(&ring, a->s, rights);

	dmp_ring_close(ring);
	return err;
}

int try_create(const struct address *a, const struct dmp_ring_options *options)
{
	struct dmp_ring *ring = NULL;
	int err = dmp_ring_create(&ring, a->s, options);

	dmp_ring_close(ring);
	return err;
}

struct dmp_info info_of(const struct dmp_ring *ring)
{
	struct dmp_info info;

	memset(&info, 0xa5, sizeof(info));
	assert_int_equal(dmp_ring_info(ring, &info), 0);
	return info;
}

bool has_member(const struct dmp_ring *ring, const char *name, struct dmp_member_info *m)
{
	struct dmp_member_info table[128];
	int n = dmp_ring_members(ring, table, ARRAY_SIZE(table)), i;

	assert_in_range(n, 0, ARRAY_SIZE(table));
	for (i = 0; i < n; i++) {
		*m = table[i];
		if (m->state == DMP_MEMBER_JOINED && !strcmp(m->name, name))
			return true;
	}
	return false;
}

void await_sleeper(const struct dmp_ring *ring, const char *name)
{
	struct dmp_member_info m;

	assert_true(stress_until(has_member(ring, name, &m) && m.waiting & DMP_WAITING_ASLEEP));
}

void await_members(const struct dmp_ring *ring, uint32_t count)
{
	assert_true(stress_until(info_of(ring).joined == count));
}

/* ---- members ---- */

int try_join(struct dmp_ring *ring, uint32_t role, const char *name)
{
	struct dmp_join_options options = { .name = name };
	struct dmp_member *m = NULL;
	int err = dmp_join(ring, role, &options, &m);

	dmp_leave(m);
	return err;
}

struct dmp_member *join_as(struct dmp_ring *ring, const struct dmp_join_options *options)
{
	struct dmp_member *m = NULL;

	assert_int_equal(dmp_join(ring, DMP_ROLE_CONSUMER, options, &m), 0);
	return m;
}

static void fill_and_publish(struct dmp_member *p, uint64_t pos, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		stress_fill(dmp_slot(p, pos + i), dmp_event_size(p), pos + i);
	dmp_publish(p, pos, n);
}

int try_publish(struct dmp_member *p, uint64_t n)
{
	uint64_t pos;
	int err = dmp_try_claim(p, n, &pos);

	if (!err)
		fill_and_publish(p, pos, n);
	return err;
}

void publish(struct dmp_member *p, uint64_t n)
{
	uint64_t pos = 0;

	while (n--) {
		assert_int_equal(dmp_claim_until(p, 1, &pos, wait_long()), 0);
		fill_and_publish(p, pos, 1);
	}
}

bool is_intact(const struct dmp_member *m, uint64_t pos)
{
	return stress_intact(dmp_event(m, pos), dmp_event_size(m), pos);
}

static void read_batch(struct dmp_member *c, const struct dmp_batch *batch)
{
	for (uint64_t n = batch->pos; n < batch->end; n++)
		assert_true(is_intact(c, n));
}

int64_t consume(struct dmp_member *c)
{
	struct dmp_batch batch;
	int64_t count = 0;
	int err;

	while (!(err = dmp_try_wait(c, 1, &batch))) {
		read_batch(c, &batch);
		assert_int_equal(dmp_release(c, batch.end), 0);
		count += (int64_t)(batch.end - batch.pos);
	}
	return count ? count : err;
}

int consume_up_to(struct dmp_member *c, uint64_t end)
{
	struct dmp_batch batch;
	int err = 0;

	while (!err && dmp_position(c) < end) {
		err = dmp_wait_until(c, 1, &batch, wait_long());
		if (err)
			break;
		if (batch.end > end)
			batch.end = end;
		read_batch(c, &batch);
		err = dmp_release(c, batch.end);
	}
	return err;
}

/* ---- processes ---- */

struct fd_message {
	struct msghdr head;
	struct iovec io;
	char byte;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
};

static void prepare(struct fd_message *m)
{
	memset(m, 0, sizeof(*m));
	m->io = (struct iovec){ &m->byte, 1 };
	m->head.msg_iov = &m->io;
	m->head.msg_iovlen = 1;
	m->head.msg_control = m->control.bytes;
	m->head.msg_controllen = sizeof(m->control.bytes);
}

void send_fd(int socket, int fd)
{
	struct fd_message m;
	struct cmsghdr *c;

	prepare(&m);
	c = CMSG_FIRSTHDR(&m.head);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	assert_int_equal(sendmsg(socket, &m.head, 0), 1);
}

int receive_fd(int socket)
{
	struct fd_message m;
	int fd;

	prepare(&m);
	assert_int_equal(recvmsg(socket, &m.head, MSG_CMSG_CLOEXEC), 1);
	assert_non_null(CMSG_FIRSTHDR(&m.head));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m.head)), sizeof(fd));
	return fd;
}

void stay(void)
{
	for (;;)
		pause();
}
