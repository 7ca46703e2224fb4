#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares what a guest made of events with what `klp simulate` says of them.

  compare_events.py SIMULATION.json GUEST

GUEST has for each event the lines that tests/scenarios.sh makes: `event KIND:NAME`, `said` what the program printed,
`log` of the kernel, `patch` with its state, `module` names.
"""
import errno
import json
import os
import re
import sys

# busybox modutils/modutils.c:moderror, for insmod alone
INSMOD = {"invalid module format": "ENOEXEC", "unknown symbol in module, or unknown parameter": "ENOENT",
          "module has wrong symbol version": "ESRCH", "invalid parameter": "EINVAL"}
TEXTS = {"nonexistent directory": "ENOENT", "no such file or directory": "ENOENT"}
LOADER = r"(livepatch|module|module_64|Modules|x86/modules|sysfs|kobject|kobject_add_internal failed for \S+|{}): ?"


def name_of(text):
    names = {os.strerror(number).lower(): name for number, name in errno.errorcode.items()}
    return {**names, **TEXTS}.get(text.lower(), text)


def events_of(path):
    events = []
    with open(path, errors="replace") as file:
        for line in file:
            kind, _, rest = line.rstrip("\n").partition(" ")
            if kind == "event":
                events.append({"event": rest, "said": [], "log": [], "patch": [], "module": [], "shows": []})
            elif events:
                events[-1][kind].append(rest)
    return events


def error_of(event):
    if not event["said"]:
        return None
    text = event["said"][-1].rsplit(": ", 1)[-1]
    if event["event"].startswith("load:") and text in INSMOD:
        return INSMOD[text]
    return name_of(text)


def log_of(lines, names):
    wanted = re.compile(LOADER.format("|".join(names)))
    return [line for line in lines if wanted.match(line)]


def printed(event):
    return [re.sub(r"^(<\d+>)?\[ *[\d.]+\] ", "", line) for line in event["log"]]


def is_same_log(expected, found):
    """Busybox' insmod tries a second way where the kernel has refused: the lines may come twice."""
    return found in (expected, expected * 2)


def compare(model, guest):
    problems = []
    names = sorted({event["event"].split(":")[1] for event in guest})
    for number, (said, seen) in enumerate(zip(model, guest)):
        head = f"event {number}, {seen['event']}: "
        if said["undefined_behaviour"]:
            problems.append(head + "undefined: " + said["undefined_behaviour"])
        expected = errno.errorcode.get(said["errno"])
        if expected != error_of(seen):
            problems.append(head + f"the model says {expected}, the guest {error_of(seen)}: {seen['said']}")
        expected, found = log_of([line["text"] for line in said["log"]], names), log_of(printed(seen), names)
        if not is_same_log(expected, found):
            problems.append("\n  ".join([head, "the model says:"] + expected + ["the guest says:"] + found))
    if len(model) != len(guest):
        problems.append(f"{len(model)} events in the model, {len(guest)} in the guest")
    return problems


def state_of_model(modules):
    return sorted(module["name"] for module in modules), sorted(
        module["name"] for module in modules if module["patch"] and module["patch"]["enabled"])


def state_of_guest(event):
    patches = [line.split() for line in event["patch"]]
    return sorted(event["module"]), sorted(path.split("/")[4] for path, enabled in patches if enabled == "1")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1]) as file:
        model = json.load(file)
    guest = events_of(sys.argv[2])
    if not guest:
        sys.exit("no events in the guest")
    problems = compare(model["events"][-len(guest):], guest)
    if state_of_model(model["modules"]) != state_of_guest(guest[-1]):
        problems.append(f"in the end: model {state_of_model(model['modules'])}, guest {state_of_guest(guest[-1])}")
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(guest)} events as in the model")


main()
