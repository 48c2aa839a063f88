/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * test_point.h: places at which a test may stop, kill or look at a member
 *
 * Nothing, unless compiled with DMP_TEST_POINTS: then each place calls dmp_test_hook, if it is set. Tests and the
 * library they link are compiled with it, what is installed is not.
 */
#ifndef DMP_TEST_POINT_H
#define DMP_TEST_POINT_H

#ifdef DMP_TEST_POINTS

enum dmp_test_point {
	DMP_POINT_JOIN_BEFORE,	   /* JOIN */
	DMP_POINT_JOIN_AFTER,	   /* joined, not mapped yet */
	DMP_POINT_LEAVE_BEFORE,	   /* LEAVE */
	DMP_POINT_LEAVE_AFTER,	   /* left, still mapped */
	DMP_POINT_CLAIM_BEFORE,	   /* nothing claimed yet */
	DMP_POINT_CLAIM_RECORDED,  /* several producers: between the record and the claim */
	DMP_POINT_CLAIM_LOST,	   /* several: others took it all, the record is still there */
	DMP_POINT_CLAIM_ASKED,	   /* several: the records are read, not yet whether they tell of all */
	DMP_POINT_CLAIM_LOOKED,	   /* several: it was looked how far all is done, others are not told */
	DMP_POINT_CLAIM_WON,	   /* several: between the claim and the word that it is won */
	DMP_POINT_CLAIM_AFTER,	   /* room is there, and claimed; nothing overwritten yet */
	DMP_POINT_SLOT_WRITING,	   /* stamped: the slot says "writing", its payload is untouched */
	DMP_POINT_PUBLISH_PARTLY,  /* between two stamps of a batch; its first is not stored */
	DMP_POINT_PUBLISH_STAMPED, /* stamps stored, the cursor is not */
	DMP_POINT_PUBLISH_CURSOR,  /* between A and B: the cursor is stored, the mode is not read */
	DMP_POINT_ABORT_PARTLY,	   /* several: between two stamps of an abort */
	DMP_POINT_ABORT_STAMPED,   /* several: stamps stored, the record is not */
	DMP_POINT_WAKE_BEFORE,	   /* a sleeper was seen, WAKE is next */
	DMP_POINT_WAIT_BEFORE,	   /* nothing was there, WAIT is next */
	DMP_POINT_WAIT_AFTER,	   /* WAIT has returned */
	DMP_POINT_RELEASE_BEFORE,  /* everything is read, nothing released */
	DMP_POINT_RELEASE_AFTER,   /* between A and B of the own cursor */
	DMP_POINT_SKIP_SEEN,	   /* several: aborted slots are seen, not yet counted */
	DMP_POINT_SKIP_COUNTED,	   /* several: they are counted, not yet released */
	DMP_POINT_MEMBERSHIP,	   /* shm, file: with the lock, between two stores of a change of membership */
	DMP_POINT_WAKE_TAKEN,	   /* shm, file: the notify word is taken, nobody is woken yet */
	DMP_POINT_SLEEP_ANNOUNCED, /* shm, file: between C and D */
	DMP_POINT_SLEEP_BEFORE,	   /* shm, file: between E and W */
	DMP_POINT_CALM_BEFORE,	   /* shm, file: nobody was seen to sleep, quiet is next */
	DMP_POINT_NAME_REMOVE,	   /* shm, file: the name was looked at, and is removed next */
	DMP_POINT_COUNT
};

#ifdef __cplusplus
extern "C" {
#endif
extern void (*dmp_test_hook)(enum dmp_test_point point);
#ifdef __cplusplus
}
#endif

#define DMP_TEST_POINT(name)                             \
	do {                                             \
		if (dmp_test_hook)                       \
			dmp_test_hook(DMP_POINT_##name); \
	} while (0)

#else

#define DMP_TEST_POINT(name) \
	do {                 \
	} while (0)

#endif

#endif /* DMP_TEST_POINT_H */
