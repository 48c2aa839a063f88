// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * export_host.c: who asks, by which name
 *
 * A browser lets a page read what comes from the name that it came from itself, and whoever has a name can make it stand for
 * 127.0.0.1. So whoever comes over the loopback has to ask for an address or localhost. An address of the network was given
 * to all of it: there, any name will do.
 */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "export.h"

static bool is_loopback(const struct sockaddr_storage *at)
{
	const struct in6_addr *v6 = &((const struct sockaddr_in6 *)at)->sin6_addr;

	if (at->ss_family == AF_INET)
		return ((const uint8_t *)&((const struct sockaddr_in *)at)->sin_addr)[0] == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == IN_LOOPBACKNET);
}

/* Without the port. */
static bool is_address(const char *host)
{
	size_t length = *host == '[' ? strcspn(++host, "]") : strcspn(host, ":");
	struct in6_addr any;
	char text[64];

	if (length >= sizeof(text))
		return false;
	memcpy(text, host, length);
	text[length] = '\0';
	return inet_pton(AF_INET, text, &any) == 1 || inet_pton(AF_INET6, text, &any) == 1 ||
	       !strcasecmp(text, "localhost");
}

bool is_for_here(int fd, const char *host)
{
	struct sockaddr_storage at = { 0 };
	socklen_t size = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &size) || !is_loopback(&at))
		return true;
	return !host || is_address(host);
}
