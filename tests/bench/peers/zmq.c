/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* ZeroMQ, a PAIR over ipc (libzmq3-dev). Each process has its own context; sockets of its I/O thread do not fork. */
#include "../peer.h"

#include <stdio.h>
#include <unistd.h>
#include <zmq.h>

static const struct peer peers[] = {
	{ .name = "zmq_ipc", .tests = USUAL_TESTS, .publish = { 1 }, .flags = BENCH_CROWDED },
};

struct ring {
	char address[64];
};

struct port {
	void *socket;
};

/* An abstract socket: no file is left. */
static struct ring *ring_create(const struct peer *peer, uint32_t slots)
{
	struct ring *ring = bench_shared(sizeof(*ring));
	static int created;

	(void)peer, (void)slots;
	snprintf(ring->address, sizeof(ring->address), "ipc://@dmp-bench-%d-%d", getpid(), created++);
	return ring;
}

static void port_open(struct port *port, struct ring *ring, enum role role)
{
	void *context = zmq_ctx_new();

	port->socket = zmq_socket(context, ZMQ_PAIR);
	bench_check(port->socket);
	if (role == SENDER)
		bench_check(!zmq_bind(port->socket, ring->address));
	else
		bench_check(!zmq_connect(port->socket, ring->address));
}

BENCH_INLINE void port_send(struct port *port, uint64_t seq, uint32_t n)
{
	char message[SIZE];

	(void)n;
	message_fill(message, seq);
	bench_check(zmq_send(port->socket, message, SIZE, 0) == SIZE);
}

BENCH_INLINE uint32_t port_receive(struct port *port, uint64_t seq, struct verdict *verdict)
{
	char message[SIZE];

	bench_check(zmq_recv(port->socket, message, SIZE, 0) == SIZE);
	message_check(message, seq, verdict);
	return 1;
}

#include "../loops.h"
