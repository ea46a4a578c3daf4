# SPDX-License-Identifier: MIT
# The ABI tests and the benchmark: as Linux processes here; as guest images by the Makefile's
# rules, with what GUEST_EXTRA_* add to their folders.  Included by the Makefile before those
# rules; it defines O, Q, say, CC, NASM and WARN.
ABI_COMMON := tests/abi/check.c tests/abi/machine.c tests/abi/record.c
ABI_TESTS := $(ABI_COMMON) tests/abi/suites.c tests/abi/dirty.c tests/abi/access.c tests/abi/kvmclock.c $(wildcard tests/abi/test_*.c)
BENCH_ITEMS := $(filter-out %_kvm0.c,$(wildcard tests/bench/bench*.c))

# The payloads: one object, with the layout that the C side has.
PAYLOADS := $(O)/payloads/payloads.o
$(O)/payloads/layout.inc: guest/payloads/layout.h tests/abi/rules.mk
	@mkdir -p $(@D)
	$(Q)sed -n 's/^#define \([A-Z0-9_]*  *[^ ]*\)$$/%define \1/p' $< > $@
$(PAYLOADS): $(wildcard guest/payloads/*.asm) $(O)/payloads/layout.inc
	$(call say,NASM,guest/payloads/payloads.asm)
	$(Q)$(NASM) -f elf64 -Werror -I$(O)/payloads/ -Iguest/payloads/ -o $@ \
		guest/payloads/payloads.asm
# test_move.c reads and sets a VM's state as the control guest does.
MOVE_STATE := guest/control/vmm/state.c
GUEST_EXTRA_abi := $(PAYLOADS) $(O)/guest/$(MOVE_STATE:.c=.o)
GUEST_EXTRA_bench := $(PAYLOADS) \
	$(patsubst %.c,$(O)/guest/%.o,$(ABI_COMMON) tests/abi/target_kvm0.c)

# Static, so that they run in an initramfs of nothing else.
LINUX_TEST_CFLAGS := -std=gnu11 -O2 -g -fno-omit-frame-pointer $(WARN) -MMD -MP -Ihv/include -I.
linux_test_obj = $(patsubst %.c,$(O)/linux/%.o,$(1) tests/abi/target_linux.c)
$(O)/linux/%.o: %.c Makefile tests/abi/rules.mk
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINUX_TEST_CFLAGS) -c -o $@ $<
-include $(wildcard $(O)/linux/*/*/*.d $(O)/linux/*/*/*/*.d)
$(O)/abi-linux: $(call linux_test_obj,$(ABI_TESTS) $(MOVE_STATE) guest/lib/format.c tests/abi/main_linux.c) $(PAYLOADS)
	$(call say,LD,$@)
	$(Q)$(CC) -static -o $@ $^
$(O)/bench-linux: $(call linux_test_obj,$(ABI_COMMON) $(BENCH_ITEMS) tests/bench/main_linux.c) \
		$(PAYLOADS)
	$(call say,LD,$@)
	$(Q)$(CC) -static -o $@ $^
# The control guest's VMM as a Linux process: see tests/vmm/host.c.
$(O)/vmm-host: $(patsubst %.c,$(O)/linux/%.o,tests/vmm/host.c $(wildcard guest/control/vmm/*.c) \
		guest/lib/format.c)
	$(call say,LD,$@)
	$(Q)$(CC) -pthread -o $@ $^

.PHONY: test-abi-linux
test-abi-linux: $(O)/abi-linux
	$(Q)$<

# The same program on Linux's KVM with VMX, in the emulator: minutes, so no part of make test.
$(O)/oracle/vmlinuz: scripts/get-kernel | setup
	$(call say,GET,$@)
	$(Q)scripts/get-kernel $@ irqbypass kvm kvm-intel
.PHONY: test-abi-linux-vmx
test-abi-linux-vmx: $(O)/abi-linux $(O)/oracle/vmlinuz
	$(Q)scripts/abi-linux-bochs --dir $(O)/oracle --out $(O)/abi-linux-vmx.txt \
		$(if $(MODEL),--model $(MODEL)) $<
