/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * ops.h: who owns a ring's memory
 *
 * The one seam between the library and the three owners: the module (lib/module.c), shared memory (lib/shm.c) and a
 * file (lib/file.c). All lay out a ring alike, so the hot path knows none of them; what is set up, sleeps, wakes or
 * leaves goes through this table. Arguments are those of the module's ioctls, and so are errors.
 */
#ifndef DMP_LIB_OPS_H
#define DMP_LIB_OPS_H

#include <dmp.h>

struct dmp_segment_; /* lib/segment.h */

struct dmp_ring {
	const struct dmp_ops_ *ops;
	int fd;			      /* the ring file; of shm and file: the segment's own, not to be closed */
	struct dmp_segment_ *segment; /* shm, file */
	uint32_t rights;	      /* shm, file: the module keeps them in the file */
};

struct dmp_ops_ {
	/*
	 * Rings. name: what follows the prefix, NULL for an anonymous ring; they fill what is theirs of *ring. create takes
	 * the size, the flags and so on from args, open the rights.
	 */
	int (*create)(struct dmp_ring *ring, const char *name, struct dmp_create *args);
	int (*open)(struct dmp_ring *ring, const char *name, uint32_t rights);
	int (*adopt)(struct dmp_ring *ring, int fd);
	int (*restrict_to)(const struct dmp_ring *ring, uint32_t rights); /* a descriptor */
	void (*close)(struct dmp_ring *ring);
	int (*unlink)(const char *name);
	int (*info)(const struct dmp_ring *ring, struct dmp_info *info);
	int (*members)(const struct dmp_ring *ring, struct dmp_member_info *members, uint32_t count);
	int (*sync)(const struct dmp_ring *ring);
	int (*evict)(const struct dmp_ring *ring, const struct dmp_evict *args);
	/* NULL: -EOPNOTSUPP, here and below. */
	int (*require)(const struct dmp_ring *ring, struct dmp_require *args);
	int (*required)(const struct dmp_ring *ring, struct dmp_required_info *infos, uint32_t count);

	/* Either kind of file. */
	int (*holdup)(int fd, struct dmp_holdup *args);

	/* Members. join fills args' results, m->fd and m->maps; leave undoes what join did but for m->maps. */
	int (*join)(struct dmp_member *m, const struct dmp_ring *ring, struct dmp_join *args);
	void (*leave)(struct dmp_member *m);
	int (*finish)(struct dmp_member *m);
	int (*wait)(struct dmp_member *m, const struct dmp_wait *wait);
	int (*arm)(struct dmp_member *m, const struct dmp_wait *wait);
	int (*wake)(struct dmp_member *m); /* how many were there to be woken; negative: no call was made */
	int (*read_members)(struct dmp_member *m, struct dmp_member_info *members, uint32_t count);
	int (*read_required)(struct dmp_member *m, struct dmp_required_info *infos, uint32_t count);
	int (*stalled)(struct dmp_member *m, struct dmp_stalled *args);

	/* What the module does by itself, on an event. NULL: nothing to do. */
	void (*tend)(struct dmp_member *m);	/* now and then while spinning: has somebody died? */
	void (*calm)(struct dmp_member *m);	/* now and then while fenced: has nobody slept for long? */
	int (*make_room)(struct dmp_member *m); /* a full ring, if that is in its power: 0, -EAGAIN, errors */
};

extern const struct dmp_ops_ dmp_module_ops_, dmp_shm_ops_, dmp_file_ops_;

/* names.c: the owner that a ring's name speaks of. *name: on to what follows the prefix. -EINVAL */
int dmp_owner_(const struct dmp_ops_ **ops, const char **name);

/* A plain name into DMP_NAME_MAX bytes, padded with NULs. -EINVAL */
int dmp_plain_name_(char *plain, const char *name);

#endif /* DMP_LIB_OPS_H */
