#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two properties of preprocessed units, at random:
- What is left of a unit is compiled to the same code and data.
- With --headers: a changed header, of which no unit's word is touched, leaves that unit's code as it was, as the text says
  that the preprocessor makes of it with the changed header.
  live_code.py TOOL SOURCE --make ARGUMENTS [--headers] [--seed N] [--count N] [--jobs N]
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
import shutil
import subprocess
import sys
import tempfile

SAMPLE = "fs/proc/version.c"
FOLDERS = ("arch/x86/kernel", "arch/x86/kvm", "arch/x86/mm", "block", "crypto", "drivers", "fs", "ipc", "kernel", "lib", "mm",
           "net", "security", "sound")


def compiler_of(source, arguments):
    object_name = SAMPLE.replace(".c", ".o")
    text = subprocess.run(["make", *arguments, "-o", "prepare", "-n", "-W", SAMPLE, "V=1", object_name], cwd=source, text=True,
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


def edited(text, draw):
    """A line of the header, changed in one of a few ways; None where it cannot be."""
    lines = text.split("\n")
    at = draw.randrange(len(lines))
    line = lines[at]
    if re.match(r"\s*(\*|//|#\s*(if|el|en|include))", line):
        return None
    kind = draw.choice(("number", "word", "type", "new", "condition", "swap", "member"))
    if kind == "number" and re.search(r"\b\d+\b", line):
        lines[at] = re.sub(r"\b(\d+)\b", lambda number: str(int(number[1]) + 1), line, count=1)
    elif kind == "word" and (words := re.findall(r"\b[a-z_]\w{3,}\b", line)):
        word = draw.choice(words)
        lines[at] = re.sub(rf"\b{word}\b", word + "_other", line, count=1)
    elif kind == "type" and re.search(r"\bint\b", line):
        lines[at] = re.sub(r"\bint\b", "long", line, count=1)
    elif kind == "new" and not line:
        lines[at] = draw.choice((f"#define NEW_{at} 1", f"static inline int new_{at}(void) {{ return 1; }}", f"struct new_{at} {{ int x; }};"))
    elif kind == "condition" and re.match(r"#define \w+ .*[^\\]$", line):
        lines[at] = f"#ifdef CONFIG_NOBODY\n{line}\n#endif"
    elif kind == "swap" and at + 1 < len(lines) and line.endswith(";") and lines[at + 1].endswith(";"):
        lines[at:at + 2] = lines[at + 1], line
    elif kind == "member" and re.match(r"\t\w[\w ]*;$", line):
        lines[at] = line + "\n\tlong new_member;"
    return None if lines == text.split("\n") else "\n".join(lines)


class Headers:
    """Changes of headers, and what they are to units that include them by their name."""

    def __init__(self, root, compiler, tool, scratch, draw):
        self.root, self.compiler, self.tool, self.scratch, self.draw = root, compiler, tool, scratch, draw
        self.headers = sorted(str(path.relative_to(root)) for folder in ("include/linux", "include/net", "fs", "net", "block", "mm")
                              for path in (root / folder).rglob("*.h"))

    def units_of(self, header):
        name = header.removeprefix("include/")
        if name == header:
            lines, where = f'"{pathlib.Path(header).name}"', [str(pathlib.Path(header).parent)]
        else:
            lines, where = f"<{name}>", ["fs", "net", "mm", "block"]
        found = subprocess.run(["grep", "-rlF", "--include=*.c", f"#include {lines}", *where], cwd=self.root, text=True,
                               stdout=subprocess.PIPE).stdout.split()
        return self.draw.sample(sorted(found), min(4, len(found)))

    def preprocessed(self, unit, output, folder):
        options = [f'-DKBUILD_BASENAME="{pathlib.Path(unit).stem}"', '-DKBUILD_MODNAME="unit"', "-D__KBUILD_MODNAME=kmod_unit",
                   "-I", str(pathlib.Path(unit).parent)]
        return subprocess.run([*self.compiler, *options, "-E", "-dU", "-o", output, unit], cwd=folder, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE).returncode == 0

    def tree_with(self, header, text):
        """Links to the tree, with the header in its place."""
        tree = self.scratch / "tree"
        shutil.rmtree(tree, ignore_errors=True)
        tree.mkdir()
        folder = pathlib.Path()
        for part in pathlib.Path(header).parent.parts + (None,):
            for entry in (self.root / folder).iterdir():
                if entry.name != part and str(folder / entry.name) != header:
                    (tree / folder / entry.name).symlink_to(entry)
            if part is not None:
                folder = folder / part
                (tree / folder).mkdir()
        (tree / header).write_text(text, encoding="latin-1")
        return tree

    def live(self, *words):
        result = subprocess.run([self.tool, *words], stdout=subprocess.PIPE)
        return result.stdout if result.returncode == 0 else None

    def outcomes(self):
        header = self.draw.choice(self.headers)
        before = (self.root / header).read_text(encoding="latin-1")
        after = edited(before, self.draw)
        if after is None:
            return
        tree = self.tree_with(header, after)
        original, patched = self.scratch / "original.i", self.scratch / "patched.i"
        for unit in self.units_of(header):
            # What a unit includes by quotes is looked for in its own folder first.
            leads_back = not header.startswith("include/") and (tree / unit).parent.is_symlink()
            if leads_back or not self.preprocessed(unit, original, self.root):
                continue
            said = self.live(original, self.root / header, tree / header)
            if said is None or not self.preprocessed(unit, patched, tree):
                continue
            same = self.live(original) == self.live(patched)
            if said == b"unaffected\n":
                yield ("unaffected", "same" if same else "different", f"{header}: {unit}")
            else:
                yield ("perhaps affected", "same" if same else "affected", "")


def check_headers(arguments, root, compiler, scratch):
    outcomes, different = collections.Counter(), []
    headers = Headers(root, compiler, pathlib.Path(arguments.tool).resolve(), scratch, random.Random(arguments.seed))
    while outcomes.total() < arguments.count and not different:
        for said, outcome, where in headers.outcomes():
            outcomes[f"{said}: {outcome}"] += 1
            if outcome == "different":
                different.append(where)
    return outcomes, different


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("source")
    parser.add_argument("--make", required=True)
    parser.add_argument("--headers", action="store_true")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    compiler = compiler_of(arguments.source, shlex.split(arguments.make))
    root = pathlib.Path(arguments.source)
    if arguments.headers:
        with tempfile.TemporaryDirectory(prefix="klp-live-code-") as scratch:
            outcomes, different = check_headers(arguments, root, compiler, pathlib.Path(scratch))
        print(json.dumps({"seed": arguments.seed, **outcomes, "units": different}))
        return 1 if different else 0
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
