# SPDX-License-Identifier: MIT
"""Machines to boot an ISO on: Bochs, which emulates VMX, and QEMU.

A machine's serial ports are TCP connections that the emulator makes to
ports of ours, so no port number has to be guessed.  Used by scripts/run and by
the end-to-end tests.
"""
import dataclasses
import os
import signal
import socket
import subprocess

BOCHS_CONFIG = """\
plugin_ctrl: unmapped=1, biosdev=1, speaker=0, extfpuirq=1, serial=1, iodebug=1
config_interface: textconfig
display_library: rfb, options="timeout=0"
memory: guest={mem}, host={host_mem}
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
cpu: model={model}, count={cpus}, ips={ips}, reset_on_triple_fault=0, ignore_bad_msrs=1
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
com1: enabled=1, mode=socket-client, dev=127.0.0.1:{port}
{com2}log: {dir}/bochs.log
panic: action=fatal
error: action={errors}
info: action=report
debug: action=ignore
clock: sync=none, time0=1767229200
mouse: enabled=0
"""
OVMF = "/usr/share/OVMF/OVMF_CODE.fd"
DEFAULT_MODEL = "corei7_haswell_4770"
START_SECONDS = 30  # for the emulator to connect its serial port


@dataclasses.dataclass
class Machine:
    iso: str
    dir: str  # where its files go: configuration, logs
    emulator: str = "bochs"  # bochs, qemu or qemu-kvm
    cpus: int = 1
    mem: int = 1024  # MiB
    model: str = DEFAULT_MODEL  # of Bochs
    firmware: str = "bios"  # bios or uefi (QEMU)
    ips: int = 20_000_000  # of Bochs: instructions in an emulated second
    com2: bool = False  # has it a second serial port?
    errors: str = "ignore"  # of Bochs: report logs every EPT exit, megabytes of them


class EmulatorError(Exception):
    """The emulator did not start."""


def nested_vmx():
    """Why QEMU with KVM cannot run kvm0 here, or None if it can."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
            flags = next((line.split() for line in f if line.startswith("flags")), [])
        if "vmx" not in flags:
            return "the CPU offers no VMX"
        with open("/sys/module/kvm_intel/parameters/nested", encoding="ascii") as f:
            if f.read().strip() not in ("Y", "1"):
                return "kvm_intel does not nest (its parameter nested is off)"
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError as e:
        return f"{e.filename}: {e.strerror}"
    return None


def bochs_command(machine, port, port2):
    fields = dataclasses.asdict(machine)
    # Bochs keeps at most so much in its own memory at once, and the rest in a file.
    fields["host_mem"] = min(machine.mem, 2048)
    fields.update(iso=os.path.abspath(machine.iso), dir=os.path.abspath(machine.dir), port=port)
    fields["com2"] = f"com2: enabled=1, mode=socket-client, dev=127.0.0.1:{port2}\n" if port2 else ""
    with open(f"{machine.dir}/bochsrc", "w", encoding="ascii") as f:
        f.write(BOCHS_CONFIG.format(**fields))
    # Debian's Bochs is built with its debugger, which waits for a command.
    with open(f"{machine.dir}/rc", "w", encoding="ascii") as f:
        f.write("c\n")
    return ["bochs", "-q", "-f", "bochsrc", "-rc", "rc"]


def qemu_command(machine, port, port2):
    kvm = machine.emulator == "qemu-kvm"
    command = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none"]
    command += ["-machine", "q35,accel=kvm" if kvm else "q35,accel=tcg"]
    command += ["-cpu", "host" if kvm else "max", "-smp", str(machine.cpus), "-m", str(machine.mem)]
    command += ["-cdrom", os.path.abspath(machine.iso), "-vga", "std"]
    command += ["-chardev", f"socket,id=com1,host=127.0.0.1,port={port}", "-serial", "chardev:com1"]
    if port2:
        command += ["-chardev", f"socket,id=com2,host=127.0.0.1,port={port2}", "-serial", "chardev:com2"]
    if machine.firmware == "uefi":
        command += ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF}"]
    return command


class Emulator:
    """A machine that runs.  .serial is its COM1, a connected socket, .serial2 its COM2 or None."""

    def __init__(self, machine):
        self.machine = machine
        os.makedirs(machine.dir, exist_ok=True)
        self.serial2 = None
        with socket.create_server(("127.0.0.1", 0)) as listener, \
                socket.create_server(("127.0.0.1", 0)) as listener2:
            port, port2 = listener.getsockname()[1], listener2.getsockname()[1]
            make = bochs_command if machine.emulator == "bochs" else qemu_command
            command = make(machine, port, port2 if machine.com2 else None)
            with open(f"{machine.dir}/emulator.out", "wb") as out:
                try:
                    # Its own process group: the terminal's Ctrl-C is not for it.  It
                    # ends with this thread, however that ends.
                    self.process = subprocess.Popen(
                        ["setpriv", "--pdeathsig", "KILL", *command], cwd=machine.dir, stdin=subprocess.DEVNULL, stdout=out,
                        stderr=out, start_new_session=True)
                except OSError as e:
                    raise EmulatorError(f"{e.filename}: {e.strerror}; run scripts/setup") from e
            self.serial = self._accept(listener, command[0])
            if machine.com2:
                self.serial2 = self._accept(listener2, command[0])

    def _accept(self, listener, name):
        listener.settimeout(0.2)
        for _ in range(START_SECONDS * 5):
            try:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connection
            except TimeoutError:
                if self.process.poll() is not None:
                    break
        self.stop()
        raise EmulatorError(f"{name} did not start: see {self.machine.dir}/emulator.out")

    def stop(self):
        """End the emulator, if it still runs, and wait for it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if hasattr(self, "serial"):
            self.serial.close()
        if self.serial2:
            self.serial2.close()
