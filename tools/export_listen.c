// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* export_listen.c: a socket that listens */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "export.h"

struct address {
	char host[64], port[8];
};

static struct address split_address(const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	bool bracketed = length > 2 && text[0] == '[' && text[length - 1] == ']';
	struct address a;

	if (bracketed) {
		text++;
		length -= 2;
	}
	if (!length || length >= sizeof(a.host) || (!bracketed && memchr(text, ':', length)) ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1) || !colon[1] || atol(colon + 1) > 65535 ||
	    snprintf(a.port, sizeof(a.port), "%s", colon + 1) >= (int)sizeof(a.port))
		fail_usage("an address is 127.0.0.1:9823, [::1]:9823 or, for everybody, 0.0.0.0:9823");
	memcpy(a.host, text, length);
	a.host[length] = '\0';
	return a;
}

static struct addrinfo *resolve(const char *text)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
	struct address a = split_address(text);
	struct addrinfo *to;

	if (getaddrinfo(a.host, a.port, &hints, &to))
		fail_usage("'%s' is no address, in numbers, of this machine", a.host);
	return to;
}

static int try_to_listen(const struct addrinfo *to)
{
	int on = 1, fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, to->ai_addr, to->ai_addrlen) || listen(fd, SOMAXCONN))
		return -errno;
	return fd;
}

int listen_at(const char *address)
{
	struct addrinfo *to = resolve(address);
	int fd = try_to_listen(to);

	freeaddrinfo(to);
	if (fd == -EADDRINUSE)
		fail("another program listens at %s already: choose another port with --listen", address);
	if (fd == -EACCES)
		fail("you may not listen at %s: ports below 1024 are root's", address);
	if (fd < 0)
		fail("cannot listen at %s: %s", address, strerror(-fd));
	return fd;
}

void say_where(int listener)
{
	struct sockaddr_storage at;
	socklen_t size = sizeof(at);
	char host[64], port[8];
	bool v6;

	getsockname(listener, (struct sockaddr *)&at, &size);
	getnameinfo((struct sockaddr *)&at, size, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	v6 = at.ss_family == AF_INET6;
	complain("serving http://%s%s%s:%s/metrics", v6 ? "[" : "", host, v6 ? "]" : "", port);
}
