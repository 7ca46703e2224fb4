# SPDX-License-Identifier: GPL-2.0-or-later
"""What the properties share: random cases by their numbers, a catalogue of their own, and what is kept of a failure.

Case N of a seed is made from the text "SEED/N" alone, so that any case can be run again without the others. The files
are one sequence for all properties, so that an original that one of them had compiled serves the others.
"""
import argparse
import concurrent.futures
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNCHANGED, REFUSED = 3, 2

# Keeps each object that klp has compiled, before anything edits it. Its text is part of what klp knows a compiler by:
# it is the same for every run in one work folder.
WRAPPER = """#!/bin/sh
{real} "$@" || exit
previous=
for word; do
    [ "$previous" = -o ] && output=$word
    previous=$word
done
case $output in
*.original.o) cp "$output" "{kept}/.$$" && mv "{kept}/.$$" "{kept}/${{output##*/}}" ;;
*.patched.o) cp "$output" "${{output%/*}}/.." ;;
esac
"""


def parser(description, count):
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--klp", default=os.environ.get("KLP", f"{ROOT}/build/release/klp"))
    options.add_argument("--kernel", default=os.environ.get("KLPKIT_TEST_KERNEL"), help="of the catalogue")
    options.add_argument("--work", required=True, help="folder for objects, modules and failures; kept, and used again")
    options.add_argument("--seed", type=int, default=9)
    options.add_argument("--first", type=int, default=0, help="number of the first case")
    options.add_argument("--count", type=int, default=count)
    options.add_argument("--jobs", type=int, default=1)
    options.add_argument("--minutes", type=float, help="begin no further case after so many minutes")
    return options


def randomness(seed, case):
    return random.Random(f"{seed}/{case}")


def drawn_path(names, seed, number):
    return randomness(seed, f"unit/{number}").choice(names)


class Workspace:
    """A kernel of the catalogue under a catalogue of its own, WORK/KERNEL/cache: what is compiled there is kept there."""

    def __init__(self, options):
        self.klp = os.path.abspath(options.klp)
        self.kernel = options.kernel
        self.folder = os.path.join(os.path.abspath(options.work), options.kernel)
        self.kept = f"{self.folder}/kept"
        self.failures = f"{self.folder}/failures"
        for folder in (self.kept, self.failures, f"{self.folder}/bin", f"{self.folder}/tmp"):
            os.makedirs(folder, exist_ok=True)
        outside = json.loads(self.output([self.klp, "kernel", "info", self.kernel, "--json"], dict(os.environ)))
        self.paths, self.arch = outside["paths"], outside["arch"]
        self.source = self.paths["source"]
        self.environment = dict(os.environ, KLPKIT_CACHE=f"{self.folder}/cache", PATH=self.wrapped_path(outside),
                                TMPDIR=f"{self.folder}/tmp", LC_ALL="C")
        if not os.path.exists(f"{self.folder}/cache/kernels/{self.kernel}/kernel.json"):
            self.add_kernel()

    @staticmethod
    def output(argv, environment):
        return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout

    def wrapped_path(self, info):
        name = info["compiler"].split()[0]
        real = shutil.which(name)
        if not real:
            sys.exit(f"no {name} here")
        wrapper = f"{self.folder}/bin/{name}"
        text = WRAPPER.format(real=real, kept=self.kept)
        if not os.path.exists(wrapper) or open(wrapper, encoding="utf-8").read() != text:
            with open(wrapper, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(wrapper, 0o755)
        return f"{self.folder}/bin:{os.environ['PATH']}"

    def add_kernel(self):
        argv = [self.klp, "kernel", "add", self.kernel]
        for part in ("source", "image", "config", "symvers", "modules", "vmlinux"):
            argv += [f"--{part}", self.paths[part]]
        subprocess.run(argv, check=True, env=self.environment, stdout=subprocess.DEVNULL)
        # What the user's own catalogue knows of the sources need not be found out again: klp looks whether it holds.
        users = os.environ.get("KLPKIT_CACHE") or (os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) + "/klpkit"
        known = f"{users}/kernels/{self.kernel}/cache"
        if os.path.isdir(known):
            shutil.copytree(known, f"{self.folder}/cache/kernels/{self.kernel}/cache", dirs_exist_ok=True, symlinks=True,
                            ignore=shutil.ignore_patterns("objects"))

    def run(self, *argv, time_limit=900, **environment):
        """status, standard output, standard error of a klp command"""
        done = subprocess.run([self.klp, *argv], env={**self.environment, **environment}, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", timeout=time_limit, check=False)
        return done.returncode, done.stdout, done.stderr

    def build(self, patch, output, *more):
        """As run(); the patched objects are there until forget(patch)."""
        os.makedirs(self.scratch(patch), exist_ok=True)
        return self.run("build", "--kernel", self.kernel, "--json", "-j", "1", "-o", output, *more, patch,
                        TMPDIR=self.scratch(patch))

    def scratch(self, patch):
        return f"{self.folder}/tmp/{os.path.basename(patch)}.objects"

    def forget(self, patch):
        shutil.rmtree(self.scratch(patch))

    def text(self, path):
        with open(f"{self.source}/{path}", encoding="latin-1") as file:
            return file.read()

    def original(self, source):
        """The object as the compiler left it."""
        return f"{self.kept}/{source.replace('/', '_')}.original.o"

    def patched(self, source, patch):
        return f"{self.scratch(patch)}/{source.replace('/', '_')}.patched.o"

    def keep_failure(self, case, files, why):
        folder = f"{self.failures}/{case}"
        os.makedirs(folder, exist_ok=True)
        for file in files:
            if os.path.exists(file):
                shutil.copy(file, folder)
        with open(f"{folder}/why", "w", encoding="utf-8") as text:
            text.write(why + "\n")
        return folder

    def candidates(self):
        """Paths of C files that are likely parts of the kernel: those that were compiled in the tree, or all."""
        listed = f"{self.folder}/candidates"
        if not os.path.exists(listed):
            names = built_sources(self.source)
            if not names:
                names = all_sources(self.source, self.arch, enabled_options(self.paths["config"]))
            with open(listed, "w", encoding="utf-8") as text:
                text.writelines(f"{name}\n" for name in sorted(names))
        with open(listed, encoding="utf-8") as text:
            return text.read().split()


NO_UNITS = ("Documentation/", "scripts/", "tools/", "samples/", "usr/", "certs/", "virt/", "rust/", "init/")
OWN_RULES = re.compile(r"/(boot|vdso|purgatory|realmode|tools|kunit|tests?)/|asm-offsets\.c|bounds\.c|\.mod\.c")
FOREIGN = re.compile(r"/(s390|macintosh|parisc|sh|powerpc|mips|sparc|arm|xen-arm)/")
ARCH_FOLDERS = {"x86_64": "x86", "ppc64le": "powerpc", "s390x": "s390", "arm64": "arm64"}


def built_sources(tree):
    """C files whose objects kbuild left in the tree, by the commands it recorded."""
    sources = set()
    for folder, _, names in os.walk(tree):
        top = os.path.relpath(folder, tree) + "/"
        if top.startswith(NO_UNITS):
            continue
        for name in names:
            if name.startswith(".") and name.endswith(".o.cmd"):
                source = os.path.normpath(top + name[1:-len(".o.cmd")] + ".c")
                if os.path.exists(f"{tree}/{source}") and not OWN_RULES.search(source):
                    sources.add(source)
    return sources


def enabled_options(config):
    with open(config, encoding="utf-8") as text:
        return set(re.findall(r"^(CONFIG_\w+)=[ym]$", text.read(), re.MULTILINE))


RULE = re.compile(r"^[\w-]+-\$\((CONFIG_\w+)\)\s*[+:]?=(.*)$", re.MULTILINE)


def left_out(makefile, enabled):
    """Objects and folders (`foo.o`, `foo/`) that a Makefile names for options alone that are not enabled."""
    if not os.path.exists(makefile):
        return set()
    with open(makefile, encoding="utf-8", errors="replace") as file:
        text = file.read().replace("\\\n", " ")
    out, rest = set(), RULE.sub(lambda match: match.group(2) if match.group(1) in enabled else "", text)
    for option, names in RULE.findall(text):
        if option not in enabled:
            out |= set(names.split())
    return out - set(rest.split())


def all_sources(tree, arch, enabled):
    """The C files of the tree without those that a quick look at the Makefiles shows to be left out."""
    sources, without = set(), set()
    for folder, _, names in os.walk(tree):
        top = os.path.normpath(os.path.relpath(folder, tree)) + "/"
        if top.startswith((*NO_UNITS, *without)) or FOREIGN.search("/" + top):
            continue
        out = left_out(f"{folder}/Makefile", enabled)
        without |= {os.path.normpath(top + name) + "/" for name in out if name.endswith("/")}
        if top.startswith("arch/") and not top.startswith(f"arch/{ARCH_FOLDERS[arch]}/"):
            continue
        sources |= {os.path.normpath(top + name) for name in names
                    if name.endswith(".c") and name[:-1] + "o" not in out}
    return {source for source in sources if not OWN_RULES.search(source)}


def diff_of(path, old, new):
    """A unified diff of one file, by the tool that authors use."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, text in (("old", old), ("new", new)):
            with open(f"{scratch}/{name}", "w", encoding="latin-1") as file:
                file.write(text)
        done = subprocess.run(["diff", "-u", f"--label=a/{path}", f"--label=b/{path}", f"{scratch}/old",
                               f"{scratch}/new"], capture_output=True, check=False)
    return done.stdout


class TimeLimit:
    def __init__(self, options):
        self.end = time.monotonic() + 60 * options.minutes if options.minutes else None

    def is_over(self):
        return self.end is not None and time.monotonic() > self.end


def in_parallel(action, items, jobs):
    """action(item) of each, as they end; Ctrl-C and errors end it."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(action, item) for item in items]):
            yield done.result()


def in_order(action, items, jobs):
    """action(item) of each, in the order of the items"""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(action, items))


def summary(options, figures, failures):
    print(json.dumps({"kernel": options.kernel, "seed": options.seed, "first": options.first, **figures,
                      "failures": failures}, indent=2))
    sys.exit(1 if failures else 0)
