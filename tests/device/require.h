/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* require.h: consumers that a ring requires, and how many of them are missing */
#ifndef DMP_TESTS_REQUIRE_H
#define DMP_TESTS_REQUIRE_H

#include <unistd.h>

#include "raw.h"

static inline int require_of(int fd, uint32_t uid, const char (*names)[DMP_MEMBER_NAME_MAX], uint32_t count)
{
	struct dmp_require args = {
		.size = sizeof(args), .uid = uid, .names = count ? (uintptr_t)names : 0, .count = count
	};

	return xioctl(fd, DMP_IOC_REQUIRE, &args);
}

static const char abc[][DMP_MEMBER_NAME_MAX] = { "a", "b", "c" };

static inline void require(int fd, uint32_t count)
{
	assert_int_equal(require_of(fd, getuid(), abc, count), 0);
}

/* Of fd, a ring file or a member file; returns how many are missing. */
static inline uint32_t read_required(int fd, struct dmp_required_info *infos, uint32_t room, uint32_t *count)
{
	struct dmp_required args = {
		.size = sizeof(args), .entry_size = sizeof(*infos), .entries = (uintptr_t)infos, .count = room
	};

	assert_int_equal(xioctl(fd, DMP_IOC_REQUIRED, &args), 0);
	*count = args.count;
	return args.missing;
}

static inline uint32_t missing(int fd)
{
	uint32_t count, n = read_required(fd, NULL, 0, &count);

	assert_int_equal(ring_info(fd).missing, n);
	return n;
}

#endif /* DMP_TESTS_REQUIRE_H */
