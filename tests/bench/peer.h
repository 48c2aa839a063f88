/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * peer.h: how to add a rival
 *
 * A peer is one file, peers/NAME.c or .cc, and one line in rules.mk; it is compiled once for each SIZE of message. It
 * includes this file, defines what follows, and includes loops.h, which has the loops, the clocks and main.
 *
 *   static const struct peer peers[]       under which names and with how many slots and messages per publish
 *   struct ring                            what both processes share
 *   struct port                            what one of them keeps for itself, zeroed
 *   struct ring *ring_create(peer, slots)  before the processes part; memory from bench_shared
 *   void port_open(port, ring, role)       in each process
 *   void port_send(port, seq, n)           send messages seq .. seq + n - 1, each filled by message_fill; wait for room
 *   uint32_t port_receive(port, seq, &v)   receive what is there, from message seq on, each checked by message_check;
 *                                          how many; may wait for one or return 0
 *
 * port_send and port_receive are BENCH_INLINE: n is a constant for them, too. Rivals with several producers include
 * producers.h instead.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "bench.h"
#include "message.h"

struct ring;
struct port;

enum role { SENDER, RECEIVER };

/*
 * What a peer is measured in: messages per second one way; round trips over two rings, between two CPUs or on one. With
 * producers.h instead of loops.h: by number of producers, or with one only; LMAX's three-to-one.
 */
enum { STREAM = 1, ROUND_TRIP = 2, SAME_CPU = 4, PRODUCERS = 8, ONE_PRODUCER = 16, THREE_TO_ONE = 32 };

/* Rings hold 64-byte messages in the streams; 56 is what is left of a line beside a stamp: round trips only. */
#define USUAL_TESTS (SIZE == 56 ? ROUND_TRIP : SIZE == 256 ? STREAM : STREAM | ROUND_TRIP)

struct peer {
	const char *name;
	uint32_t tests;
	uint32_t slots[3];   /* of the streams; 0: not its to choose */
	uint32_t publish[5]; /* messages at once, but for round trips: 1, 8, 32 or 256 */
	uint32_t flags;	     /* of bench_pair */
	uint32_t variant;    /* the peer's own */
};

#endif /* BENCH_PEER_H */
