/* SPDX-License-Identifier: MIT */
/* Formatted text into a bounded buffer: what the log and panic() are made of. */
#pragma once

#include <stdarg.h>

#include "lib/types.h"

/*
 * Like C's snprintf(), with the conversions %d %i %u %x %X %c %s %p %%, the length
 * modifiers l, ll and z, the flags 0 - and #, a width and, for %s, a precision
 * (each a number or *).  Always ends @buf with a NUL if @size > 0.  Returns the
 * bytes written without the NUL (not, as C's does, what there was no room for).
 */
size_t printf_format(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
size_t printf_vformat(char *buf, size_t size, const char *fmt, va_list ap) __printf(3, 0);
