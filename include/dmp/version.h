/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
#ifndef DMP_VERSION_H
#define DMP_VERSION_H

#define DMP_VERSION_MAJOR 0
#define DMP_VERSION_MINOR 1
#define DMP_VERSION_PATCH 0
#define DMP_VERSION	  "0.1.0"

#endif /* DMP_VERSION_H */
