/* SPDX-License-Identifier: MIT */
/* All fields of a VMCS by name, for people who look at one; see vmx/vmx.h. */
#include "lib/string.h"
#include "vmx/vcpu.h"

#define SEGMENTS(of)                                                                               \
	"Guest ES " of "\0Guest CS " of "\0Guest SS " of "\0Guest DS " of "\0Guest FS " of         \
	"\0Guest GS " of "\0Guest LDTR " of "\0Guest TR " of "\0"

/* Rows of fields whose encodings are two apart: the first encoding, and the names as SDM vol. 3,
 * appendix Field Encoding in VMCS, has them, each ended by a NUL.  An empty name ends the row. */
static const struct {
	u32 first;
	const char *names;
} rows[] = {
	{0x0000, "Virtual-processor identifier (VPID)\0"
		 "Posted-interrupt notification vector\0"
		 "EPTP index\0"
		 "HLAT prefix size\0"
		 "Last PID-pointer index\0"},
	{0x0800, SEGMENTS("selector") "Guest interrupt status\0"
				      "PML index\0"
				      "Guest UINV\0"},
	{0x0c00, "Host ES selector\0"
		 "Host CS selector\0"
		 "Host SS selector\0"
		 "Host DS selector\0"
		 "Host FS selector\0"
		 "Host GS selector\0"
		 "Host TR selector\0"},
	{0x2000, "Address of I/O bitmap A\0"
		 "Address of I/O bitmap B\0"
		 "Address of MSR bitmaps\0"
		 "VM-exit MSR-store address\0"
		 "VM-exit MSR-load address\0"
		 "VM-entry MSR-load address\0"
		 "Executive-VMCS pointer\0"
		 "PML address\0"
		 "TSC offset\0"
		 "Virtual-APIC address\0"
		 "APIC-access address\0"
		 "Posted-interrupt descriptor address\0"
		 "VM-function controls\0"
		 "EPT pointer (EPTP)\0"
		 "EOI-exit bitmap 0\0"
		 "EOI-exit bitmap 1\0"
		 "EOI-exit bitmap 2\0"
		 "EOI-exit bitmap 3\0"
		 "EPTP-list address\0"
		 "VMREAD-bitmap address\0"
		 "VMWRITE-bitmap address\0"
		 "Virtualization-exception information address\0"
		 "XSS-exiting bitmap\0"
		 "ENCLS-exiting bitmap\0"
		 "Sub-page-permission-table pointer\0"
		 "TSC multiplier\0"
		 "Tertiary processor-based VM-execution controls\0"
		 "ENCLV-exiting bitmap\0"
		 "Low PASID directory address\0"
		 "High PASID directory address\0"
		 "Shared EPT pointer\0"
		 "PCONFIG-exiting bitmap\0"
		 "Hypervisor-managed linear-address translation pointer (HLATP)\0"
		 "PID-pointer table address\0"
		 "Secondary VM-exit controls\0"},
	{0x204a, "IA32_SPEC_CTRL mask\0"
		 "IA32_SPEC_CTRL shadow\0"},
	{0x2052, "Injected-event data\0"},
	{0x2400, "Guest-physical address\0"},
	{0x2404, "Original-event data\0"},
	{0x2800, "VMCS link pointer\0"
		 "Guest IA32_DEBUGCTL\0"
		 "Guest IA32_PAT\0"
		 "Guest IA32_EFER\0"
		 "Guest IA32_PERF_GLOBAL_CTRL\0"
		 "Guest PDPTE0\0"
		 "Guest PDPTE1\0"
		 "Guest PDPTE2\0"
		 "Guest PDPTE3\0"
		 "Guest IA32_BNDCFGS\0"
		 "Guest IA32_RTIT_CTL\0"
		 "Guest IA32_LBR_CTL\0"
		 "Guest IA32_PKRS\0"
		 "Guest IA32_FRED_CONFIG\0"
		 "Guest IA32_FRED_RSP1\0"
		 "Guest IA32_FRED_RSP2\0"
		 "Guest IA32_FRED_RSP3\0"
		 "Guest IA32_FRED_STKLVLS\0"
		 "Guest IA32_FRED_SSP1\0"
		 "Guest IA32_FRED_SSP2\0"
		 "Guest IA32_FRED_SSP3\0"},
	{0x2c00, "Host IA32_PAT\0"
		 "Host IA32_EFER\0"
		 "Host IA32_PERF_GLOBAL_CTRL\0"
		 "Host IA32_PKRS\0"
		 "Host IA32_FRED_CONFIG\0"
		 "Host IA32_FRED_RSP1\0"
		 "Host IA32_FRED_RSP2\0"
		 "Host IA32_FRED_RSP3\0"
		 "Host IA32_FRED_STKLVLS\0"
		 "Host IA32_FRED_SSP1\0"
		 "Host IA32_FRED_SSP2\0"
		 "Host IA32_FRED_SSP3\0"},
	{0x4000, "Pin-based VM-execution controls\0"
		 "Primary processor-based VM-execution controls\0"
		 "Exception bitmap\0"
		 "Page-fault error-code mask\0"
		 "Page-fault error-code match\0"
		 "CR3-target count\0"
		 "Primary VM-exit controls\0"
		 "VM-exit MSR-store count\0"
		 "VM-exit MSR-load count\0"
		 "VM-entry controls\0"
		 "VM-entry MSR-load count\0"
		 "VM-entry interruption-information field\0"
		 "VM-entry exception error code\0"
		 "VM-entry instruction length\0"
		 "TPR threshold\0"
		 "Secondary processor-based VM-execution controls\0"
		 "PLE_Gap\0"
		 "PLE_Window\0"
		 "Instruction-timeout control\0"},
	{0x4400, "VM-instruction error\0"
		 "Exit reason\0"
		 "VM-exit interruption information\0"
		 "VM-exit interruption error code\0"
		 "IDT-vectoring information field\0"
		 "IDT-vectoring error code\0"
		 "VM-exit instruction length\0"
		 "VM-exit instruction information\0"},
	{0x4800, SEGMENTS("limit") "Guest GDTR limit\0"
				   "Guest IDTR limit\0" SEGMENTS(
					   "access rights") "Guest interruptibility state\0"
							    "Guest activity state\0"
							    "Guest SMBASE\0"
							    "Guest IA32_SYSENTER_CS\0"},
	{0x482e, "VMX-preemption timer value\0"},
	{0x4c00, "Host IA32_SYSENTER_CS\0"},
	{0x6000, "CR0 guest/host mask\0"
		 "CR4 guest/host mask\0"
		 "CR0 read shadow\0"
		 "CR4 read shadow\0"
		 "CR3-target value 0\0"
		 "CR3-target value 1\0"
		 "CR3-target value 2\0"
		 "CR3-target value 3\0"},
	{0x6400, "Exit qualification\0"
		 "I/O RCX\0"
		 "I/O RSI\0"
		 "I/O RDI\0"
		 "I/O RIP\0"
		 "Guest-linear address\0"},
	{0x6800, "Guest CR0\0"
		 "Guest CR3\0"
		 "Guest CR4\0" SEGMENTS("base") "Guest GDTR base\0"
						"Guest IDTR base\0"
						"Guest DR7\0"
						"Guest RSP\0"
						"Guest RIP\0"
						"Guest RFLAGS\0"
						"Guest pending debug exceptions\0"
						"Guest IA32_SYSENTER_ESP\0"
						"Guest IA32_SYSENTER_EIP\0"
						"Guest IA32_S_CET\0"
						"Guest SSP\0"
						"Guest IA32_INTERRUPT_SSP_TABLE_ADDR\0"},
	{0x6c00, "Host CR0\0"
		 "Host CR3\0"
		 "Host CR4\0"
		 "Host FS base\0"
		 "Host GS base\0"
		 "Host TR base\0"
		 "Host GDTR base\0"
		 "Host IDTR base\0"
		 "Host IA32_SYSENTER_ESP\0"
		 "Host IA32_SYSENTER_EIP\0"
		 "Host RSP\0"
		 "Host RIP\0"
		 "Host IA32_S_CET\0"
		 "Host SSP\0"
		 "Host IA32_INTERRUPT_SSP_TABLE_ADDR\0"},
};

void vmx_show_fields(vmx_show_field *show, void *ctx)
{
	static const u8 digits[] = {4, 16, 8, 16}; /* by width */
	/* A field that is not there leaves its error in this one. */
	u64 error = vmcs_read32(VMCS_INSTRUCTION_ERROR), value;

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *name = rows[i].names;

		for (u32 f = rows[i].first; *name; f += 2, name += strlen(name) + 1)
			if (vmcs_try_read(f, &value))
				show(ctx, f, name, f == VMCS_INSTRUCTION_ERROR ? error : value,
				     digits[VMCS_WIDTH(f)]);
	}
}
