/* SPDX-License-Identifier: BSD-3-Clause */
/* support.h - cmocka and the few helpers all tests share. */
#ifndef HITHER_TESTS_SUPPORT_H
#define HITHER_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
