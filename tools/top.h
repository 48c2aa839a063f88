/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* top.h: what the files of dmp top share, by file */
#ifndef DMP_TOP_H
#define DMP_TOP_H

#include "survey.h"

/* ---- top_view.c: what is to be seen: rings, under those that are opened members, under these what they count ---- */

/* Of the survey in view. */
struct row {
	const struct surveyed *ring;
	const struct counted *member;	   /* NULL: the ring */
	const struct dmp_counter *counter; /* NULL: the ring, the member */
};

/* A row whatever survey it is in. */
struct row_key {
	char ring[DMP_NAME_MAX + 4];
	uint64_t id, incarnation; /* 0: the ring */
	uint32_t index, counter;  /* counter: one more than its place among the member's */
};

enum order { BY_NAME, BY_RATE, BY_LAG, ORDERS };

struct view {
	const char *only;  /* the name of the one ring that is wanted; NULL: all */
	uint32_t interval; /* s */
	enum order order;
	bool paused, help;

	struct surveyor *surveyor;
	struct survey before, now; /* at 0: not taken yet */
	struct row *row;
	uint32_t rows;
	struct row_key *opened;
	uint32_t opens;
	struct row_key selected;
	uint32_t at;	/* the row that is selected */
	uint32_t first; /* the first row on the screen */
};

/* They return 0 or -ENOMEM. */
int view_take(struct view *v);			 /* another survey */
int view_toggle(struct view *v);		 /* open what is selected, or close it */
int view_sort(struct view *v);			 /* the next order */
int view_open(struct view *v, const char *ring); /* by name, if it is there */
void view_move(struct view *v, int64_t rows);
void view_free(struct view *v);

bool is_opened(const struct view *v, const struct row *row);

/* ---- top_cells.c: a row as text ---- */

#define CELL 12

struct cells {
	char name[DMP_NAME_MAX + 8]; /* indented; of a member it may hold anything */
	char pid[CELL], role[CELL], events[CELL], rate[CELL], lag[CELL], sleeps[CELL], wakes[CELL], state[CELL];
	int fill; /* of the ring's slots, in percent; -1: not known */
};

/* The same in numbers, by which rings are sorted; 0 where it is not known. */
double rate_of_ring(const struct view *v, const struct surveyed *ring);
double fill_of_ring(const struct surveyed *ring);

struct cells cells_of(const struct view *v, const struct row *row);
void title_text(const struct view *v, char *to, size_t size);
/* What cannot be seen, and why; "": all can. */
void missing_text(const struct view *v, char *to, size_t size);

/* ---- top_screen.c: the terminal ---- */

enum key {
	KEY_NONE_,
	KEY_QUIT_,
	KEY_UP_,
	KEY_DOWN_,
	KEY_PAGE_UP_,
	KEY_PAGE_DOWN_,
	KEY_FIRST_,
	KEY_LAST_,
	KEY_TOGGLE_,
	KEY_SORT_,
	KEY_PAUSE_,
	KEY_HELP_,
	KEY_REDRAW_,
	KEY_OTHER_
};

/* False: ncurses does not know the terminal. */
bool screen_open(void);
void screen_close(void); /* as it was before; also when it is closed already */
void screen_draw(struct view *v);
void screen_redraw(void);   /* the next time all of it, whatever may be on the screen */
uint32_t screen_page(void); /* rows */
/* Waits for a key for so many ms. */
enum key screen_key(int ms);

#endif /* DMP_TOP_H */
