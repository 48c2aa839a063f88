/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dmp.h: the module's own types
 *
 * LOCKS, in the order they are taken:
 *
 *   dmp_file.bind    one CREATE, OPEN or BIND of a file at a time; their arguments are copied, and memory is taken, under it
 *   ring->mutex      who takes part: join, leave, held places, and the repair that follows a leave
 *   ring->lock       waiters, notify lines, gate mask, generation, dependencies, what is required; never held while sleeping
 *
 *   each by itself: names_lock (names.c), users_lock (quota.c), dmp_mm.lock (identity.c)
 *
 * mmap runs under the caller's mmap_lock and takes none of them; under ring->mutex and ring->lock nothing is copied to or
 * from user space and nothing is allocated: the exit of a process needs them.
 *
 * LIFETIME: a ring is referenced by each ring file, each member file and, if persistent, its name. A member lives from
 * JOIN to the release of its file; it has left (member->left) at some moment in between. If its place is held then, what
 * is left of it stays in ring->member until somebody goes on there, the time is up, it is evicted, fails, or the ring
 * goes: it refers to nothing, and nothing outside of the ring to it. The structs of both outlast a grace period, for eBPF
 * programs that look at them; what they point to does not.
 *
 * ORDERING: the kernel's half of the table in include/dmp/ring.h. Letters are DESIGN's:
 *
 *   owner of a sequence, in user space            sleeper: one ioctl, WAIT or ARM           file
 *   ----------------------------------            -------------------------------           ----
 *   A  store-release the cursor                   C  lower notify on every unmet dependency  wait.c
 *   B  load mode; quiet: done.                    D  a grace period since the mode left      mode.c
 *      fenced: full barrier, load notify,            quiet, unless one was seen
 *      if notify <= cursor: WAKE                  E  full barrier, re-check all; met: leave  wait.c
 *
 *   C, E against A, B (fenced): store buffering. The owner's barrier between A and B and the sleeper's between C and E
 *   forbid that both miss the other's store. Without either, the owner sees no sleeper, the sleeper no event: lost wake.
 *   D against A, B (quiet): the owner has no barrier. The grace period interrupts every CPU, so an owner that loaded
 *   "quiet" has its cursor stored for all to see before E looks; one that loads later sees "fenced". Skipped only after
 *   a whole grace period was seen since the switch: one who arrives while it runs waits for another.
 *
 * MAPPED MEMORY: a word that a process can write is read once (READ_ONCE) into a local and bounded; the kernel's state
 * never depends on a second read. Cursors decide only who is woken and where a member starts.
 */
#ifndef DMP_KMOD_H
#define DMP_KMOD_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/percpu-defs.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <uapi/linux/dmp.h>
#include <dmp/seq.h>
#include "wait.h"

struct dmp_member;
struct dmp_ring;
struct dmp_user;

#define DMP_RIGHTS_ALL	 (DMP_RIGHT_R | DMP_RIGHT_W | DMP_RIGHT_X)
#define DMP_FAR		 (1ULL << 60) /* nobody honest gets there: 36 years at 10^9 events a second */
#define DMP_MEMBER_PAGES 2	      /* its own line, and its counters */
#define DMP_NOTIFY_OFF	 (sizeof(struct dmp_meta))
#define DMP_TABLE_OFF	 ALIGN(DMP_NOTIFY_OFF + DMP_SEQUENCES * sizeof(struct dmp_notify), sizeof(struct dmp_entry))

/* ---- member.c ---- */

struct dmp_member {
	struct dmp_ring *ring;
	struct net *net;
	struct pid *tgid; /* who joined: for flush, and for people */
	struct pid *tid;  /* ... and its thread, for people */
	kuid_t uid;
	struct dmp_mm *mm;	  /* whose member it is */
	struct list_head mm_link; /* mm->lock */
	struct work_struct die;	  /* the end of its mm */
	u32 index;
	u32 role;
	u64 incarnation; /* of its entry, while it is there */
	u32 policy;
	u64 hold; /* DMP_POLICY_HOLD: so many ns */
	char name[DMP_MEMBER_NAME_MAX];
	u64 deps;	     /* ring->lock */
	bool joined;	     /* ring->mutex: it has a slot */
	bool left;	     /* ring->mutex, and ring->lock to change it; once true, for good */
	u32 gone;	     /* as left: DMP_GONE_* */
	bool held;	     /* as left: dead, and its place is kept */
	bool released;	     /* ring->mutex: so is its file */
	u64 held_until;	     /* ring->mutex: ktime_get_ns(); all ones: for ever */
	bool finished;	     /* ring->mutex */
	u64 seen_generation; /* when it last read the table */
	wait_queue_head_t poll;
	struct dmp_waiter waiter;
	/* Counted under ring->lock. */
	u64 sleeps, woken, futile, changed, late, wakes, empty, arms;
	bool awaits_required; /* ring->lock: asleep in dmp_require_wait() */
	struct rcu_head rcu;
};

/* ---- require.c ---- */

struct dmp_requirement;

/* The last stall told of a consumer. */
struct dmp_told {
	u64 incarnation, position;
};

/* ---- ring.c ---- */

struct dmp_stats {
	u64 sleeps, woken, futile, changed, late, wakes, empty, examined, crossed, fences;
	u64 repaired, undecided; /* ring->mutex */
	u64 evicted, failed;
	u64 stalls;
};

/* What a producer left behind: its claim record. */
struct dmp_dead {
	pid_t pid;
	u64 lo, hi;
	bool won;
};

#define DMP_DEAD 8
struct dmp_range {
	u64 lo, hi;
};

struct dmp_ring {
	refcount_t refs;
	struct list_head all; /* see dmp_rings_head */
	struct rcu_head rcu;
	u64 id;
	u32 flags;
	u64 slots;
	u32 event_size, stride, members;
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
	char name[DMP_NAME_MAX];
	struct list_head name_link; /* names_lock; empty when it has no name (any more) */
	bool kept;		    /* names_lock: the name holds a reference, and the module */

	struct dmp_user *user;	    /* whose quota is charged, */
	struct user_struct *locked; /* and whose RLIMIT_MEMLOCK; NULL: CAP_IPC_LOCK */
	u64 bytes;

	struct page **control; /* meta, cursor and member pages, in the order of their regions */
	unsigned long control_pages, meta_pages;
	struct page **data;
	unsigned long data_pages;
	struct dmp_meta *meta; /* the control pages, contiguous for the kernel */
	struct dmp_entry *table;
	struct dmp_cursor *cursor;

	struct mutex mutex;
	struct dmp_member **member; /* by index; ring->mutex, and ring->lock to change it */
	u32 joined, producers;	    /* ring->mutex */
	u32 held;		    /* ring->mutex: places of dead consumers */
	struct delayed_work expire; /* place.c: when the time of the next one is up */

	spinlock_t lock;
	struct dmp_sequence seq[DMP_SEQUENCES];
	u64 switches; /* ring->lock: from quiet to fenced, of any sequence */

	/* Several producers, see stamps.c and repair.c. */
	u64 published;		  /* everything below is; only ever raised, but when a producer leaves that has lied */
	u64 orphans_below;	  /* ring->mutex: claims of the dead lie below, if any are undecided; else 0 */
	u32 unlisted;		  /* ring->mutex: producers that have no bit among the writers */
	unsigned long look_after; /* ring->mutex: jiffies until they are looked at again */
	struct delayed_work orphans;
	struct dmp_dead dead[DMP_DEAD]; /* ring->mutex: the last to leave, for the tracepoint */
	u32 deaths;
	struct dmp_range *records; /* ring->mutex: in a pass of repair, those of the living; room for all members */
	struct dmp_stats stats;	   /* ring->lock */
	struct delayed_work quiet; /* mode.c */

	struct dmp_requirement *required;    /* ring->lock; NULL: none */
	wait_queue_head_t all_there;	     /* producers that wait for who is missing */
	struct dmp_told told[DMP_MAX_GATES]; /* ring->lock; by member index */
};

/* A ring file: what file->private_data of /dev/dmp points to. */
struct dmp_file {
	struct mutex bind;     /* CREATE, OPEN, BIND: one at a time */
	struct dmp_ring *ring; /* NULL until bound, then for good */
	u32 rights;	       /* stored before ring */
	struct net *net;
};

/* args.c: struct arguments that carry their size */
int dmp_args_in(void *to, size_t size, size_t first, const void __user *from);
int dmp_args_out(void __user *to, const void *from, size_t size);
int dmp_args_put_array(u64 to, u32 entry_size, const void *entries, size_t size, u32 count);
int dmp_name_check(const char *name, size_t size, bool may_be_empty);
#define dmp_args_get(to, last, from) dmp_args_in(to, sizeof(*(to)), offsetofend(typeof(*(to)), last), from)
#define dmp_args_put(to, from)	     dmp_args_out(to, from, sizeof(*(from)))

/* device.c: ring files */
extern const struct file_operations dmp_device_fops;

/* names.c: names by network namespace */
int dmp_names_init(void);
void dmp_names_exit(void);
int dmp_names_add(struct net *net, struct dmp_ring *ring);
bool dmp_names_put(struct dmp_ring *ring);
bool dmp_names_taken(struct net *net, const char *name);
struct dmp_ring *dmp_names_find(struct net *net, const char *name);
struct dmp_ring *dmp_names_next(struct net *net, u64 id);
int dmp_names_unlink(struct net *net, const char *name);

/* quota.c: limits and charges */
int dmp_quota_check(const struct dmp_create *args, u64 bytes);
int dmp_quota_charge(struct dmp_ring *ring);
void dmp_quota_uncharge(struct dmp_ring *ring);

/* ring.c: the ring object */
DECLARE_PER_CPU(struct list_head *, dmp_rings_head);
void dmp_rings_init(void);
struct dmp_ring *dmp_ring_create(const struct dmp_create *args);
struct dmp_ring *dmp_ring_after(struct dmp_ring *ring);
void dmp_ring_put(struct dmp_ring *ring);
u32 dmp_ring_rights(const struct dmp_ring *ring);
struct dmp_own *dmp_ring_own(const struct dmp_ring *ring, u32 index);
bool dmp_ring_ended(const struct dmp_ring *ring);
u64 dmp_ring_gates(const struct dmp_ring *ring);
u64 dmp_ring_gate(const struct dmp_ring *ring, u64 cursor);

/* map.c: pages, and who may map which */
int dmp_map_alloc(struct dmp_ring *ring);
void dmp_map_free(struct dmp_ring *ring);
u64 dmp_map_bytes(const struct dmp_create *args);
int dmp_map_mmap(struct dmp_member *m, struct vm_area_struct *vma);

/* join.c: a new member */
int dmp_join_check(const struct dmp_join *args);
int dmp_join(struct dmp_file *file, struct dmp_join *args, const char *deps, void __user *arg);
int dmp_start(struct dmp_ring *ring, const struct dmp_join *args, u64 deps, u64 gates, u64 *position);

/* member.c: who takes part: slots, gates, and what it takes to be let in */
int dmp_member_admit(struct dmp_member *m, struct dmp_join *args, const char *deps);
struct dmp_member *dmp_member_find(struct dmp_ring *ring, const char *name);
void dmp_member_raise(struct dmp_ring *ring);
void dmp_member_tell_all(struct dmp_ring *ring);
void dmp_member_changed(struct dmp_ring *ring);
bool dmp_member_produces(const struct dmp_member *m);

/* leave.c: the end of a member */
void dmp_member_retire(struct dmp_member *m, u32 state, u32 gone);
void dmp_member_leave(struct dmp_member *m);
void dmp_member_die(struct dmp_member *m);
void dmp_member_die_work(struct work_struct *work);
void dmp_member_free_slot(struct dmp_member *m);
void dmp_member_free(struct dmp_member *m);
int dmp_member_finish(struct dmp_member *m);

/* require.c: consumers that must be there, and get on */
void dmp_require_update(struct dmp_ring *ring);
bool dmp_require_allows(const struct dmp_member *m);
int dmp_require(struct dmp_ring *ring, u32 rights, void __user *arg);
int dmp_required(struct dmp_ring *ring, void __user *arg);
int dmp_require_wait(struct dmp_member *m, const struct dmp_wait *args);
int dmp_stalled(struct dmp_member *m, void __user *arg);

static inline struct dmp_entry *dmp_member_entry(const struct dmp_member *m)
{
	return &m->ring->table[m->index];
}

/* It gates and may be depended on: it lives, or its place is held. */
static inline bool dmp_member_is_there(const struct dmp_member *m)
{
	return !m->left || m->held;
}

/* What one that has left is told. */
static inline int dmp_member_gone(const struct dmp_member *m)
{
	return m->gone == DMP_GONE_FAILED ? -EOWNERDEAD : -ESTALE;
}

/* place.c: what becomes of a consumer's place */
void dmp_place_init(struct dmp_ring *ring);
void dmp_place_exit(struct dmp_ring *ring);
void dmp_place_leave(struct dmp_member *m);
void dmp_place_die(struct dmp_member *m);
int dmp_place_check(const struct dmp_member *held, const struct dmp_member *m);
u64 dmp_place_resume(struct dmp_member *m);
void dmp_place_remove(struct dmp_member *m);
int dmp_place_evict(struct dmp_ring *ring, const char *name);

/* member_file.c: member files */
extern const struct file_operations dmp_member_fops;

/* stamps.c: what the stamps of the slots say */
bool dmp_is_multi(const struct dmp_ring *ring);
u64 *dmp_stamp(const struct dmp_ring *ring, u64 position);
bool dmp_stamp_is_done(const struct dmp_ring *ring, u64 position);
u64 dmp_published(struct dmp_ring *ring);
void dmp_published_again(struct dmp_ring *ring);
void dmp_published_reset(struct dmp_ring *ring, u64 to);
u64 dmp_produced(const struct dmp_ring *ring);
u64 dmp_sequence_at(const struct dmp_ring *ring, u32 seq);

/* sample.c: what the members count */
struct dmp_counters_page;
const struct dmp_counters_page *dmp_sample_page(const struct dmp_member *m);
void dmp_sample_counters(const struct dmp_member *m, u64 *to);
int dmp_sample_begin(void);
void dmp_sample_end(void);

/* writers.c: whose records tell what is claimed */
void dmp_writers_add(struct dmp_member *m);
void dmp_writers_remove(struct dmp_member *m);
void dmp_writers_settle(struct dmp_ring *ring, u64 undecided);

/* repair.c: what a producer left half done */
void dmp_repair_init(struct dmp_ring *ring);
void dmp_repair_exit(struct dmp_ring *ring);
void dmp_repair(struct dmp_member *m);
void dmp_repair_later(struct dmp_ring *ring);

/* identity.c: whose member it is */
struct dmp_mm *dmp_mm_get(void);
void dmp_mm_put(struct dmp_mm *mm);
void dmp_mm_add(struct dmp_member *m);
void dmp_mm_remove(struct dmp_member *m);
bool dmp_mm_is_current(const struct dmp_mm *mm);
bool dmp_member_is_closing(const struct dmp_member *m);
void dmp_member_who(const struct dmp_member *m, s32 *pid, s32 *tid, u32 *thread_state);

/* info.c: INFO, MEMBERS, fdinfo */
void dmp_info_fill(struct dmp_ring *ring, struct dmp_info *info, bool positions);
int dmp_info_get(struct dmp_ring *ring, u32 rights, void __user *arg);
int dmp_info_members(struct dmp_ring *ring, void __user *arg);
void dmp_info_ring_fdinfo(struct seq_file *s, struct dmp_ring *ring, u32 rights);
void dmp_info_member_fdinfo(struct seq_file *s, struct dmp_member *m);

/* holdup.c: who is in the way */
int dmp_holdup_get(struct dmp_ring *ring, void __user *arg);

#endif /* DMP_KMOD_H */
