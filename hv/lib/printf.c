/* SPDX-License-Identifier: MIT */
/* Formatted text; see lib/printf.h. */
#include "lib/printf.h"
#include "lib/string.h"

struct out {
	char *buf;
	size_t room; /* without the NUL */
	size_t used;
};

struct spec {
	bool left, zero, alt, upper;
	int width;
	int precision; /* -1: none */
	int length;    /* 0: int, 1: long or size_t, 2: long long */
};

static void put(struct out *o, char c)
{
	if (o->used < o->room)
		o->buf[o->used++] = c;
}

static void put_padded(struct out *o, const struct spec *s, const char *text, size_t n)
{
	size_t pad = s->width > 0 && (size_t)s->width > n ? (size_t)s->width - n : 0;

	if (!s->left)
		for (; pad; pad--)
			put(o, ' ');
	for (size_t i = 0; i < n; i++)
		put(o, text[i]);
	for (; pad; pad--)
		put(o, ' ');
}

static void put_number(struct out *o, const struct spec *s, u64 value, unsigned base, char sign)
{
	const char *digits = s->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[80];
	size_t at = sizeof(text), zeros;

	do {
		text[--at] = digits[value % base];
		value /= base;
	} while (value);
	zeros = (size_t)(s->zero && !s->left && s->width > 0 ? s->width : 0);
	zeros = MIN(zeros, (size_t)60);
	while (sizeof(text) - at + (sign ? 1 : 0) + (s->alt ? 2 : 0) < zeros)
		text[--at] = '0';
	if (s->alt && base == 16) {
		text[--at] = 'x';
		text[--at] = '0';
	}
	if (sign)
		text[--at] = sign;
	put_padded(o, s, text + at, sizeof(text) - at);
}

/* A number in @fmt, or the next int argument for "*". */
#define TAKE_NUMBER(fmt, ap, into)                                                                 \
	do {                                                                                       \
		(into) = 0;                                                                        \
		if (*(fmt) == '*') {                                                               \
			(into) = va_arg(ap, int);                                                  \
			(fmt)++;                                                                   \
		}                                                                                  \
		for (; *(fmt) >= '0' && *(fmt) <= '9'; (fmt)++)                                    \
			(into) = (into)*10 + (*(fmt) - '0');                                       \
	} while (0)

static const char *parse_flags(const char *fmt, struct spec *s)
{
	for (;; fmt++) {
		if (*fmt == '-')
			s->left = true;
		else if (*fmt == '0')
			s->zero = true;
		else if (*fmt == '#')
			s->alt = true;
		else
			return fmt;
	}
}

static const char *parse_length(const char *fmt, struct spec *s)
{
	for (;; fmt++) {
		if (*fmt == 'l')
			s->length++;
		else if (*fmt == 'z')
			s->length = 1;
		else
			return fmt;
	}
}

#define TAKE_SIGNED(s, ap)                                                                         \
	((s)->length == 0   ? (s64)va_arg(ap, int)                                                 \
	 : (s)->length == 1 ? (s64)va_arg(ap, long)                                                \
			    : (s64)va_arg(ap, long long))
#define TAKE_UNSIGNED(s, ap)                                                                       \
	((s)->length == 0   ? (u64)va_arg(ap, unsigned)                                            \
	 : (s)->length == 1 ? (u64)va_arg(ap, unsigned long)                                       \
			    : (u64)va_arg(ap, unsigned long long))

static void put_signed(struct out *o, const struct spec *s, s64 v)
{
	put_number(o, s, v < 0 ? 0 - (u64)v : (u64)v, 10, v < 0 ? '-' : 0);
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
	size_t max = s->precision >= 0 ? (size_t)s->precision : SIZE_MAX;

	if (!text)
		text = "(null)";
	put_padded(o, s, text, strnlen(text, max));
}

size_t printf_vformat(char *buf, size_t size, const char *fmt, va_list args)
{
	struct out o = {.buf = buf, .room = size ? size - 1 : 0};
	va_list ap;
	char c;

	va_copy(ap, args);
	for (; *fmt; fmt++) {
		struct spec s = {.precision = -1};

		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		fmt = parse_flags(fmt + 1, &s);
		TAKE_NUMBER(fmt, ap, s.width);
		if (*fmt == '.') {
			fmt++;
			TAKE_NUMBER(fmt, ap, s.precision);
		}
		fmt = parse_length(fmt, &s);
		switch (*fmt) {
		case 'd':
		case 'i':
			put_signed(&o, &s, TAKE_SIGNED(&s, ap));
			break;
		case 'u':
			put_number(&o, &s, TAKE_UNSIGNED(&s, ap), 10, 0);
			break;
		case 'X':
			s.upper = true;
			/* fall through */
		case 'x':
			put_number(&o, &s, TAKE_UNSIGNED(&s, ap), 16, 0);
			break;
		case 'p':
			s.alt = true;
			put_number(&o, &s, (u64)(uintptr_t)va_arg(ap, void *), 16, 0);
			break;
		case 'c':
			c = (char)va_arg(ap, int);
			put_padded(&o, &s, &c, 1);
			break;
		case 's':
			put_string(&o, &s, va_arg(ap, const char *));
			break;
		case '%':
			put(&o, '%');
			break;
		default: /* not a conversion that exists: show it */
			put(&o, '%');
			if (!*fmt)
				goto end;
			put(&o, *fmt);
		}
	}
end:
	va_end(ap);
	if (size)
		buf[o.used] = 0;
	return o.used;
}

size_t printf_format(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = printf_vformat(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
