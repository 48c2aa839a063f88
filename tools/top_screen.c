// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* top_screen.c: rows on a terminal, and its keys. Nothing but printable ASCII comes out: see put() */
#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "top.h"

#define ABOVE 3 /* lines: title, what is missing, heads */
#define BELOW 1

/* ---- the terminal ---- */

static SCREEN *screen;

enum { CALM = 1, BUSY, FULL }; /* colours of bars */

static void set_colours(void)
{
	if (!has_colors())
		return;
	start_color();
	use_default_colors();
	init_pair(CALM, COLOR_GREEN, -1);
	init_pair(BUSY, COLOR_YELLOW, -1);
	init_pair(FULL, COLOR_RED, -1);
}

bool screen_open(void)
{
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return false;
	atexit(screen_close); /* whoever ends the program */
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	set_colours();
	return true;
}

void screen_close(void)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

void screen_redraw(void)
{
	clearok(curscr, TRUE);
}

uint32_t screen_page(void)
{
	return LINES > ABOVE + BELOW ? (uint32_t)(LINES - ABOVE - BELOW) : 1;
}

/* ---- text ---- */

/* So many columns, and no more than the line has; whatever text is, the terminal is not disturbed. */
static void put(int y, int x, int width, const char *text)
{
	char clean[256];

	if (y >= LINES || x >= COLS)
		return;
	if (width > COLS - x)
		width = COLS - x;
	mvaddnstr(y, x, printable(text, clean, sizeof(clean)), width);
}

static void put_right(int y, int x, int width, const char *text)
{
	int len = (int)strlen(text);

	put(y, len < width ? x + width - len : x, width, text);
}

/* ---- columns ---- */

struct column {
	const char *head;
	size_t offset; /* in struct cells */
	int width;     /* 0: what is left, shared with the bar */
	bool right;
};

#define OF(cell) offsetof(struct cells, cell)

static const struct column columns[] = {
	{ "RING", OF(name), 0, false },	    { "PID", OF(pid), 7, true },      { "MEMBER", OF(role), 8, false },
	{ "EVENTS", OF(events), 6, true },  { "/S", OF(rate), 6, true },      { "LAG", OF(fill), 0, true },
	{ "SLEEP/S", OF(sleeps), 7, true }, { "WAKE/S", OF(wakes), 6, true }, { "STATE", OF(state), 8, false },
};

/* At 80 columns 12 for the name and 12 for the bar; names are no longer than 36, indented. */
static int width_of(const struct column *c)
{
	int spare = COLS > 80 ? COLS - 80 : 0, name = spare / 2 < 24 ? spare / 2 : 24;

	if (c->width)
		return c->width;
	return c->offset == OF(name) ? 12 + name : 12 + spare - name;
}

/* "[||||    123]" */
static void put_bar(int y, int x, int width, const struct cells *c)
{
	int inside = width - 2, bars = (inside * c->fill + 99) / 100, i;
	int colour = c->fill >= 90 ? FULL : c->fill >= 50 ? BUSY : CALM;

	if (c->fill < 0) {
		put_right(y, x, width, c->lag);
		return;
	}
	put(y, x, 1, "[");
	put(y, x + width - 1, 1, "]");
	attron(COLOR_PAIR(colour));
	for (i = 0; i < bars; i++)
		put(y, x + 1 + i, 1, "|");
	attroff(COLOR_PAIR(colour));
	put_right(y, x + 1, inside, c->lag);
}

/* A name may take the place of what its row does not have beside it. */
static int width_of_name(const struct cells *c)
{
	int width = width_of(&columns[0]);

	if (!*c->pid)
		width += columns[1].width + 1;
	if (!*c->pid && !*c->role)
		width += columns[2].width + 1;
	return width;
}

static void put_cell(int y, int x, const struct column *column, const struct cells *c)
{
	const char *text = (const char *)c + column->offset;

	if (column == &columns[0])
		put(y, x, width_of_name(c), text);
	else if (column->offset == OF(fill))
		put_bar(y, x, width_of(column), c);
	else if (column->right)
		put_right(y, x, width_of(column), text);
	else
		put(y, x, width_of(column), text);
}

static void put_heads(int y)
{
	size_t i;
	int x = 0;

	attron(A_REVERSE);
	mvhline(y, 0, ' ', COLS);
	for (i = 0; i < ARRAY_SIZE(columns); x += width_of(&columns[i++]) + 1)
		if (columns[i].right)
			put_right(y, x, width_of(&columns[i]), columns[i].head);
		else
			put(y, x, width_of(&columns[i]), columns[i].head);
	attroff(A_REVERSE);
}

static void put_row(int y, const struct view *v, uint32_t at)
{
	struct cells c = cells_of(v, &v->row[at]);
	size_t i;
	int x = 0;

	if (at == v->at)
		attron(A_BOLD);
	for (i = 0; i < ARRAY_SIZE(columns); x += width_of(&columns[i++]) + 1)
		put_cell(y, x, &columns[i], &c);
	attroff(A_BOLD);
	if (at == v->at)
		mvchgat(y, 0, -1, A_REVERSE, 0, NULL);
}

/* ---- the whole ---- */

static const char *const help_lines[] = {
	"up, down, j, k     select a row (also PgUp, PgDn, Home, End, g, G)",
	"Enter              open what is selected: a ring's members, what a member counts",
	"s                  sort rings by name, by events a second, by lag",
	"p                  pause, and go on",
	"^L                 draw the screen anew",
	"q                  quit",
	"",
	"EVENTS and /S: published, of consumers and observers consumed, and by the second.",
	"LAG: of a ring what its slowest consumer has not released, of a consumer what it",
	"     has not; the bar is the share of the ring's slots.",
	"SLEEP/S, WAKE/S: times that somebody went to sleep, and called to wake sleepers.",
	"",
	"How long sleepers take to run: 'dmp trace'. Histograms of a member: 'dmp stat'.",
};

static void draw_help(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(help_lines); i++)
		put((int)i + ABOVE, 0, COLS, help_lines[i]);
}

static void draw_rows(struct view *v)
{
	uint32_t page = screen_page(), i;

	if (v->at < v->first)
		v->first = v->at;
	if (v->at >= v->first + page)
		v->first = v->at - page + 1;
	if (v->first + page > v->rows)
		v->first = v->rows > page ? v->rows - page : 0;
	for (i = 0; i < page && v->first + i < v->rows; i++)
		put_row(ABOVE + (int)i, v, v->first + i);
	if (!v->rows)
		put(ABOVE, 0, COLS, v->only ? "the ring is not there" : "there are no rings");
}

static void draw_keys(const struct view *v)
{
	static const char *const orders[] = { [BY_NAME] = "name", [BY_RATE] = "events/s", [BY_LAG] = "lag" };
	char text[128];

	snprintf(text, sizeof(text), "q quit  Enter open  s sort: %s  p pause  h help", orders[v->order]);
	put(LINES - BELOW, 0, COLS, v->help ? "q quit  any other key: back" : text);
}

void screen_draw(struct view *v)
{
	char text[256];

	erase();
	title_text(v, text, sizeof(text));
	put(0, 0, COLS, text);
	missing_text(v, text, sizeof(text));
	put(1, 0, COLS, text);
	put_heads(2);
	if (v->help)
		draw_help();
	else
		draw_rows(v);
	draw_keys(v);
	refresh();
}

/* ---- keys ---- */

static const struct {
	int code;
	enum key key;
} keys[] = {
	{ ERR, KEY_NONE_ },	     { 'q', KEY_QUIT_ },    { KEY_UP, KEY_UP_ },	 { 'k', KEY_UP_ },
	{ KEY_DOWN, KEY_DOWN_ },     { 'j', KEY_DOWN_ },    { KEY_PPAGE, KEY_PAGE_UP_ }, { KEY_NPAGE, KEY_PAGE_DOWN_ },
	{ KEY_HOME, KEY_FIRST_ },    { 'g', KEY_FIRST_ },   { KEY_END, KEY_LAST_ },	 { 'G', KEY_LAST_ },
	{ KEY_ENTER, KEY_TOGGLE_ },  { '\r', KEY_TOGGLE_ }, { '\n', KEY_TOGGLE_ },	 { 's', KEY_SORT_ },
	{ 'p', KEY_PAUSE_ },	     { 'h', KEY_HELP_ },    { '?', KEY_HELP_ },		 { 'L' & 0x1f, KEY_REDRAW_ },
	{ KEY_RESIZE, KEY_REDRAW_ },
};

enum key screen_key(int ms)
{
	size_t i;
	int code;

	timeout(ms);
	code = getch();
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].code == code)
			return keys[i].key;
	return KEY_OTHER_;
}
