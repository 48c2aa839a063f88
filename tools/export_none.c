// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* export_none.c: in place of export.c where this was built without what a server takes */
#include "tool.h"

int cmd_export(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	fail("built without HTTP: install libmicrohttpd-dev, and build again");
}
