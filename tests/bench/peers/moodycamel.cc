/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* moodycamel::ReaderWriterQueue (libreaderwriterqueue-dev): between threads only, it allocates. */
#include "../peer.h"

#include <readerwriterqueue/readerwriterqueue.h>

static const struct peer peers[] = {
	{ .name = "moodycamel_rwq",
	  .tests = USUAL_TESTS,
	  .slots = { 1024, 65536 },
	  .publish = { 1 },
	  .flags = BENCH_THREADS },
};

struct message {
	char bytes[SIZE];
};

struct ring {
	moodycamel::ReaderWriterQueue<message> queue;
};

struct port {
	moodycamel::ReaderWriterQueue<message> *queue;
};

static struct ring *ring_create(const struct peer *, uint32_t slots)
{
	return new ::ring{ moodycamel::ReaderWriterQueue<message>(slots) };
}

static void port_open(struct port *port, struct ring *ring, enum role)
{
	port->queue = &ring->queue;
}

BENCH_INLINE void port_send(struct port *port, uint64_t seq, uint32_t)
{
	struct message message;

	message_fill(&message, seq);
	while (!port->queue->try_enqueue(message))
		bench_pause();
}

BENCH_INLINE uint32_t port_receive(struct port *port, uint64_t seq, struct verdict *verdict)
{
	struct message message;

	if (!port->queue->try_dequeue(message))
		return 0;
	message_check(&message, seq, verdict);
	return 1;
}

#include "../loops.h"
