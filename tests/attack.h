/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* attack.h: a hostile member that tries one way to write each region it may only read */
#ifndef DMP_TESTS_ATTACK_H
#define DMP_TESTS_ATTACK_H

#include "raw.h"

/* A region that the hostile member has mapped for reading. */
struct target {
	int fd;
	uint64_t offset;
	char *p;
	size_t size;
};

typedef void (*attack_fn)(const struct target *t); /* asserts that it fails */

/*
 * As uid 1001 without capabilities, as a consumer and as an observer, against every region; and as the producer against
 * those that only the kernel writes. The bytes must be the same afterwards, seen by it and by the producer.
 */
void attack_by(attack_fn fn);

#endif /* DMP_TESTS_ATTACK_H */
