/* SPDX-License-Identifier: MIT */
/* Integer types, and the small macros that every file uses. */
#pragma once

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel's own fixed-width types, so that UAPI structures mix freely. */
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

#define PAGE_SHIFT 12u
#define PAGE_SIZE  4096ull
#define PAGE_MASK  (~(PAGE_SIZE - 1))
#define SIZE_1M    (1ull << 20)
#define SIZE_2M    (1ull << 21)
#define SIZE_1G    (1ull << 30)
#define SIZE_4G    (1ull << 32)

#define ARRAY_SIZE(a)                 (sizeof(a) / sizeof((a)[0]))
#define BIT(n)                        (1ull << (n))
#define ALIGN_DOWN(x, a)              ((x) & ~((__typeof__(x))(a)-1))
#define ALIGN_UP(x, a)                ALIGN_DOWN((x) + (__typeof__(x))(a)-1, a)
#define IS_ALIGNED(x, a)              (((x) & ((__typeof__(x))(a)-1)) == 0)
#define MIN(a, b)                     ((a) < (b) ? (a) : (b))
#define MAX(a, b)                     ((a) > (b) ? (a) : (b))
#define container_of(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

#define __must_check   __attribute__((warn_unused_result))
#define __noreturn     __attribute__((noreturn))
#define __packed       __attribute__((packed))
#define __printf(f, a) __attribute__((format(printf, f, a)))
/* On the way from exit to entry: part of its caller, which then saves no registers for it. */
#define __on_the_way inline __attribute__((always_inline))
/* Called from assembly, or by what the compiler emits: not seen when all of C is optimized as one.
 */
#define __from_outside __attribute__((externally_visible))

/* One read or write of memory that something else may change meanwhile. */
#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

/* What memory held before is not what it holds now, for all that the compiler knows. */
#define compiler_barrier() __asm__ volatile("" : : : "memory")
