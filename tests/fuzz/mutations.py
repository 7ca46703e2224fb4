#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes livepatches and objects, with knowledge of their structure, and gives them to klp.

    mutations.py [--seed N] [--from I] [--count N] [--folder DIR] [--kernel NAME]... [--only I]

Each changed file goes through inspect, check, simulate, convert and diff. What must not happen: a report of a sanitizer, 5
seconds of CPU time for one command, a status that the command does not have, a message that is not klp's own, JSON that
is none, an output file after a failure. An input that makes it happen is kept in DIR/findings with the command and what it
said; the run goes on. Ends with 1 where there was one.

$KLP and $KLPKIT_TOOLS are of a build with sanitizers (build/asan). Commands run in one process, command_server; of every
50th input they run as a user runs them, too, and have to end alike. Input number I of a seed is always the same: a run is
repeated with --seed, resumed with --from, and one input alone is looked at with --only.
"""
import argparse
import json
import os
import pathlib
import random
import re
import select
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import mutate_elf  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
CPU_SECONDS = 5
WALL_SECONDS = 120
COMMANDS_A_SERVER = 2000
STATUSES = {"inspect": {0, 1}, "check": {0, 1, 2}, "simulate": {0, 1, 2}, "convert": {0, 1, 2}, "diff": {0, 1, 2, 3}}
# What exceptions of the C++ library say: somebody did not look before.
FOREIGN = re.compile(r"klp: error: (vector|basic_string|map::|deque|array::|bad |std::|stoi|stoul|invalid stoi|filesystem error|"
                     r"cannot create std|invalid string position|_M_|regex|\[json|not enough memory|out of memory)")
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:")


class Problem(Exception):
    pass


class Server:
    """command_server, started again where it has ended."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None
        self.commands = 0

    def start(self):
        self.errors = open(self.folder / "sanitizer", "w+b")
        self.process = subprocess.Popen([os.environ["KLPKIT_TOOLS"] + "/command_server", self.folder], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors, text=True, bufsize=1)
        self.commands = 0

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def run(self, arguments):
        """The status. Problem: the process has ended, or goes on for too long."""
        if self.process is None:
            self.start()
        began, cpu_before = time.monotonic(), self.cpu_seconds()
        self.process.stdin.write("\x1f".join(["klp", *map(str, arguments)]) + "\n")
        while not select.select([self.process.stdout], [], [], 1)[0]:
            if self.cpu_seconds() - cpu_before > CPU_SECONDS or time.monotonic() - began > WALL_SECONDS:
                self.process.kill()
                self.end()
                raise Problem(f"hangs: more than {CPU_SECONDS} s")
        answer = self.process.stdout.readline()
        if not answer:
            raise Problem(f"crashes, status {self.end()}")
        self.commands += 1
        if self.cpu_seconds() - cpu_before > CPU_SECONDS:
            raise Problem(f"took {self.cpu_seconds() - cpu_before:.1f} s")
        return int(answer)

    def end(self):
        """Its own status: a sanitizer may find leaks."""
        if self.process is None:
            return 0
        self.process.stdin.close()
        status = self.process.wait()
        self.process = None
        return status

    def said(self):
        texts = [(self.folder / name).read_text(errors="replace") for name in ("err", "sanitizer") if (self.folder / name).exists()]
        return "\n".join(texts)


def commands_for(base, folder, file, chance):
    """Their arguments; those that write have the output file behind -o."""
    output = folder / "output"
    kernel = ["--kernel", base["kernel"]]
    late = [base["late"]] if base.get("late") else []
    objects = [word for module in late for word in ("--object", module)]
    yield ["inspect", "--json", file]
    yield ["inspect", file]
    yield ["check", *chance.choice([kernel, ["--kernel", "none"], kernel]), *objects, *chance.choice([[], ["--json"]]), file]
    events = [word for module in late for word in ("--event", "load:" + module, "--event", "unload:" + pathlib.Path(module).stem,
                                                   "--event", "load:" + module)]
    yield ["simulate", *kernel, *chance.choice([["--json"], ["-v"], []]), file, *chance.choice([events, events + ["--event", "disable"]])]
    yield ["convert", *kernel, *(word for module in late for word in ("--module", module)), "-o", output, file]
    other = folder.parent / (base.get("pair") or base["file"])
    yield ["diff", *chance.choice([[file, other], [other, file]]), "-o", output]


def check_answer(arguments, status, output, printed, said):
    command = arguments[0]
    if SANITIZER.search(said):
        raise Problem("a sanitizer reports")
    if status not in STATUSES[command]:
        raise Problem(f"ends with {status}")
    if FOREIGN.search(said):
        raise Problem("a message that is not klp's own")
    if status == 1 and len(re.findall(r"^klp: error: ", said, re.MULTILINE)) != 1:
        raise Problem("status 1 without one error")
    if "--json" in arguments and status != 1:
        try:
            json.loads(printed)
        except ValueError as error:
            raise Problem(f"no JSON: {error}") from error
    if status != 0 and output.exists():
        raise Problem("an output file is there after a failure")


class Run:
    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(options.folder)
        self.bases = json.loads((self.folder / "list.json").read_text())
        for base in self.bases:
            base["bytes"] = (self.folder / base["file"]).read_bytes()
        self.work = self.folder / f"work-{os.getpid()}"
        self.work.mkdir()
        self.findings = self.folder / "findings"
        self.server = Server(self.work)
        self.problems = 0
        self.statuses = {}

    def in_process(self, arguments):
        return self.server.run(arguments), (self.work / "out").read_text(errors="replace"), self.server.said()

    def as_user(self, arguments):
        try:
            ended = subprocess.run([os.environ["KLP"], *map(str, arguments)], capture_output=True, timeout=WALL_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise Problem("hangs") from error
        return ended.returncode, ended.stdout.decode(errors="replace"), ended.stderr.decode(errors="replace")

    def try_command(self, arguments, as_user):
        output = self.work / "output"
        output.unlink(missing_ok=True)
        status, printed, said = self.in_process(arguments)
        check_answer(arguments, status, output, printed, said)
        if as_user:
            output.unlink(missing_ok=True)
            again, printed, said = self.as_user(arguments)
            check_answer(arguments, again, output, printed, said)
            if again != status:
                raise Problem(f"ends with {again} as a program of its own, with {status} among others")
        return status

    def one(self, number):
        chance = random.Random(f"{self.options.seed}:{number}")
        base = chance.choice(self.bases)
        data, notes = mutate_elf.mutate(base["bytes"], chance)
        file = self.work / "input.ko"
        file.write_bytes(data)
        for arguments in commands_for(base, self.work, file, chance):
            try:
                status = self.try_command(arguments, number % 50 == 0)
                if self.options.only is not None:
                    print(arguments[0], status)
                    print(self.server.said())
                self.statuses[arguments[0], status] = self.statuses.get((arguments[0], status), 0) + 1
            except Problem as problem:
                self.keep(number, arguments, file, f"{problem}\n{base['file']}: {notes}")
        if self.server.commands > COMMANDS_A_SERVER:
            self.end_server(number)

    def end_server(self, number):
        if self.server.end() != 0:
            self.keep(number, ["leaks"], self.work / "input.ko", "command_server ends with another status than 0")

    def keep(self, number, arguments, file, why):
        self.problems += 1
        self.findings.mkdir(exist_ok=True)
        name = self.findings / f"{self.options.seed}-{number}-{arguments[0]}"
        shutil.copy(file, f"{name}.ko")
        said = self.server.said() if self.server else ""
        pathlib.Path(f"{name}.txt").write_text(f"klp {' '.join(map(str, arguments))}\n{why}\n\n{said}")
        print(f"input {number}, klp {' '.join(map(str, arguments))}: {why}\n  kept as {name}.ko", flush=True)

    def run(self):
        began = time.monotonic()
        numbers = [self.options.only] if self.options.only is not None else range(self.options.first, self.options.first + self.options.count)
        for done, number in enumerate(numbers, 1):
            self.one(number)
            if done % 500 == 0:
                print(f"{done} inputs, next is --from {number + 1}, {time.monotonic() - began:.0f} s, {self.problems} findings", flush=True)
        self.end_server(number)
        shutil.rmtree(self.work)
        ends = ", ".join(f"{command} {status}: {count}" for (command, status), count in sorted(self.statuses.items()))
        print(f"seed {self.options.seed}: {len(numbers)} inputs, {time.monotonic() - began:.0f} s, {self.problems} findings\nstatus: {ends}")
        return 1 if self.problems else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--only", type=int)
    parser.add_argument("--folder", default="build/mutations")
    parser.add_argument("--kernel", action="append", default=[], help="of the user's catalogue, to make livepatches for")
    return parser.parse_args()


def main():
    options = arguments()
    options.folder = os.path.abspath(options.folder)
    os.environ["ASAN_OPTIONS"] = "exitcode=99"
    os.environ["UBSAN_OPTIONS"] = "exitcode=99:print_stacktrace=1"
    if not os.path.exists(options.folder + "/list.json"):
        subprocess.run(["bash", HERE / "mutation-bases.sh", options.folder, *options.kernel], check=True)
    os.environ["KLPKIT_CACHE"] = options.folder + "/cache"
    sys.exit(Run(options).run())


if __name__ == "__main__":
    main()
