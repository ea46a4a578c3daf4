/* SPDX-License-Identifier: MIT */
/* Formatted text: what printf is made of.  Pure: no hardware, no allocation. */
#pragma once

#include <stdarg.h>
#include "guest/lib/types.h"

/*
 * Writes the text to `to`, at most size - 1 bytes and a NUL, and returns the length that
 * it has (or would have with room enough).  Conversions: %d %i %u %x %X %p %s %c %%, with
 * h, hh, l, ll, z; flags 0 and -; width and precision as numbers or '*'.  No floating point.
 */
size_t format_text(char *to, size_t size, const char *format, ...) __printf(3, 4);
size_t format_text_v(char *to, size_t size, const char *format, va_list args) __printf(3, 0);
