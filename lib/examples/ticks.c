/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* ticks: one process publishes prices, others read them.   ticks publish 1000000 & ticks sum */
#include <dmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tick {
	uint64_t id, price;
};

int main(int argc, char **argv)
{
	struct dmp_join_options as = { .name = "sum" };
	const struct tick *t;
	struct dmp_batch b;
	struct dmp_ring *ring;
	struct dmp_member *m;
	uint64_t pos, sum = 0;
	int produce = argc > 2 && !strcmp(argv[1], "publish"), err;

	err = dmp_ring_open(&ring, "ticks", 0); /* made with: dmp create ticks, as above */
	if (!err)
		err = dmp_join(ring, produce ? DMP_ROLE_PRODUCER : DMP_ROLE_CONSUMER, produce ? NULL : &as, &m);
	if (err)
		return fprintf(stderr, "ticks: %s\n", dmp_strerror(err)), 1;
	for (long i = 0; produce && i < atol(argv[2]) && !(err = dmp_claim(m, 1, &pos)); i++) {
		*(struct tick *)dmp_slot(m, pos) = (struct tick){ .id = i, .price = 100 + i % 7 };
		dmp_publish(m, pos, 1);
	}
	while (!produce && dmp_wait(m, 1, &b) == 0) { /* until the producer has left and all is read */
		dmp_for_each(t, m, &b)
			sum += t->price;
		dmp_release(m, b.end);
	}
	if (err) /* -EUNATCH: who is required has not come */
		return fprintf(stderr, "ticks: %s\n", dmp_strerror(err)), 1;
	if (produce)
		dmp_finish(m); /* a clean end, not a crash */
	printf("%s %lu\n", produce ? "published up to" : "sum", (unsigned long)(produce ? dmp_position(m) : sum));
	dmp_leave(m);
	dmp_ring_close(ring);
}
