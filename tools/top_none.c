// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* top_none.c: in place of top.c where this was built without ncurses */
#include "tool.h"

int cmd_top(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	fail("built without a terminal to show anything on: install libncurses-dev, and build again");
}
