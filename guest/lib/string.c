/* SPDX-License-Identifier: MIT */
/* The C library's memory and string functions; the compiler calls some of them by itself. */
#include "guest/lib/string.h"

#define BLOCK 128ul

/* blocks.asm; @count: of blocks, not 0. */
void copy_blocks(void *to, const void *from, size_t count);
void set_blocks(void *to, size_t word, size_t count);

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	char *at = to;
	const char *source = from;
	size_t whole = n & ~(BLOCK - 1), words = n % BLOCK / 8, rest = n % 8;
	if (whole) {
		copy_blocks(at, source, whole / BLOCK);
		at += whole;
		source += whole;
	}
	__asm__ volatile("rep movsq" : "+D"(at), "+S"(source), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(at), "+S"(source), "+c"(rest) : : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	if ((size_t)to - (size_t)from >= n)
		return memcpy(to, from, n);
	const char *last = (const char *)from + n - 1;
	void *at = (char *)to + n - 1;
	__asm__ volatile("std; rep movsb; cld" : "+D"(at), "+S"(last), "+c"(n) : : "memory");
	return to;
}

void *memset(void *to, int byte, size_t n)
{
	char *at = to;
	size_t whole = n & ~(BLOCK - 1), words = n % BLOCK / 8, rest = n % 8,
	       word = 0x0101010101010101ul * (unsigned char)byte;
	if (whole) {
		set_blocks(at, word, whole / BLOCK);
		at += whole;
	}
	__asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(word) : "memory");
	__asm__ volatile("rep stosb" : "+D"(at), "+c"(rest) : "a"(word) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;
	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;
	while (s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)(size_t)s;
		if (!*s)
			return NULL;
	}
}
