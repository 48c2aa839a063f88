// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_nothing_more.c: with everything attached and the sampler on, who produces and consumes makes no system call still */
#include "attached.h"

#define MEMBERS 16

static int detach(void **state)
{
	(void)state;
	detach_everything();
	return 0;
}

/* What a member of no_syscall had consumed at its last sample. */
struct sampled {
	unsigned long long ring, consumed[MEMBERS];
};

/* Is this the second sample of a consumer that had got on since the first? */
static bool got_on(struct sampled *last, unsigned long long ring, unsigned int member, unsigned long long consumed)
{
	bool is_second;

	assert_true(member < MEMBERS);
	if (ring != last->ring)
		*last = (struct sampled){ .ring = ring };
	is_second = last->consumed[member] && consumed > last->consumed[member];
	last->consumed[member] = consumed;
	return is_second;
}

/* A member's first sample may be from before its door was shut, and its last is from when it left: so this many. */
static int samples_on_the_way(void)
{
	FILE *trace = fopen(SAMPLES "/trace", "r");
	struct sampled last = { .ring = 0 };
	unsigned long long ring, consumed;
	const char *sample;
	unsigned int member;
	char line[1024];
	int count = 0;

	assert_non_null(trace);
	while (fgets(line, sizeof(line), trace)) {
		sample = strstr(line, "dmp_sample: ");
		if (sample &&
		    sscanf(sample, "dmp_sample: ring=%llu member=%u role=%*u name=c-%*s published=%*u consumed=%llu",
			   &ring, &member, &consumed) == 3)
			count += got_on(&last, ring, member, consumed);
	}
	fclose(trace);
	return count;
}

static void who_may_make_no_system_call_is_sampled_and_lives(void **state)
{
	struct programs before;
	const char *idle;
	struct command command;
	pid_t restless;
	struct said said;

	(void)state;
	attach_everything();
	restless = start_child(be_restless, NULL);
	before = programs_now();
	command = start_command("/dmp/tests/no_syscall");
	said = finish_command(&command);
	if (said.status)
		fail_msg("%s%s", said.out, said.err);
	idle = has_not_run(&before);
	if (idle)
		fail_msg("%s has not run meanwhile", idle);
	kill_child(restless);
	assert_true(samples_on_the_way() > 1);
	print_message("%d programs ran meanwhile, %d samples were taken on the way\n", before.count,
		      samples_on_the_way());
	forget(&said);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(who_may_make_no_system_call_is_sampled_and_lives, detach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
