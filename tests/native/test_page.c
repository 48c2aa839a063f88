// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_page.c: the page of dmp export, as a browser shows it. Pictures of it stay in build/: page.png and others */
#define _GNU_SOURCE
#include "page.h"

/* ---- a ring's life ---- */

static void a_ring_appears(void **state)
{
	(void)state;
	assert_false(holds(&b, RING, a.s));
	make_ring_of(16);
	await_page(&b, CELL("stream") " == 'no producer'", a.s);
	assert_true(holds(&b, CELL("slots") " == '64'", a.s));
	assert_true(holds(&b, CELL("kind") " == 'stamped, one producer'", a.s));
	join_both();
	await_page(&b, CELL("stream") " == 'open' && " CELL("members") " == '2'", a.s, a.s);
	await_page(&b, OF_TEXT("role") " == 'producer'", a.s, "feed");
	await_page(&b, OF_TEXT("role") " == 'consumer'", a.s, "slow");
}

static void what_moves_is_seen_to_move(void **state)
{
	(void)state;
	assert_true(holds(&b, OF("rate") ".title == '0 in all'", a.s, "feed"));
	publish(p, 40);
	assert_int_equal(consume(c), 40);
	await_page(&b, OF("rate") ".title == '40 in all'", a.s, "feed");
	assert_true(holds(&b, OF("rate") ".title == '40 in all'", a.s, "slow"));
	assert_true(holds(&b, "parseFloat(" OF_TEXT("rate") ") > 0", a.s, "feed"));
	assert_true(holds(&b, "parseFloat(" CELL("rate") ") > 0", a.s));
	assert_true(holds(&b, OF_TEXT("batches") " == '40'", a.s, "feed"));
	await_page(&b, CELL("rate") " == '0'", a.s); /* and to stop */
	publish(p, 60);
	await_page(&b, OF("rate") ".title == '100 in all'", a.s, "feed");
}

static void it_is_drawn(void **state)
{
	(void)state;
	publish(p, 40);
	await_page(&b, "parseFloat(" CELL("rate") ") > 0", a.s);
	assert_true(holds(&b, RING ".querySelector('.spark .line').getAttribute('d').length > 8", a.s));
	await_page(&b, "document.querySelectorAll('figure path.line[d]').length == 3"); /* two rates, one lag */
	assert_true(holds(&b, "document.querySelector('figure svg').getAttribute('aria-label').includes('feed')"));
}

static void a_consumer_that_stays_behind_is_seen(void **state)
{
	(void)state;
	publish(p, 48);
	await_page(&b, OF_TEXT("lag") " == '48'", a.s, "slow");
	assert_true(holds(&b, OF("lag") ".querySelector('i').style.width == '75%%'", a.s, "slow"));
	assert_true(holds(&b, CELL("fill") " == '75 %%'", a.s));
	publish(p, 16);
	await_page(&b, CELL("fill") " == '100 %%'", a.s);
	assert_true(holds(&b, OF("lag") ".querySelector('.bar').dataset.level == 'high'", a.s, "slow"));
	assert_int_equal(consume(c), 64);
	await_page(&b, CELL("fill") " == '0 %%' && " OF_TEXT("lag") " == '0'", a.s, a.s, "slow");
}

static int fall_asleep(void *name)
{
	struct dmp_ring *mine = open_ring(&a);
	struct dmp_member *m = join(mine, DMP_ROLE_CONSUMER, name);
	struct dmp_batch batch;

	return dmp_wait(m, 1, &batch);
}

static void a_sleeper_is_seen_asleep_and_gone(void **state)
{
	char name[] = "sleeper";
	pid_t child = start_child(fall_asleep, name);

	(void)state;
	await_sleeper(ring, name);
	await_page(&b, OF_TEXT("state") " == 'asleep' && " OF_TEXT("sleeps") " > 0", a.s, name, a.s, name);
	kill_child(child);
	await_page(&b, OF("state") "?.textContent == 'gone'", a.s, name);
	await_page(&b, "!" MEMBER, a.s, name);
	assert_true(holds(&b, MEMBER, a.s, "slow"));
}

static void a_ring_goes(void **state)
{
	teardown(state);
	await_page(&b, CELL("stream") " == 'gone'", a.s);
	assert_true(holds(&b, RING ".parentNode.classList.contains('gone')", a.s));
	await_page(&b, "!" RING, a.s);
}

/* ---- whatever it is called ---- */

#define HOSTILE "<img src=x onerror=alert(1)>"

#define BEFORE "this-is-what-it-is-called-here"

/* As another process can that the ring is mapped in. */
static int rename_member(void *nothing)
{
	struct address path = shm_path(&a);
	int fd = open(path.s, O_RDWR | O_CLOEXEC);
	size_t size = (size_t)lseek(fd, 0, SEEK_END);
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *at;

	(void)nothing;
	assert_ptr_not_equal(map, MAP_FAILED);
	at = memmem(map, size, BEFORE, sizeof(BEFORE));
	assert_non_null(at);
	strcpy(at, HOSTILE);
	return 0;
}

static void hostile_names_and_labels_are_only_text(void **state)
{
	struct dmp_member *m = counting(DMP_ROLE_CONSUMER, BEFORE);
	struct dmp_counter_slot *slot;

	(void)state;
	assert_int_equal(
		dmp_counter_register(m, DMP_COUNTER_APPLICATION, 0, "</script><script>alert(2)</script>", &slot), 0);
	assert_int_equal(run_child(rename_member, NULL), 0);
	await_page(&b, "[...document.querySelectorAll('.detail th')].some(e => e.textContent == '" HOSTILE "')");
	await_page(&b, "[...document.querySelectorAll('.own th')].some(e => e.textContent == "
		       "'</script><script>alert(2)</script>')");
	assert_true(
		holds(&b, "document.querySelector('figure svg').getAttribute('aria-label').includes('" HOSTILE "')"));
	assert_false(holds(&b, "document.querySelector('main img, main script')"));
	dmp_leave(m);
}

/* 2^53 is where JavaScript's numbers begin to leave some out. */
static void no_digit_is_lost(void **state)
{
	struct dmp_counter_slot *slot;

	(void)state;
	assert_int_equal(dmp_counter_register(p, DMP_COUNTER_APPLICATION, 0, "much", &slot), 0);
	dmp_counter_add(slot, UINT64_MAX);
	await_page(
		&b,
		"[...document.querySelectorAll('.own td')].some(e => e.textContent == '18,446,744,073,709,551,615')");
	dmp_counter_add(slot, (1ULL << 53) + 2);
	await_page(&b, "[...document.querySelectorAll('.own td')].some(e => e.textContent == '9,007,199,254,740,993')");
}

/* ---- what cannot be seen ---- */

static void it_says_what_cannot_be_seen(void **state)
{
	const char *not = access("/dev/dmp", F_OK) ? "" : "!";

	(void)state;
	make_ring_of(2);
	join_both();
	await_page(&b, "document.getElementById('notes').textContent.includes('No place is left')");
	assert_true(
		holds(&b, "%sdocument.getElementById('notes').textContent.includes('The module is not loaded')", not ));
	await_page(&b, OF_TEXT("spins") " == '–'", a.s, "slow");
	await_page(&b, "!document.querySelector('.note').hidden");
}

static void it_says_that_the_exporter_is_gone_and_finds_it_again(void **state)
{
	(void)state;
	stop_exporter();
	await_page(&b, "document.body.dataset.state == 'lost'");
	assert_true(holds(
		&b, "/cannot be reached since .*trying again/.test(document.getElementById('said').textContent)"));
	start_exporter(url + strlen("http://"));
	await_page(&b, "document.body.dataset.state == 'live'");
}

/* ---- for whom ---- */

static void only_what_is_served_here_may_run(void **state)
{
	(void)state;
	assert_true(holds(&b,
			  "fetch('/').then(r => /^default-src 'none'/.test(r.headers.get('Content-Security-Policy')) &&"
			  "r.headers.get('X-Content-Type-Options') == 'nosniff' &&"
			  "r.headers.get('Access-Control-Allow-Origin') == null)"));
	/* Else this would be done. */
	assert_true(holds(
		&b,
		"new Promise(done => { addEventListener('securitypolicyviolation', e => done(e.blockedURI == 'inline'),"
		"{ once: true }); const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
		"document.body.append(s); s.remove() }).then(blocked => blocked && !window.ran)"));
	free(b.complaint); /* which was of that */
	b.complaint = NULL;
}

/* A name that its owner has made to stand for 127.0.0.1. */
static void another_name_for_this_address_gets_nothing(void **state)
{
	char other[128];

	(void)state;
	snprintf(other, sizeof(other), "http://evil.example%s/survey.json", strrchr(url, ':'));
	go_to(&b, other);
	await_page(&b, "document.body?.textContent.includes('ask for an address')");
	assert_true(holds(&b, "location.hostname == 'evil.example' && !document.body.textContent.includes('rings')"));
	snprintf(other, sizeof(other), "http://localhost%s/survey.json", strrchr(url, ':'));
	go_to(&b, other);
	await_page(&b, "document.body?.textContent.includes('rings')");
}

/* ---- by hand ---- */

static void it_can_be_used_without_a_mouse(void **state)
{
	(void)state;
	assert_true(holds(&b, RING ".querySelector('button').ariaExpanded == 'true'", a.s));
	holds(&b, RING ".querySelector('button').focus()", a.s);
	press(&b, "Enter");
	assert_true(holds(&b, "!document.querySelector('.detail') && !location.hash"));
	press(&b, "Enter");
	assert_true(
		holds(&b, "document.querySelector('.detail') && location.hash.includes('%s')", strchr(a.s, ':') + 1));
	press(&b, "Escape");
	assert_true(holds(&b, "!document.querySelector('.detail')"));
}

static void only_rings_that_are_looked_for_are_shown(void **state)
{
	(void)state;
	assert_true(holds(
		&b,
		"(f => (f.value = 'nobody', f.dispatchEvent(new Event('input'))))(document.getElementById('filter'))"));
	assert_false(holds(&b, "document.querySelector('tr.ring')"));
	assert_true(holds(
		&b, "(f => (f.value = '%s', f.dispatchEvent(new Event('input'))))(document.getElementById('filter'))",
		a.s));
	assert_true(holds(&b, "document.querySelectorAll('tr.ring').length == 1"));
}

static void a_plot_tells_values_under_the_pointer(void **state)
{
	(void)state;
	publish(p, 40);
	await_page(&b, OF_TEXT("lag") " == '40'", a.s, "slow");
	holds(&b, "document.querySelectorAll('figure svg')[1].focus()");
	press(&b, "ArrowLeft");
	press(&b, "ArrowRight");
	assert_true(holds(&b, "/0 s ago.*slow 40 events/.test(document.querySelectorAll('.tip')[1].textContent)"));
}

/* ---- pictures, while something goes on ---- */

static const char *const names[] = { "journal", "replicate", "match" };

/* Up and down between 0 and most, in so many turns. */
static uint64_t wave(uint64_t turn, uint64_t turns, uint64_t most)
{
	uint64_t at = turn % (2 * turns);

	return (at < turns ? at : 2 * turns - at) * most / turns;
}

/* Some consumers are slower than others, and now and then there is more to do. */
static void some_traffic(struct dmp_member *const *consumers, uint64_t turn)
{
	static uint64_t published;
	uint64_t i, n = 3 + wave(turn, 900, 12) + (turn / 700 % 3 == 2 ? 5 : 0);

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		uint64_t behind = wave(turn, 500 + 700 * i, 12 + 14 * i);

		if (published > behind && dmp_position(consumers[i]) < published - behind)
			assert_int_equal(consume_up_to(consumers[i], published - behind), 0);
	}
	if (!try_publish(p, n))
		published += n;
}

static void picture(const char *path, uint32_t width, uint32_t height, const char *scheme)
{
	set_screen(&b, width, height, scheme);
	await_page(&b, "innerWidth == %u && document.querySelector('figure svg').clientWidth < %u", width, width);
	assert_true(holds(&b, "document.documentElement.scrollWidth <= %u", width));
	assert_true(
		holds(&b, "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))"));
	take_picture(&b, path);
}

static void it_fits_wide_and_narrow_screens(void **state)
{
	const uint64_t seconds = is_soak() ? 125 : 12;
	struct dmp_member *consumers[ARRAY_SIZE(names)];
	struct address idle = new_shm("orders");
	struct dmp_ring *orders = create_ring(&idle, DMP_RING_STAMPED);
	struct dmp_member *gateway = join(orders, DMP_ROLE_PRODUCER, "gateway"),
			  *matcher = join(orders, DMP_ROLE_CONSUMER, "match");
	uint64_t turn;
	uint32_t i;

	(void)state;
	a = new_shm("market-data");
	make_ring_of(16);
	p = counting(DMP_ROLE_PRODUCER, "feed");
	for (i = 0; i < ARRAY_SIZE(names); i++)
		consumers[i] = counting(DMP_ROLE_CONSUMER, names[i]);
	publish(gateway, 50);
	show(a.s);
	for (turn = 0;
	     !holds(&b,
		    "(" RING "?.querySelector('.spark .line').getAttribute('d').split(/[ML]/).length ?? 0) > %" PRIu64,
		    a.s, seconds < 55 ? seconds : 55);
	     turn++)
		some_traffic(consumers, turn);
	picture("build/page.png", 1400, 800, "light");
	picture("build/page-dark.png", 1400, 800, "dark");
	picture("build/page-narrow.png", 400, 860, "light");
	set_screen(&b, 1400, 800, "light");
	for (i = 0; i < ARRAY_SIZE(names); i++)
		dmp_leave(consumers[i]);
	dmp_leave(matcher);
	dmp_leave(gateway);
	dmp_ring_close(orders);
}

/* ---- all of them ---- */

static int setup_all(void **state)
{
	(void)state;
	start_exporter("127.0.0.1:0");
	start_browser(&b);
	set_screen(&b, 1400, 800, "light");
	return 0;
}

static int teardown_all(void **state)
{
	(void)state;
	stop_browser(&b);
	stop_exporter();
	return 0;
}

#define test_of_a_ring(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define test_of_none(test)   cmocka_unit_test_setup_teardown(test, setup_nothing, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_of_none(a_ring_appears),
		test_of_a_ring(what_moves_is_seen_to_move),
		test_of_a_ring(it_is_drawn),
		test_of_a_ring(a_consumer_that_stays_behind_is_seen),
		test_of_a_ring(a_sleeper_is_seen_asleep_and_gone),
		test_of_a_ring(a_ring_goes),
		test_of_a_ring(hostile_names_and_labels_are_only_text),
		test_of_a_ring(no_digit_is_lost),
		test_of_none(it_says_what_cannot_be_seen),
		test_of_none(it_says_that_the_exporter_is_gone_and_finds_it_again),
		test_of_none(only_what_is_served_here_may_run),
		test_of_none(another_name_for_this_address_gets_nothing),
		test_of_a_ring(it_can_be_used_without_a_mouse),
		test_of_a_ring(only_rings_that_are_looked_for_are_shown),
		test_of_a_ring(a_plot_tells_values_under_the_pointer),
		cmocka_unit_test_teardown(it_fits_wide_and_narrow_screens, teardown),
	};

	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
