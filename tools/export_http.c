// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* export_http.c: the server: libmicrohttpd without threads, in a loop that a signal ends at once */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "export.h"

#define MEMORY	    16384 /* bytes for a request's headers, and the answer's */
#define CONNECTIONS 1024  /* who is over MOST of export_clients.c has not left yet */

#define TEND 100 /* ms, see survey.h */

/* For browsers: nothing but what is served here, in nobody's frame; the page's icon is in the page. */
#define POLICY                                                                                         \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " \
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

struct server {
	struct MHD_Daemon *daemon;
	const struct source *source;
	struct clients clients;
};

/* ---- answers ---- */

/* Takes the body over. */
static enum MHD_Result answer(struct MHD_Connection *to, unsigned int status, const char *type, char *body, size_t size)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(size, body, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result = MHD_NO;

	if (!response) {
		free(body);
		return MHD_NO;
	}
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) &&
	    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") &&
	    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") &&
	    MHD_add_response_header(response, "Content-Security-Policy", POLICY) &&
	    (status != MHD_HTTP_METHOD_NOT_ALLOWED ||
	     MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD")))
		result = MHD_queue_response(to, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *to, unsigned int status, const char *why)
{
	char *body = strdup(why);

	return body ? answer(to, status, "text/plain; charset=utf-8", body, strlen(body)) : MHD_NO;
}

/* The body, which the caller frees; NULL: no memory. */
static char *written(const struct route *route, const char *type, const struct view *view, size_t *size)
{
	char *body = NULL;
	FILE *to = open_memstream(&body, size);
	bool failed;

	if (!to)
		return NULL;
	failed = route->write(to, type, view) || ferror(to);
	failed |= fclose(to) != 0;
	if (!failed)
		return body;
	free(body);
	return NULL;
}

static char *seen(const struct source *source, const struct route *route, const char *type, size_t *size)
{
	struct survey survey;
	struct pins pins;
	const struct view view = { &survey, &pins };
	char *body;

	if (route->still)
		return written(route, type, NULL, size);
	if (take_survey(source->surveyor, &survey))
		return NULL;
	read_pins(source->pins, &pins); /* where it cannot, they are empty */
	body = written(route, type, &view, size);
	free_pins(&pins);
	free_survey(&survey);
	return body;
}

static enum MHD_Result answer_route(struct server *s, struct MHD_Connection *to, const struct route *route)
{
	const char *accept = MHD_lookup_connection_value(to, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	const char *type = route->type(accept);
	size_t size;
	char *body = seen(s->source, route, type, &size);

	return body ? answer(to, MHD_HTTP_OK, type, body, size)
		    : refuse(to, MHD_HTTP_SERVICE_UNAVAILABLE, "not enough memory\n");
}

static const struct route *find_route(const struct route *r, const char *path)
{
	while (r->path && strcmp(r->path, path))
		r++;
	return r->path ? r : NULL;
}

static const struct route *route_to(const char *path)
{
	const struct route *r = find_route(export_routes, path);

	return r ? r : find_route(page_routes, path);
}

static bool may_ask(struct MHD_Connection *connection)
{
	return is_for_here(MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
			   MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST));
}

/* Called when the headers are there, for each piece of a body, which nobody wants, and when that has ended. */
static enum MHD_Result on_request(void *server, struct MHD_Connection *connection, const char *path, const char *method,
				  const char *version, const char *upload, size_t *upload_size, void **request)
{
	static int begun;
	const struct route *route = route_to(path);

	(void)version;
	(void)upload;
	if (!*request || *upload_size) {
		*request = &begun;
		*upload_size = 0;
		return MHD_YES;
	}
	if (!may_ask(connection))
		return refuse(connection, MHD_HTTP_MISDIRECTED_REQUEST, "ask for an address, or for localhost\n");
	if (!route)
		return refuse(connection, MHD_HTTP_NOT_FOUND, "there is nothing here, but at / and /metrics\n");
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "this is only to be read\n");
	return answer_route(server, connection, route);
}

/* ---- who comes and goes ---- */

static void on_connection(void *server, struct MHD_Connection *connection, void **client,
			  enum MHD_ConnectionNotificationCode what)
{
	struct server *s = server;

	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		*client =
			add_client(&s->clients,
				   MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
	else if (*client)
		remove_client(&s->clients, *client);
}

static void on_answered(void *server, struct MHD_Connection *connection, void **request,
			enum MHD_RequestTerminationCode how)
{
	struct server *s = server;
	struct client *client = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

	(void)request;
	if (client && how == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		renew_client(&s->clients, client);
}

/* ---- the loop ---- */

static void start(struct server *s, int listener)
{
	s->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, listener,
				     MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS,
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY, MHD_OPTION_NOTIFY_CONNECTION,
				     on_connection, s, MHD_OPTION_NOTIFY_COMPLETED, on_answered, s, MHD_OPTION_END);
	if (!s->daemon)
		fail("libmicrohttpd cannot start: %s", strerror(errno));
}

/* Until there is something to do, or a signal, which comes here alone. */
static void await(struct server *s, const sigset_t *unblocked)
{
	struct pollfd fd = { .fd = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
			     .events = POLLIN };
	struct timespec limit = { .tv_nsec = TEND * 1000000L };
	MHD_UNSIGNED_LONG_LONG ms;

	if (MHD_get_timeout(s->daemon, &ms) == MHD_YES && !ms)
		limit.tv_nsec = 0;
	ppoll(&fd, 1, &limit, unblocked);
}

void serve(int listener, const struct source *source)
{
	struct server s = { .source = source };
	sigset_t before;

	sigprocmask(SIG_BLOCK, NULL, &before);
	block_signals();
	start(&s, listener);
	while (!was_signalled()) {
		await(&s, &before);
		MHD_run(s.daemon);
		hang_up_on_the_slow(&s.clients);
		surveyor_tend(source->surveyor);
	}
	MHD_stop_daemon(s.daemon);
}
