/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* pipe and SOCK_SEQPACKET of AF_UNIX: a system call for each message. */
#include "../peer.h"

#include <sys/socket.h>
#include <unistd.h>

enum { PIPE, SEQPACKET };

static const struct peer peers[] = {
	{ .name = "pipe", .tests = USUAL_TESTS | SAME_CPU, .publish = { 1 }, .variant = PIPE },
	{ .name = "unix_seqpacket", .tests = USUAL_TESTS, .publish = { 1 }, .variant = SEQPACKET },
};

struct ring {
	int ends[2]; /* to read from, to write to */
};

struct port {
	int fd;
};

static struct ring *ring_create(const struct peer *peer, uint32_t slots)
{
	struct ring *ring = bench_shared(sizeof(*ring));

	(void)slots;
	if (peer->variant == PIPE)
		bench_check(!pipe(ring->ends));
	else
		bench_check(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ring->ends));
	return ring;
}

static void port_open(struct port *port, struct ring *ring, enum role role)
{
	port->fd = ring->ends[role == SENDER];
}

BENCH_INLINE void port_send(struct port *port, uint64_t seq, uint32_t n)
{
	char message[SIZE];

	(void)n;
	message_fill(message, seq);
	bench_check(write(port->fd, message, SIZE) == SIZE);
}

BENCH_INLINE uint32_t port_receive(struct port *port, uint64_t seq, struct verdict *verdict)
{
	char message[SIZE];

	bench_check(read(port->fd, message, SIZE) == SIZE);
	message_check(message, seq, verdict);
	return 1;
}

#include "../loops.h"
