# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/run_tests.py: what it counts, prints and ends with, for jobs of our own in place of the tests."""
import contextlib
import io
import pathlib
import re
import sys
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import run_tests  # noqa: E402

GOOGLE = "[==========] 4 tests from 1 test suite ran.\n[  PASSED  ] 2 tests.\n[  SKIPPED ] 1 test, listed below:\n" \
         "[  FAILED  ] 1 test, listed below:\n"


def shell(name, text, *needs):
    return run_tests.Job(name, ["sh", "-c", text], needs)


def run(jobs, *arguments):
    """What it printed, and its status."""
    printed = io.StringIO()
    built = run_tests.Job("build/release", [])
    with mock.patch.object(run_tests, "all_jobs", lambda options: jobs), mock.patch.object(run_tests, "prepare", lambda *_: built), \
            mock.patch.object(sys, "argv", ["run_tests", *arguments]), contextlib.redirect_stdout(printed):
        try:
            run_tests.main()
        except SystemExit as end:
            return printed.getvalue(), end.code
    raise AssertionError("does not end")


class RunTests(unittest.TestCase):
    def test_a_skipped_test_is_a_failure_for_strict_only(self):
        jobs = [("cli/a", "exit 0"), ("cli/b", "echo no kernel; exit 77")]
        for arguments, status in ((["*"], 0), (["--strict", "*/*"], 1)):
            printed, ended = run([shell(*job) for job in jobs], *arguments)
            self.assertEqual(ended, status)
            self.assertIn("skipped: no kernel", printed)
            self.assertEqual(printed.splitlines()[-1], "1 passed, 0 failed, 1 skipped")

    def test_a_kernel_that_the_network_does_not_give_is_no_failure(self):
        jobs = [shell("cli/a", "exit 0"), shell("ladder/1", "echo no lists; exit 77"), shell("ladder/2", "exit 1")]
        jobs[1].may_skip = jobs[2].may_skip = True
        printed, ended = run(jobs[:2], "--strict", "*/*")
        self.assertIn("skipped: no lists", printed)
        self.assertEqual((printed.splitlines()[-1], ended), ("1 passed, 0 failed, 1 skipped", 0))
        self.assertEqual(run(jobs, "--strict", "*/*")[1], 1)

    def test_cases_of_a_google_test_program_count(self):
        printed, ended = run([shell("unit/a", f"printf '{GOOGLE}'; exit 1")])
        self.assertEqual((printed.splitlines()[-1], ended), ("2 passed, 1 failed, 1 skipped", 1))

    def test_a_google_test_program_that_fails_at_its_end_has_failed(self):
        printed, ended = run([shell("unit/a", "printf '[==========] 1 test ran.\n[  PASSED  ] 1 test.\n'; exit 99")])
        self.assertEqual((printed.splitlines()[-1], ended), ("1 passed, 1 failed, 0 skipped", 1))

    def test_a_program_that_crashes_has_failed(self):
        printed, ended = run([shell("unit/a", "kill -SEGV $$")])
        self.assertEqual((printed.splitlines()[-1], ended), ("0 passed, 1 failed, 0 skipped", 1))

    def test_jobs_come_after_what_they_need(self):
        """With what they need, where a pattern selects them, and not where that failed."""
        jobs = [shell("cli/later", "exit 0", "build/asan"), shell("build/asan", "exit 3"), shell("cli/other", "exit 0")]
        printed, ended = run(jobs, "cli/l*")
        self.assertIn("without build/asan", printed)
        self.assertNotIn("cli/other", printed)
        self.assertEqual((printed.splitlines()[-1], ended), ("0 passed, 2 failed, 0 skipped", 1))

    def test_no_test_is_a_failure(self):
        self.assertIn("no test is called", run([shell("cli/a", "exit 0")], "nothing/*")[1])

    def test_parts_have_their_cpu_time(self):
        burn = f"{sys.executable} -c 'import time\nwhile time.process_time() < 4: pass'"
        printed, _ = run([shell("cli/a", burn), shell("kernel/b", "sleep 1.2")])
        self.assertRegex(printed, r"(?m)^cli/a +\d+\.\d s +4\.\d CPU s  passed$")
        self.assertRegex(printed, r"(?m)^kernel/b +\d+\.\d s +0\.[01] CPU s  passed$")
        parts = re.findall(r"^(\w+) +(\d+) +([\d.]+) +([\d.]+)$", printed, re.MULTILINE)
        self.assertEqual({part: jobs for part, jobs, _, _ in parts}, {"cli": "1", "build": "1", "kernel": "1"})
        self.assertEqual({part for part, _, _, cpu in parts if float(cpu) == 0}, {"build", "kernel"})

    def test_what_is_tested(self):
        """Of the sanitized build where strict, else of the release build."""
        for strict, folder in ((True, "asan"), (False, "release")):
            options = mock.Mock(strict=strict, quick=True)
            tests = [job for job in run_tests.all_jobs(options) if job.name.startswith(("cli/", "unit/"))]
            self.assertTrue(tests)
            for job in tests:
                self.assertIn(f"build/{folder}/", job.environment.get("KLP", job.command[0]))
                self.assertEqual(job.needs, ["build/asan"] if strict else [])


if __name__ == "__main__":
    unittest.main()
