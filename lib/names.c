// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* names.c: "OWNER:NAME", and names that nobody else has */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "internal.h"

#define PREFIX_MAX 6 /* of a portable name: some systems have room for 14 characters */
#define RANDOM_LEN 8

static const struct {
	const char *prefix;
	const struct dmp_ops_ *ops;
} owners[] = {
	{ "dmp", &dmp_module_ops_ },
	{ "shm", &dmp_shm_ops_ },
	{ "file", &dmp_file_ops_ },
};

static const struct dmp_ops_ *owner_called(const char *prefix, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(owners) / sizeof(owners[0]); i++)
		if (strlen(owners[i].prefix) == len && !memcmp(owners[i].prefix, prefix, len))
			return owners[i].ops;
	return NULL;
}

/* Of a name without a prefix: the module, whatever is there, unless the environment says another. */
static const struct dmp_ops_ *default_owner(void)
{
	const char *owner = secure_getenv("DMP_BACKEND");

	if (!owner || !*owner)
		return &dmp_module_ops_;
	return strcmp(owner, "file") ? owner_called(owner, strlen(owner)) : NULL; /* a bare name is no path */
}

int dmp_owner_(const struct dmp_ops_ **ops, const char **name)
{
	const char *colon = *name ? strchr(*name, ':') : NULL;

	*ops = colon ? owner_called(*name, (size_t)(colon - *name)) : default_owner();
	if (!*ops)
		return -EINVAL;
	if (colon)
		*name = colon + 1;
	return 0;
}

static bool name_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
	       c == '-';
}

int dmp_plain_name_(char *plain, const char *name)
{
	size_t len, i;

	if (!name)
		return -EINVAL;
	len = strlen(name);
	if (!len || len >= DMP_NAME_MAX)
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (!name_char(name[i]))
			return -EINVAL;
	memset(plain, 0, DMP_NAME_MAX);
	memcpy(plain, name, len);
	return 0;
}

static char lower_alnum(char c)
{
	if (c >= 'A' && c <= 'Z')
		c += 'a' - 'A';
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : 0;
}

int dmp_unique_name(char *name, size_t size, const char *prefix)
{
	uint64_t number;
	size_t n = 0;
	int i;

	if (size < DMP_UNIQUE_NAME_MAX)
		return -EINVAL;
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -errno;
	for (; prefix && *prefix && n < PREFIX_MAX; prefix++)
		if (lower_alnum(*prefix))
			name[n++] = lower_alnum(*prefix);
	if (!n)
		name[n++] = 'd';
	for (i = 0; i < RANDOM_LEN; i++, number /= 36)
		name[n++] = "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36];
	name[n] = 0;
	return 0;
}
