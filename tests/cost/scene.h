/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* scene.h: a ring with all its members in one process, so that each run does exactly the same */
#ifndef DMP_COST_SCENE_H
#define DMP_COST_SCENE_H

#include <dmp.h>

#define SCENE_SLOTS	1024
#define SCENE_GATES_MAX 64

/* Beside the ring's flags: counters other than those that are there by themselves. */
enum { MODE_NONE = 1 << 16, MODE_FULL = 1 << 17 };

struct mode {
	const char *name;
	uint32_t flags; /* DMP_RING_*, MODE_* */
	uint32_t event_size;
	uint32_t gates;
};

struct scene {
	struct dmp_ring *ring;
	struct dmp_member *producer, *observer;
	struct dmp_member *consumers[SCENE_GATES_MAX];
	uint32_t gates;
};

/* One line and the end of the program. */
void must(const char *what, int err) __attribute__((nonnull));

/* A ring as the mode says, a producer, as many consumers as gates, an observer. */
void scene_open(struct scene *s, const struct mode *mode);
void scene_close(struct scene *s);

/* What happens around the measured operation. */
uint64_t scene_claim(struct scene *s, uint64_t n); /* the position */
void scene_publish(struct scene *s, uint64_t n);   /* claim, write and publish */
struct dmp_batch scene_wait(struct scene *s);	   /* the first consumer */
void scene_catch_up(struct scene *s);		   /* the first consumer: release everything, look no further */
void scene_release_one(struct scene *s);	   /* every consumer */

#endif /* DMP_COST_SCENE_H */
