// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * export_clients.c: who is connected, the longest first
 *
 * libmicrohttpd ends connections that are idle, but who sends a byte now and then is not. So here each has so long for a
 * request and to take the answer, and if too many come, the one that has taken longest goes: who asks and reads at once is
 * served, however many do not. To hang up is to shut the socket down; libmicrohttpd sees that and closes it.
 */
#include <stdlib.h>
#include <sys/socket.h>

#include "export.h"

#define MOST	 256
#define PATIENCE 30000000000ULL /* ns */

struct client {
	int fd;
	uint64_t since;
	struct client *older, *newer;
};

static void append(struct clients *clients, struct client *client)
{
	client->since = dmp_now();
	client->older = clients->newest;
	client->newer = NULL;
	*(client->older ? &client->older->newer : &clients->oldest) = client;
	clients->newest = client;
	clients->count++;
}

static void take_out(struct clients *clients, struct client *client)
{
	*(client->older ? &client->older->newer : &clients->oldest) = client->newer;
	*(client->newer ? &client->newer->older : &clients->newest) = client->older;
	clients->count--;
}

struct client *add_client(struct clients *clients, int fd)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->fd = fd;
	append(clients, client);
	return client;
}

void remove_client(struct clients *clients, struct client *client)
{
	take_out(clients, client);
	free(client);
}

void renew_client(struct clients *clients, struct client *client)
{
	take_out(clients, client);
	append(clients, client);
}

void hang_up_on_the_slow(struct clients *clients)
{
	uint64_t now = dmp_now();
	struct client *c = clients->oldest;
	uint32_t left = clients->count;

	/* They leave the list when their sockets are closed. */
	for (; c && (left > MOST || now - c->since >= PATIENCE); c = c->newer, left--)
		shutdown(c->fd, SHUT_RDWR);
}
