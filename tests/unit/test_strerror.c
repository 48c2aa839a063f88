// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_strerror.c: dmp_strerror: each error of the library has one sentence, of its own */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <dmp.h>

/* All that dmp.h, dmp/ and linux/dmp.h name. */
static const int errors[] = { E2BIG,   EACCES,	    EAGAIN,   EBADF,	 EBUSY,	     EDEADLK,	 EDQUOT,
			      EEXIST,  EFAULT,	    EFBIG,    EHOSTDOWN, EINTR,	     EINVAL,	 EIO,
			      EISCONN, EMEDIUMTYPE, EMFILE,   ENFILE,	 ENOBUFS,    ENODEV,	 ENOENT,
			      ENOMEM,  ENOSPC,	    ENOTCONN, ENOTTY,	 EOPNOTSUPP, EOWNERDEAD, EPERM,
			      EPIPE,   EPROTO,	    ERANGE,   ESTALE,	 ETIMEDOUT,  EUCLEAN,	 EUNATCH };

#define ERRORS (sizeof(errors) / sizeof(*errors))

static void each_error_has_one_sentence_of_its_own(void **state)
{
	const char *s;
	size_t i, k;

	(void)state;
	for (i = 0; i < ERRORS; i++) {
		s = dmp_strerror(-errors[i]);
		assert_string_not_equal(s, strerror(errors[i]));
		assert_null(strpbrk(s, "\n\t%"));
		assert_int_not_equal(s[strlen(s) - 1], '.');
		for (k = 0; k < i; k++)
			assert_string_not_equal(s, dmp_strerror(-errors[k]));
	}
}

static void of_other_errors_the_c_library_speaks(void **state)
{
	(void)state;
	assert_string_equal(dmp_strerror(-ENAMETOOLONG), strerror(ENAMETOOLONG)); /* a hole in the table */
	assert_string_equal(dmp_strerror(-4095), strerror(4095));
	assert_string_equal(dmp_strerror(0), strerror(0));
}

static void what_is_no_error_is_no_crash(void **state)
{
	(void)state;
	assert_non_null(dmp_strerror(EINVAL));
	assert_string_not_equal(dmp_strerror(EINVAL), dmp_strerror(-EINVAL));
	assert_non_null(dmp_strerror(INT_MIN));
	assert_non_null(dmp_strerror(INT_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_error_has_one_sentence_of_its_own),
		cmocka_unit_test(of_other_errors_the_c_library_speaks),
		cmocka_unit_test(what_is_no_error_is_no_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
