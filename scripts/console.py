# SPDX-License-Identifier: MIT
"""A machine's serial console as a test sees it: text to wait for, keys to send."""
import re
import select
import time

# What terminals are told: cursor movements and colours, of GRUB's menu mostly.
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\r")
KEY_SECONDS = 0.02  # between two keys: a quick typist; faster overruns a real UART


class Failure(Exception):
    """The test has failed; the text says why."""


class Console:
    """@fail: patterns of lines that end the test wherever they appear."""

    def __init__(self, serial, log, deadline, fail):
        self.serial = serial
        self.log = log
        self.deadline = deadline
        self.fail = [re.compile(p) for p in fail]
        self.raw = ""
        self.text = ""  # all that was printed, without escapes
        self.seen = 0  # what expect() has matched
        self.checked = 0  # what was searched for failures: whole lines
        self.ended = False
        self.dates = []  # that commands have shown
        self.kept = {}  # what named groups of answers have matched

    def expect(self, pattern, seconds=None):
        """Wait for a regular expression after what was matched last.  Returns the match."""
        until = self.deadline if seconds is None else min(self.deadline, time.time() + seconds)
        wanted = re.compile(pattern, re.MULTILINE)
        while True:
            if match := wanted.search(self.text, self.seen):
                self.seen = match.end()
                return match
            if self.ended:
                raise Failure(f"the machine ended before /{pattern}/")
            if not self._read(until):
                raise Failure(f"timeout: no /{pattern}/")

    def fill(self, text):
        """@text with what has been kept in the place of each {name}."""
        return re.sub(r"\{([a-z]+)\}", lambda match: self.kept[match[1]], text)

    def send(self, text):
        for key in text:
            self.serial.sendall(key.encode())
            time.sleep(KEY_SECONDS)

    def expect_end(self):
        """Wait until the machine has ended."""
        while not self.ended:
            if not self._read(self.deadline):
                raise Failure("timeout: the machine did not end")

    def expect_silence(self, seconds):
        """The machine stays on and prints nothing more."""
        self._drain(0.5)  # the rest of the last line
        before = len(self.text)
        self._drain(seconds)
        if self.ended:
            raise Failure("the machine ended: it should have halted")
        if len(self.text) != before:
            raise Failure(f"more was printed after the end: {self.text[before:][:200]!r}")

    def _drain(self, seconds):
        until = time.time() + seconds
        while not self.ended and self._read(until):
            pass

    def last_lines(self, count):
        return [line for line in self.text.split("\n") if line.strip()][-count:]

    def _read(self, until):
        """Read what there is.  False if there is nothing until then."""
        left = until - time.time()
        if left <= 0 or not select.select([self.serial], [], [], left)[0]:
            return False
        try:
            data = self.serial.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            self.ended = True
        self.log.write(data)
        self.log.flush()
        # A UART that is powered off keeps its last byte.
        self._add(data.decode("latin-1") if data else "\n")
        return True

    def _add(self, printed):
        self.raw += printed
        # An escape sequence may still be incomplete.
        cut = self.raw.rfind("\x1b", max(0, len(self.raw) - 16))
        whole = len(self.raw) if cut < 0 or ESCAPES.match(self.raw, cut) else cut
        self.text += ESCAPES.sub("", self.raw[:whole])
        self.raw = self.raw[whole:]
        end = len(self.text) if self.ended else self.text.rfind("\n") + 1
        for line in self.text[self.checked:end].split("\n"):
            for pattern in self.fail:
                if pattern.search(line):
                    self.checked = end
                    raise Failure(line.strip())
        self.checked = max(self.checked, end)
