// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* trace_none.c: in place of trace.c where this was built without what eBPF takes */
#include "tool.h"

int cmd_trace(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	fail("built without eBPF: install clang, libbpf-dev and bpftool, and build again");
}
