# SPDX-License-Identifier: MIT
"""A step that runs Debian's gdb on the machine's COM2, and the guest that it debugs."""
import dataclasses
import os
import re
import select
import socket
import struct
import subprocess
import threading

from console import Failure

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gdb")
PAYLOAD_FLAGS = ("-std=gnu11 -O1 -g -ffreestanding -fno-pic -fno-pie -fno-stack-protector "
                 "-fcf-protection=none -mno-red-zone -mgeneral-regs-only -static -nostdlib "
                 "-Wl,--build-id=none,-z,noexecstack,--no-warn-rwx-segments").split()
TYPE = "@type "
TYPE_SECONDS = 3  # until gdb has let the machine go on: while it stands, nobody reads the console


def build_payload(folder):
    """A small kernel with symbols in @folder, payload.elf.  Returns its bootable form."""
    elf, flat = f"{folder}/payload.elf", f"{folder}/payload"
    subprocess.run(["gcc", *PAYLOAD_FLAGS, f"-Wl,-T,{HERE}/payload.ld", "-o", elf,
                    f"{HERE}/start.S", f"{HERE}/payload.c"], check=True, capture_output=True, text=True)
    subprocess.run(["objcopy", "-O", "binary", elf, flat], check=True)
    with open(flat, "rb") as f:
        return f.read()


def kernel_entry(vmlinuz):
    """Where a bzImage that is loaded at its preferred address is entered in 64-bit mode."""
    with open(vmlinuz, "rb") as f:
        f.seek(0x258)
        return struct.unpack("<Q", f.read(8))[0] + 0x200


def relay(listener, serial):
    """Between a gdb that connects to @listener and @serial, until it goes."""
    gdb, _ = listener.accept()
    gdb.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with gdb:
        while True:
            for ready in select.select([gdb, serial], [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return
                (serial if ready is gdb else gdb).sendall(data)


@dataclasses.dataclass(frozen=True)
class Gdb:
    """Run gdb/@script.  Each of @answers, a name and a pattern, is a test: it has to match gdb's
    output behind what the one before has matched.  Named groups are kept as those of Ask.

    In the script {port}, {build}, {payload}, {control} (where kvm0 has put the control guest) and
    {entry} (of the Linux kernel) are replaced.  `echo @type LINE\\n` in it types LINE on the console
    as soon as the machine goes on.
    """
    script: str
    answers: tuple
    seconds: float = 60

    def do(self, console, case_report):
        image = re.search(r"control: image at (0x[0-9a-f]+)", console.text)
        if not image:
            raise Failure("the log does not say where the control guest is: loglevel=debug")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            facts = {"port": listener.getsockname()[1], "build": case_report.build,
                     "payload": f"{case_report.build}/e2e/iso/payload.elf", "control": image[1],
                     "entry": hex(kernel_entry(f"{case_report.build}/guest/vmlinuz"))}
            threading.Thread(target=relay, args=(listener, console.serial2), daemon=True).start()
            output = self._run(console, facts)
        at = 0
        for name, pattern in self.answers:
            match = re.compile(pattern, re.MULTILINE).search(output, at)
            if not match:
                raise Failure(f"{name}: gdb says {output[at:]!r}, not /{pattern}/")
            at = match.end()
            console.kept.update(match.groupdict())
            case_report.ok(name)

    def _run(self, console, facts):
        path = f"{console.folder}/{self.script}"
        with open(f"{HERE}/{self.script}", encoding="ascii") as f:
            script = re.sub(r"\{([a-z]+)\}", lambda m: str(facts[m[1]]), f.read())
        with open(path, "w", encoding="ascii") as f:
            f.write("set confirm off\nset pagination off\nset width 0\n" + script)
        output = ""
        with subprocess.Popen(["stdbuf", "-oL", "gdb", "-nx", "-q", "-batch", "-x", path],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as gdb:
            timer = threading.Timer(self.seconds, gdb.kill)
            timer.start()
            for said in gdb.stdout:
                output += said
                if said.startswith(TYPE):
                    threading.Timer(TYPE_SECONDS, console.send,
                                    [said[len(TYPE):].strip() + "\r"]).start()
            timer.cancel()
        with open(path + ".out", "w", encoding="utf-8") as f:
            f.write(output)
        if gdb.returncode:
            raise Failure(f"gdb {self.script} ended with {gdb.returncode}: {output[-600:]!r}")
        return output
