/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * block.h: how publish puts bytes into events, so that consume gets out what went in
 *
 * An event is a 32-bit length, little-endian as the machine, then so many bytes; the rest of the payload means
 * nothing. A block is never empty, so that an event of zeros is none.
 */
#ifndef DMP_TOOL_BLOCK_H
#define DMP_TOOL_BLOCK_H

#include <stdint.h>
#include <string.h>

#include <dmp/order.h>

#define BLOCK_HEADER sizeof(uint32_t)

/* How many bytes fit into an event; 0: none. */
static inline uint32_t block_room(uint32_t event_size)
{
	return event_size > BLOCK_HEADER ? event_size - BLOCK_HEADER : 0;
}

static inline void block_put(void *event, const void *bytes, uint32_t len)
{
	memcpy(event, &len, BLOCK_HEADER);
	memcpy((char *)event + BLOCK_HEADER, bytes, len);
}

/* The length, read once: the event is another process's memory. 0: this is no block. */
static inline uint32_t block_length(const void *event, uint32_t event_size)
{
	uint32_t len = dmp_load_once(*(const uint32_t *)event);

	return len <= block_room(event_size) ? len : 0;
}

static inline void *block_bytes(const void *event)
{
	return (char *)event + BLOCK_HEADER;
}

#endif /* DMP_TOOL_BLOCK_H */
