/* SPDX-License-Identifier: MIT */
/* Names of kvm0's functions, from the table that scripts/symbols.py makes. */
#include "core/symbols.h"
#include "cpu/layout.h"

struct symbol {
	u32 offset; /* from IMAGE_BASE */
	u32 name;   /* from the end of the entries */
};

extern const struct {
	u32 count;
	struct symbol entry[];
} symbol_table; /* the second link's .symbols */

extern const u8 text_start[], text_end[]; /* linker.ld */

const char *symbols_find(u64 address, u64 *offset)
{
	u32 low = 0, high = symbol_table.count;

	if (address < (u64)(uintptr_t)text_start || address >= (u64)(uintptr_t)text_end)
		return NULL;
	address -= IMAGE_BASE;
	while (low < high) { /* the number of entries that start at or below it */
		u32 middle = low + (high - low) / 2;

		if (symbol_table.entry[middle].offset <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	*offset = address - symbol_table.entry[low - 1].offset;
	return (const char *)&symbol_table.entry[symbol_table.count] +
	       symbol_table.entry[low - 1].name;
}
