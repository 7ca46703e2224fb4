#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares what a guest's kernel has printed about modules with what `klp simulate` says that it prints.

  compare_log.py SIMULATION.json DMESG MODULE...

Lines that begin with the name of one of the modules, or of the module loader and the livepatch core, have to be the same
in the same order. Busybox' insmod tries a second way where the kernel has refused: lines may come twice in a row as a
group.
"""
import json
import re
import sys

LOADER = ["livepatch", "module", "module_64", "Modules", "module: x86/modules", "x86/modules"]


def lines_of(lines, modules):
    wanted = re.compile("(" + "|".join(map(re.escape, LOADER + modules)) + "): ")
    return [line for line in lines if wanted.match(line)]


def without_repetition(expected, found):
    """`found` without groups of lines that repeat the ones before, where `expected` has them once."""
    kept = []
    for line in found:
        kept.append(line)
        for size in range(1, len(kept) // 2 + 1):
            if kept[-size:] == kept[-2 * size:-size] and kept != expected[:len(kept)]:
                del kept[-size:]
                break
    return kept


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    modules = sys.argv[3:]
    with open(sys.argv[1]) as file:
        expected = lines_of([line["text"] for event in json.load(file)["events"] for line in event["log"]], modules)
    with open(sys.argv[2], errors="replace") as file:
        found = lines_of([re.sub(r"^(<\d+>)?\[ *[\d.]+\] ", "", line.rstrip("\n")) for line in file], modules)
    found = without_repetition(expected, found)
    if expected != found or not expected:
        sys.exit("\n".join(["the model says:"] + expected + ["", "the guest says:"] + found))


main()
