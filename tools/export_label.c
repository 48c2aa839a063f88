// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * export_label.c: labels that nobody else has
 *
 * Two series of the same labels would make the whole text void. Producers and observers may have the same name, rings in
 * one place may; and what others have written may be anything.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"

#define ID_MAX 22 /* "#", digits, NUL */

struct label new_label(const char *name, size_t size, uint32_t role, uint64_t id)
{
	struct label label = { .role = role, .id = id };
	size_t i;

	for (i = 0; i < size && i < LABEL_MAX - ID_MAX && name[i]; i++)
		label.s[i] = dmp_label_char(name[i]);
	if (!i)
		snprintf(label.s, sizeof(label.s), "#%" PRIu64, id);
	return label;
}

static int compare_called(const struct label *a, const struct label *b)
{
	int order = strcmp(a->s, b->s);

	return order ? order : (int)a->role - (int)b->role;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Of those that are called the same the first stays so. */
static int compare(const void *one, const void *other)
{
	const struct label *a = one, *b = other;
	int order = compare_called(a, b);

	if (!order)
		order = (int)a->gone - (int)b->gone;
	if (!order)
		order = compare_numbers(b->age, a->age);
	return order ? order : compare_numbers(a->id, b->id);
}

static struct label *at(void *list, uint32_t i, size_t size)
{
	return (struct label *)((char *)list + i * size);
}

static void rename_others(void *list, uint32_t count, size_t size)
{
	const struct label *first = list;
	struct label *label;
	uint32_t i;
	size_t n;

	for (i = 1; i < count; i++) {
		label = at(list, i, size);
		if (compare_called(label, first)) {
			first = label;
			continue;
		}
		n = strlen(label->s);
		if (!label->gone)
			snprintf(label->s + n, sizeof(label->s) - n, "#%" PRIu64, label->id);
	}
}

static uint32_t leave_out_others(void *list, uint32_t count, size_t size)
{
	uint32_t i, kept = count != 0;

	for (i = 1; i < count; i++)
		if (compare_called(at(list, i, size), at(list, kept - 1, size)))
			memmove(at(list, kept++, size), at(list, i, size), size);
	return kept;
}

uint32_t tell_apart(void *list, uint32_t count, size_t size)
{
	qsort(list, count, size, compare);
	rename_others(list, count, size);
	qsort(list, count, size, compare);
	return leave_out_others(list, count, size);
}
