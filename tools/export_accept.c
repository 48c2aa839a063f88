// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* export_accept.c: an Accept header (RFC 9110, 12.5.1): ranges with commas between, each a type and parameters */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "export.h"

#define SPACE " \t"

/* A piece of the header. */
struct piece {
	const char *at;
	size_t length;
};

/* Up to one of these characters, without the spaces around it. */
static struct piece piece_of(const char *from, const char *end)
{
	struct piece p = { .at = from + strspn(from, SPACE) };

	p.length = strcspn(p.at, end);
	while (p.length && strchr(SPACE, p.at[p.length - 1]))
		p.length--;
	return p;
}

static bool is(struct piece p, const char *word)
{
	return p.length == strlen(word) && !strncasecmp(p.at, word, p.length);
}

static double quality(struct piece value)
{
	double q = value.length && strchr("01", value.at[0]) ? strtod(value.at, NULL) : 0;

	return q > 0 && q <= 1 ? q : 0;
}

/* Of the range that begins here. */
static double wish_of_range(const char *range, const char *type, const char *version)
{
	const char *at = range;
	struct piece value;
	double q = 1;

	if (!is(piece_of(at, ";,"), type))
		return 0;
	while (*(at += strcspn(at, ";,")) == ';') {
		struct piece name = piece_of(++at, "=;,");

		value = piece_of(at + strcspn(at, "=;,") + (at[strcspn(at, "=;,")] == '='), ";,");
		if (is(name, "q"))
			q = quality(value);
		else if (is(name, "version") && !is(value, version))
			return 0;
	}
	return q;
}

double wish_for(const char *accept, const char *type, const char *version)
{
	double q, most = 0;

	while (accept && *accept) {
		q = wish_of_range(accept, type, version);
		most = q > most ? q : most;
		accept += strcspn(accept, ",");
		accept += *accept == ',';
	}
	return most;
}
