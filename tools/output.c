// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* output.c: write all of it */
#include <errno.h>
#include <sys/uio.h>

#include "tool.h"

/* Step over n bytes. Returns how many vectors are behind us. */
static unsigned int advance(struct iovec *iov, unsigned int count, size_t n)
{
	unsigned int i;

	for (i = 0; i < count && n >= iov[i].iov_len; i++)
		n -= iov[i].iov_len;
	if (i < count) {
		iov[i].iov_base = (char *)iov[i].iov_base + n;
		iov[i].iov_len -= n;
	}
	return i;
}

int write_vector(int fd, struct iovec *iov, unsigned int count)
{
	while (count) {
		ssize_t n = writev(fd, iov, (int)count);
		unsigned int done;

		if (n < 0 && errno == EINTR && !was_signalled())
			continue;
		if (n < 0)
			return -errno;
		done = advance(iov, count, (size_t)n);
		iov += done;
		count -= done;
	}
	return 0;
}
