# SPDX-License-Identifier: MIT
# A guest of two vCPUs with symbols, while it runs.
symbol-file {payload}
target remote 127.0.0.1:{port}
info threads
break step_on
continue
printf "step_on: %#lx\n", &step_on
backtrace
print counter > 0
set variable counter = 5000
next
next
print counter
delete
watch counter
continue
delete
hbreak say
continue
print n == rounds
info registers rip eflags cr0 cr4 efer fs_base xmm0
set $old = $r12
set $r12 = 0x123456789abcdef
print/x $r12
set $r12 = $old
x/4xb &counter
x/2i $pc
python
try:
    gdb.execute("print *(long *)0x7fffffffffff")
except gdb.error as e:
    print(e)
end
monitor vcpu 2.0
break step_on
continue
delete
detach
