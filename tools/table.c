// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* table.c: columns as wide as their widest cell */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

struct table {
	const char *alignment;
	size_t columns;
	char **cells; /* row by row */
	size_t count;
};

static void *or_fail(void *p)
{
	if (!p)
		fail_errno(-ENOMEM);
	return p;
}

struct table *table_new(const char *alignment)
{
	struct table *t = or_fail(calloc(1, sizeof(*t)));

	t->alignment = alignment;
	t->columns = strlen(alignment);
	return t;
}

void table_cell(struct table *t, const char *format, ...)
{
	char text[256], clean[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	t->cells = or_fail(realloc(t->cells, (t->count + 1) * sizeof(*t->cells)));
	t->cells[t->count++] = or_fail(strdup(printable(text, clean, sizeof(clean))));
}

static int width_of(const struct table *t, size_t column)
{
	size_t i, width = 0;

	for (i = column; i < t->count; i += t->columns)
		if (strlen(t->cells[i]) > width)
			width = strlen(t->cells[i]);
	return (int)width;
}

static void print_cell(const struct table *t, size_t i)
{
	size_t column = i % t->columns;
	bool last = column + 1 == t->columns;

	if (t->alignment[column] == 'r')
		printf("%*s", width_of(t, column), t->cells[i]);
	else
		printf("%-*s", last ? 0 : width_of(t, column), t->cells[i]);
	printf("%s", last ? "\n" : "  ");
}

void table_print(struct table *t)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		print_cell(t, i);
	for (i = 0; i < t->count; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}
