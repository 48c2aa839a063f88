// SPDX-License-Identifier: GPL-2.0
/*
 * main.c: the module's table of contents: what is there, in order, and away again in reverse
 *
 *   device.c       /dev/dmp and ring files        map.c     pages, and who may map which
 *   names.c        names by network namespace     wait.c    announce, re-check, sleep, withdraw
 *   ring.c         the ring object                wake.c    who is woken, and why
 *   quota.c        limits and charges             mode.c    quiet and fenced
 *   join.c         a new member                   repair.c  what a producer left half done
 *   member.c       slots, gates, who is let in    stamps.c  what the stamps say
 *   leave.c        the end of a member            writers.c whose records tell what is claimed
 *   place.c        what becomes of its place      info.c    INFO, MEMBERS, fdinfo
 *   identity.c     whose member it is             holdup.c  who is in the way
 *   member_file.c  member files                   require.c who must be there, and get on
 *   sample.c       what the members count
 *
 * What they share is in dmp.h; the ABI in include/uapi/linux/dmp.h.
 */
#include <linux/build_bug.h>
#include <linux/miscdevice.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <dmp/counters.h>
#include <dmp/version.h>
#include "dmp.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static struct miscdevice dmp_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "dmp",
	.fops = &dmp_device_fops,
	.mode = 0666, /* rings have modes of their own, and are charged to who makes them */
};

/* The layout that processes see. */
static void __init check_layout(void)
{
	BUILD_BUG_ON(PAGE_SIZE != DMP_PAGE);
	BUILD_BUG_ON(sizeof(struct dmp_meta) != 192);
	BUILD_BUG_ON(offsetof(struct dmp_meta, gates) != 128);
	BUILD_BUG_ON(sizeof(struct dmp_notify) != DMP_LINE);
	BUILD_BUG_ON(sizeof(struct dmp_entry) != 2 * DMP_LINE);
	BUILD_BUG_ON(offsetof(struct dmp_cursor, claimed) != 2 * DMP_LINE);
	BUILD_BUG_ON(sizeof(struct dmp_own) != DMP_LINE);
	BUILD_BUG_ON(DMP_MEMBER_PAGES != 2 || sizeof(struct dmp_counters_page) != DMP_PAGE);
	BUILD_BUG_ON(sizeof(struct dmp_create) != 96);
	BUILD_BUG_ON(sizeof(struct dmp_open) != 72);
	BUILD_BUG_ON(sizeof(struct dmp_bind) != 16);
	BUILD_BUG_ON(sizeof(struct dmp_unlink) != 72);
	BUILD_BUG_ON(sizeof(struct dmp_info) != 304);
	BUILD_BUG_ON(sizeof(struct dmp_member_info) != 200);
	BUILD_BUG_ON(sizeof(struct dmp_members) != 24);
	BUILD_BUG_ON(sizeof(struct dmp_join) != 96);
	BUILD_BUG_ON(sizeof(struct dmp_evict) != 40);
	BUILD_BUG_ON(sizeof(struct dmp_require) != 24);
	BUILD_BUG_ON(sizeof(struct dmp_required_info) != 64);
	BUILD_BUG_ON(sizeof(struct dmp_required) != 24);
	BUILD_BUG_ON(sizeof(struct dmp_holdup) != 72);
	BUILD_BUG_ON(sizeof(struct dmp_stalled) != 40);
	BUILD_BUG_ON(sizeof(struct dmp_wait) != 24);
}

static int __init dmp_init(void)
{
	int err;

	check_layout();
	dmp_rings_init();
	err = dmp_names_init();
	if (err)
		return err;
	err = misc_register(&dmp_device);
	if (err)
		dmp_names_exit();
	return err;
}

/* No file is open and no ring lives: each holds the module. */
static void __exit dmp_exit(void)
{
	misc_deregister(&dmp_device);
	dmp_names_exit();
	mmu_notifier_synchronize(); /* notifiers of address spaces whose last member has gone are freed late */
}

module_init(dmp_init);
module_exit(dmp_exit);

MODULE_DESCRIPTION("Disruptor rings between processes");
MODULE_LICENSE("GPL");
MODULE_VERSION(DMP_VERSION);
