// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* map.c: the regions of a member file: map, check, unmap */
#include <errno.h>
#include <sys/mman.h>

#include "internal.h"

#define SEQUENCES (1 + DMP_MAX_GATES)

static int map_region(struct dmp_maps_ *maps, enum dmp_region_ r, int fd, uint64_t size, bool write)
{
	static const uint64_t offset[DMP_REGIONS_] = {
		[DMP_META_] = DMP_OFF_META, [DMP_CURSOR_] = DMP_OFF_CURSOR, [DMP_MEMBERS_] = DMP_OFF_MEMBERS,
		[DMP_SELF_] = DMP_OFF_SELF, [DMP_DATA_] = DMP_OFF_DATA,
	};
	int prot = write ? PROT_READ | PROT_WRITE : PROT_READ;
	int err = dmp_sys_map(&maps->region[r].at, size, prot, fd, offset[r]);

	if (!err)
		maps->region[r].size = size;
	return err;
}

/* A part of meta lies within what is mapped of it, where its type can lie. */
static bool within_meta(const struct dmp_meta *meta, uint64_t offset, uint64_t size)
{
	return !(offset % DMP_LINE) && offset <= meta->meta_size && size <= meta->meta_size - offset;
}

static bool slots_match(const struct dmp_meta *meta)
{
	bool stamped = meta->flags & DMP_RING_STAMPED;

	if ((meta->flags & DMP_RING_MULTI) && !stamped)
		return false;
	return meta->slots && !(meta->slots & (meta->slots - 1)) && meta->event_size && meta->stride &&
	       meta->stride == dmp_stride(meta->event_size, stamped) && meta->payload_off == (stamped ? 8 : 0) &&
	       meta->data_size / meta->stride == meta->slots && meta->data_size % meta->stride == 0;
}

bool dmp_layout_matches_(const struct dmp_meta *meta, uint64_t meta_size)
{
	if (dmp_load_acquire(meta->magic) != DMP_MAGIC || meta->abi != DMP_ABI_VERSION)
		return false;
	return meta->meta_size == meta_size && slots_match(meta) && meta->member_size >= 2 * DMP_PAGE &&
	       within_meta(meta, meta->notify_off, SEQUENCES * sizeof(struct dmp_notify)) &&
	       within_meta(meta, meta->table_off, (uint64_t)meta->members * sizeof(struct dmp_entry));
}

static bool has_place(const struct dmp_meta *meta, uint32_t role, uint32_t index)
{
	return index < meta->members && (role != DMP_ROLE_CONSUMER || index < DMP_MAX_GATES);
}

/* The data twice in a row: each batch is one span. The kernel maps no other sizes than the whole regions'. */
static int map_rest(struct dmp_maps_ *maps, int fd, uint32_t role, const struct dmp_meta *meta)
{
	bool producer = role == DMP_ROLE_PRODUCER;
	int err = map_region(maps, DMP_CURSOR_, fd, DMP_PAGE, producer);

	if (!err)
		err = map_region(maps, DMP_MEMBERS_, fd, (uint64_t)meta->members * meta->member_size, false);
	if (!err)
		err = map_region(maps, DMP_SELF_, fd, meta->member_size, true);
	if (!err)
		err = map_region(maps, DMP_DATA_, fd, 2 * meta->data_size, producer);
	return err == -EINVAL ? -EPROTO : err;
}

void dmp_unmap_(struct dmp_maps_ *maps)
{
	int r;

	for (r = 0; r < DMP_REGIONS_; r++)
		if (maps->region[r].size)
			dmp_sys_unmap(maps->region[r].at, maps->region[r].size);
}

int dmp_map_(struct dmp_maps_ *maps, int fd, uint32_t role, const struct dmp_join *joined)
{
	const struct dmp_meta *meta;
	int err;

	*maps = (struct dmp_maps_){ 0 };
	if (joined->meta_size < sizeof(struct dmp_meta))
		return -EPROTO;
	err = map_region(maps, DMP_META_, fd, joined->meta_size, false);
	meta = maps->region[DMP_META_].at;
	if (!err && !(dmp_layout_matches_(meta, joined->meta_size) && has_place(meta, role, joined->index)))
		err = -EPROTO;
	if (!err)
		err = map_rest(maps, fd, role, meta);
	if (err)
		dmp_unmap_(maps);
	return err;
}
