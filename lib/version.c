// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* version.c: the version of the library that runs, and its clock */
#include "internal.h"

const char *dmp_version(void)
{
	return DMP_VERSION;
}

uint64_t dmp_now(void)
{
	return dmp_sys_now();
}

#ifdef DMP_TEST_POINTS
void (*dmp_test_hook)(enum dmp_test_point point);
#endif
