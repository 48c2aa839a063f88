/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* boost::lockfree::spsc_queue, one by one and 32 at once (libboost-dev). Its capacity is part of its type. */
#include "../peer.h"

#include <boost/lockfree/spsc_queue.hpp>
#include <new>

namespace lockfree = boost::lockfree;

static const uint32_t BATCH_MAX = 32;

static const struct peer peers[] = {
	{ .name = "boost_spsc", .tests = USUAL_TESTS, .slots = { 1024, 65536 }, .publish = { 1 }, .variant = 1 },
	{ .name = "boost_spsc_batch",
	  .tests = USUAL_TESTS & STREAM,
	  .slots = { 1024, 65536 },
	  .publish = { 32 },
	  .variant = BATCH_MAX },
};

struct message {
	char bytes[SIZE];
};

template <size_t slots> using queue = lockfree::spsc_queue<message, lockfree::capacity<slots - 1>>;

struct ring {
	uint32_t slots, batch;
	alignas(64) char memory[];
};

struct port {
	uint32_t slots, batch;
	queue<1024> *small;
	queue<65536> *big;
};

static struct ring *ring_create(const struct peer *peer, uint32_t slots)
{
	struct ring *ring = static_cast<struct ring *>(bench_shared(sizeof(struct ring) + sizeof(queue<65536>)));

	ring->slots = slots;
	ring->batch = peer->variant;
	if (slots == 1024)
		new (ring->memory) queue<1024>;
	else
		new (ring->memory) queue<65536>;
	return ring;
}

static void port_open(struct port *port, struct ring *ring, enum role)
{
	port->slots = ring->slots;
	port->batch = ring->batch;
	port->small = reinterpret_cast<queue<1024> *>(ring->memory);
	port->big = reinterpret_cast<queue<65536> *>(ring->memory);
}

template <class Queue> BENCH_INLINE void send_to(Queue *queue, uint64_t seq, uint32_t n)
{
	struct message message[BATCH_MAX];
	uint32_t sent = 0;

	for (uint32_t i = 0; i < n; i++)
		message_fill(&message[i], seq + i);
	if (n == 1)
		while (!queue->push(message[0]))
			bench_pause();
	else
		while ((sent += queue->push(&message[sent], n - sent)) < n)
			bench_pause();
}

template <class Queue>
BENCH_INLINE uint32_t receive_from(Queue *queue, uint64_t seq, uint32_t batch, struct verdict *verdict)
{
	struct message message[BATCH_MAX];
	uint32_t n = batch == 1 ? queue->pop(message[0]) : queue->pop(message, batch);

	for (uint32_t i = 0; i < n; i++)
		message_check(&message[i], seq + i, verdict);
	return n;
}

BENCH_INLINE void port_send(struct port *port, uint64_t seq, uint32_t n)
{
	if (port->slots == 1024)
		send_to(port->small, seq, n);
	else
		send_to(port->big, seq, n);
}

BENCH_INLINE uint32_t port_receive(struct port *port, uint64_t seq, struct verdict *verdict)
{
	if (port->slots == 1024)
		return receive_from(port->small, seq, port->batch, verdict);
	return receive_from(port->big, seq, port->batch, verdict);
}

#include "../loops.h"
