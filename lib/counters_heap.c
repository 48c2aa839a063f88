// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* counters_heap.c: counters pages outside all rings */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "aggregator.h"

struct dmp_counters {
	struct dmp_counters_page page;
	struct dmp_member owner; /* as much of one as registering looks at: the page, and no role */
	pthread_mutex_t mutex;	 /* among those who register */
	__u32 users;		 /* who made it, and each aggregator that keeps it */
};

static void begin_page(struct dmp_counters *c)
{
	struct dmp_counters_head *head = &c->page.head;

	memset(c, 0, sizeof(*c));
	head->magic = DMP_COUNTERS_MAGIC;
	head->version = DMP_COUNTERS_VERSION;
	head->slot_capacity = DMP_COUNTERS_CAPACITY;
	head->slot_stride = sizeof(struct dmp_counter_slot);
	head->slots_offset = offsetof(struct dmp_counters_page, slot);
	c->owner.page = &c->page;
	c->users = 1;
}

int dmp_counters_new(struct dmp_counters **counters)
{
	struct dmp_counters *c = aligned_alloc(_Alignof(struct dmp_counters), sizeof(*c));

	if (!c)
		return -ENOMEM;
	begin_page(c);
	pthread_mutex_init(&c->mutex, NULL);
	*counters = c;
	return 0;
}

int dmp_counters_register(struct dmp_counters *c, uint32_t id, uint32_t flags, const char *label,
			  struct dmp_counter_slot **counter)
{
	int err;

	pthread_mutex_lock(&c->mutex);
	err = dmp_counter_register(&c->owner, id, flags, label, counter);
	pthread_mutex_unlock(&c->mutex);
	return err;
}

int dmp_counters_register_histogram(struct dmp_counters *c, uint32_t id, const char *label,
				    struct dmp_counter_slot **histogram)
{
	int err;

	pthread_mutex_lock(&c->mutex);
	err = dmp_histogram_register(&c->owner, id, label, histogram);
	pthread_mutex_unlock(&c->mutex);
	return err;
}

const struct dmp_counters_page *dmp_counters_keep_(struct dmp_counters *c)
{
	dmp_raise(c->users, 1U);
	return &c->page;
}

void dmp_counters_free(struct dmp_counters *c)
{
	if (!c || dmp_raise(c->users, -1U))
		return;
	pthread_mutex_destroy(&c->mutex);
	free(c);
}
