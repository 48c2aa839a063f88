// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* numbers.c: numbers as people write them */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

/* How far to shift for the suffix; -1: there is no such suffix. */
static int shift_of(const char *suffix)
{
	if (!*suffix)
		return 0;
	if (suffix[1])
		return -1;
	switch (*suffix) {
	case 'k':
	case 'K':
		return 10;
	case 'm':
	case 'M':
		return 20;
	default:
		return -1;
	}
}

bool parse_number(const char *text, uint64_t max, uint64_t *number)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned long long n;
	char *end;
	int shift;

	if (!isdigit((unsigned char)text[0]) || (hex && !isxdigit((unsigned char)text[2])))
		return false; /* strtoull takes spaces and signs */
	errno = 0;
	n = strtoull(text, &end, hex ? 16 : 10);
	shift = shift_of(end);
	if (errno || shift < 0 || n > max >> shift)
		return false;
	*number = (uint64_t)n << shift;
	return true;
}

uint64_t number_option(const char *option, const char *text, uint64_t min, uint64_t max)
{
	uint64_t n;

	if (!parse_number(text, max, &n) || n < min)
		fail_usage("--%s takes a number from %llu to %llu (k and M multiply by 1024 and 1048576), not '%s'",
			   option, (unsigned long long)min, (unsigned long long)max, text);
	return n;
}
