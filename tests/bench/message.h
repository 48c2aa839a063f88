/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * message.h: the one fill and the one check of all peers
 *
 * Every word of a message depends on its sequence and its place, so that order, loss and torn payloads show. SIZE, the
 * bytes of a message, is a constant of the compilation. Stores are 32 bytes wide: what is copied out again after
 * narrower ones waits for each of them, and that would be measured instead of the ring.
 */
#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

#include <stdint.h>

#define BENCH_INLINE static inline __attribute__((always_inline, unused))

typedef uint64_t message_word __attribute__((may_alias, aligned(8)));
typedef uint64_t message_vector __attribute__((vector_size(32), may_alias, aligned(8)));

enum { MESSAGE_VECTORS = SIZE / 32, MESSAGE_WORDS = SIZE / 8, MESSAGE_TAIL = MESSAGE_VECTORS * 4 };

#define MESSAGE_STEP 0x9e3779b97f4a7c15u /* from word to word */

/* What was wrong so far: all bits zero, nothing. */
struct verdict {
	message_vector vectors;
	uint64_t words;
};

BENCH_INLINE message_vector message_vector_of(uint64_t sequence, uint32_t i)
{
	const message_vector steps = { 0, MESSAGE_STEP, 2 * MESSAGE_STEP, 3 * MESSAGE_STEP };

	return steps + (sequence + 4 * i * MESSAGE_STEP);
}

BENCH_INLINE void message_fill(void *message, uint64_t sequence)
{
	message_vector *v = (message_vector *)message;
	message_word *w = (message_word *)message;

	for (int i = 0; i < MESSAGE_VECTORS; i++)
		v[i] = message_vector_of(sequence, i);
	for (int i = MESSAGE_TAIL; i < MESSAGE_WORDS; i++)
		w[i] = sequence + (uint32_t)i * MESSAGE_STEP;
}

BENCH_INLINE void message_check(const void *message, uint64_t sequence, struct verdict *verdict)
{
	const message_vector *v = (const message_vector *)message;
	const message_word *w = (const message_word *)message;

	for (int i = 0; i < MESSAGE_VECTORS; i++)
		verdict->vectors |= v[i] ^ message_vector_of(sequence, i);
	for (int i = MESSAGE_TAIL; i < MESSAGE_WORDS; i++)
		verdict->words |= w[i] ^ (sequence + (uint32_t)i * MESSAGE_STEP);
}

BENCH_INLINE int verdict_is_bad(const struct verdict *v)
{
	return (v->vectors[0] | v->vectors[1] | v->vectors[2] | v->vectors[3] | v->words) != 0;
}

#endif /* BENCH_MESSAGE_H */
