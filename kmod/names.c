// SPDX-License-Identifier: GPL-2.0
/*
 * names.c: names of rings, by network namespace as abstract sockets have them
 *
 * Ring and member files hold the namespace they were opened in, a ring never does: when a namespace ends no file of it
 * is left, and the persistent rings on its list go with it. Such a ring holds the module, so that rmmod is refused while
 * it lives.
 */
#include <linux/module.h>
#include <linux/string.h>
#include <net/netns/generic.h>
#include "dmp.h"

struct dmp_net {
	struct list_head rings; /* names_lock; in order of id; anonymous rings are not on it */
};

/* One lock for all namespaces: a ring may be handed from one to another, and outlive the one that knows its name. */
static DEFINE_MUTEX(names_lock);
static unsigned int dmp_net_id;

static struct dmp_net *names_of(struct net *net)
{
	return net_generic(net, dmp_net_id);
}

/* The last reference goes: from here on nobody finds the ring. Returns false if it was not the last. */
bool dmp_names_put(struct dmp_ring *ring)
{
	if (!refcount_dec_and_mutex_lock(&ring->refs, &names_lock))
		return false;
	list_del_init(&ring->name_link);
	mutex_unlock(&names_lock);
	return true;
}

static struct dmp_ring *find_locked(struct dmp_net *names, const char *name)
{
	struct dmp_ring *ring;

	lockdep_assert_held(&names_lock);
	list_for_each_entry(ring, &names->rings, name_link)
		if (!strcmp(ring->name, name))
			return ring;
	return NULL;
}

/* Name a new ring; a persistent one gets its own reference. */
int dmp_names_add(struct net *net, struct dmp_ring *ring)
{
	struct dmp_net *names = names_of(net);
	struct dmp_ring *next;

	mutex_lock(&names_lock);
	if (find_locked(names, ring->name)) {
		mutex_unlock(&names_lock);
		return -EEXIST;
	}
	/* Ids rise, but two creators may get here in the other order. */
	list_for_each_entry_reverse(next, &names->rings, name_link)
		if (next->id < ring->id)
			break;
	list_add(&ring->name_link, &next->name_link);
	if (ring->flags & DMP_RING_PERSISTENT) {
		__module_get(THIS_MODULE);
		refcount_inc(&ring->refs);
		ring->kept = true;
	}
	mutex_unlock(&names_lock);
	return 0;
}

bool dmp_names_taken(struct net *net, const char *name)
{
	bool taken;

	mutex_lock(&names_lock);
	taken = find_locked(names_of(net), name);
	mutex_unlock(&names_lock);
	return taken;
}

/* Returns the ring with a reference, or NULL. On the list it always has one: see dmp_names_put(). */
struct dmp_ring *dmp_names_find(struct net *net, const char *name)
{
	struct dmp_net *names = names_of(net);
	struct dmp_ring *ring;

	mutex_lock(&names_lock);
	ring = find_locked(names, name);
	if (ring)
		refcount_inc(&ring->refs);
	mutex_unlock(&names_lock);
	return ring;
}

struct dmp_ring *dmp_names_next(struct net *net, u64 id)
{
	struct dmp_net *names = names_of(net);
	struct dmp_ring *ring, *found = NULL;

	mutex_lock(&names_lock);
	list_for_each_entry(ring, &names->rings, name_link)
		if (ring->id > id) {
			refcount_inc(&ring->refs);
			found = ring;
			break;
		}
	mutex_unlock(&names_lock);
	return found;
}

/* Take the name away; returns whether the name held a reference, which is the caller's then. */
static bool unname(struct dmp_ring *ring)
{
	bool kept = ring->kept;

	lockdep_assert_held(&names_lock);
	list_del_init(&ring->name_link);
	ring->kept = false;
	return kept;
}

/* What the name held: outside the lock, for this may be the last reference. */
static void put_kept(struct dmp_ring *ring)
{
	dmp_ring_put(ring);
	module_put(THIS_MODULE);
}

static bool may_unlink(const struct dmp_ring *ring)
{
	return uid_eq(current_euid(), ring->uid) || capable(CAP_FOWNER);
}

int dmp_names_unlink(struct net *net, const char *name)
{
	struct dmp_net *names = names_of(net);
	struct dmp_ring *ring;
	bool kept = false;
	int err = 0;

	mutex_lock(&names_lock);
	ring = find_locked(names, name);
	if (!ring)
		err = -ENOENT;
	else if (!may_unlink(ring))
		err = -EPERM;
	else
		kept = unname(ring);
	mutex_unlock(&names_lock);
	if (kept)
		put_kept(ring);
	return err;
}

static int __net_init names_net_init(struct net *net)
{
	INIT_LIST_HEAD(&names_of(net)->rings);
	return 0;
}

/* Takes the first name of a namespace away. False: there is none. *kept: the ring, if the name held it. */
static bool unname_first(struct dmp_net *names, struct dmp_ring **kept)
{
	struct dmp_ring *ring;

	mutex_lock(&names_lock);
	ring = list_first_entry_or_null(&names->rings, struct dmp_ring, name_link);
	*kept = ring && unname(ring) ? ring : NULL;
	mutex_unlock(&names_lock);
	return ring;
}

static void __net_exit names_net_exit(struct net *net)
{
	struct dmp_ring *kept;

	while (unname_first(names_of(net), &kept))
		if (kept)
			put_kept(kept);
}

static struct pernet_operations names_ops = {
	.init = names_net_init,
	.exit = names_net_exit,
	.id = &dmp_net_id,
	.size = sizeof(struct dmp_net),
};

int dmp_names_init(void)
{
	return register_pernet_subsys(&names_ops);
}

void dmp_names_exit(void)
{
	unregister_pernet_subsys(&names_ops);
}
