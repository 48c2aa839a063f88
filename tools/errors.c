// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* errors.c: one line that says what is wrong and what to do */
#include <stdarg.h>
#include <stdlib.h>

#include "tool.h"

#define LINE 1024

static const char *command_name;
static const char *ring_name;

void errors_of_command(const char *command)
{
	command_name = command;
}

void errors_of_ring(const char *ring)
{
	ring_name = ring;
}

static void say(const char *format, va_list args)
{
	char line[LINE], clean[LINE], ring[DMP_NAME_MAX];

	vsnprintf(line, sizeof(line), format, args);
	fprintf(stderr, "dmp: %s%s%s%s%s\n", command_name ? command_name : "", ring_name ? " " : "",
		ring_name ? printable(ring_name, ring, sizeof(ring)) : "", command_name ? ": " : "",
		printable(line, clean, sizeof(clean)));
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	exit(EXIT_FAILURE);
}

void fail_usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	exit(EXIT_USAGE);
}

/* Where a command knows more it says more, before it comes to this. */
void fail_errno(int err)
{
	fail("%s", dmp_strerror(err));
}
