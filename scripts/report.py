# SPDX-License-Identifier: MIT
"""Counting tests and printing one line for each."""
import sys
import threading


class Report:
    """What passed and what failed.  Any thread may add to it."""

    def __init__(self, out=sys.stdout):
        self.out = out
        self.passed = 0
        self.skipped = 0
        self.failures = []
        self._lock = threading.Lock()

    def ok(self, name, seconds=None):
        with self._lock:
            self.passed += 1
            self._say(f"ok {name}" + (f" ({seconds:.0f} s)" if seconds is not None else ""))

    def failed(self, name, why, details=()):
        """@details: lines that help to see why, printed below the result."""
        with self._lock:
            self.failures.append(name)
            self._say(f"FAILED {name}: {why}")
            for line in details:
                self._say(f"    | {line}")

    def skip(self, name, why):
        with self._lock:
            self.skipped += 1
            self._say(f"skip {name}: {why}")

    def note(self, text):
        with self._lock:
            self._say(text)

    def close(self):
        """The closing line.  Returns the exit status."""
        if self.failures:
            self._say("failed: " + ", ".join(self.failures))
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        self._say(f"{self.passed} passed, {len(self.failures)} failed{skipped}")
        return 1 if self.failures or not self.passed else 0

    def _say(self, text):
        print(text, file=self.out, flush=True)
