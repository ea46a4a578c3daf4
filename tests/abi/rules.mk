# SPDX-License-Identifier: MIT
# The ABI tests as a Linux process, and the payloads that they and the images share.
# Included by the Makefile, which defines O, Q, say, CC, NASM and WARN.
ABI_SRC := $(filter-out tests/abi/target_% tests/abi/main_% tests/abi/kvm0_%,$(wildcard tests/abi/*.c))
PAYLOADS_ASM := $(wildcard guest/payloads/*.asm)

$(O)/payloads/layout.inc: guest/payloads/layout.h tests/abi/rules.mk
	@mkdir -p $(@D)
	$(Q)sed -n 's/^#define \([A-Z0-9_]* [^ ]*\)$$/%define \1/p' $< > $@
$(O)/payloads/payloads.o: $(PAYLOADS_ASM) $(O)/payloads/layout.inc
	$(call say,NASM,guest/payloads/payloads.asm)
	$(Q)$(NASM) -f elf64 -Werror -I$(O)/payloads/ -Iguest/payloads/ -o $@ guest/payloads/payloads.asm

ABI_LINUX_CFLAGS := -std=gnu11 -O2 -g -fno-omit-frame-pointer $(WARN) -MMD -MP -Ihv/include -I.
ABI_LINUX_OBJ := $(patsubst %.c,$(O)/abi-linux-obj/%.o,$(ABI_SRC) tests/abi/target_linux.c tests/abi/main_linux.c)
$(O)/abi-linux-obj/%.o: %.c Makefile tests/abi/rules.mk
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ABI_LINUX_CFLAGS) -c -o $@ $<
# Static, so that it runs in an initramfs of nothing else.
$(O)/abi-linux: $(ABI_LINUX_OBJ) $(O)/payloads/payloads.o
	$(call say,LD,$@)
	$(Q)$(CC) -static -o $@ $^

.PHONY: test-abi-linux
test-abi-linux: $(O)/abi-linux
	$(Q)$<
