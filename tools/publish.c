// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * publish.c: a file or the standard input into a ring
 *
 * What one read() returned is published before the next one: a slow input is not delayed. Only the rest that does not
 * fill a block waits for more, and only if more is there already.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block.h"
#include "tool.h"

#define READ_BYTES (256U * 1024)
#define MAX_BATCH  64 /* then consumers are told */

struct publisher {
	const char *ring, *file;
	uint64_t block; /* bytes of input per event */
	bool stats_wanted;

	struct dmp_member *member;
	uint64_t batch; /* blocks per publish */
	int fd;
	char *buf; /* read and not yet published ... */
	size_t size, have;
	struct stats stats;
};

enum { BLOCK = 0x200, STATS };

static const struct argp_option options[] = {
	{ "block", BLOCK, "N", 0, "Bytes of input per event (as many as fit)", 0 },
	{ "stats", STATS, NULL, 0, "At the end, tell on the standard error what it took", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct publisher *p = state->input;

	switch (key) {
	case BLOCK:
		p->block = number_option("block", arg, 1, UINT32_MAX);
		return 0;
	case STATS:
		p->stats_wanted = true;
		return 0;
	case ARGP_KEY_ARG:
		if (p->ring && !p->file) {
			p->file = arg;
			return 0;
		}
		return parse_ring_name(key, arg, state, &p->ring);
	default:
		return parse_ring_name(key, arg, state, &p->ring);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "NAME [FILE]",
	.doc = "Put a file, or the standard input, into a ring for 'dmp consume'.\v"
	       "Each event carries its length in 4 bytes before the data, so short ones come out as they went in. "
	       "The end of the input is a clean end of the stream. Consumers that are not there yet miss what is "
	       "published before they join.",
	.children = common_options,
};

/* ---- input ---- */

static const char *input_name(const struct publisher *p)
{
	return p->file ? p->file : "the standard input";
}

static void open_input(struct publisher *p)
{
	p->fd = STDIN_FILENO;
	if (!p->file || !strcmp(p->file, "-")) {
		p->file = NULL;
		return;
	}
	p->fd = open(p->file, O_RDONLY | O_CLOEXEC);
	if (p->fd < 0)
		fail("cannot open %s: %s", p->file, strerror(errno));
}

/* False: the end. */
static bool read_more(struct publisher *p)
{
	ssize_t n;

	do {
		n = read(p->fd, p->buf + p->have, p->size - p->have);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		fail("cannot read %s: %s", input_name(p), strerror(errno));
	p->have += (size_t)n;
	return n;
}

static bool more_is_there(const struct publisher *p)
{
	struct pollfd pollfd = { .fd = p->fd, .events = POLLIN };

	return poll(&pollfd, 1, 0) > 0 && (pollfd.revents & POLLIN); /* not the mere end */
}

/* ---- output ---- */

static void publish_batch(struct publisher *p, const char *bytes, size_t size, uint64_t blocks)
{
	const char *end = bytes + size;
	uint64_t pos;
	void *event;
	int err;

	do {
		err = dmp_claim(p->member, blocks, &pos);
	} while (err == -EINTR);
	if (err)
		fail_errno(err);
	dmp_for_each_slot(event, p->member, pos, blocks) {
		uint32_t len = (uint32_t)((size_t)(end - bytes) < p->block ? (size_t)(end - bytes) : p->block);

		block_put(event, bytes, len);
		bytes += len;
	}
	dmp_publish(p->member, pos, blocks);
	count_batch(&p->stats, blocks, size);
}

/* The first size bytes of the buffer; the rest moves to its front. */
static void publish_bytes(struct publisher *p, size_t size)
{
	size_t most = p->batch * p->block, done, n;

	for (done = 0; done < size; done += n) {
		n = size - done < most ? size - done : most;
		publish_batch(p, p->buf + done, n, (n + p->block - 1) / p->block);
	}
	p->have -= size;
	memmove(p->buf, p->buf + size, p->have);
}

static void publish_input(struct publisher *p)
{
	while (read_more(p)) {
		size_t rest = p->have % p->block;

		publish_bytes(p, rest && more_is_there(p) ? p->have - rest : p->have);
	}
	publish_bytes(p, p->have);
}

/* ---- set up ---- */

static void choose_block(struct publisher *p)
{
	uint32_t size = dmp_event_size(p->member), room = block_room(size);

	if (!room)
		fail("its events of %u bytes have no room for a length and data: create one with --size 5 or more",
		     size);
	if (p->block > room)
		fail("--block %llu does not fit: an event of %u bytes takes %u and their length",
		     (unsigned long long)p->block, size, room);
	if (!p->block)
		p->block = room;
}

static void choose_batch(struct publisher *p)
{
	uint64_t quarter = dmp_slots(p->member) / 4;

	p->batch = quarter < MAX_BATCH ? quarter : MAX_BATCH;
	if (!p->batch)
		p->batch = 1;
	p->size = (size_t)((READ_BYTES + p->block - 1) / p->block * p->block);
	p->buf = malloc(p->size);
	if (!p->buf)
		fail_errno(-ENOMEM);
}

static struct dmp_member *join(struct dmp_ring *ring)
{
	char name[DMP_MEMBER_NAME_MAX];
	struct dmp_join_options o = { .name = name };

	snprintf(name, sizeof(name), "publish-%d", getpid());
	return join_ring(ring, DMP_ROLE_PRODUCER, &o);
}

int cmd_publish(int argc, char **argv)
{
	struct publisher p = { .ring = NULL };
	struct dmp_ring *ring;

	parse_options(&argp, argc, argv, &p);
	open_input(&p);
	ring = open_ring(p.ring, DMP_RIGHT_W);
	p.member = join(ring);
	choose_block(&p);
	choose_batch(&p);
	publish_input(&p);
	dmp_finish(p.member);
	if (p.stats_wanted)
		print_stats(&p.stats, p.member);
	dmp_leave(p.member);
	dmp_ring_close(ring);
	free(p.buf);
	return 0;
}
