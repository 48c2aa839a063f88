/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* page.h: what the tests of the page of dmp export share: who exports, a ring, where on the page something is */
#ifndef DMP_TESTS_PAGE_H
#define DMP_TESTS_PAGE_H

#include "browser.h"

static struct browser b;
static struct command exporter;
static char url[64];

/* ---- who exports ---- */

static const char *tool(void)
{
	static char path[512];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);
	int i;

	assert_true(n > 0);
	path[n] = '\0';
	for (i = 0; i < 3; i++)
		*strrchr(path, '/') = '\0';
	return strcat(path, "/tools/dmp");
}

/* Where it says that it serves; false: it has not said so yet. */
static bool has_said_where(void)
{
	char said[256] = "", *at;

	assert_true(pread(exporter.err, said, sizeof(said) - 1, 0) >= 0);
	at = strstr(said, "http://");
	if (!at || !strchr(at, '\n'))
		return false;
	snprintf(url, sizeof(url), "%.*s", (int)strcspn(at + 7, "/\n") + 7, at);
	return true;
}

static void start_exporter(const char *address)
{
	exporter = start_command("%s export --listen %s", tool(), address);
	assert_true(stress_until(has_said_where()));
}

static void stop_exporter(void)
{
	struct said said;

	kill(exporter.pid, SIGTERM);
	said = finish_command(&exporter);
	forget(&said);
}

/* ---- what is on the page ---- */

static struct address a;
static struct dmp_ring *ring;
static struct dmp_member *p, *c;

/* The page anew, with this ring open once it is there. */
static void show(const char *name)
{
	static int times;
	char at[512];

	snprintf(at, sizeof(at), "%s/?%d#ring=%s", url, ++times, name);
	go_to(&b, at);
	await_page(&b, "document.body?.dataset.state == 'live'");
}

static void make_ring_of(uint32_t members)
{
	struct dmp_ring_options options = native_options(DMP_RING_STAMPED);

	options.members = members;
	assert_int_equal(dmp_ring_create(&ring, a.s, &options), 0);
}

static struct dmp_member *counting(uint32_t role, const char *name)
{
	const struct dmp_join_options options = { .name = name, .counters = DMP_COUNTERS_FULL };
	struct dmp_member *m = NULL;

	assert_int_equal(dmp_join(ring, role, &options, &m), 0);
	return m;
}

static void join_both(void)
{
	c = counting(DMP_ROLE_CONSUMER, "slow");
	p = counting(DMP_ROLE_PRODUCER, "feed");
}

/* Cells by what they are: of the ring's row, of a member's. */
#define RING	    "document.querySelector('tr[data-ring=\"%s\"]')"
#define CELL(is)    RING "?.querySelector('[data-is=" is "]')?.textContent"
#define MEMBER	    RING "?.parentNode.querySelector('tr[data-member=\"%s\"]')"
#define OF(is)	    MEMBER "?.querySelector('[data-is=" is "]')"
#define OF_TEXT(is) OF(is) "?.textContent"

static int setup(void **state)
{
	(void)state;
	a = new_shm("page");
	make_ring_of(16);
	join_both();
	show(a.s);
	await_page(&b, OF_TEXT("lag") " == '0'", a.s, "slow");
	return 0;
}

static int setup_nothing(void **state)
{
	(void)state;
	a = new_shm("page");
	show(a.s);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dmp_leave(c);
	dmp_leave(p);
	dmp_ring_close(ring);
	c = p = NULL;
	ring = NULL;
	if (b.complaint)
		print_error("the page complains: %.2000s\n", b.complaint);
	return b.complaint ? -1 : 0;
}

#endif /* DMP_TESTS_PAGE_H */
