#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the memory of modules in a guest with what `klp simulate` says it holds.

  compare_memory.py SIMULATION.json MODEL GUEST MODULE...

MODEL is what `klp simulate --dump` wrote, GUEST a snapshot of guest_memory.py. Both have to have the same sections at the same addresses.
Every byte of text and read-only sections has to be the same, of the sections that running code changes every field that
a relocation has written. A byte that differs must lie where the model says that a mechanism of the kernel writes what
cannot be known beforehand; the model may excuse so only a part of a module's code. Ends with 1 where something differs,
or nothing was compared.
"""
import collections
import json
import pathlib
import sys

# Of the bytes that are compared, the share that the model may leave open.
OPEN_SHARE = 0.25


class Comparison:
    def __init__(self, simulation, module, model, guest):
        self.name = module
        self.model = model
        self.guest = guest
        self.sections = json.loads((model / "sections.json").read_text())
        self.found = json.loads((guest / "sections.json").read_text())
        self.unexplained = []
        self.explained = collections.Counter()
        self.compared = 0
        self.left_open = 0
        self.inexact = collections.defaultdict(list)
        for rewrite in self.sections["rewrites"]:
            if not rewrite["exact"]:
                self.inexact[rewrite["section_index"]].append((rewrite["begin"], rewrite["end"], rewrite["mechanism"]))
        self.fields = collections.defaultdict(list)
        for event in simulation["events"]:
            for step in event["steps"]:
                if step["module"] == module:
                    self.add_writes(step["writes"])

    def add_writes(self, writes):
        for write in writes:
            index, offset = write["section_index"], write["offset"]
            self.fields[index].append((offset, offset + len(write["after"]) // 2))
            hole = write.get("indeterminate")
            if hole:
                self.inexact[index].append((offset + hole["begin"], offset + hole["end"], "uninitialised memory"))

    def mechanism_at(self, index, offset):
        for begin, end, mechanism in self.inexact[index]:
            if begin <= offset < end:
                return mechanism
        return None

    def compare_bytes(self, index, name, ours, theirs, ranges):
        for begin, end in ranges:
            for offset in range(begin, end):
                self.compared += 1
                mechanism = self.mechanism_at(index, offset)
                self.left_open += mechanism is not None
                if ours[offset] == theirs[offset]:
                    continue
                if mechanism:
                    self.explained[mechanism] += 1
                else:
                    self.unexplained.append(f"{name}+{offset:#x}: model {ours[offset]:02x}, guest {theirs[offset]:02x}")

    def compare_section(self, section, found):
        name, index = section["name"], section["index"]
        if int(section["address"], 16) != int(found["address"], 16):
            self.unexplained.append(f"{name}: model at {section['address']}, guest at {found['address']}")
            return
        ours = (self.model / section["file"]).read_bytes()
        theirs = (self.guest / found["file"]).read_bytes()
        if len(ours) != section["size"] or len(theirs) < len(ours) or (len(theirs) > len(ours) and not found["sized_by_loader"]):
            self.unexplained.append(f"{name}: {len(theirs)} bytes from the guest, {len(ours)} of the model, expected {section['size']}")
            return
        live = name in self.sections["live_data"]
        if live and not found["writable"]:
            self.unexplained.append(f"{name}: the model takes a read-only section for one that running code changes")
            live = False
        self.compare_bytes(index, name, ours, theirs, self.fields[index] if live else [(0, len(ours))])

    def compare_sections(self):
        """By name; init sections are gone in both, or of no interest in the guest."""
        found = {section["name"]: section for section in self.found["sections"]}
        for section in self.sections["sections"]:
            theirs = found.pop(section["name"], None)
            if section["freed"] or section["size"] == 0:
                continue
            if theirs is None:
                self.unexplained.append(f"{section['name']}: not in the guest")
            else:
                self.compare_section(section, theirs)
        for name in found:
            self.unexplained.append(f"{name}: not in the model")

    def compare_reserved_text(self):
        ours, theirs = self.sections["reserved_text"], self.found["reserved_text"]
        if ours is None and theirs is None:
            return
        if ours is None or theirs is None or int(ours["address"], 16) != int(theirs["address"], 16):
            self.unexplained.append(f"(got and plt): model {ours}, guest {theirs}")
            return
        ours = (self.model / ours["file"]).read_bytes()
        theirs = (self.guest / theirs["file"]).read_bytes()
        if len(theirs) < len(ours):
            self.unexplained.append(f"(got and plt): {len(theirs)} bytes from the guest, expected {len(ours)}")
            return
        self.compare_bytes(None, "(got and plt)", ours, theirs, [(0, len(ours))])

    def run(self):
        self.compare_sections()
        self.compare_reserved_text()
        if self.left_open > self.compared * OPEN_SHARE:
            self.unexplained.append(f"the model leaves {self.left_open} bytes open")
        named = ", ".join(f"{count} by {mechanism}" for mechanism, count in sorted(self.explained.items()))
        print(f"{self.name}: {self.compared} bytes compared, {self.left_open} left open, {sum(self.explained.values())} differ and are explained"
              f"{' (' + named + ')' if named else ''}, {len(self.unexplained)} unexplained")
        for line in self.unexplained[:40]:
            print("  " + line)
        return self.compared > 0 and not self.unexplained


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    simulation = json.loads(pathlib.Path(sys.argv[1]).read_text())
    model, guest = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    results = [Comparison(simulation, module, model / module, guest / module).run() for module in sys.argv[4:]]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
