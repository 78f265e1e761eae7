/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "src/check-run.h"

#define LEAST 256u

void sfs_places_done(struct sfs_places *places)
{
	free(places->table);
	*places = (struct sfs_places){ 0 };
}

/* Where the place is, or where it would go. */
static struct sfs_place *seek(const struct sfs_places *places, uint32_t mark,
			      uint64_t pack, uint32_t offset)
{
	uint64_t h = (pack ^ (uint64_t)offset << 8 ^ mark) *
		     UINT64_C(0x9e3779b97f4a7c15);
	size_t mask = places->size - 1, i = (h >> 20) & mask;
	struct sfs_place *place;

	for (;; i = (i + 1) & mask) {
		place = &places->table[i];
		if (place->mark == 0 ||
		    (place->pack == pack && place->offset == offset &&
		     place->mark == mark))
			return place;
	}
}

static int grow(struct sfs_places *places)
{
	struct sfs_places larger = {
		.size = places->size ? places->size * 2 : LEAST,
		.count = places->count,
	};
	const struct sfs_place *old;
	size_t i;

	larger.table = sfs_calloc(larger.size, sizeof(*larger.table));
	if (!larger.table)
		return -ENOMEM;
	for (i = 0; i < places->size; i++) {
		old = &places->table[i];
		if (old->mark != 0)
			*seek(&larger, old->mark, old->pack, old->offset) =
				*old;
	}
	free(places->table);
	*places = larger;
	return 0;
}

bool sfs_places_has(const struct sfs_places *places, enum sfs_mark mark,
		    uint64_t pack, uint32_t offset)
{
	return places->size > 0 &&
	       seek(places, mark + 1u, pack, offset)->mark != 0;
}

int sfs_places_add(struct sfs_places *places, enum sfs_mark mark, uint64_t pack,
		   uint32_t offset)
{
	struct sfs_place *place;
	int r;

	if (places->count * 2 >= places->size) {
		r = grow(places);
		if (r < 0)
			return r;
	}
	place = seek(places, mark + 1u, pack, offset);
	if (place->mark != 0)
		return 0;
	*place = (struct sfs_place){ pack, offset, mark + 1u };
	places->count++;
	return 1;
}
