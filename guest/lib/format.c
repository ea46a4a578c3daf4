/* SPDX-License-Identifier: MIT */
/* Formatted text; see format.h. */
#include "guest/lib/format.h"

struct sink {
	char *to;
	size_t size;
	size_t length;
};

struct spec {
	bool left, zero, precise;
	u32 width, precision;
	u32 bytes; /* size of the integer argument */
};

static void put(struct sink *s, char c)
{
	if (s->length + 1 < s->size)
		s->to[s->length] = c;
	s->length++;
}

static void put_field(struct sink *s, const char *text, u32 length, const struct spec *spec)
{
	for (u32 n = length; !spec->left && n < spec->width; n++)
		put(s, ' ');
	for (u32 i = 0; i < length; i++)
		put(s, text[i]);
	for (u32 n = length; spec->left && n < spec->width; n++)
		put(s, ' ');
}

static void put_number(struct sink *s, u64 value, bool negative, u32 base, char conversion,
		       const struct spec *spec)
{
	const char *digits = conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[72];
	u32 at = sizeof(text), least = spec->precise ? spec->precision : 1;

	if (spec->zero && !spec->left && !spec->precise && spec->width > (negative ? 1u : 0u))
		least = spec->width - (negative ? 1u : 0u);
	least = MIN(least, 64u);
	for (u32 n = 0; value || n < least; n++) {
		text[--at] = digits[value % base];
		value /= base;
	}
	if (conversion == 'p') {
		text[--at] = 'x';
		text[--at] = '0';
	}
	if (negative)
		text[--at] = '-';
	put_field(s, text + at, (u32)sizeof(text) - at, spec);
}

static u64 take_unsigned(va_list *args, u32 bytes)
{
	if (bytes == 8)
		return va_arg(*args, u64);
	u32 v = va_arg(*args, u32);
	return bytes == 1 ? (u8)v : bytes == 2 ? (u16)v : v;
}

static s64 take_signed(va_list *args, u32 bytes)
{
	if (bytes == 8)
		return va_arg(*args, s64);
	s32 v = va_arg(*args, s32);
	return bytes == 1 ? (s8)v : bytes == 2 ? (s16)v : v;
}

static const char *parse_number(const char *f, u32 *value, va_list *args)
{
	if (*f == '*') {
		s32 v = va_arg(*args, s32);
		*value = v < 0 ? 0 : (u32)v;
		return f + 1;
	}
	for (*value = 0; *f >= '0' && *f <= '9'; f++)
		*value = *value * 10 + (u32)(*f - '0');
	return f;
}

static const char *parse_spec(const char *f, struct spec *spec, va_list *args)
{
	*spec = (struct spec){.bytes = 4};
	for (;; f++) {
		if (*f == '-')
			spec->left = true;
		else if (*f == '0')
			spec->zero = true;
		else
			break;
	}
	f = parse_number(f, &spec->width, args);
	if (*f == '.') {
		spec->precise = true;
		f = parse_number(f + 1, &spec->precision, args);
	}
	for (;; f++) {
		if (*f == 'l' || *f == 'z')
			spec->bytes = 8;
		else if (*f == 'h')
			spec->bytes /= 2;
		else
			return f;
	}
}

static void put_string(struct sink *s, const char *text, const struct spec *spec)
{
	u32 length = 0;

	if (!text)
		text = "(null)";
	while (text[length] && (!spec->precise || length < spec->precision))
		length++;
	put_field(s, text, length, spec);
}

static void put_conversion(struct sink *s, char c, struct spec *spec, va_list *args)
{
	char one;
	s64 v;

	switch (c) {
	case 'd':
	case 'i':
		v = take_signed(args, spec->bytes);
		put_number(s, v < 0 ? 0 - (u64)v : (u64)v, v < 0, 10, c, spec);
		return;
	case 'u':
		put_number(s, take_unsigned(args, spec->bytes), false, 10, c, spec);
		return;
	case 'x':
	case 'X':
		put_number(s, take_unsigned(args, spec->bytes), false, 16, c, spec);
		return;
	case 'p':
		put_number(s, take_unsigned(args, 8), false, 16, c, spec);
		return;
	case 's':
		put_string(s, va_arg(*args, const char *), spec);
		return;
	case 'c':
		one = (char)va_arg(*args, int);
		put_field(s, &one, 1, spec);
		return;
	default:
		put(s, c);
	}
}

size_t format_text_v(char *to, size_t size, const char *format, va_list args)
{
	struct sink s = {.to = to, .size = size};
	struct spec spec;
	va_list copy;

	va_copy(copy, args);
	for (const char *f = format; *f; f++) {
		if (*f != '%') {
			put(&s, *f);
			continue;
		}
		f = parse_spec(f + 1, &spec, &copy);
		if (!*f)
			break;
		put_conversion(&s, *f, &spec, &copy);
	}
	va_end(copy);
	if (size)
		to[MIN(s.length, size - 1)] = 0;
	return s.length;
}

size_t format_text(char *to, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	size_t length = format_text_v(to, size, format, args);
	va_end(args);
	return length;
}
