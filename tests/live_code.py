#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is left of a preprocessed unit is compiled to the same code and data: units at random.
  live_code.py TOOL SOURCE --make ARGUMENTS [--seed N] [--count N] [--jobs N]
TOOL is the test program live_code, SOURCE a prepared tree, ARGUMENTS what `klp kernel info --kbuild` says. The units are
compiled with the options of fs/proc/version.c, which leaves out some; the outcomes are printed as JSON, and the status is
1 if one is another."""
import argparse
import collections
import concurrent.futures
import json
import pathlib
import random
import re
import shlex
import subprocess
import sys
import tempfile

SAMPLE = "fs/proc/version.c"
FOLDERS = ("arch/x86/kernel", "arch/x86/kvm", "arch/x86/mm", "block", "crypto", "drivers", "fs", "ipc", "kernel", "lib", "mm",
           "net", "security", "sound")


def compiler_of(source, arguments):
    object_name = SAMPLE.replace(".c", ".o")
    text = subprocess.run(["make", *arguments, "-n", "-W", SAMPLE, "V=1", object_name], cwd=source, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    line = next(line for line in text.splitlines() if f"-c -o {object_name}" in line and "-nostdinc" in line)
    begin = line.rfind(" ", 0, line.index("-Wp,-MMD") - 1) + 1
    words = shlex.split(line[begin:line.index(SAMPLE) + len(SAMPLE)].replace("'\\''", "'"))
    mine = ("-Wp,", "-DKBUILD", "-D__KBUILD", "-g")
    return [word for word in words if not word.startswith(mine) and word not in ("-c", "-o", object_name, SAMPLE)]


def normalized(assembly):
    """Numbers of labels and of static variables are only names."""
    labels = {}
    lines = []
    for line in assembly.read_text(errors="replace").splitlines():
        if re.match(r"\s*\.(file|ident)|#", line):
            continue
        line = re.sub(r"\.L[A-Z]*\d+", lambda label: labels.setdefault(label[0], f".L{len(labels)}"), line)
        lines.append(re.sub(r"(\w)\.\d+\b", r"\1.N", line))
    return lines


def outcome_of(unit, source, compiler, tool, scratch):
    name = unit.replace("/", "_")
    options = [f'-DKBUILD_BASENAME="{pathlib.Path(unit).stem}"', '-DKBUILD_MODNAME="unit"', "-D__KBUILD_MODNAME=kmod_unit",
               "-I", str(pathlib.Path(unit).parent)]
    text, live = scratch / f"{name}.i", scratch / f"{name}.live.i"

    def compiled(*words):
        return subprocess.run([*compiler, *words], cwd=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE).returncode == 0

    def assembly(of):
        result = of.with_suffix(".s")
        return normalized(result) if compiled("-w", "-fpreprocessed", "-S", "-o", result, of) else None

    try:
        if not compiled(*options, "-E", "-o", text, unit):
            return "does not compile"
        whole = assembly(text)
        if whole is None:
            return "does not compile"
        left = subprocess.run([tool, text], stdout=subprocess.PIPE)
        if left.returncode != 0:
            return "not understood"
        live.write_bytes(left.stdout)
        return "same" if assembly(live) == whole else "different"
    finally:
        for file in scratch.glob(f"{name}.*"):
            file.unlink()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("source")
    parser.add_argument("--make", required=True)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    compiler = compiler_of(arguments.source, shlex.split(arguments.make))
    root = pathlib.Path(arguments.source)
    units = sorted(str(path.relative_to(root)) for folder in FOLDERS for path in (root / folder).rglob("*.c"))
    chosen = random.Random(arguments.seed)
    chosen.shuffle(units)
    outcomes = collections.Counter()
    different = []
    with tempfile.TemporaryDirectory(prefix="klp-live-code-") as scratch, \
            concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        pending = iter(units)
        while outcomes["same"] + outcomes["different"] < arguments.count:
            some = [unit for unit, _ in zip(pending, range(2 * arguments.jobs))]
            if not some:
                break
            work = pool.map(lambda unit: outcome_of(unit, root, compiler, pathlib.Path(arguments.tool).resolve(),
                                                    pathlib.Path(scratch)), some)
            for unit, outcome in zip(some, work):
                outcomes[outcome] += 1
                if outcome == "different":
                    different.append(unit)
    print(json.dumps({"seed": arguments.seed, **outcomes, "units": different}))
    return 1 if different or not outcomes["same"] else 0


if __name__ == "__main__":
    sys.exit(main())
