# SPDX-License-Identifier: MIT
"""Running unit tests: cmocka programs that report in TAP."""
import os
import re
import subprocess

LIMIT_SECONDS = 300  # for one program
RESULT = re.compile(r"^(ok|not ok) \d+ - (.*)$")
PLAN = re.compile(r"^1\.\.(\d+)$")


def parse(output):
    """The tests in a TAP report: (planned, [(name, passed, [detail])])."""
    planned, results = 0, []
    for line in output.splitlines():
        if plan := PLAN.match(line):
            planned += int(plan[1])
        elif result := RESULT.match(line):
            results.append((result[2], result[1] == "ok", []))
        elif results and line.startswith("#"):
            results[-1][2].append(line)
    return planned, results


def run(program, report):
    """Run the cmocka program at path @program; every test of it counts."""
    name = "unit/" + os.path.basename(program).removeprefix("test_")
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    try:
        done = subprocess.run([program], env=env, capture_output=True, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, timeout=LIMIT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        report.failed(name, f"not done after {LIMIT_SECONDS} s")
        return
    planned, results = parse(done.stdout)
    for test, passed, details in results:
        if passed:
            report.ok(f"{name}: {test}")
        else:
            report.failed(f"{name}: {test}", "see below", details)
    # A sanitizer ends the program where it stands.
    all_passed = all(passed for _, passed, _ in results)
    if not planned or len(results) != planned or (done.returncode and all_passed):
        report.failed(name, f"ended with status {done.returncode} after {len(results)} of "
                      f"{planned} tests", done.stderr.splitlines()[-30:])
