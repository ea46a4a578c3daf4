# SPDX-License-Identifier: MIT
# The control guest, and a guest's kernel before its first instruction.
add-symbol-file {build}/control.debug.elf -o {control}
target remote 127.0.0.1:{port}
info threads
break vm_step
echo @type run vmlinuz initrd=initrd.gz mem=96M -- console=ttyS0 earlyprintk=ttyS0,115200\n
continue
backtrace 3
set $before = $rip
stepi
stepi
print $rip - $before < 20
delete
info threads
thread 3
hbreak *{entry}
continue
info registers rip cs cr3 efer
stepi
stepi
set $before = $rip
stepi
print $rip != $before
delete
detach
