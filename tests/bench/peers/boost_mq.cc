/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* boost::interprocess::message_queue (libboost-dev). */
#include "../peer.h"

#include <boost/interprocess/ipc/message_queue.hpp>
#include <string>
#include <unistd.h>

namespace ipc = boost::interprocess;

static const struct peer peers[] = {
	{ .name = "boost_message_queue", .tests = USUAL_TESTS, .slots = { 1024 }, .publish = { 1 } },
};

struct ring {
	ipc::message_queue queue;
};

struct port {
	ipc::message_queue *queue;
};

/* A child inherits the mapping, so that the name can go at once. */
static struct ring *ring_create(const struct peer *, uint32_t slots)
{
	std::string name = "dmp-bench-" + std::to_string(getpid());
	auto *ring = new ::ring{ { ipc::create_only, name.c_str(), slots, SIZE } };

	ipc::message_queue::remove(name.c_str());
	return ring;
}

static void port_open(struct port *port, struct ring *ring, enum role)
{
	port->queue = &ring->queue;
}

BENCH_INLINE void port_send(struct port *port, uint64_t seq, uint32_t)
{
	char message[SIZE];

	message_fill(message, seq);
	port->queue->send(message, SIZE, 0);
}

BENCH_INLINE uint32_t port_receive(struct port *port, uint64_t seq, struct verdict *verdict)
{
	char message[SIZE];
	ipc::message_queue::size_type size;
	unsigned int priority;

	port->queue->receive(message, SIZE, size, priority);
	bench_check(size == SIZE);
	message_check(message, seq, verdict);
	return 1;
}

#include "../loops.h"
