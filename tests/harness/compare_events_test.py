# SPDX-License-Identifier: GPL-2.0-or-later
"""compare_events.py passes what is the same and fails on everything else."""
import errno
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(__file__).parents[1] / "compare_events.py"
NUMBERS = """- one 1 1
- two 1 2
- twin 1 3
- twin 2 5
- untraced 1 4
lp_a one 0 10
lp_b one 1 20
lp_b twin 2 21
"""


def event(kind, subject, error=0, *log):
    return {"event": kind, "subject": subject, "errno": error, "undefined_behaviour": None,
            "log": [{"text": text} for text in log]}


def module(name, *functions, live=True):
    patch = {"enabled": True, "objects": [{"name": "scn_target", "patched": True,
                                           "functions": [{"name": f, "sympos": s} for f, s in functions]}]}
    return {"name": name, "live": live, "patch": patch if functions else None}


TARGET = module("scn_target")
LP_A = module("lp_a", ("one", 0))
LP_B = module("lp_b", ("one", 1), ("twin", 2))
ENABLED = "/sys/kernel/livepatch/{}/enabled 1"


class Input:
    def __init__(self):
        self.model = [event("load", "modules/before.ko"),
                      event("load", "modules/scn_target.ko"),
                      event("load", "modules/lp_a.ko", 0, "livepatch: enabling patch 'lp_a'"),
                      event("load", "modules/lp_b.ko"),
                      event("load", "modules/bad.ko", errno.ENOEXEC, "bad: version magic"),
                      event("disable", "lp_b"),
                      event("unload", "missing", errno.ENOENT)]
        self.states = [[TARGET], [TARGET, LP_A], [TARGET, LP_A, LP_B], [TARGET, LP_A, LP_B], [TARGET, LP_A], [TARGET, LP_A]]
        plain, a, b = (f"one {n} two 2 twins 3 {t} untraced 4" for n, t in ((1, 5), (10, 5), (20, 21)))
        self.guest = [
            ["load:scn_target", "module scn_target", "shows " + plain],
            ["load:lp_a", "log [ 1.0] livepatch: enabling patch 'lp_a'", "log [ 1.0] random: noise", "patch " + ENABLED.format("lp_a"),
             "module scn_target", "module lp_a", "shows " + a],
            ["load:lp_b", "patch " + ENABLED.format("lp_a"), "patch " + ENABLED.format("lp_b"),
             "module scn_target", "module lp_a", "module lp_b", "shows " + b],
            ["load:bad", "said insmod: can't insert '/bad.ko': invalid module format", "log [ 1.0] bad: version magic",
             "log [ 1.0] bad: version magic", "patch " + ENABLED.format("lp_a"), "patch " + ENABLED.format("lp_b"),
             "module scn_target", "module lp_a", "module lp_b", "shows " + b],
            ["disable:lp_b", "patch " + ENABLED.format("lp_a"), "module scn_target", "module lp_a", "shows " + a],
            ["unload:missing", "said rmmod: can't unload module 'missing': No such file or directory",
             "patch " + ENABLED.format("lp_a"), "module scn_target", "module lp_a", "shows " + a]]
        self.numbers = NUMBERS

    def guest_text(self):
        return "".join("event " + "\n".join(lines) + "\n" for lines in self.guest)

    def run(self):
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            (folder / "model.json").write_text(json.dumps({"events": self.model}))
            (folder / "states").write_text("".join(json.dumps(state) + "\n" for state in self.states))
            (folder / "guest").write_text(self.guest_text())
            (folder / "numbers").write_text(self.numbers)
            return subprocess.run([sys.executable, PROGRAM, "model.json", "states", "guest", "numbers"], cwd=folder,
                                  capture_output=True, text=True, check=False)


class CompareEvents(unittest.TestCase):
    def setUp(self):
        self.input = Input()

    def refused(self, because):
        result = self.input.run()
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertNotIn("Traceback", result.stderr)
        self.assertIn(because, result.stderr)

    def test_same_events(self):
        result = self.input.run()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("6 events as in the model", result.stdout)

    def test_name_of_another_event(self):
        self.input.guest[2][0] = "load:lp_c"
        self.refused("event 2, load:lp_c: the model's event is load:lp_b")

    def test_kind_of_another_event(self):
        self.input.guest[4][0] = "unload:lp_b"
        self.refused("the model's event is disable:lp_b")

    def test_other_function_ran(self):
        for number in range(6):
            with self.subTest(number):
                self.input = Input()
                self.input.guest[number][-1] = self.input.guest[number][-1].replace("twins 3", "twins 4")
                self.refused(f"event {number}, ")

    def test_livepatch_below_ran(self):
        self.input.guest[2][-1] = "shows one 10 two 2 twins 3 21 untraced 4"
        self.refused("event 2, load:lp_b: functions")

    def test_twins_exchanged(self):
        self.input.guest[2][-1] = "shows one 20 two 2 twins 21 5 untraced 4"
        self.refused("event 2, load:lp_b: functions")

    def test_target_shows_nothing_or_too_much(self):
        del self.input.guest[0][-1]
        self.refused("event 0, load:scn_target: functions")
        self.input = Input()
        self.input.states[0] = []
        self.input.guest[0] = ["load:scn_target", self.input.guest[0][-1]]
        self.refused("event 0, load:scn_target: functions")

    def test_state_after_each_event(self):
        for number in range(6):
            for line in ("module other", "patch " + ENABLED.format("other")):
                with self.subTest(line, number=number):
                    self.input = Input()
                    self.input.guest[number].append(line)
                    self.refused(f"event {number}, ")

    def test_livepatch_is_not_enabled(self):
        self.input.guest[2][1] = self.input.guest[2][1][:-1] + "0"
        self.refused("event 2, load:lp_b: modules and livepatches")

    def test_error_in_the_guest_alone(self):
        self.input.guest[1].append("said insmod: can't insert '/lp_a.ko': File exists")
        self.refused("the model says None, the guest EEXIST")

    def test_error_in_the_model_alone(self):
        self.input.model[3]["errno"] = errno.EBUSY
        self.refused("the model says EBUSY, the guest None")

    def test_error_without_a_name(self):
        self.input.model[3]["errno"] = 524  # the kernel's ENOTSUPP
        self.refused("the model says 524, the guest None")

    def test_other_error(self):
        self.input.model[6]["errno"] = errno.EBUSY
        self.refused("the model says EBUSY, the guest ENOENT")

    def test_line_of_the_log_is_missing(self):
        del self.input.guest[1][1]
        self.refused("enabling patch 'lp_a'")

    def test_line_of_the_log_too_many(self):
        self.input.guest[4].append("log [ 1.0] livepatch: 'lp_b': starting unpatching transition")
        self.refused("starting unpatching transition")

    def test_messages_come_twice_where_a_load_is_refused_alone(self):
        self.input.guest[1].insert(1, self.input.guest[1][1])
        self.refused("enabling patch 'lp_a'")

    def test_undefined_behaviour(self):
        self.input.model[3]["undefined_behaviour"] = "nobody knows"
        self.refused("undefined: nobody knows")

    def test_guest_that_ended_early(self):
        del self.input.guest[3:]
        self.refused("6 events and 6 states in the model, 3 events in the guest")

    def test_states_that_are_not_of_all_events(self):
        self.input.states.pop()
        self.refused("6 events and 5 states")

    def test_no_events(self):
        self.input.guest = []
        self.refused("no events in the guest")


if __name__ == "__main__":
    unittest.main()
