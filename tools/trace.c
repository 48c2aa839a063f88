// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* trace.c: what eBPF sees of all rings: live, or pinned for bpftool and cat */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/counters.skel.h"
#include "bpf/latency.skel.h"
#include "trace.h"

#define PINS	"/sys/fs/bpf/dmp"
#define LONGEST 3600000 /* ms */

struct trace {
	bool pin, unpin;
	const char *folder;
	uint64_t interval;
};

enum { PIN = 0x200, UNPIN, INTERVAL };

static const struct argp_option options[] = {
	{ "pin", PIN, NULL, 0, "Attach, and leave everything in DIR (" PINS "), on a bpf file system", 0 },
	{ "unpin", UNPIN, NULL, 0, "Take that away: then the module can be unloaded again", 0 },
	{ "interval", INTERVAL, "MS", 0, "Without --pin: show what is new every so many milliseconds (1000)", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct trace *t = state->input;

	switch (key) {
	case PIN:
		t->pin = true;
		return 0;
	case UNPIN:
		t->unpin = true;
		return 0;
	case INTERVAL:
		t->interval = number_option("interval", arg, 1, LONGEST);
		return 0;
	case ARGP_KEY_ARG:
		if (t->folder)
			fail_usage("'%s' is one argument too many; see %s --help", arg, state->name);
		t->folder = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[--pin [DIR] | --unpin [DIR]]",
	.doc = "Show how long it takes sleepers to run once they are woken, how long they slept, and how long the "
	       "killed "
	       "still hold producers up: histograms of each ring, until interrupted.\v"
	       "Pinned, 'cat DIR/rings' and 'cat DIR/members' print tables of all there is, in every namespace; "
	       "'bpftool map dump pinned DIR/counters' what each member has counted, those that have left, too; "
	       "'bpftool map dump pinned DIR/wake_to_run' a histogram of each ring in nanoseconds (also time_asleep "
	       "and kill_to_ungate). Only root reads them, unless you chmod 0444 a table. What is pinned holds the "
	       "module. More: dmp-trace(7).",
	.children = common_options,
};

/* ---- what it takes ---- */

/* The first thing libbpf complains of tells more than its error number. */
static char complaint[512];

static int note_complaint(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN && !complaint[0]) {
		vsnprintf(complaint, sizeof(complaint), format, args);
		complaint[strcspn(complaint, "\n")] = '\0';
	}
	return 0;
}

void fail_bpf(const char *what, int err)
{
	fail("%s: %s%s%s", what, strerror(-err), complaint[0] ? "; " : "", complaint);
}

void require_bpf(void)
{
	__u32 id;

	libbpf_set_print(note_complaint);
	if (access("/sys/module/dmp", F_OK))
		fail("the module is not loaded (make load): eBPF sees none of the rings of shm: and file:");
	if (access("/sys/kernel/btf/vmlinux", F_OK))
		fail("this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)");
	if (access("/sys/kernel/btf/dmp", F_OK))
		fail("the module has no BTF: install dwarves (pahole), then make kmod load");
	/* Loading takes CAP_BPF and CAP_PERFMON; to find the types of a module, this. */
	if (bpf_btf_get_next_id(0, &id) == -EPERM)
		fail("you may not load eBPF programs: be root (CAP_SYS_ADMIN)");
}

static void require_attached(int err)
{
	if (err)
		fail_bpf("the programs cannot be attached", err);
}

struct latency_bpf *attach_latency(void)
{
	struct latency_bpf *latency = latency_bpf__open_and_load();

	if (!latency)
		fail_bpf("the kernel does not take the programs", -errno);
	require_attached(latency_bpf__attach(latency));
	return latency;
}

struct counters_bpf *attach_counters(void)
{
	struct counters_bpf *counters = counters_bpf__open_and_load();

	if (!counters)
		fail_bpf("the kernel does not take the program that counts", -errno);
	require_attached(counters_bpf__attach(counters));
	return counters;
}

int cmd_trace(int argc, char **argv)
{
	struct trace t = { .interval = 1000 };

	parse_options(&argp, argc, argv, &t);
	if (t.pin && t.unpin)
		fail_usage("--pin or --unpin, not both");
	if (t.folder && !t.pin && !t.unpin)
		fail_usage("'%s' is for --pin or --unpin; see dmp trace --help", t.folder);
	if (!t.folder)
		t.folder = PINS;
	if (t.pin)
		pin_all(t.folder);
	else if (t.unpin)
		unpin_all(t.folder);
	else
		show_latency(t.interval);
	return 0;
}
