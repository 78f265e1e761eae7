/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPFS_FORMAT_XXH_H
#define SNAPFS_FORMAT_XXH_H

/*
 * XXH3, in the widest form that the processor has where the library can tell:
 * compiled in or called plainly it is what every x86-64 can do, which is less
 * than half as fast, and a hash is all that an unchanged disk costs.
 */

#include <xxhash.h>

#if SFS_XXH_DISPATCH
#include <xxh_x86dispatch.h>
#endif

#endif
