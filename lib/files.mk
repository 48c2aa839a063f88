# SPDX-License-Identifier: LGPL-2.1 OR MIT
# The library's sources, in the order of a ring's life.
LIB_SRCS := lib/ring.c lib/map.c lib/member.c lib/claim.c lib/wait.c lib/observe.c lib/sys.c lib/inline.c lib/version.c
