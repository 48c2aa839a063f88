/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * dmp_layout.h: what lies in the memory that a ring's members share; linux/dmp.h includes it
 *
 * MAPPINGS of a member file: the offset names the region, the length must be the region's whole size (JOIN tells
 * meta_size, struct dmp_meta the others), the mapping must be MAP_SHARED. Fork does
 * not hand them on (but of the data, if its owner asks by MADV_DOFORK).
 *
 *   offset            size                 rights             holds
 *   DMP_OFF_META      meta_size            read               struct dmp_meta, notify lines, member table
 *   DMP_OFF_CURSOR    DMP_PAGE             producer: write    struct dmp_cursor
 *   DMP_OFF_MEMBERS   members * member_size   read            every member's pages, see struct dmp_own
 *   DMP_OFF_SELF      member_size          write              the member's own pages
 *   DMP_OFF_DATA      data_size, or twice  producer: write    the slots; with the double size they lie twice in a row,
 *                                                             so that each batch is one contiguous span
 *
 *   -EACCES  PROT_WRITE where the role may only read, or PROT_EXEC
 *   -EINVAL  not such an offset or length, or MAP_PRIVATE
 *   -EPERM   another address space       -ESTALE  the member has left       -ENOMEM  no page tables
 */
#ifndef _UAPI_LINUX_DMP_LAYOUT_H
#define _UAPI_LINUX_DMP_LAYOUT_H

#include <linux/types.h>

#define DMP_ABI_VERSION	    1
#define DMP_MAGIC	    0x31676e6972706d64ULL /* "dmpring1" */
#define DMP_PAGE	    4096
#define DMP_LINE	    64
#define DMP_NAME_MAX	    64 /* a ring's name with its NUL */
#define DMP_MEMBER_NAME_MAX 32 /* a member's name with its NUL */
#define DMP_MAX_GATES	    64 /* gating consumers, one bit each in the gate mask */

/* Offsets for mmap. */
#define DMP_OFF_META	0x000000000ULL
#define DMP_OFF_CURSOR	0x100000000ULL
#define DMP_OFF_MEMBERS 0x200000000ULL
#define DMP_OFF_SELF	0x300000000ULL
#define DMP_OFF_DATA	0x400000000ULL

/* Flags of a ring, fixed at creation. */
enum {
	DMP_RING_STAMPED = 1 << 0,    /* a 64-bit stamp before each payload, see dmp/seq.h */
	DMP_RING_FENCED = 1 << 1,     /* never quiet: owners always fence and look at the notify word */
	DMP_RING_PERSISTENT = 1 << 2, /* stays, with its name, until UNLINK */
	DMP_RING_MULTI = 1 << 3,      /* several producers; with DMP_RING_STAMPED only */
};

/* dmp_meta.ended */
enum {
	DMP_END_NONE = 0,    /* no producer has been there yet */
	DMP_END_OPEN = 1,    /* a producer is there */
	DMP_END_CLEAN = 2,   /* all producers have left, the last one after FINISH */
	DMP_END_CRASHED = 3, /* all producers have left, the last one without FINISH */
};

/* Start of DMP_OFF_META; written by the kernel alone, one concern per cache line. */
struct dmp_meta {
	__u64 magic; /* stored last: DMP_MAGIC once everything it describes is there */
	__u32 abi;
	__u32 flags;	   /* DMP_RING_* */
	__u64 slots;	   /* capacity, a power of two */
	__u32 event_size;  /* bytes of payload per event */
	__u32 stride;	   /* bytes from slot to slot */
	__u32 payload_off; /* where in a slot the payload begins: 8 behind a stamp, else 0 */
	__u32 members;	   /* member slots, indexed 0 .. members - 1 */
	__u32 member_size; /* bytes of pages per member */
	__u32 notify_off;  /* of struct dmp_notify[1 + DMP_MAX_GATES]: the ring's cursor, then consumer 0, 1, ... */
	__u32 table_off;   /* of struct dmp_entry[members] */
	__u32 pad0;
	__u64 meta_size;
	__u64 data_size;
	__u64 pad1[7];

	/* 128: membership. A producer reads generation, gates, the gates' cursors, generation again. */
	__u64 gates;	  /* bit i: the consumer with member index i gates */
	__u64 generation; /* raised after every change of membership, gates or dependencies, and at the end of stream */
	__u32 producers;  /* that are there now */
	__u32 epoch;	  /* producers that have joined so far */
	__u32 ended;	  /* DMP_END_* */
	__u32 missing;	  /* required consumers that are not there: nobody may begin to produce */
	__u32 required;	  /* of how many */
	__u32 unrecorded; /* not 0: of some open claims no record of a writer tells, as of the dead's while undecided */
	__u64 writers;	  /* several producers: bit i: the one with member index members - 1 - i */
	__u64 pad2[2];
};

/* dmp_notify.mode */
enum {
	DMP_MODE_QUIET = 0,  /* nobody sleeps on this sequence: its owner need not fence nor look at notify */
	DMP_MODE_FENCED = 1, /* the owner must: full barrier, load notify, WAKE if notify <= its cursor */
};

/* What the owner of a sequence looks at after each store to it. */
struct dmp_notify {
	/* The smallest position that a sleeper waits for on this sequence; all ones: nobody. Several producers: one behind
	 * a position that the first sleeper needs: who fills that rings. */
	__u64 notify;
	__u32 mode; /* to be read after the store, never before */
	/* Rings that no kernel owns (shm, file): the sleepers' own. There mode is DMP_MODE_FENCED for good, or a number
	 * that the switch drew. */
	__u32 wakes;   /* the futex: counts wakes */
	__u64 slept;   /* CLOCK_MONOTONIC when somebody last armed */
	__u32 settled; /* the mode since which a barrier has run in every process */
	__u32 pad[9];
};

/* dmp_entry.state, dmp_member_info.state */
enum {
	DMP_MEMBER_FREE = 0,
	DMP_MEMBER_JOINED = 1,
	DMP_MEMBER_LEFT = 2, /* gates no more; the slot is free again when the file is released */
	DMP_MEMBER_HELD = 3, /* a dead consumer: gates until one of its name and uid goes on in its place */
};

enum {
	DMP_ROLE_PRODUCER = 1,
	DMP_ROLE_CONSUMER = 2,
	DMP_ROLE_OBSERVER = 3,
};

/* What becomes of a consumer's place when it dies. To LEAVE, or to be evicted, is not to die: that is always drop. */
enum {
	DMP_POLICY_DEFAULT = 0, /* fail if others depend on it, else drop */
	DMP_POLICY_DROP = 1,	/* its gate and its edges are removed */
	DMP_POLICY_HOLD = 2,	/* both stay for a while: one of the same name and uid may go on in its place */
	DMP_POLICY_FAIL = 3,	/* dropped, and so are all that depend on it, with an error of its own */
};

/* dmp_entry.gone: how it left. */
enum {
	DMP_GONE_NOT = 0,
	DMP_GONE_LEFT = 1,    /* by itself, or it died */
	DMP_GONE_EVICTED = 2, /* -ESTALE */
	DMP_GONE_FAILED = 3,  /* -EOWNERDEAD: one that it depended on has died */
};

/* The member table: no pids here, MEMBERS translates them for who asks. */
struct dmp_entry {
	__u32 state; /* DMP_MEMBER_* */
	__u32 role;
	__u64 incarnation; /* of this slot: raised at each join and before each leave */
	__u64 deps;	   /* consumers it depends on, by member index */
	__u64 start;	   /* its first position */
	char name[DMP_MEMBER_NAME_MAX];
	__u32 policy;
	__u32 gone; /* DMP_GONE_*: stored before the incarnation is raised */
	__u64 pad1[7];
};

/* DMP_OFF_CURSOR: written by the producers. */
struct dmp_cursor {
	/* Events below it are published. Several producers: or aborted; the stamps may tell of more, for whoever needs to
	 * know how far they go stores it here. */
	__u64 cursor;
	__u64 pad0[15];
	/* 128. Packed rings: events below claimed - slots may be overwritten by now. Several producers: positions below it
	 * are taken; whoever moves it from c to c + n may write c .. c + n - 1. */
	__u64 claimed;
	__u64 pad1[15];
};

/*
 * A member's own line, at line (index mod 64) of its first page: 64 cursors at one page offset would share a set of the
 * L1 cache. Written by the member alone. Its second page is its counters: dmp/counters.h.
 */
struct dmp_own {
	__u64 cursor; /* consumer: events below it are released */
	/* One of several producers: what it may have claimed and has not published lies in claim_lo .. claim_hi - 1.
	 * Stored before the claim is made; claim_won becomes claim_hi once it is. */
	__u64 claim_lo;
	__u64 claim_hi;
	__u64 claim_won;
	__u64 aborted; /* slots that it skipped because they were aborted; producer: that it aborted */
	__u64 pad[3];
};

#endif /* _UAPI_LINUX_DMP_LAYOUT_H */
