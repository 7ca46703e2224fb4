#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds docs/json.md against what klp prints:
  compare_json.py DOCUMENT FOLDER
FOLDER has outputs, one a file: 'klp kernel list.json', 'klp simulate.2.json', and so on, by the document's headings. Every key
that is printed has to be documented, and every documented key to be printed by its command. What stands under 'every object'
is of each command that prints an object, 'an explanation' of those that print one."""
import json
import pathlib
import re
import sys


def documented_paths(document):
    """{command: [path]}, in the order of the document."""
    paths, command = {}, None
    for line in document.read_text().splitlines():
        if line.startswith("## "):
            command = line[3:].strip()
            paths[command] = []
        elif line.startswith("| `"):
            paths[command] += re.findall(r"`([^`]+)`", line.split("|")[1])
    return paths


def printed_paths(value, path=""):
    if isinstance(value, dict):
        for key, inner in value.items():
            # A key with a dot in it is one key all the same.
            here = (path + "." if path else "") + key.replace(".", "_")
            yield here
            yield from printed_paths(inner, here)
    elif isinstance(value, list):
        for inner in value:
            yield from printed_paths(inner, path + "[]")


def fits(pattern, path):
    pattern, path = pattern.split("."), path.split(".")
    return len(pattern) == len(path) and all(wanted in ("*", key) for wanted, key in zip(pattern, path))


def add_common_paths(documented, printed):
    common = documented.pop("every object", [])
    for command, patterns in documented.items():
        if not all(path.startswith("[]") for path in printed.get(command, ())):
            patterns[:0] = common


# For commands that were asked for one. Its keys, which are returned, need not all be printed by each of them.
def add_explanation(documented, printed):
    explanation = documented.pop("an explanation", [])
    for command, patterns in documented.items():
        if "explanation" in printed.get(command, ()):
            patterns += explanation
    return explanation


def main():
    documented = documented_paths(pathlib.Path(sys.argv[1]))
    printed = {}
    for file in sorted(pathlib.Path(sys.argv[2]).glob("*.json")):
        command = file.name.split(".")[0]
        printed.setdefault(command, set()).update(printed_paths(json.loads(file.read_text())))
    add_common_paths(documented, printed)
    explanation = add_explanation(documented, printed)
    printed_by_any = set().union(*printed.values())
    complaints = [f"{command}: not documented at all" for command in printed if command not in documented]
    for command, patterns in documented.items():
        paths = printed.get(command, set())
        if not patterns or not paths:
            complaints.append(f"{command}: {len(patterns)} documented keys, {len(paths)} printed")
        for path in sorted(paths):
            if not any(fits(pattern, path) for pattern in patterns):
                complaints.append(f"{command}: {path} is printed, but not documented")
        for pattern in patterns:
            if paths and not any(fits(pattern, path) for path in (printed_by_any if pattern in explanation else paths)):
                complaints.append(f"{command}: {pattern} is documented, but nothing printed it")
    print("\n".join(complaints) or f"{sum(map(len, printed.values()))} keys of {len(printed)} commands")
    return 1 if complaints else 0


sys.exit(main())
