/* SPDX-License-Identifier: MIT */
/* sources: arch/x86/cpu/bugs.c */
/* What is done against the defects of CPUs: models of all ages, as their microcode made them. */
#include "fake.h"

#include <string.h>

#include "cpu/bugs.h"

#define MICROCODE_2018 (LEAF7_IBRS_IBPB | LEAF7_STIBP | LEAF7_SSBD | LEAF7_L1D_FLUSH)
#define MICROCODE_2019 (MICROCODE_2018 | LEAF7_MD_CLEAR)
#define ALL_MSRS       .spec_ctrl = true, .pred_cmd = true, .flush_cmd = true
#define OLD            .l1tf = true, .fill_rsb = true, .multihit = true

static const struct model {
	const char *name;
	struct cpu_facts facts;
	struct cpu_bugs wanted;
} models[] = {
	{"Haswell as it was sold",
	 {.intel = true, .family = 6, .model = 0x3c, .leaf7_ebx = LEAF7_RTM},
	 {OLD}},
	{"Haswell, 2018",
	 {.intel = true, .family = 6, .model = 0x3c, .leaf7_edx = MICROCODE_2018},
	 {ALL_MSRS, OLD, .ibpb = true, .ibrs_at_exits = true}},
	{"Haswell, 2019",
	 {.intel = true, .family = 6, .model = 0x3c, .leaf7_edx = MICROCODE_2019},
	 {ALL_MSRS, OLD, .ibpb = true, .clear_buffers = true, .ibrs_at_exits = true}},
	{"Cascade Lake: TSX still leaks",
	 {.intel = true,
	  .family = 6,
	  .model = 0x55,
	  .leaf7_ebx = LEAF7_RTM,
	  .leaf7_edx = MICROCODE_2019 | LEAF7_ARCH_CAP,
	  .arch_capabilities =
		  ARCH_RDCL_NO | ARCH_IBRS_ALL | ARCH_SKIP_L1DFL | ARCH_MDS_NO | ARCH_TSX_CTRL},
	 {ALL_MSRS, .tsx_ctrl = true, .ibrs_always = true, .ibpb = true, .clear_buffers = true,
	  .fill_rsb = true, .multihit = true}},
	{"the same without TSX",
	 {.intel = true,
	  .family = 6,
	  .model = 0x55,
	  .leaf7_edx = MICROCODE_2019 | LEAF7_ARCH_CAP,
	  .arch_capabilities = ARCH_RDCL_NO | ARCH_IBRS_ALL | ARCH_MDS_NO | ARCH_TSX_CTRL},
	 {ALL_MSRS, .tsx_ctrl = true, .ibrs_always = true, .ibpb = true, .fill_rsb = true,
	  .multihit = true}},
	{"L1TF that a hypervisor below sees to",
	 {.intel = true, .family = 6, .model = 0x3f, .arch_capabilities = ARCH_SKIP_L1DFL},
	 {.fill_rsb = true, .multihit = true}},
	{"Sapphire Rapids",
	 {.intel = true,
	  .family = 6,
	  .model = 0x8f,
	  .leaf7_ebx = LEAF7_RTM,
	  .leaf7_edx = MICROCODE_2019 | LEAF7_ARCH_CAP,
	  .arch_capabilities = ARCH_RDCL_NO | ARCH_IBRS_ALL | ARCH_MDS_NO | ARCH_PSCHANGE_NO |
			       ARCH_TAA_NO | ARCH_PBRSB_NO},
	 {ALL_MSRS, .ibrs_always = true, .ibpb = true}},
	{"Silvermont",
	 {.intel = true, .family = 6, .model = 0x37, .leaf7_edx = MICROCODE_2019},
	 {ALL_MSRS, .ibpb = true, .clear_buffers = true, .fill_rsb = true, .ibrs_at_exits = true}},
	{"Goldmont",
	 {.intel = true, .family = 6, .model = 0x5c, .leaf7_edx = MICROCODE_2019},
	 {ALL_MSRS, .ibpb = true, .fill_rsb = true, .ibrs_at_exits = true}},
	{"Goldmont with the microcode for its register file",
	 {.intel = true,
	  .family = 6,
	  .model = 0x5c,
	  .leaf7_edx = LEAF7_ARCH_CAP,
	  .arch_capabilities = ARCH_RFDS_CLEAR},
	 {.fill_rsb = true, .clear_buffers = true}},
	{"a family to come, which says that it is free of all",
	 {.intel = true,
	  .family = 19,
	  .model = 1,
	  .leaf7_edx = MICROCODE_2019 | LEAF7_ARCH_CAP,
	  .arch_capabilities = ARCH_RDCL_NO | ARCH_IBRS_ALL | ARCH_MDS_NO | ARCH_PSCHANGE_NO |
			       ARCH_TAA_NO | ARCH_PBRSB_NO | ARCH_RFDS_NO},
	 {ALL_MSRS, .ibrs_always = true, .ibpb = true}},
	{"one that says nothing", {.intel = true, .family = 19, .model = 1}, {OLD}},
	{"another make", {.family = 7, .model = 0x3b}, {0}},
};

static void decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
		struct cpu_bugs got;

		memset(&got, 0xff, sizeof(got));
		cpu_bugs_decide(&models[i].facts, &got);
		if (memcmp(&got, &models[i].wanted, sizeof(got)))
			fail_msg("%s", models[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(decides)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
