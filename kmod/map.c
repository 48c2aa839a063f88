// SPDX-License-Identifier: GPL-2.0
/*
 * map.c: the pages of a ring, and who may map which
 *
 * Control pages (meta, cursor, members) are mapped by page frame, so that nobody can pin them past munmap. Data pages are
 * ordinary pages of the mapping, so that O_DIRECT and io_uring work on events; a page that was dropped (MADV_DONTNEED)
 * comes back through ->fault. Everything is allocated at creation: no fault and no ENOMEM on the hot path later.
 */
#include <linux/highmem.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "compat.h"
#include "dmp.h"

/* __GFP_NORETRY: at the limit the caller gets -ENOMEM, nobody is killed for it. */
#define DMP_GFP (GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NORETRY | __GFP_NOWARN)

static unsigned long meta_pages(u32 members)
{
	return PFN_UP(DMP_TABLE_OFF + (size_t)members * sizeof(struct dmp_entry));
}

static unsigned long control_pages(u32 members)
{
	return meta_pages(members) + 1 + (unsigned long)members * DMP_MEMBER_PAGES;
}

u64 dmp_map_bytes(const struct dmp_create *args)
{
	u64 data = args->slots * dmp_stride(args->event_size, args->flags & DMP_RING_STAMPED);

	return data + ((u64)control_pages(args->members) << PAGE_SHIFT);
}

static void free_pages_of(struct page **pages, unsigned long n)
{
	unsigned long i;

	for (i = 0; pages && i < n; i++) {
		if (pages[i])
			__free_page(pages[i]);
		cond_resched();
	}
	kvfree(pages);
}

/* n zeroed pages, one by one, so that a fatal signal is answered at once. */
static int alloc_pages_of(struct page ***pages, unsigned long n)
{
	unsigned long i;

	*pages = kvcalloc(n, sizeof(**pages), DMP_GFP);
	if (!*pages)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		(*pages)[i] = alloc_page(DMP_GFP);
		if (!(*pages)[i])
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

int dmp_map_alloc(struct dmp_ring *ring)
{
	void *kernel;
	int err;

	ring->meta_pages = meta_pages(ring->members);
	ring->control_pages = control_pages(ring->members);
	ring->data_pages = (ring->slots * ring->stride) >> PAGE_SHIFT;
	err = alloc_pages_of(&ring->control, ring->control_pages);
	if (!err)
		err = alloc_pages_of(&ring->data, ring->data_pages);
	if (err)
		return err;
	kernel = vmap(ring->control, ring->control_pages, VM_MAP, PAGE_KERNEL);
	if (!kernel)
		return -ENOMEM;
	ring->meta = kernel;
	ring->table = kernel + DMP_TABLE_OFF;
	ring->cursor = kernel + (ring->meta_pages << PAGE_SHIFT);
	return 0;
}

void dmp_map_free(struct dmp_ring *ring)
{
	vunmap(ring->meta);
	free_pages_of(ring->control, ring->control_pages);
	free_pages_of(ring->data, ring->data_pages);
}

static int map_control(struct dmp_ring *ring, struct vm_area_struct *vma, unsigned long first)
{
	unsigned long n = vma_pages(vma), i;
	int err = 0;

	for (i = 0; i < n && !err; i++)
		err = remap_pfn_range(vma, vma->vm_start + (i << PAGE_SHIFT), page_to_pfn(ring->control[first + i]),
				      PAGE_SIZE, vma->vm_page_prot);
	return err;
}

/* A data page that the process gave back: the same page again. */
static vm_fault_t data_fault(struct vm_fault *vmf)
{
	struct dmp_member *m = vmf->vma->vm_file->private_data;
	unsigned long n = vmf->pgoff - (DMP_OFF_DATA >> PAGE_SHIFT);

	if (n >= 2 * m->ring->data_pages)
		return VM_FAULT_SIGBUS;
	vmf->page = m->ring->data[n % m->ring->data_pages];
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct data_ops = {
	.fault = data_fault,
};

/* The slots, as often in a row as the mapping is long. */
static int map_data(struct dmp_ring *ring, struct vm_area_struct *vma)
{
	unsigned long at = vma->vm_start;
	int err = 0;

	vma->vm_ops = &data_ops;
	for (; at < vma->vm_end && !err; at += ring->data_pages << PAGE_SHIFT) {
		unsigned long left = ring->data_pages;

		err = vm_insert_pages(vma, at, ring->data, &left);
	}
	return err;
}

/* What is not granted now is never granted: not by mprotect, ptrace or /proc/PID/mem later. Nobody runs events. */
static int grant(struct vm_area_struct *vma, bool write)
{
	unsigned long refused = VM_EXEC | (write ? 0 : VM_WRITE);

	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_flags & refused)
		return -EACCES;
	dmp_vma_flags(vma, 0, VM_MAYEXEC | (write ? 0 : VM_MAYWRITE));
	return 0;
}

struct region {
	unsigned long first, pages; /* in ring->control; data: pages is the whole size */
	bool write;
};

static int find_region(const struct dmp_member *m, u64 offset, struct region *r)
{
	const struct dmp_ring *ring = m->ring;
	bool producer = m->role == DMP_ROLE_PRODUCER;
	unsigned long members = ring->meta_pages + 1;

	switch (offset) {
	case DMP_OFF_META:
		*r = (struct region){ 0, ring->meta_pages, false };
		return 0;
	case DMP_OFF_CURSOR:
		*r = (struct region){ ring->meta_pages, 1, producer };
		return 0;
	case DMP_OFF_MEMBERS:
		*r = (struct region){ members, ring->control_pages - members, false };
		return 0;
	case DMP_OFF_SELF:
		*r = (struct region){ members + m->index * DMP_MEMBER_PAGES, DMP_MEMBER_PAGES, true };
		return 0;
	case DMP_OFF_DATA:
		*r = (struct region){ 0, ring->data_pages, producer };
		return 0;
	default:
		return -EINVAL;
	}
}

int dmp_map_mmap(struct dmp_member *m, struct vm_area_struct *vma)
{
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	bool data = offset == DMP_OFF_DATA;
	struct region r;
	int err = find_region(m, offset, &r);

	if (err)
		return err;
	if (vma_pages(vma) != r.pages && !(data && vma_pages(vma) == 2 * r.pages))
		return -EINVAL;
	err = grant(vma, r.write);
	if (err)
		return err;
	dmp_vma_flags(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP, 0);
	return data ? map_data(m->ring, vma) : map_control(m->ring, vma, r.first);
}
