/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* spinner.h: a thread that waits for an event, by the library and its member's strategy */
#ifndef DMP_TESTS_SPINNER_H
#define DMP_TESTS_SPINNER_H

#include <pthread.h>

#include <dmp.h>

#include "helpers.h"

struct spinner {
	pthread_t thread;
	struct dmp_member *m;
	uint64_t begun;
	int result;
};

static inline void *spin(void *arg)
{
	struct spinner *s = arg;
	struct dmp_batch batch;

	store_shared(&s->begun, 1);
	s->result = dmp_wait(s->m, 1, &batch);
	return NULL;
}

static inline void start_spinner(struct spinner *s)
{
	assert_int_equal(pthread_create(&s->thread, NULL, spin, s), 0);
	await_shared(&s->begun, 1);
}

static inline int finish_spinner(struct spinner *s)
{
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	return s->result;
}

#endif /* DMP_TESTS_SPINNER_H */
