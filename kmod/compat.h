/* SPDX-License-Identifier: GPL-2.0 */
/* compat.h: what differs between kernels 6.1 and 6.12, in one place */
#ifndef DMP_COMPAT_H
#define DMP_COMPAT_H

#include <linux/mm.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void dmp_vma_flags(struct vm_area_struct *vma, unsigned long set, unsigned long clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#else
static inline void dmp_vma_flags(struct vm_area_struct *vma, unsigned long set, unsigned long clear)
{
	vm_flags_mod(vma, set, clear);
}
#endif

/* __assign_str() lost its second argument in 6.10. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define dmp_assign_str(field, value) __assign_str(field, value)
#else
#define dmp_assign_str(field, value) __assign_str(field)
#endif

#endif /* DMP_COMPAT_H */
