# SPDX-License-Identifier: GPL-2.0-or-later
"""compare_log.py passes what is the same and fails on everything else."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(__file__).parents[1] / "compare_log.py"
LINES = ["livepatch: enabling patch 'm'", "livepatch: 'm': starting patching transition", "m: is here", "livepatch: 'm': patching complete"]


def run(model, guest):
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        (folder / "model.json").write_text(json.dumps({"events": [{"log": [{"text": line}]} for line in model]}))
        (folder / "dmesg").write_text("".join(f"<4>[    1.{number}] {line}\n" for number, line in enumerate(guest)))
        result = subprocess.run([sys.executable, PROGRAM, "model.json", "dmesg", "m"], cwd=folder, capture_output=True,
                                text=True, check=False)
        assert "Traceback" not in result.stderr, result.stderr
        return result.returncode


class CompareLog(unittest.TestCase):
    def test_same_lines(self):
        self.assertEqual(run(LINES, LINES), 0)

    def test_other_lines_of_the_kernel_do_not_matter(self):
        self.assertEqual(run(LINES, ["Linux version", *LINES[:2], "random: noise", *LINES[2:]]), 0)

    def test_refused_load_says_everything_twice(self):
        self.assertEqual(run(LINES, LINES + LINES), 0)

    def test_each_line_counts(self):
        for number in range(len(LINES)):
            with self.subTest(number):
                self.assertEqual(run(LINES, LINES[:number] + LINES[number + 1:]), 1)
                self.assertEqual(run(LINES[:number] + LINES[number + 1:], LINES), 1)

    def test_order_counts(self):
        self.assertEqual(run(LINES, LINES[1::-1] + LINES[2:]), 1)

    def test_words_count(self):
        self.assertEqual(run(LINES, [line.replace("complete", "completed") for line in LINES]), 1)

    def test_model_says_it_twice(self):
        self.assertEqual(run(LINES + LINES, LINES), 1)

    def test_nothing_to_compare(self):
        self.assertEqual(run([], []), 1)


if __name__ == "__main__":
    unittest.main()
