// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* dying.c: see dying.h */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "dying.h"

enum { READY, CUE, HEIR, WORDS };

const char *const ways[WAYS] = { "killed", "exited", "exec'ed", "closed" };

struct victim victim_of(int ring, const char *name, const char *upstream, uint32_t policy)
{
	static char names[8][DMP_MEMBER_NAME_MAX];
	static unsigned int calls;
	char *after = names[calls++ % ARRAY_SIZE(names)];
	struct victim v = { .ring = ring, .args = join_args(DMP_ROLE_CONSUMER, name) };

	v.args.policy = policy;
	if (!upstream)
		return v;
	memset(after, 0, DMP_MEMBER_NAME_MAX);
	strcpy(after, upstream);
	join_after_names(&v.args, (const char(*)[DMP_MEMBER_NAME_MAX])after, 1);
	return v;
}

static void stay(void)
{
	for (;;)
		pause();
}

static void leave_an_heir(struct victim *v)
{
	if (!fork()) {
		store_shared(&v->shared[HEIR], (uint64_t)getpid());
		stay();
	}
	await_shared(&v->shared[HEIR], 1);
}

static int die(void *arg)
{
	struct victim *v = arg;
	struct dmp_join *joined = (void *)(v->shared + WORDS);
	struct raw c;

	if (v->uid)
		become(v->uid);
	c = raw_join_with(v->ring, &v->args);
	__atomic_store_n(&c.own->cursor, v->released, __ATOMIC_RELEASE);
	*joined = v->args;
	if (v->heir)
		leave_an_heir(v);
	store_shared(&v->shared[READY], 1);
	if (v->way == KILLED)
		stay();
	await_shared(&v->shared[CUE], 1);
	if (v->way == EXECED)
		execlp("sleep", "sleep", "1000", NULL);
	if (v->way == EXITED)
		return 0;
	raw_close(&c);
	stay();
	return 0;
}

#define SHARED (WORDS * sizeof(uint64_t) + sizeof(struct dmp_join))

void start_victim(struct victim *v)
{
	v->shared = shared_memory(SHARED);
	v->pid = start_child(die, v);
	assert_int_equal(finish_unless_shared(v->pid, &v->shared[READY], 1), 0);
	memcpy(&v->args, v->shared + WORDS, sizeof(v->args));
}

static bool is_over(void *arg)
{
	const struct victim *v = arg;
	struct dmp_member_info m = entry_at(v->ring, v->args.index);

	return m.state != DMP_MEMBER_JOINED || m.incarnation != v->args.incarnation;
}

void end_victim(struct victim *v)
{
	if (v->way == KILLED)
		assert_int_equal(kill(v->pid, SIGKILL), 0);
	else
		store_shared(&v->shared[CUE], 1);
	await(is_over, v, "a death");
}

/* Its file is released when nobody has it mapped or open: the process is reaped, or has exec'ed. */
void bury_victim(struct victim *v)
{
	if (v->way == EXITED)
		assert_int_equal(finish_child(v->pid), 0);
	else
		kill(v->pid, SIGKILL), finish_child(v->pid);
	if (v->heir)
		assert_int_equal(kill((pid_t)v->shared[HEIR], SIGKILL), 0);
	free_shared_memory(v->shared, SHARED);
}

void one_victim(struct victim *v)
{
	start_victim(v);
	end_victim(v);
	bury_victim(v);
}

struct victim held_victim(int ring, const char *upstream, uint64_t hold)
{
	struct victim v = victim_of(ring, "a", upstream, DMP_POLICY_HOLD);

	v.args.hold = hold;
	return v;
}

struct dmp_join like(const struct victim *v)
{
	struct dmp_join args = join_args(DMP_ROLE_CONSUMER, v->args.name);

	args.policy = DMP_POLICY_HOLD;
	args.hold = FOR_EVER;
	args.deps = v->args.deps;
	args.ndeps = v->args.ndeps;
	return args;
}

int rejoin(const struct victim *v)
{
	struct dmp_join args = like(v);

	return ring_join(v->ring, &args);
}

struct raw resume(const struct victim *v)
{
	struct dmp_join args = like(v);

	return raw_join_with(v->ring, &args);
}

struct dmp_member_info entry_at(int ring, uint32_t index)
{
	struct dmp_member_info table[128], none = { 0 };
	struct dmp_members args = {
		.size = sizeof(args),
		.entry_size = sizeof(table[0]),
		.entries = (uintptr_t)table,
		.count = ARRAY_SIZE(table),
	};
	uint32_t i;

	assert_int_equal(xioctl(ring, DMP_IOC_MEMBERS, &args), 0);
	for (i = 0; i < args.count; i++)
		if (table[i].index == index)
			return table[i];
	return none;
}
