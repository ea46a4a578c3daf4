# SPDX-License-Identifier: MIT
# The dispatcher, the dirty log and the GDB stub as fuzz targets of libFuzzer: all of
# hv/abi, hv/kvm and arch/x86/vmx on the machine of tests/fuzz/machine.  Included by the Makefile, which defines O, Q, say and INCLUDES.
# Not checked is alignment: a call may name structures at any address, as x86 lets it.

FUZZ_CC := clang
FUZZ_CFLAGS := -std=gnu11 -O1 -g -w -fno-strict-aliasing -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize=alignment -fno-sanitize-recover=all
# What runs on the machine is instrumented, and clobbers no register that kvm0 would not.
FUZZ_KVM0_CFLAGS := -fsanitize=fuzzer-no-link -mgeneral-regs-only
FUZZ_INCLUDES := -Itests/fuzz/machine/include $(INCLUDES)
# Left out: what starts a control guest, and what the machine has another of.
FUZZ_KVM0 := $(filter-out %/control.c %/control_cpu.c %/control_image.c %/control_port.c \
		%/power.c, \
		$(wildcard hv/abi/*.c)) \
	$(wildcard hv/kvm/*.c hv/kvm/*/*.c arch/x86/vmx/*.c) arch/x86/cpu/bugs.c hv/lib/printf.c \
	$(filter-out $(addprefix hv/core/,page.c object.c console.c console_param.c \
		console_input.c guest_uart.c panic.c backtrace.c symbols.c), $(wildcard hv/core/*.c))
FUZZ_GDB_SRC := $(wildcard hv/monitor/gdb*.c) hv/monitor/debug.c hv/monitor/park.c \
	arch/x86/cpu/uart.c
FUZZ_MACHINE := $(FUZZ_KVM0) $(wildcard tests/fuzz/machine/*.c)
FUZZ_CALLS_OBJ := $(patsubst %.c,$(O)/fuzz/%.o,$(wildcard tests/fuzz/calls*.c))
FUZZ_DIRTY_OBJ := $(O)/fuzz/tests/fuzz/dirty.o
FUZZ_OBJ := $(patsubst %.c,$(O)/fuzz/%.o,$(FUZZ_MACHINE))
FUZZ_GDB_OBJ := $(patsubst %.c,$(O)/fuzz/%.o,$(FUZZ_GDB_SRC) tests/fuzz/gdb.c)
FUZZ_CALLS := $(O)/fuzz/calls
FUZZ_DIRTY := $(O)/fuzz/dirty
FUZZ_GDB := $(O)/fuzz/gdb
FUZZ_TARGETS := $(FUZZ_CALLS) $(FUZZ_DIRTY) $(FUZZ_GDB)
FUZZ_CORPUS := tests/fuzz/corpus/calls
FUZZ_OPTIONS := -max_len=2048 -len_control=0 -timeout=20 -rss_limit_mb=4096 -use_value_profile=1
# For make test: the corpus, and some seconds of new inputs.
FUZZ_SHORT = mkdir -p $(O)/fuzz/short $(O)/fuzz/short-dirty $(O)/fuzz/short-gdb && \
	$(FUZZ_CALLS) $(FUZZ_OPTIONS) -seed=1 -max_total_time=10 \
		-artifact_prefix=$(O)/fuzz/ $(O)/fuzz/short $(FUZZ_CORPUS) && \
	$(FUZZ_DIRTY) $(FUZZ_OPTIONS) -seed=1 -max_total_time=5 \
		-artifact_prefix=$(O)/fuzz/ $(O)/fuzz/short-dirty && \
	$(FUZZ_GDB) $(FUZZ_OPTIONS) -seed=1 -max_total_time=5 \
		-artifact_prefix=$(O)/fuzz/ $(O)/fuzz/short-gdb tests/fuzz/corpus/gdb

$(patsubst %.c,$(O)/fuzz/%.o,$(FUZZ_KVM0) $(FUZZ_GDB_SRC)): FUZZ_CFLAGS += $(FUZZ_KVM0_CFLAGS)
$(O)/fuzz/%.o: %.c Makefile tests/fuzz/rules.mk | setup
	$(call say,FUZZ,$<)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_INCLUDES) -MMD -MP -c -o $@ $<
$(FUZZ_CALLS): $(FUZZ_OBJ) $(FUZZ_CALLS_OBJ)
$(FUZZ_DIRTY): $(FUZZ_OBJ) $(FUZZ_DIRTY_OBJ)
$(FUZZ_GDB): $(FUZZ_OBJ) $(FUZZ_GDB_OBJ)
$(FUZZ_TARGETS):
	$(call say,LD,$@)
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -o $@ $^
-include $(FUZZ_OBJ:.o=.d) $(FUZZ_CALLS_OBJ:.o=.d) $(FUZZ_DIRTY_OBJ:.o=.d) \
	$(FUZZ_GDB_OBJ:.o=.d)
