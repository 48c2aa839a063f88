// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* helpers.c: see helpers.h */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <dmp.h>

#include "helpers.h"

#define AWAIT_NS 120000000000ULL

bool is_soak(void)
{
	return getenv("DMP_SOAK") != NULL;
}

bool is_debug_kernel(void)
{
	return getenv("DMP_DEBUG_KERNEL") != NULL;
}

uint64_t rounds(uint64_t brief, uint64_t soak)
{
	if (is_soak())
		return soak;
	return is_debug_kernel() ? (brief + 9) / 10 : brief;
}

struct name unique_name(const char *what)
{
	static unsigned int calls;
	struct name name;

	snprintf(name.s, sizeof(name.s), "%.30s-%d-%u", what, (int)getpid(), ++calls);
	return name;
}

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

uint64_t wait_long(void)
{
	return now_ns() + LONG_NS;
}

void await(bool (*is)(void *), void *arg, const char *what)
{
	const struct timespec millisecond = { .tv_nsec = 1000000 };
	uint64_t end = now_ns() + AWAIT_NS;

	while (!is(arg)) {
		if (now_ns() > end)
			fail_msg("waited in vain for: %s", what);
		nanosleep(&millisecond, NULL);
	}
}

int xioctl(int fd, unsigned long cmd, const void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

int xopen(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

/* ---- rings and members ---- */

struct dmp_info ring_info(int fd)
{
	struct dmp_info info = { .size = sizeof(info) };

	assert_int_equal(xioctl(fd, DMP_IOC_INFO, &info), 0);
	return info;
}

bool find_member(int fd, const char *name, struct dmp_member_info *m)
{
	struct dmp_member_info table[128];
	struct dmp_members args = {
		.size = sizeof(args),
		.entry_size = sizeof(table[0]),
		.entries = (uintptr_t)table,
		.count = ARRAY_SIZE(table),
	};
	uint32_t i;

	assert_int_equal(xioctl(fd, DMP_IOC_MEMBERS, &args), 0);
	assert_true(args.count <= ARRAY_SIZE(table));
	for (i = 0; i < args.count; i++) {
		*m = table[i];
		if (m->state == DMP_MEMBER_JOINED && !strcmp(m->name, name))
			return true;
	}
	return false;
}

struct dmp_member_info member_info(int fd, const char *name)
{
	struct dmp_member_info m;

	if (!find_member(fd, name, &m))
		fail_msg("no member %s", name);
	return m;
}

struct awaited {
	int fd;
	const char *name;
	uint32_t waiting;
	uint32_t count;
};

static bool is_waiting(void *arg)
{
	const struct awaited *a = arg;
	struct dmp_member_info m;

	return find_member(a->fd, a->name, &m) && (m.waiting & a->waiting);
}

void await_asleep(int fd, const char *name)
{
	struct awaited a = { .fd = fd, .name = name, .waiting = DMP_WAITING_ASLEEP };

	await(is_waiting, &a, "a member that sleeps");
}

void await_armed(int fd, const char *name)
{
	struct awaited a = { .fd = fd, .name = name, .waiting = DMP_WAITING_ARMED };

	await(is_waiting, &a, "a member that is armed");
}

static bool have_joined(void *arg)
{
	const struct awaited *a = arg;

	return ring_info(a->fd).joined == a->count;
}

void await_joined(int fd, uint32_t count)
{
	struct awaited a = { .fd = fd, .count = count };

	await(have_joined, &a, "a number of members");
}

/* ---- by library ---- */

struct dmp_ring *make_ring(uint64_t slots, uint32_t event_size, uint32_t flags)
{
	struct dmp_ring_options options = { .slots = slots, .event_size = event_size, .members = 80, .flags = flags };
	struct dmp_ring *ring = NULL;

	assert_int_equal(dmp_ring_create(&ring, NULL, &options), 0);
	return ring;
}

struct dmp_member *join(struct dmp_ring *ring, uint32_t role, const char *name)
{
	struct dmp_join_options options = { .name = name };
	struct dmp_member *member = NULL;

	assert_int_equal(dmp_join(ring, role, &options, &member), 0);
	return member;
}

struct dmp_member *join_after(struct dmp_ring *ring, const char *name, const char *const *after, uint32_t count)
{
	struct dmp_join_options options = { .name = name, .after = after, .after_count = count };
	struct dmp_member *member = NULL;

	assert_int_equal(dmp_join(ring, DMP_ROLE_CONSUMER, &options, &member), 0);
	return member;
}

/* ---- the module ---- */

int module_references(void)
{
	char text[32] = "";
	int fd = xopen("/sys/module/dmp/refcnt", O_RDONLY);

	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return atoi(text);
}

bool module_is_unused(void *unused)
{
	(void)unused;
	return module_references() == 0;
}

bool module_is_back(void *before)
{
	return module_references() == *(int *)before;
}

/* ---- children ---- */

/* cmocka catches these to fail the test that runs; a child just dies. Its failing assertions print and abort. */
static void leave_cmocka(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS };
	const struct rlimit no_core = { 0, 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_DFL);
	setrlimit(RLIMIT_CORE, &no_core);
	setenv("CMOCKA_TEST_ABORT", "1", 1);
}

static void die_with_parent(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (parent && getppid() != parent && getpid() != 1) /* the first in a pid namespace sees no parent */
		_exit(99);
}

pid_t start_child(child_fn fn, void *arg)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		int code;

		die_with_parent(parent);
		leave_cmocka();
		code = fn(arg);
		fflush(NULL);
		_exit(code);
	}
	assert_true(pid > 0);
	return pid;
}

int finish_child(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int run_child(child_fn fn, void *arg)
{
	return finish_child(start_child(fn, arg));
}

void kill_child(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(finish_child(pid), 128 + SIGKILL);
}

void *shared_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

void free_shared_memory(void *p, size_t size)
{
	munmap(p, size);
}

struct shared_word {
	const uint64_t *word;
	uint64_t value;
};

static bool word_is_there(void *arg)
{
	const struct shared_word *s = arg;

	return __atomic_load_n(s->word, __ATOMIC_ACQUIRE) >= s->value;
}

void await_shared(const uint64_t *word, uint64_t value)
{
	struct shared_word s = { word, value };

	await(word_is_there, &s, "another process");
}

struct child_or_word {
	pid_t pid;
	struct shared_word word;
	int status;
	bool ended;
};

static bool child_or_word_is_there(void *arg)
{
	struct child_or_word *c = arg;

	c->ended = waitpid(c->pid, &c->status, WNOHANG) == c->pid;
	return c->ended || word_is_there(&c->word);
}

int finish_unless_shared(pid_t pid, const uint64_t *word, uint64_t value)
{
	struct child_or_word c = { .pid = pid, .word = { word, value } };

	await(child_or_word_is_there, &c, "a child");
	if (!c.ended)
		return 0;
	return WIFSIGNALED(c.status) ? 128 + WTERMSIG(c.status) : 1000 + WEXITSTATUS(c.status);
}

void store_shared(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* ---- who and where we are ---- */

void become(uid_t uid)
{
	pid_t parent = getppid();

	assert_int_equal(setgroups(0, NULL), 0);
	assert_int_equal(setresgid(uid, uid, uid), 0);
	assert_int_equal(setresuid(uid, uid, uid), 0);
	/* What the change of uid took away: the parent's grip, and the right to open one's own /proc/self/mem. */
	assert_int_equal(prctl(PR_SET_DUMPABLE, 1), 0);
	die_with_parent(parent);
}

void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

void pin_to_cpu(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}
