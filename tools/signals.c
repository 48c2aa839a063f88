// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* signals.c: the signals by which people end a program, so that it can still say what it knows */
#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include "tool.h"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

static volatile sig_atomic_t noted;

static void note(int signal)
{
	noted = signal;
}

/* Without SA_RESTART: what waits comes back. One that was ignored from the start (nohup) stays so. */
void catch_signals(void)
{
	struct sigaction action = { .sa_handler = note, .sa_flags = SA_RESETHAND }, old;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
}

bool was_signalled(void)
{
	return noted;
}

void die_of_signal(void)
{
	if (!noted)
		return;
	signal(noted, SIG_DFL);
	raise(noted);
}

static sigset_t all_of_them(void)
{
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	return set;
}

void block_signals(void)
{
	sigset_t set = all_of_them();

	sigprocmask(SIG_BLOCK, &set, NULL);
}

void await_signal(void)
{
	sigset_t set = all_of_them();
	int signal;

	sigwait(&set, &signal);
}
