# SPDX-License-Identifier: LGPL-2.1 OR MIT
# The library's sources, in the order of a ring's life.
LIB_SRCS := lib/ring.c lib/names.c lib/module.c lib/shm.c lib/file.c lib/map.c lib/member.c lib/claim.c lib/several.c \
	lib/require.c lib/liveness.c lib/wait.c lib/observe.c lib/counters.c lib/counters_read.c lib/counters_heap.c \
	lib/aggregator.c lib/metrics.c lib/openmetrics.c lib/segment.c lib/segment_layout.c lib/segment_file.c lib/segment_lock.c \
	lib/segment_join.c lib/segment_member.c \
	lib/segment_wait.c lib/segment_info.c lib/saved.c lib/sys.c lib/inline.c lib/strerror.c lib/version.c
