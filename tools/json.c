// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* json.c: a writer that puts commas and quotes where they belong */
#include <inttypes.h>

#include "tool.h"

/* Bytes, not characters: what is no printable ASCII is escaped as if it were Latin-1, so that the text stays valid. */
static void quote(FILE *out, const char *text)
{
	const unsigned char *c;

	fputc('"', out);
	for (c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (*c < ' ' || *c > '~')
			fprintf(out, "\\u%04x", *c);
		else
			fputc(*c, out);
	}
	fputc('"', out);
}

/* What comes before every value: a comma, a line, the key. */
static void begin(struct json *j, const char *key)
{
	if (j->begun)
		fputc(',', j->out);
	if (j->depth)
		fprintf(j->out, "\n%*s", (int)j->depth * 2, "");
	if (key) {
		quote(j->out, key);
		fputs(": ", j->out);
	}
	j->begun = true;
}

void json_open(struct json *j, const char *key, char bracket)
{
	begin(j, key);
	fputc(bracket, j->out);
	j->depth++;
	j->begun = false;
}

void json_close(struct json *j, char bracket)
{
	j->depth--;
	if (j->begun)
		fprintf(j->out, "\n%*s", (int)j->depth * 2, "");
	fputc(bracket, j->out);
	if (!j->depth)
		fputc('\n', j->out);
	j->begun = true;
}

void json_string(struct json *j, const char *key, const char *value)
{
	begin(j, key);
	quote(j->out, value);
}

void json_number(struct json *j, const char *key, uint64_t value)
{
	begin(j, key);
	fprintf(j->out, "%" PRIu64, value);
}

void json_signed(struct json *j, const char *key, int64_t value)
{
	begin(j, key);
	fprintf(j->out, "%" PRId64, value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	begin(j, key);
	fputs(value ? "true" : "false", j->out);
}

void json_null(struct json *j, const char *key)
{
	begin(j, key);
	fputs("null", j->out);
}
