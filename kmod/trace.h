/* SPDX-License-Identifier: GPL-2.0 */
/*
 * trace.h: tracepoints on the slow-path edges; nothing per event
 *
 *   dmp_create, dmp_destroy  which rings come and go, and how large are they?
 *   dmp_join, dmp_leave      who takes part, from where on, and how far did it get?
 *   dmp_wait, dmp_woken      who goes to sleep for which position, and with what result does it run again?
 *   dmp_met                  whose barrier was crossed just now? (from there to dmp_woken is wake to run; or it polls)
 *   dmp_wake                 how many did a WAKE find crossed, how many did it wake?
 *   dmp_abort                which claim of which dead producer was stamped aborted?
 *   dmp_hold, dmp_resume     whose place is held after its death, how far had it got, and does somebody go on there ...
 *   dmp_expire               ... or nobody, in time? (then, and not before, it has left)
 *   dmp_evict                who was removed, and how far had it got?
 *   dmp_fail                 who was removed because the consumer "by", on which it depended, died?
 *   dmp_sample               what has a member counted? (every sample_ms, while this is on)
 *   dmp_stall                which consumer has stood where, and for how long, while a producer waits for it?
 */
/* clang-format off */ /* TRACE_EVENT has a layout of its own */

#undef TRACE_SYSTEM
#define TRACE_SYSTEM dmp

#if !defined(DMP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define DMP_TRACE_H

#include <linux/tracepoint.h>
#include <dmp/counters.h>
#include "compat.h"
#include "dmp.h"

#define DMP_SAMPLE_FORMAT(NAME, id, name, unit, flags, help) " " #name "=%llu"
#define DMP_SAMPLE_VALUE(NAME, id, name, unit, flags, help)  , __entry->counter[DMP_COUNTER_AT_##NAME]
#define DMP_SAMPLE_ENUM(NAME, id, name, unit, flags, help)   TRACE_DEFINE_ENUM(DMP_COUNTER_AT_##NAME);
DMP_COUNTERS(DMP_SAMPLE_ENUM)
TRACE_DEFINE_ENUM(DMP_COUNTERS_BUILT_IN); /* the length of an array: what perf reads of it is text */

DECLARE_EVENT_CLASS(dmp_ring_event,
	TP_PROTO(const struct dmp_ring *ring),
	TP_ARGS(ring),
	TP_STRUCT__entry(
		__field(u64, ring)
		__field(u64, slots)
		__field(u64, bytes)
		__field(u32, flags)
		__string(name, ring->name)
	),
	TP_fast_assign(
		__entry->ring = ring->id;
		__entry->slots = ring->slots;
		__entry->bytes = ring->bytes;
		__entry->flags = ring->flags;
		dmp_assign_str(name, ring->name);
	),
	TP_printk("ring=%llu name=%s slots=%llu bytes=%llu flags=%x", __entry->ring, __get_str(name), __entry->slots,
		  __entry->bytes, __entry->flags)
);

DEFINE_EVENT(dmp_ring_event, dmp_create, TP_PROTO(const struct dmp_ring *ring), TP_ARGS(ring));
DEFINE_EVENT(dmp_ring_event, dmp_destroy, TP_PROTO(const struct dmp_ring *ring), TP_ARGS(ring));

TRACE_EVENT(dmp_join,
	TP_PROTO(const struct dmp_member *m, u64 start),
	TP_ARGS(m, start),
	TP_STRUCT__entry(
		__field(u64, ring)
		__field(u64, start)
		__field(u64, deps)
		__field(u32, member)
		__field(u32, role)
		__string(name, m->name)
	),
	TP_fast_assign(
		__entry->ring = m->ring->id;
		__entry->start = start;
		__entry->deps = m->deps;
		__entry->member = m->index;
		__entry->role = m->role;
		dmp_assign_str(name, m->name);
	),
	TP_printk("ring=%llu member=%u name=%s role=%u start=%llu deps=%llx", __entry->ring, __entry->member,
		  __get_str(name), __entry->role, __entry->start, __entry->deps)
);

TRACE_EVENT(dmp_leave,
	TP_PROTO(const struct dmp_member *m),
	TP_ARGS(m),
	TP_STRUCT__entry(
		__field(u64, ring)
		__field(u32, member)
		__field(u32, role)
		__field(bool, finished)
	),
	TP_fast_assign(
		__entry->ring = m->ring->id;
		__entry->member = m->index;
		__entry->role = m->role;
		__entry->finished = m->finished;
	),
	TP_printk("ring=%llu member=%u role=%u finished=%d", __entry->ring, __entry->member, __entry->role,
		  __entry->finished)
);

/* What becomes of a consumer's place: the ways to leave that are not dmp_leave. by: who is the reason, or itself. */
DECLARE_EVENT_CLASS(dmp_place_event,
	TP_PROTO(const struct dmp_member *m, u64 position, u32 by),
	TP_ARGS(m, position, by),
	TP_STRUCT__entry(
		__field(u64, ring)
		__field(u64, position)
		__field(u32, member)
		__field(u32, by)
		__string(name, m->name)
	),
	TP_fast_assign(
		__entry->ring = m->ring->id;
		__entry->position = position;
		__entry->member = m->index;
		__entry->by = by;
		dmp_assign_str(name, m->name);
	),
	TP_printk("ring=%llu member=%u name=%s position=%llu by=%u", __entry->ring, __entry->member, __get_str(name),
		  __entry->position, __entry->by)
);

#define DMP_PLACE_EVENT(name) \
	DEFINE_EVENT(dmp_place_event, name, TP_PROTO(const struct dmp_member *m, u64 position, u32 by), \
		     TP_ARGS(m, position, by))
DMP_PLACE_EVENT(dmp_hold);
DMP_PLACE_EVENT(dmp_resume);
DMP_PLACE_EVENT(dmp_expire);
DMP_PLACE_EVENT(dmp_evict);
DMP_PLACE_EVENT(dmp_fail);

TRACE_EVENT(dmp_wait,
	TP_PROTO(const struct dmp_member *m, u64 target),
	TP_ARGS(m, target),
	TP_STRUCT__entry(
		__field(u64, ring)
		__field(u64, target)
		__field(u32, member)
	),
	TP_fast_assign(
		__entry->ring = m->ring->id;
		__entry->target = target;
		__entry->member = m->index;
	),
	TP_printk("ring=%llu member=%u target=%llu", __entry->ring, __entry->member, __entry->target)
);

TRACE_EVENT(dmp_met,
	TP_PROTO(const struct dmp_member *m, u64 target, bool asleep),
	TP_ARGS(m, target, asleep),
	TP_STRUCT__entry(
		__field(u64, ring)
		__field(u64, target)
		__field(u32, member)
		__field(bool, asleep)
	),
	TP_fast_assign(
		__entry->ring = m->ring->id;
		__entry->target = target;
		__entry->member = m->index;
		__entry->asleep = asleep;
	),
	TP_printk("ring=%llu member=%u target=%llu asleep=%d", __entry->ring, __entry->member, __entry->target,
		  __entry->asleep)
);

TRACE_EVENT(dmp_woken,
	TP_PROTO(const struct dmp_member *m, u64 target, int result),
	TP_ARGS(m, target, result),
	TP_STRUCT__entry(
		__field(u64, ring)
		__field(u64, target)
		__field(u32, member)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->ring = m->ring->id;
		__entry->target = target;
		__entry->member = m->index;
		__entry->result = result;
	),
	TP_printk("ring=%llu member=%u target=%llu result=%d", __entry->ring, __entry->member, __entry->target,
		  __entry->result)
);

TRACE_EVENT(dmp_wake,
	TP_PROTO(const struct dmp_ring *ring, u32 seq, u64 cursor, u32 crossed, u32 woken),
	TP_ARGS(ring, seq, cursor, crossed, woken),
	TP_STRUCT__entry(
		__field(u64, ring)
		__field(u64, cursor)
		__field(u32, seq)
		__field(u32, crossed)
		__field(u32, woken)
	),
	TP_fast_assign(
		__entry->ring = ring->id;
		__entry->cursor = cursor;
		__entry->seq = seq;
		__entry->crossed = crossed;
		__entry->woken = woken;
	),
	TP_printk("ring=%llu seq=%u cursor=%llu crossed=%u woken=%u", __entry->ring, __entry->seq, __entry->cursor,
		  __entry->crossed, __entry->woken)
);

TRACE_EVENT(dmp_abort,
	TP_PROTO(const struct dmp_ring *ring, pid_t pid, u64 from, u64 to),
	TP_ARGS(ring, pid, from, to),
	TP_STRUCT__entry(
		__field(u64, ring)
		__field(u64, from)
		__field(u64, to)
		__field(pid_t, pid)
	),
	TP_fast_assign(
		__entry->ring = ring->id;
		__entry->from = from;
		__entry->to = to;
		__entry->pid = pid;
	),
	TP_printk("ring=%llu pid=%d from=%llu to=%llu", __entry->ring, __entry->pid, __entry->from, __entry->to)
);

TRACE_EVENT(dmp_stall,
	TP_PROTO(const struct dmp_ring *ring, const struct dmp_stalled *stall),
	TP_ARGS(ring, stall),
	TP_STRUCT__entry(
		__field(u64, ring)
		__field(u64, position)
		__field(u64, since)
		__field(u32, member)
		__array(char, name, DMP_MEMBER_NAME_MAX)
	),
	TP_fast_assign(
		__entry->ring = ring->id;
		__entry->position = stall->position;
		__entry->since = stall->since;
		__entry->member = stall->index;
		memcpy(__entry->name, ring->table[stall->index].name, DMP_MEMBER_NAME_MAX);
	),
	TP_printk("ring=%llu member=%u name=%s position=%llu since=%llu", __entry->ring, __entry->member,
		  __entry->name, __entry->position, __entry->since)
);

/* The built-in counters as its page has them; programs read the page itself, see dmp/counters.h. */
TRACE_EVENT_FN(dmp_sample,
	TP_PROTO(const struct dmp_member *m),
	TP_ARGS(m),
	TP_STRUCT__entry(
		__field(u64, ring)
		__field(u32, member)
		__field(u32, role)
		__array(char, name, DMP_MEMBER_NAME_MAX)
		__array(u64, counter, DMP_COUNTERS_BUILT_IN)
	),
	TP_fast_assign(
		__entry->ring = m->ring->id;
		__entry->member = m->index;
		__entry->role = m->role;
		memcpy(__entry->name, m->name, DMP_MEMBER_NAME_MAX);
		dmp_sample_counters(m, __entry->counter);
	),
	TP_printk("ring=%llu member=%u role=%u name=%s" DMP_COUNTERS(DMP_SAMPLE_FORMAT), __entry->ring,
		  __entry->member, __entry->role, __entry->name DMP_COUNTERS(DMP_SAMPLE_VALUE)),
	dmp_sample_begin, dmp_sample_end
);

#endif /* DMP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
