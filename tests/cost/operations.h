/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * operations.h: what is measured, one function each
 *
 * Callgrind counts from the entry of a function cost_* to its return, with all that it calls but for the copy of an
 * observed event. They are compiled as a user's program is: optimised, without test points.
 */
#ifndef DMP_COST_OPERATIONS_H
#define DMP_COST_OPERATIONS_H

#include <dmp.h>

/* What is there to be counted anyway: in every number. */
void cost_nothing(void);

/* Of known cost: the proof that system calls are counted. */
void cost_system_call(void);

/* Producing. claim: the position. */
uint64_t cost_claim_1(struct dmp_member *m);
uint64_t cost_claim_8(struct dmp_member *m);
uint64_t cost_claim_32(struct dmp_member *m);
void *cost_slot(struct dmp_member *m, uint64_t pos);
void cost_write(struct dmp_member *m, uint64_t pos, uint64_t n);
void cost_publish_1(struct dmp_member *m, uint64_t pos);
void cost_publish_8(struct dmp_member *m, uint64_t pos);
void cost_publish_32(struct dmp_member *m, uint64_t pos);

int cost_produce(struct dmp_member *m, uint64_t value); /* all of it, one event */

/* Consuming. */
int cost_wait(struct dmp_member *m, struct dmp_batch *batch);
int cost_try_wait(struct dmp_member *m, struct dmp_batch *batch);
const void *cost_event(const struct dmp_member *m, uint64_t pos);
uint64_t cost_read(const struct dmp_member *m, const struct dmp_batch *batch);
int cost_release(struct dmp_member *m, uint64_t end);
uint64_t cost_consume(struct dmp_member *m); /* all of it, one batch */

/* Observing. */
int cost_observe(struct dmp_member *m, void *event, uint64_t *pos, uint64_t *lost);

#endif /* DMP_COST_OPERATIONS_H */
