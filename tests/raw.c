// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* raw.c: see raw.h */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <dmp/seq.h>

#include "raw.h"

/* ---- ring files ---- */

int device(void)
{
	int fd = xopen("/dev/dmp", O_RDWR);

	assert_true(fd >= 0);
	return fd;
}

struct dmp_create create_args(const char *name)
{
	struct dmp_create args = {
		.size = sizeof(args),
		.slots = SLOTS,
		.event_size = EVENT,
		.members = 16,
		.mode = 0700,
	};

	if (name)
		snprintf(args.name, sizeof(args.name), "%s", name);
	return args;
}

/* One of the calls that bind a new file; the file, or -errno and no file. */
static int bound(int fd, unsigned long cmd, const void *args)
{
	int err;

	if (fd < 0)
		return fd;
	err = xioctl(fd, cmd, args);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int ring_create(const struct dmp_create *args)
{
	return bound(xopen("/dev/dmp", O_RDWR), DMP_IOC_CREATE, args);
}

int ring_open_with(const char *name, uint32_t rights, int open_flags)
{
	struct dmp_open args = { .size = sizeof(args), .rights = rights };

	snprintf(args.name, sizeof(args.name), "%s", name);
	return bound(xopen("/dev/dmp", open_flags), DMP_IOC_OPEN, &args);
}

int ring_open(const char *name, uint32_t rights)
{
	return ring_open_with(name, rights, O_RDWR);
}

int ring_bind(int fd, uint32_t rights)
{
	struct dmp_bind args = { .size = sizeof(args), .rights = rights, .fd = fd };

	return bound(xopen("/dev/dmp", O_RDWR), DMP_IOC_BIND, &args);
}

int ring_unlink(const char *name)
{
	struct dmp_unlink args = { .size = sizeof(args) };
	int fd = device(), err;

	snprintf(args.name, sizeof(args.name), "%s", name);
	err = xioctl(fd, DMP_IOC_UNLINK, &args);
	close(fd);
	return err;
}

int new_ring(void)
{
	struct dmp_create args = create_args(NULL);
	int fd = ring_create(&args);

	assert_true(fd >= 0);
	return fd;
}

bool ring_is_listed(const char *name)
{
	struct dmp_info info = { .size = sizeof(info) };
	bool found = false;
	int fd = device();

	while (!found && !xioctl(fd, DMP_IOC_LIST, &info)) {
		found = !strcmp(info.name, name);
		info = (struct dmp_info){ .size = sizeof(info), .id = info.id };
	}
	close(fd);
	return found;
}

/* ---- member files ---- */

struct dmp_join join_args(uint32_t role, const char *name)
{
	struct dmp_join args = { .size = sizeof(args), .role = role };

	if (name)
		snprintf(args.name, sizeof(args.name), "%s", name);
	return args;
}

void join_after_names(struct dmp_join *args, const char (*names)[DMP_MEMBER_NAME_MAX], uint32_t count)
{
	args->deps = (uintptr_t)names;
	args->ndeps = count;
}

int ring_join(int ring, struct dmp_join *args)
{
	return xioctl(ring, DMP_IOC_JOIN, args);
}

void *raw_mmap(int fd, uint64_t offset, size_t size, int prot)
{
	return mmap(NULL, size, prot, MAP_SHARED, fd, (off_t)offset);
}

static void *region(int fd, uint64_t offset, size_t size, bool write)
{
	void *p = raw_mmap(fd, offset, size, write ? PROT_READ | PROT_WRITE : PROT_READ);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

struct raw raw_map(int fd, const struct dmp_join *args)
{
	bool producer = args->role == DMP_ROLE_PRODUCER;
	struct raw m = {
		.fd = fd,
		.index = args->index,
		.role = args->role,
		.start = args->position,
		.incarnation = args->incarnation,
	};
	struct dmp_info info = ring_info(fd);

	m.slots = info.slots;
	m.stride = info.stride;
	m.meta = region(fd, DMP_OFF_META, args->meta_size, false);
	assert_int_equal(m.meta->meta_size, args->meta_size);
	m.cursor = region(fd, DMP_OFF_CURSOR, DMP_PAGE, producer);
	m.members = region(fd, DMP_OFF_MEMBERS, (size_t)m.meta->members * m.meta->member_size, false);
	m.self = region(fd, DMP_OFF_SELF, m.meta->member_size, true);
	m.own = (void *)(m.self + dmp_own_offset(m.index));
	m.data = region(fd, DMP_OFF_DATA, 2 * m.meta->data_size, producer);
	return m;
}

struct raw raw_join_with(int ring, struct dmp_join *args)
{
	int fd = ring_join(ring, args);

	assert_true(fd >= 0);
	return raw_map(fd, args);
}

struct raw raw_join(int ring, uint32_t role, const char *name)
{
	struct dmp_join args = join_args(role, name);

	return raw_join_with(ring, &args);
}

struct raw raw_join_after(int ring, const char *name, const char *upstream)
{
	struct dmp_join args = join_args(DMP_ROLE_CONSUMER, name);
	char names[1][DMP_MEMBER_NAME_MAX] = { { 0 } };

	snprintf(names[0], sizeof(names[0]), "%s", upstream);
	join_after_names(&args, names, 1);
	return raw_join_with(ring, &args);
}

void raw_unmap(struct raw *m)
{
	munmap(m->data, 2 * m->meta->data_size);
	munmap(m->self, m->meta->member_size);
	munmap(m->members, (size_t)m->meta->members * m->meta->member_size);
	munmap(m->cursor, DMP_PAGE);
	munmap((void *)m->meta, m->meta->meta_size);
}

void raw_close(struct raw *m)
{
	raw_unmap(m);
	close(m->fd);
	m->fd = -1;
}

void raw_leave(struct raw *m)
{
	assert_int_equal(xioctl(m->fd, DMP_IOC_LEAVE, NULL), 0);
	raw_close(m);
}

void read_members(int fd)
{
	struct dmp_member_info m;

	find_member(fd, "nobody", &m);
}

struct pair make_pair(void)
{
	struct pair x = { .ring = new_ring() };

	x.c = raw_join(x.ring, DMP_ROLE_CONSUMER, "c");
	x.p = raw_join(x.ring, DMP_ROLE_PRODUCER, "p");
	read_members(x.c.fd);
	read_members(x.p.fd);
	return x;
}

void end_pair(struct pair *x)
{
	raw_leave(&x->c);
	raw_leave(&x->p);
	close(x->ring);
}

/* ---- in mapped memory ---- */

uint64_t *raw_slot(const struct raw *m, uint64_t position)
{
	return (void *)(m->data + dmp_slot_offset(position, m->slots, m->stride) + m->meta->payload_off);
}

uint64_t raw_cursor(const struct raw *m)
{
	return __atomic_load_n(&m->cursor->cursor, __ATOMIC_ACQUIRE);
}

/* A, B: see kmod/dmp.h. Sequence 0 is the ring's cursor, 1 + i that of consumer i. */
static void advance(struct raw *m, __u64 *cursor, uint64_t to, uint32_t seq)
{
	const struct dmp_notify *line = (const void *)((const char *)m->meta + m->meta->notify_off);

	__atomic_store_n(cursor, to, __ATOMIC_RELEASE); /* A */
	if (__atomic_load_n(&line[seq].mode, __ATOMIC_RELAXED) == DMP_MODE_QUIET)
		return;
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* B */
	if (__atomic_load_n(&line[seq].notify, __ATOMIC_RELAXED) <= to)
		assert_true(xioctl(m->fd, DMP_IOC_WAKE, NULL) >= 0);
}

void raw_publish(struct raw *m, uint64_t n)
{
	uint64_t position = raw_cursor(m), end = position + n;
	bool stamped = m->meta->payload_off;

	__atomic_store_n(&m->cursor->claimed, end, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE); /* a claim is seen before what it overwrites */
	for (; position < end; position++) {
		uint64_t *payload = raw_slot(m, position);

		if (stamped) {
			__atomic_store_n(payload - 1, dmp_stamp_writing(position), __ATOMIC_RELAXED);
			__atomic_thread_fence(__ATOMIC_RELEASE);
		}
		*payload = position;
		if (stamped)
			__atomic_store_n(payload - 1, dmp_stamp_published(position), __ATOMIC_RELEASE);
	}
	advance(m, &m->cursor->cursor, end, 0);
}

void raw_release(struct raw *m, uint64_t end)
{
	advance(m, &m->own->cursor, end, 1 + m->index);
}

const struct dmp_entry *raw_entry(const struct raw *m, uint32_t index)
{
	return (const struct dmp_entry *)((const char *)m->meta + m->meta->table_off) + index;
}

uint64_t raw_room(const struct raw *m)
{
	uint64_t gates = __atomic_load_n(&m->meta->gates, __ATOMIC_ACQUIRE), gate = raw_cursor(m);

	for (; gates; gates &= gates - 1) {
		uint32_t i = __builtin_ctzll(gates);
		const struct dmp_own *own = (void *)(m->members + (size_t)i * m->meta->member_size + dmp_own_offset(i));
		uint64_t cursor = __atomic_load_n(&own->cursor, __ATOMIC_ACQUIRE);

		if (cursor < gate)
			gate = cursor;
	}
	return gate + m->slots;
}

/* ---- waiting ---- */

int raw_wait(int fd, uint64_t target, uint64_t deadline)
{
	struct dmp_wait args = { .size = sizeof(args), .target = target, .deadline = deadline };

	return xioctl(fd, DMP_IOC_WAIT, &args);
}

int raw_arm(int fd, uint64_t target)
{
	struct dmp_wait args = { .size = sizeof(args), .target = target, .deadline = NEVER };

	return xioctl(fd, DMP_IOC_ARM, &args);
}

static void *sleeper_main(void *arg)
{
	struct sleeper *s = arg;

	s->result = raw_wait(s->fd, s->target, s->deadline);
	return NULL;
}

void start_sleeper(struct sleeper *s, int fd, uint64_t target, uint64_t deadline)
{
	*s = (struct sleeper){ .fd = fd, .target = target, .deadline = deadline };
	assert_int_equal(pthread_create(&s->thread, NULL, sleeper_main, s), 0);
}

int finish_sleeper(struct sleeper *s)
{
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	return s->result;
}
