# SPDX-License-Identifier: MIT
# kvm0's build.  Everything lands in $(O).  The targets that a user needs are run
# and test; `make help` lists all.
O             ?= build
CROSS_COMPILE ?=
V             ?= 0
CC   := $(CROSS_COMPILE)gcc
LD   := $(CROSS_COMPILE)ld
NM   := $(CROSS_COMPILE)nm
OBJCOPY := $(CROSS_COMPILE)objcopy
NASM ?= nasm
# Nothing of the machine is touched while this file is read: on a fresh one there
# is make and no more, and scripts/setup brings the rest.  SETUP=no leaves it out.
SETUP  ?= yes
PYTHON := python3 -B
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' $(1) $(2))

WARN := -Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wshadow -Wundef -Wvla \
	-Wcast-qual -Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough
INCLUDES := -Ihv/include -Ihv -Iarch/x86 -Iboot -I.
BASE_CFLAGS := -std=gnu11 -O2 -g -ffreestanding -mno-red-zone -mgeneral-regs-only \
	-fno-common -fno-strict-aliasing -fno-omit-frame-pointer -fno-stack-protector \
	-fcf-protection=none -fno-asynchronous-unwind-tables -ffile-prefix-map=$(CURDIR)/= \
	-Wframe-larger-than=2048 $(WARN) -MMD -MP
HV_CFLAGS := $(BASE_CFLAGS) -mcmodel=kernel -fno-pic -fno-pie $(INCLUDES)
LDFLAGS := -nostdlib --build-id=none -z noexecstack -z max-page-size=4096 --fatal-warnings
UNIT_CFLAGS := -std=gnu11 -O1 -g -DUNIT_TEST -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=all $(WARN) $(INCLUDES) -Itests/unit

HV_SRC := $(wildcard boot/*.c arch/x86/*/*.c hv/*.c hv/*/*.c hv/kvm/*/*.c)
HV_ASM := $(wildcard boot/*.asm arch/x86/*/*.asm)
HV_OBJ := $(HV_SRC:%.c=$(O)/hv/%.o) $(HV_ASM:%.asm=$(O)/hv/%.asm.o)

.PHONY: all
all: $(O)/kvm0.elf

.PHONY: setup
setup:
	$(if $(filter no,$(SETUP)),,$(Q)scripts/setup)

# --- the hypervisor ---------------------------------------------------------

$(HV_OBJ) $(O)/hv/arch/x86/asm_offsets.s $(O)/symbols0.o: | setup

# Constants of C structures for NASM: tests of offsets are made by the compiler,
# in arch/x86/asm_offsets.c, and read back out of its assembly.
$(O)/hv/arch/x86/asm_offsets.s: arch/x86/asm_offsets.c Makefile
	$(call say,OFFSETS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HV_CFLAGS) -MT $@ -MF $(@:.s=.d) -S -o $@ $<
$(O)/include/asm_offsets.inc: $(O)/hv/arch/x86/asm_offsets.s
	@mkdir -p $(@D)
	$(Q)sed -n 's/^.*@@\([A-Za-z0-9_]*\) \$$*\(-\{0,1\}[0-9]*\).*$$/%define \1 \2/p' $< > $@

# What lies on the way from an exit back to an entry is worth more inlining.
HOT := $(patsubst %,$(O)/hv/%.o,$(addprefix arch/x86/vmx/,exit switch cpu) \
	$(addprefix hv/abi/,control dispatch vcpu_requests) \
	$(addprefix hv/kvm/,run run_entry run_msr run_io run_mmio apicv mmu memslot gva handle \
	wake vcpu event iobus ioeventfd coalesced irqfd) \
	$(patsubst %.c,%,$(wildcard hv/kvm/emulate/*.c hv/kvm/irqchip/*.c)))
$(HOT): HV_CFLAGS += -O3

$(O)/hv/%.o: %.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HV_CFLAGS) -flto -c -o $@ $<

$(O)/hv/%.asm.o: %.asm Makefile $(O)/include/asm_offsets.inc
	$(call say,NASM,$<)
	@mkdir -p $(@D)
	$(Q)$(NASM) -f elf64 -g -F dwarf -Werror -I$(O)/include/ -MD $(@:.o=.d) -MP -o $@ $<

# Linked twice: the second time with the table of symbols of the first, which has to
# be that of the second as well.
$(O)/symbols0.o: Makefile
	@mkdir -p $(@D)
	$(Q)printf 'section .symbols progbits alloc noexec nowrite\nglobal symbol_table\nsymbol_table: dd 0\n' > $(@:.o=.asm)
	$(Q)$(NASM) -f elf64 -o $@ $(@:.o=.asm)
# The whole program is optimized as one: the path from exit to entry runs through
# many small functions of several files, and they are inlined so.  What is called from
# outside of C is marked __from_outside.  In what becomes one function GCC does not see that
# a union's members are set and read under the same condition.
LTO_FLAGS := -flto -flto-partition=one -fwhole-program -fno-use-linker-plugin \
	-flinker-output=exec -Wno-maybe-uninitialized
$(O)/kvm0.o: $(HV_OBJ)
	$(call say,LTO,$@)
	$(Q)$(CC) $(HV_CFLAGS) $(LTO_FLAGS) -r -nostdlib -o $@ $(HV_OBJ)
$(O)/kvm0.pass1.elf: $(O)/kvm0.o $(O)/symbols0.o linker.ld
	$(Q)$(LD) $(LDFLAGS) -T linker.ld -o $@ $(O)/kvm0.o $(O)/symbols0.o
$(O)/symbols.o: $(O)/kvm0.pass1.elf scripts/symbols.py
	$(Q)$(NM) -n $< | python3 scripts/symbols.py > $(O)/symbols.asm
	$(Q)$(NASM) -f elf64 -o $@ $(O)/symbols.asm
$(O)/kvm0.elf: $(O)/kvm0.o $(O)/symbols.o linker.ld
	$(call say,LD,$@)
	$(Q)$(LD) $(LDFLAGS) -T linker.ld -Map $(O)/kvm0.map -o $@ $(O)/kvm0.o $(O)/symbols.o
	$(Q)$(NM) -n $@ | python3 scripts/symbols.py | cmp - $(O)/symbols.asm || { rm -f $@; exit 1; }

include tests/abi/rules.mk
include tests/fuzz/rules.mk

# --- guest images -------------------------------------------------------------

# Multiboot2 kernels built from guest/lib and one folder each, linked at 0 as
# static position-independent ELF64.  A folder that is not there makes no image.  GRUB
# refuses every file with a section of relocations, although the image applies its own: the
# file that boots has no section headers (e_shoff, e_shnum and e_shstrndx are set to 0), the
# one for debuggers is NAME.debug.elf.
GUEST_DIRS := control:guest/control abi:tests/abi bench:tests/bench \
	$(foreach d,$(wildcard guest/payloads/*/.),$(notdir $(d:/.=)):$(d:/.=))
GUEST_CFLAGS := $(BASE_CFLAGS) -fpie -fvisibility=hidden -Ihv/include -I.
GUEST_LDFLAGS := $(LDFLAGS) -pie --no-dynamic-linker -z text -z norelro -T guest/lib/guest.ld
GUEST_LIB := $(patsubst %.c,$(O)/guest/%.o,$(wildcard guest/lib/*.c)) \
	$(patsubst %.asm,$(O)/guest/%.asm.o,$(wildcard guest/lib/*.asm))
guest_src = $(filter-out %_linux.c,$(wildcard $(1)/*.c $(1)/*/*.c $(1)/*.asm))
guest_obj = $(patsubst %,$(O)/guest/%.o,$(patsubst %.c,%,$(call guest_src,$(1))))
define guest_image
GUEST_IMAGES += $(O)/$(1).elf
GUEST_OBJ += $(call guest_obj,$(2))
$(O)/$(1).debug.elf: $(call guest_obj,$(2)) $(GUEST_EXTRA_$(1)) $(GUEST_LIB) guest/lib/guest.ld \
		Makefile
	$$(call say,LD,$$@)
	$(Q)$(LD) $(GUEST_LDFLAGS) -o $$@ $(call guest_obj,$(2)) $(GUEST_EXTRA_$(1)) \
		$(GUEST_LIB)
$(O)/$(1).elf: $(O)/$(1).debug.elf
	$(Q)$(OBJCOPY) -S $$< $$@
	$(Q)dd if=/dev/zero of=$$@ bs=1 seek=40 count=8 conv=notrunc status=none
	$(Q)dd if=/dev/zero of=$$@ bs=1 seek=60 count=4 conv=notrunc status=none
endef
$(foreach g,$(GUEST_DIRS),$(if $(call guest_src,$(lastword $(subst :, ,$(g)))),$(eval \
	$(call guest_image,$(firstword $(subst :, ,$(g))),$(lastword $(subst :, ,$(g)))))))

$(O)/guest/%.o: %.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<
$(O)/guest/%.asm.o: %.asm Makefile
	$(call say,NASM,$<)
	@mkdir -p $(@D)
	$(Q)$(NASM) -f elf64 -g -F dwarf -Werror -MD $(@:.o=.d) -MP -o $@ $<
$(GUEST_OBJ) $(GUEST_LIB): | setup

.PHONY: guests
guests: $(GUEST_IMAGES)

-include $(patsubst %.o,%.d,$(HV_OBJ) $(GUEST_OBJ) $(GUEST_LIB)) $(O)/hv/arch/x86/asm_offsets.d

# --- what the ISO carries beside them -----------------------------------------

$(O)/guest/vmlinuz: | setup
	$(call say,GET,$@)
	$(Q)scripts/get-kernel $@
$(O)/guest/initrd.gz: scripts/mkinitrd | setup
	$(call say,INITRD,$@)
	@mkdir -p $(@D)
	$(Q)scripts/mkinitrd $@

# The image that GRUB loads carries no debug information; the file of the same name
# in $(O) does.  Guest images are stripped already.
$(O)/boot/kvm0.elf: $(O)/kvm0.elf
	@mkdir -p $(@D)
	$(Q)$(OBJCOPY) --strip-debug $< $@
ISO_FILES := $(O)/boot/kvm0.elf $(filter $(O)/control.elf $(O)/abi.elf $(O)/bench.elf, \
	$(GUEST_IMAGES)) $(O)/guest/vmlinuz $(O)/guest/initrd.gz

.PHONY: iso
iso: setup $(O)/kvm0.iso
$(O)/kvm0.iso: boot/grub.cfg scripts/mkiso $(ISO_FILES)
	$(call say,ISO,$@)
	$(Q)scripts/mkiso $@ boot/grub.cfg $(ISO_FILES)

# --- running ------------------------------------------------------------------

# CPUS, MEM (MiB) and FIRMWARE (bios, uefi) describe the machine; MODEL is a CPU
# model of Bochs; EMULATOR (bochs, qemu-kvm, qemu) overrides the choice.
CPUS ?= 1
MEM  ?= 1024
.PHONY: run
run: iso
	$(Q)scripts/run --iso $(O)/kvm0.iso --dir $(O)/run --cpus $(CPUS) --mem $(MEM) \
		$(if $(MODEL),--model $(MODEL)) $(if $(EMULATOR),--emulator $(EMULATOR)) \
		$(if $(FIRMWARE),--firmware $(FIRMWARE))

# --- tests --------------------------------------------------------------------

# tests/unit/test_NAME.c names the sources that it is linked with in a comment
# /* sources: FILE... */; fake.c stands in for the layers below them.
UNIT := $(patsubst tests/unit/%.c,$(O)/unit/%,$(wildcard tests/unit/test_*.c))
$(O)/unit/%: tests/unit/%.c tests/unit/fake.c scripts/unit-sources Makefile | setup
	$(call say,UNIT,$<)
	@mkdir -p $(@D)
	$(Q)sources="$< tests/unit/fake.c $$(scripts/unit-sources $<)" && \
		$(CC) $(UNIT_CFLAGS) -MM -MP -MT $@ $$sources > $@.d && \
		$(CC) $(UNIT_CFLAGS) -o $@ $$sources -lcmocka
-include $(wildcard $(O)/unit/*.d)

.PHONY: unit
unit: $(UNIT)
	$(Q)scripts/test --unit $(UNIT)

# FUZZ_MS: milliseconds for each target; FUZZ_SEED: the seed, by default another each time.
FUZZ_MS   ?= 60000
FUZZ_SEED ?= $(shell date +%s)
# EMU_CASES: instructions for each mode of the emulator, compared with this machine's CPU.
EMU_CASES ?= 2000000
.PHONY: fuzz
fuzz: $(O)/unit/test_fuzz $(O)/unit/test_emulate_cpu $(FUZZ_TARGETS)
	$(Q)FUZZ_MS=$(FUZZ_MS) FUZZ_SEED=$(FUZZ_SEED) $<
	$(Q)EMU_CASES=$(EMU_CASES) EMU_SEED=$(FUZZ_SEED) $(O)/unit/test_emulate_cpu
	$(Q)mkdir -p $(O)/fuzz/new $(O)/fuzz/new-dirty $(O)/fuzz/new-gdb
	$(Q)cd $(O)/fuzz && ./calls $(FUZZ_OPTIONS) -seed=$(FUZZ_SEED) \
		-max_total_time=$$(( ($(FUZZ_MS) + 999) / 1000 )) new $(CURDIR)/$(FUZZ_CORPUS)
	$(Q)cd $(O)/fuzz && ./dirty $(FUZZ_OPTIONS) -seed=$(FUZZ_SEED) \
		-max_total_time=$$(( ($(FUZZ_MS) + 999) / 1000 )) new-dirty
	$(Q)cd $(O)/fuzz && ./gdb $(FUZZ_OPTIONS) -seed=$(FUZZ_SEED) \
		-max_total_time=$$(( ($(FUZZ_MS) + 999) / 1000 )) new-gdb $(CURDIR)/tests/fuzz/corpus/gdb

# CASES: names or patterns of cases in tests/e2e/cases.py.
.PHONY: e2e
e2e: iso
	$(Q)tests/e2e/run.py --build $(O) $(if $(CASES),'$(CASES)')

# --- checks -------------------------------------------------------------------

HEADERS := $(wildcard boot/*.h arch/x86/*/*.h hv/*.h hv/*/*.h hv/*/*/*.h)
GUEST_HEADERS := $(wildcard guest/*/*.h guest/*/*/*.h)

CHECK_HEADERS = scripts/check-headers $(CC) $(filter-out -M%,$(HV_CFLAGS)) -- $(HEADERS) && \
	scripts/check-headers $(CC) $(filter-out -M%,$(GUEST_CFLAGS)) -- $(GUEST_HEADERS)
LINT := format cppcheck licence python shell

.PHONY: lint check-includes check-headers
lint: setup
	$(Q)for c in $(LINT); do scripts/lint $$c || exit 1; done
check-includes: setup
	$(Q)scripts/check-includes
check-headers: setup
	$(Q)$(CHECK_HEADERS)

# Everything.  Its last line counts.
.PHONY: test
test: iso $(UNIT) $(O)/abi-linux $(FUZZ_TARGETS)
	$(Q)scripts/test --build $(O) $(foreach c,$(LINT),--check 'lint/$c: scripts/lint $c') \
		--check 'includes: scripts/check-includes' \
		--check 'headers: $(CHECK_HEADERS)' \
		--check 'tools: $(PYTHON) tests/e2e/test_tools.py' \
		--check 'fuzz: $(FUZZ_SHORT)' \
		--unit $(UNIT) --abi $(O)/abi-linux --e2e \
		--after 'kvm-api: scripts/kvm-api --check $(O)/e2e/abi/serial.log'

# docs/kvm-api.md, out of a run of the ABI tests on kvm0 and the recorded one on Linux, which
# kvm-api-linux makes anew.
.PHONY: kvm-api kvm-api-linux
kvm-api: iso
	$(Q)tests/e2e/run.py --build $(O) abi
	$(Q)scripts/kvm-api $(O)/e2e/abi/serial.log
kvm-api-linux: test-abi-linux-vmx
	$(Q)scripts/kvm-api --record $(O)/abi-linux-vmx.txt

# --- measuring ----------------------------------------------------------------

.PHONY: bench
bench: iso
	$(Q)scripts/bench --dir $(O)/bench --out $(O)/bench.txt --cpus $(CPUS) \
		$(if $(MODEL),--model $(MODEL)) $(ISO_FILES)

# Code lines that run in root mode.
.PHONY: loc
loc: setup
	$(Q)scripts/loc

# Two builds of the same source, in two folders, are the same bytes.
.PHONY: check-repro
check-repro: iso
	$(Q)scripts/check-repro $(O)/kvm0.iso $(O)/repro $(MAKE) SETUP=no

.PHONY: help
help:
	@printf '%s\n' \
	'make run             boot the ISO, its console on this terminal' \
	'                     CPUS=2 MEM=1024 MODEL=corei7_skylake_x EMULATOR=bochs FIRMWARE=uefi' \
	'make test            build, check and test everything' \
	'make iso             the ISO, $(O)/kvm0.iso: for a CD or a USB stick, BIOS or UEFI' \
	'make unit            unit tests alone' \
	'make fuzz            random inputs for the parsers and the dispatcher, FUZZ_MS=60000 for' \
	'                     each, and random instructions, EMU_CASES=2000000 for each mode' \
	'make e2e             boots in an emulator alone; CASES=NAME or a pattern' \
	'make test-abi-linux  the ABI tests against the /dev/kvm of this machine' \
	'make test-abi-linux-vmx  the same against a Linux with VMX, in the emulator' \
	'make kvm-api         write docs/kvm-api.md; kvm-api-linux records Linux for it' \
	'make bench           measurements in emulator ticks, to $(O)/bench.txt' \
	'make lint            format, static checks, licence lines' \
	'make check-includes  a folder is a layer: includes point downward' \
	'make check-headers   every header compiles alone' \
	'make check-repro     two builds give the same bytes' \
	'make loc             code lines that run in root mode' \
	'make setup           install what is missing (all of these call it; SETUP=no does not)' \
	'make clean           remove $(O)' \
	'V=1 shows commands; O=FOLDER builds there; CROSS_COMPILE=PREFIX'

.PHONY: clean
clean:
	rm -rf $(O)
