// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* words.c: what the numbers of the ABI are called */
#include <string.h>

#include "tool.h"

static const char *word(const char *const *words, size_t count, uint32_t i)
{
	return i < count && words[i] ? words[i] : "unknown";
}

const char *role_word(uint32_t role)
{
	static const char *const words[] = {
		[DMP_ROLE_PRODUCER] = "producer",
		[DMP_ROLE_CONSUMER] = "consumer",
		[DMP_ROLE_OBSERVER] = "observer",
	};

	return word(words, ARRAY_SIZE(words), role);
}

const char *state_word(uint32_t state)
{
	static const char *const words[] = {
		[DMP_MEMBER_FREE] = "free",
		[DMP_MEMBER_JOINED] = "joined",
		[DMP_MEMBER_LEFT] = "left",
		[DMP_MEMBER_HELD] = "held",
	};

	return word(words, ARRAY_SIZE(words), state);
}

const char *policy_word(uint32_t policy)
{
	static const char *const words[] = {
		[DMP_POLICY_DEFAULT] = "default",
		[DMP_POLICY_DROP] = "drop",
		[DMP_POLICY_HOLD] = "hold",
		[DMP_POLICY_FAIL] = "fail",
	};

	return word(words, ARRAY_SIZE(words), policy);
}

const char *ended_word(uint32_t ended)
{
	static const char *const words[] = {
		[DMP_END_NONE] = "none",
		[DMP_END_OPEN] = "open",
		[DMP_END_CLEAN] = "finished",
		[DMP_END_CRASHED] = "crashed",
	};

	return word(words, ARRAY_SIZE(words), ended);
}

const char *ended_phrase(uint32_t ended)
{
	static const char *const phrases[] = {
		[DMP_END_NONE] = "no producer yet",
		[DMP_END_OPEN] = "a producer is there",
		[DMP_END_CLEAN] = "finished by its producer",
		[DMP_END_CRASHED] = "the producer left without finishing",
	};

	return word(phrases, ARRAY_SIZE(phrases), ended);
}

const char *waiting_word(uint32_t waiting)
{
	if (waiting & DMP_WAITING_ASLEEP)
		return "asleep";
	return waiting & DMP_WAITING_ARMED ? "armed" : "no";
}

const char *flag_word(uint32_t flags, unsigned int i)
{
	static const struct {
		uint32_t flag;
		const char *word;
	} words[] = {
		{ DMP_RING_STAMPED, "stamped" },
		{ DMP_RING_FENCED, "fenced" },
		{ DMP_RING_PERSISTENT, "persistent" },
		{ DMP_RING_MULTI, "multi" },
	};
	size_t w;

	for (w = 0; w < ARRAY_SIZE(words); w++)
		if ((flags & words[w].flag) && !i--)
			return words[w].word;
	return NULL;
}

const char *thread_word(uint32_t letter)
{
	static const struct {
		uint32_t letter;
		const char *word;
	} words[] = {
		{ 'R', "running" }, { 'S', "asleep" }, { 'D', "in the kernel" }, { 'T', "stopped" },
		{ 't', "traced" },  { 'X', "dead" },   { 'Z', "dead" },
	};
	size_t w;

	for (w = 0; w < ARRAY_SIZE(words); w++)
		if (words[w].letter == letter)
			return words[w].word;
	return "unknown";
}

void rights_word(uint32_t rights, char to[4])
{
	to[0] = rights & DMP_RIGHT_R ? 'r' : '-';
	to[1] = rights & DMP_RIGHT_W ? 'w' : '-';
	to[2] = rights & DMP_RIGHT_X ? 'x' : '-';
	to[3] = '\0';
}

const char *printable(const char *text, char *to, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size && text[i]; i++)
		to[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	to[i] = '\0';
	return to;
}
