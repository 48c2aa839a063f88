// SPDX-License-Identifier: GPL-2.0
/* args.c: ioctl arguments that carry their size, and names */
#include <linux/ctype.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "dmp.h"

/*
 * Copy a struct in. Its first field is its size as the caller knows it: shorter than ours, the rest is zero; longer, the
 * rest must be zero. first is the size of its first version.
 */
int dmp_args_in(void *to, size_t size, size_t first, const void __user *from)
{
	u32 usize;
	int err;

	if (get_user(usize, (const u32 __user *)from))
		return -EFAULT;
	if (usize < first)
		return -EINVAL;
	if (usize > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(to, size, from, usize);
	if (err)
		return err;
	*(u32 *)to = min_t(u32, usize, size); /* the caller may have changed it since */
	return 0;
}

/* Copy a struct out, as much of it as the caller knows: its size is what dmp_args_in() left there. */
int dmp_args_out(void __user *to, const void *from, size_t size)
{
	return copy_to_user(to, from, min_t(size_t, *(const u32 *)from, size)) ? -EFAULT : 0;
}

/* Copy entries out, each as long as the caller knows it. */
int dmp_args_put_array(u64 to, u32 entry_size, const void *entries, size_t size, u32 count)
{
	size_t known = min_t(size_t, entry_size, size);
	u32 i;

	for (i = 0; i < count; i++, entries += size, to += entry_size)
		if (copy_to_user(u64_to_user_ptr(to), entries, known) ||
		    clear_user(u64_to_user_ptr(to) + known, entry_size - known))
			return -EFAULT;
	return 0;
}

static bool is_name_char(char c)
{
	return (isascii(c) && isalnum(c)) || c == '_' || c == '.' || c == '-';
}

/* A name is [A-Za-z0-9_.-]+, ends with a NUL inside its field and has nothing behind it. */
int dmp_name_check(const char *name, size_t size, bool may_be_empty)
{
	size_t len = strnlen(name, size), i;

	if (len == size || (!len && !may_be_empty))
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (!is_name_char(name[i]))
			return -EINVAL;
	return memchr_inv(name + len, 0, size - len) ? -EINVAL : 0;
}
