/* SPDX-License-Identifier: MIT */
/* The benchmark as a process on Linux. */
#include "tests/bench/bench.h"

int main(void)
{
	return bench_run(NULL) ? 1 : 0;
}
