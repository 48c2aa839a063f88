/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * loops.h: all of a batch in one go: dmp_for_each to read, dmp_for_each_slot to write; ring.h includes it
 *
 * Contracts: dmp.h. Letters: ring.h. Who goes over all of a batch can prefetch what lies ahead, and stamp what it has
 * written while the line is at hand.
 */
#ifndef DMP_LOOPS_H
#define DMP_LOOPS_H

#include <dmp/ring.h>

/* A run of slots, one behind the other even across the wrap, and how far ahead of itself it may touch. */
struct dmp_span_ {
	char *at, *end;
	char *ahead_end; /* prefetch while at is below */
	char *first;	 /* not to be stamped before all others are */
	uint64_t stamp;	 /* of the slot at at: writing */
	uint64_t ahead;	 /* bytes */
	uint32_t stride, payload_off, lines, stamped;
};

/* The span of n slots from pos on; touches no slot at or behind limit ahead of time. */
DMP_ALWAYS_ struct dmp_span_ dmp_span_(const struct dmp_member *m, uint64_t pos, uint64_t n, uint64_t limit,
				       uint64_t ahead)
{
	struct dmp_span_ s;

	s.first = s.at = dmp_slot_(m, pos);
	s.end = s.at + n * m->stride;
	s.ahead_end = limit - pos > ahead ? s.at + (limit - pos - ahead) * m->stride : s.at;
	s.stamp = dmp_stamp_writing(pos);
	s.ahead = ahead * m->stride;
	s.stride = m->stride;
	s.payload_off = m->payload_off;
	s.lines = m->lines;
	s.stamped = m->stamped;
	return s;
}

DMP_ALWAYS_ const void *dmp_span_read_(const struct dmp_span_ *s)
{
	if (s->at < s->ahead_end)
		dmp_ahead_read_(s->at + s->ahead, s->lines);
	return s->at + s->payload_off;
}

DMP_ALWAYS_ void *dmp_span_write_(struct dmp_span_ *s)
{
	if (s->at < s->ahead_end)
		dmp_ahead_write_(s->at + s->ahead, s->lines);
	if (s->stamped)
		dmp_stamp_writing_(s->at, s->stamp);
	return s->at + s->payload_off;
}

/* The slot is written: on to the next. */
DMP_ALWAYS_ void dmp_span_written_(struct dmp_span_ *s)
{
	if (s->stamped && s->at != s->first)
		dmp_store_release(*dmp_stamp_(s->at), s->stamp + 1); /* I, pairs with H */
	s->stamp += 4;
	s->at += s->stride;
}

/* e, a pointer to a const event, at each event of the batch in turn. */
#define dmp_for_each(e, m, batch)                                                                            \
	for (struct dmp_span_ span_ =                                                                        \
		     dmp_span_(m, (batch)->pos, (batch)->end - (batch)->pos, (batch)->end, (m)->ahead_read); \
	     span_.at != span_.end && ((e) = (__typeof__(e))dmp_span_read_(&span_), 1); span_.at += span_.stride)

/* p, a pointer to an event, at each of the n claimed slots from position first on, to be written. */
#define dmp_for_each_slot(p, m, first, n)                                                   \
	for (struct dmp_span_ span_ = dmp_span_(m, first, n, (m)->limit, (m)->ahead_write); \
	     span_.at != span_.end && ((p) = (__typeof__(p))dmp_span_write_(&span_), 1); dmp_span_written_(&span_))

#endif /* DMP_LOOPS_H */
