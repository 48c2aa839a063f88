/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* POSIX message queue, of the 10 messages that everybody may have. */
#include "../peer.h"

#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <unistd.h>

static const struct peer peers[] = {
	{ .name = "posix_mqueue", .tests = USUAL_TESTS, .publish = { 1 } },
};

struct ring {
	mqd_t queue;
};

struct port {
	mqd_t queue;
};

static struct ring *ring_create(const struct peer *peer, uint32_t slots)
{
	struct ring *ring = bench_shared(sizeof(*ring));
	struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = SIZE };
	char name[32];

	(void)peer, (void)slots;
	snprintf(name, sizeof(name), "/dmp-bench-%d", getpid());
	ring->queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	bench_check(ring->queue >= 0);
	mq_unlink(name);
	return ring;
}

static void port_open(struct port *port, struct ring *ring, enum role role)
{
	(void)role;
	port->queue = ring->queue;
}

BENCH_INLINE void port_send(struct port *port, uint64_t seq, uint32_t n)
{
	char message[SIZE];

	(void)n;
	message_fill(message, seq);
	bench_check(!mq_send(port->queue, message, SIZE, 0));
}

BENCH_INLINE uint32_t port_receive(struct port *port, uint64_t seq, struct verdict *verdict)
{
	char message[SIZE];

	bench_check(mq_receive(port->queue, message, SIZE, NULL) == SIZE);
	message_check(message, seq, verdict);
	return 1;
}

#include "../loops.h"
