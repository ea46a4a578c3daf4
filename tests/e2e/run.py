#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Boot the cases of cases.py, a machine for each core at a time, the longest first."""
import argparse
import fnmatch
import functools
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "scripts")]

import cases  # noqa: E402
import console  # noqa: E402
import emulator  # noqa: E402
import made  # noqa: E402
import pool  # noqa: E402
import report  # noqa: E402
import texts  # noqa: E402

SHOWN_LINES = 25  # of a console, when its case fails
SILENT_SECONDS = 3
# Bochs calls every end a panic; these are the orderly ones.
ORDERLY = re.compile(r"soft power off|shutdown requested|Shutdown port", re.IGNORECASE)


class CaseReport:
    """The tests that a case counts beside itself."""

    def __init__(self, case, results, build):
        self.case = case
        self.results = results
        self.build = build

    def ok(self, name):
        self.results.ok(f"e2e/{self.case.name}: {name}")

    def skip(self, name, why):
        self.results.skip(f"e2e/{self.case.name}: {name}", why)

    def failed(self, name, why):
        self.results.failed(f"e2e/{self.case.name}: {name}", why)


def emulator_panics(folder):
    """What Bochs logged as fatal: a triple fault, for one."""
    try:
        with open(f"{folder}/bochs.log", encoding="latin-1") as f:
            return [line.strip() for line in f if ">>PANIC<<" in line and not ORDERLY.search(line)]
    except FileNotFoundError:
        return []


def converse(case, running, folder, case_report):
    """The case's steps and its end.  Returns (why it failed or None, last lines)."""
    spare = f"(?!.*(?:{case.tolerate}))" if case.tolerate else ""
    fail = [spare + p for p in texts.FAIL if p not in case.allow]
    with open(f"{folder}/serial.log", "wb") as log:
        com1 = console.Console(running.serial, log, time.time() + case.limit, fail)
        com1.serial2, com1.folder = running.serial2, folder
        try:
            for step in case.steps:
                step.do(com1, case_report)
            if case.end == "off":
                com1.expect_end()
            elif case.end == "halt":
                com1.expect_silence(SILENT_SECONDS)
        except console.Failure as e:
            return str(e), com1.last_lines(SHOWN_LINES)
        return None, com1.last_lines(SHOWN_LINES)


def run_case(case, isos, folder, results):
    name = f"e2e/{case.name}"
    started = time.time()
    try:
        machine = emulator.Machine(
            iso=isos.get(case), dir=folder, emulator=case.emulator, cpus=case.cpus, mem=case.mem,
            model=case.model, firmware=case.firmware, com2=case.com2)
        running = emulator.Emulator(machine)
    except (emulator.EmulatorError, OSError, subprocess.CalledProcessError) as e:
        results.failed(name, f"{e}", str(getattr(e, "stderr", "") or "").splitlines())
        return
    try:
        why, lines = converse(case, running, folder, CaseReport(case, results, isos.build))
    finally:
        running.stop()
    panics = emulator_panics(folder)
    if why is None and panics:
        why = panics[0]
    if why is None:
        results.ok(name, time.time() - started)
    else:
        results.failed(name, f"{why} (after {time.time() - started:.0f} s)", lines + panics)


def try_case(case, isos, folder, results):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    try:
        run_case(case, isos, folder, results)
    except Exception as e:  # a case that breaks the harness has not passed
        results.failed(f"e2e/{case.name}", f"{type(e).__name__}: {e}")


def tasks(build, patterns, results):
    """The cases whose names match one of the patterns, for pool.run(): the longest first."""
    chosen = [c for c in cases.CASES if any(fnmatch.fnmatch(c.name, p) for p in patterns)]
    top = os.path.abspath(f"{build}/e2e")
    if not chosen:
        results.failed("e2e", f"no case is called {' or '.join(patterns)}")
    shutil.rmtree(f"{top}/iso", ignore_errors=True)
    os.makedirs(f"{top}/iso")
    isos = made.Isos(os.path.abspath(build), f"{top}/iso")
    return [functools.partial(try_case, case, isos, f"{top}/{case.name}", results)
            for case in sorted(chosen, key=lambda c: -c.limit)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("cases", nargs="*", default=["*"], help="names or patterns; all if none")
    args = parser.parse_args()
    results = report.Report()
    pool.run(tasks(args.build, args.cases or ["*"], results), args.jobs)
    return results.close()


if __name__ == "__main__":
    sys.exit(main())
