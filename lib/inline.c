// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* inline.c: the inline calls as linkable symbols, for other languages */
#define DMP_INLINE
#include <dmp.h>
