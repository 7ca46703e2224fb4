#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Installs what is missing, builds, and runs all tests; ends with a line `N passed, N failed, N skipped`.

    scripts/test [--quick] [--strict] [--list] [PATTERN]

--quick leaves out everything that needs a kernel. --strict is what CI runs: a skipped test is a failure (but for the rows of
scripts/ladder, whose kernels come from the network), and so are
compiler warnings, clang-format's, clang-tidy's and shellcheck's complaints; the tests of the libraries and of the command
line are of a build with the address and undefined-behaviour sanitizers, and no other; every finding id has to be provoked
by a test. PATTERN selects tests by their path (a glob, as in `guest/*`), together with what they need. --list only names
them.

As many jobs run at a time as there are processors, those first on which the longest chain of others waits. A test ends
with status 0 for passed and 77 for skipped; a GoogleTest program counts each of its cases. A job's CPU time has that of
all processes that it waited for.
"""
import argparse
import fnmatch
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "release"
SANITIZED = ROOT / "build" / "asan"
SMALL_KERNELS = ["x86_64", "x86_64 mitigations", "x86_64 clearing", "ppc64le", "s390x", "s390x expoline", "arm64"]
FUZZ_SECONDS = 20
MUTATIONS = 300
TIME_LIMIT = 2400  # seconds of one job

# CPU seconds, measured, by which jobs are ordered; for all others the last.
SECONDS = [("build/asan", 480), ("build/fuzz", 150), ("small-kernel/*", 150), ("kernel/fetch", 90), ("guest/selftests.sh", 150),
           ("guest/authors-guide.sh", 90), ("guest/samples.sh", 80), ("kernel/*", 40), ("guest/*", 40), ("style/tidy", 300),
           ("mutations", 60), ("ladder/*", 200), ("fuzz/*", FUZZ_SECONDS), ("*", 10)]


class Job:
    may_skip = False  # where --strict takes a skipped test for a failure: what lies outside of this machine

    def __init__(self, name, command, needs=(), **environment):
        self.name = name
        self.command = command
        self.needs = list(needs)
        self.environment = environment
        self.seconds = next(seconds for pattern, seconds in SECONDS if fnmatch.fnmatch(name, pattern))
        self.priority = 0
        self.status = None
        self.counts = (0, 0, 0)
        self.wall = self.cpu = 0.0
        self.log = ""

    def is_passed(self):
        return self.status in (0, 77)


def small_kernel(name):
    return "small-kernel/" + name.replace(" ", "-")


def needs_of(script):
    """Kernels that a shell test asks for, by its text: `use_small_kernel ARCH [VARIANT]`, or test-ARCH[-VARIANT]."""
    text = script.read_text()
    asked = re.findall(r"^ *use_small_kernel (\w+(?: \w+)?)$", text, re.MULTILINE)
    named = [name for name in SMALL_KERNELS if re.search(rf"\btest-{name.replace(' ', '-')}\b(?!-)", text)]
    return ["kernel/fetch"] + [small_kernel(name) for name in dict.fromkeys(asked + named)]


def unit_tests(needs, folder):
    """By the folders of tests/, since at first nothing is built."""
    for library in sorted(path.name for path in (ROOT / "src").iterdir()):
        if any((ROOT / "tests" / library).glob("*.cpp")):
            yield Job(f"unit/{library}", [str(folder / f"test_{library}")], needs)


def shell_tests(folder, needs, **environment):
    for script in sorted((ROOT / "tests" / folder).glob("*.sh")):
        yield Job(f"{folder}/{script.name}", ["bash", str(script)], needs(script), **environment)


def all_jobs(options):
    yield Job("style/layers", ["scripts/check-layers"])
    yield Job("style/findings", ["scripts/check-findings"])
    yield from shell_tests("arch", lambda script: [])
    yield from shell_tests("harness", lambda script: [])
    for script in sorted((ROOT / "tests" / "harness").glob("*_test.py")):
        yield Job(f"harness/{script.name}", [sys.executable, "-B", str(script)])
    yield from strict_jobs() if options.strict else quick_jobs(BUILD, [])
    if not options.quick:
        yield from kernel_jobs()


def quick_jobs(folder, needs):
    yield from unit_tests(needs, folder)
    yield from shell_tests("cli", lambda script: needs, KLP=str(folder / "klp"), KLPKIT_TOOLS=str(folder))


def strict_jobs():
    yield Job("style/format", ["scripts/check-style"])
    yield Job("style/tidy", ["scripts/tidy"])
    yield Job("build/asan", ["scripts/build", "asan", "-DKLPKIT_WERROR=ON"], CMAKE_BUILD_PARALLEL_LEVEL="1")
    yield from quick_jobs(SANITIZED, ["build/asan"])
    yield Job("mutations", [sys.executable, "-B", "tests/fuzz/mutations.py", "--count", str(MUTATIONS)], ["build/asan"],
              KLP=str(SANITIZED / "klp"), KLPKIT_TOOLS=str(SANITIZED))


def kernel_jobs():
    yield Job("kernel/fetch", [str(BUILD / "klp"), "kernel", "fetch", "newest"])
    for kernel in SMALL_KERNELS:
        yield Job(small_kernel(kernel), ["scripts/test-kernel", *kernel.split()], KLPKIT_JOBS="1")
    yield from ladder_jobs()
    yield Job("build/fuzz", ["scripts/fuzz", "--build"], CMAKE_BUILD_PARALLEL_LEVEL="1")
    for source in sorted((ROOT / "tests" / "fuzz").glob("fuzz_*.cpp")):
        target = source.stem.removeprefix("fuzz_")
        yield Job(f"fuzz/{target}", ["scripts/fuzz", "--built", str(FUZZ_SECONDS), target], ["build/fuzz"])
    yield from shell_tests("kernel", needs_of)
    yield from shell_tests("guest", needs_of)


def ladder_jobs():
    """Two kernels of other suites, by the day; skipped where the network does not give them."""
    for number in ("1", "2"):
        job = Job(f"ladder/{number}", ["scripts/ladder", "--of-the-day", number, "--units", "2", "--examples", "backtrace,module-late"])
        job.may_skip = True
        yield job


def selected(jobs, pattern):
    by_name = {job.name: job for job in jobs}
    waiting = [job for job in jobs if fnmatch.fnmatch(job.name, pattern)]
    chosen = {}
    while waiting:
        job = waiting.pop()
        if job.name not in chosen:
            chosen[job.name] = job
            waiting += [by_name[name] for name in job.needs]
    return [job for job in jobs if job.name in chosen]


def set_priorities(jobs):
    by_name = {job.name: job for job in jobs}

    def raise_to(job, behind):
        if job.seconds + behind > job.priority:
            job.priority = job.seconds + behind
            for name in job.needs:
                raise_to(by_name[name], job.priority)

    for job in jobs:
        raise_to(job, 0)


class Runner:
    def __init__(self, jobs, options, results):
        self.jobs = jobs
        self.options = options
        self.results = results
        self.waiting = list(jobs)
        self.running = {}
        self.done = {}
        self.change = threading.Condition()
        self.kernel = ""
        self.stopped = False

    def next_job(self):
        """The most urgent of those that can run; None where all are done."""
        with self.change:
            while not self.stopped:
                ready = [job for job in self.waiting if all(name in self.done for name in job.needs)]
                if ready:
                    job = max(ready, key=lambda each: each.priority)
                    self.waiting.remove(job)
                    return job
                if not self.waiting:
                    return None
                self.change.wait()
        return None

    def work(self):
        while job := self.next_job():
            missing = [name for name in job.needs if self.done[name].status != 0]
            if missing:
                job.status = 77 if all(self.done[name].status == 77 for name in missing) else 1
                job.log = f"without {', '.join(missing)}"
            else:
                self.run(job)
            with self.change:
                if job.name == "kernel/fetch" and job.status == 0:
                    self.kernel = newest_kernel()
                self.done[job.name] = job
                self.report(job)
                self.change.notify_all()

    def run(self, job):
        path = self.results / job.name.replace("/", "_")
        began = time.monotonic()
        with open(path, "wb") as log:
            environment = {**os.environ, **job.environment}
            if "kernel/fetch" in job.needs:
                environment["KLPKIT_TEST_KERNEL"] = self.kernel
            process = subprocess.Popen(job.command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                                       start_new_session=True)
            self.running[job.name] = process.pid
            limit = threading.Timer(TIME_LIMIT, os.killpg, (process.pid, signal.SIGKILL))
            limit.start()
            _, status, usage = os.wait4(process.pid, 0)
            limit.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
            self.running.pop(job.name)
        job.status = process.returncode
        job.wall, job.cpu = time.monotonic() - began, usage.ru_utime + usage.ru_stime
        job.log = path.read_text(errors="replace")

    def stop(self):
        with self.change:
            self.stopped = True
            self.change.notify_all()
        for group in list(self.running.values()):
            os.killpg(group, signal.SIGTERM)

    def report(self, job):
        job.counts = counts_of(job)
        passed, failed, skipped = job.counts
        word = "FAILED" if failed else f"skipped: {last_line(job.log)}" if job.status == 77 else "passed"
        print(f"{job.name:<40} {job.wall:6.1f} s {job.cpu:6.1f} CPU s  {word}", flush=True)
        if failed and job.wall:
            print("\n".join("    | " + line for line in job.log.splitlines()[-60:]), flush=True)
        elif failed:
            print(f"    | {job.log}", flush=True)
        elif skipped:
            for line in re.findall(r"^\[  SKIPPED \].*", job.log, re.MULTILINE):
                print("    | " + line, flush=True)


def last_line(text):
    return (text.strip().splitlines() or [""])[-1]


def counts_of(job):
    """Passed, failed, skipped."""
    if re.search(r"^\[==========\] .* ran\.", job.log, re.MULTILINE):
        counts = [re.search(rf"^\[  {word}\] (\d+) test", job.log, re.MULTILINE) for word in ("PASSED  ", "FAILED  ", "SKIPPED ")]
        passed, failed, skipped = (int(found[1]) if found else 0 for found in counts)
        return passed, failed or int(job.status != 0), skipped
    return (int(job.status == 0), int(not job.is_passed()), int(job.status == 77))


def print_parts(jobs):
    """A part is what stands before the slash; jobs of several run at a time, so that the minutes of all are more than the
    run takes."""
    parts = {}
    for job in jobs:
        parts.setdefault(job.name.split("/")[0], []).append(job)
    print(f"\n{'part':<14} {'jobs':>5} {'minutes':>9} {'CPU minutes':>12}")
    for part, members in sorted(parts.items(), key=lambda item: -sum(job.cpu for job in item[1])):
        wall, cpu = (sum(getattr(job, which) for job in members) / 60 for which in ("wall", "cpu"))
        print(f"{part:<14} {len(members):>5} {wall:>9.1f} {cpu:>12.1f}")


def call(*command):
    subprocess.run(command, cwd=ROOT, check=True)


def prepare(options, jobs):
    """What all jobs need: packages, and klp, with its tests where they are not of the sanitized build, on all processors."""
    began = time.monotonic()
    groups = ["build", "libraries", "kernel", "guest", "test"]
    groups += ["fuzz"] if any(job.name.startswith("fuzz/") for job in jobs) else []
    groups += ["lint"] if any(job.name in ("style/format", "style/tidy") for job in jobs) else []
    groups += ["cross"] if any(job.name.startswith("small-kernel/") for job in jobs) else []
    call("scripts/setup", *groups)
    built = Job("build/release", [])
    call("cmake", "--preset", "release", "-DKLPKIT_TESTS=ON", f"-DKLPKIT_WERROR={'ON' if options.strict else 'OFF'}")
    call("cmake", "--build", "--preset", "release", *(["--target", "klp", "guest_tools"] if options.strict else []))
    usage = os.times()
    built.status, built.wall, built.cpu = 0, time.monotonic() - began, usage.children_user + usage.children_system
    print(f"{built.name:<40} {built.wall:6.1f} s {built.cpu:6.1f} CPU s  built", flush=True)
    return built


def newest_kernel():
    """By name: others may be in the catalogue, too."""
    return subprocess.run([BUILD / "klp", "kernel", "fetch", "newest"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True).stdout.split()[-1]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("pattern", nargs="?", default="*")
    return parser.parse_args()


def run_all(jobs, options, results):
    findings = results / "findings"
    findings.touch()
    os.environ.update({"KLP": str(BUILD / "klp"), "KLPKIT_ROOT": str(ROOT), "KLPKIT_TOOLS": str(BUILD), "KLPKIT_FINDINGS": str(findings),
                       "KLPKIT_STRICT": "yes" if options.strict else "no"})
    set_priorities(jobs)
    runner = Runner(jobs, options, results)
    workers = [threading.Thread(target=runner.work) for _ in range(os.cpu_count() or 1)]
    for worker in workers:
        worker.start()
    try:
        for worker in workers:
            worker.join()
    except KeyboardInterrupt:
        runner.stop()
        raise
    if options.strict and not options.quick and options.pattern == "*":
        provoked = Job("style/provoked-findings", ["scripts/check-findings", str(findings)])
        runner.run(provoked)
        runner.report(provoked)
        jobs.append(provoked)


def main():
    options = arguments()
    jobs = selected(list(all_jobs(options)), options.pattern)
    if not jobs:
        sys.exit(f"scripts/test: no test is called '{options.pattern}'")
    if options.list:
        print("\n".join(job.name for job in jobs))
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    built = prepare(options, jobs)
    with tempfile.TemporaryDirectory() as results:
        run_all(jobs, options, pathlib.Path(results))
    print_parts([built, *jobs])
    passed, failed, skipped = (sum(numbers) for numbers in zip(*(job.counts for job in jobs)))
    print(f"{(time.monotonic() - began) / 60:.1f} minutes on {os.cpu_count()} processors, "
          f"{sum(job.cpu for job in [built, *jobs]) / 60:.1f} CPU minutes\n")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    missed = sum(job.counts[2] for job in jobs if not job.may_skip)
    sys.exit(0 if passed and not failed and not (options.strict and missed) else 1)


if __name__ == "__main__":
    main()
