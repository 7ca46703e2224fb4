#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares what a guest made of events with what `klp simulate` says of them.

  compare_events.py SIMULATION.json STATES GUEST NUMBERS

SIMULATION.json has one event that the guest's list lacks: the first, which klp run itself caused. STATES has a line for
each event of the guest: the modules of the model after it, as JSON. GUEST has for each event the lines that
tests/scenarios.sh makes: `event KIND:NAME`, `said` what the program printed, `log` of the kernel, `patch` with its state,
`module` names, and what the patched module `shows`. NUMBERS says what a function returns: LIVEPATCH FUNCTION POSITION
NUMBER a line, with `-` in place of the livepatch for the function itself.
"""
import errno
import json
import os
import pathlib
import re
import sys

# busybox modutils/modutils.c:moderror, for insmod alone
INSMOD = {"invalid module format": "ENOEXEC", "unknown symbol in module, or unknown parameter": "ENOENT",
          "module has wrong symbol version": "ESRCH", "invalid parameter": "EINVAL"}
TEXTS = {"nonexistent directory": "ENOENT", "no such file or directory": "ENOENT"}
LOADER = r"(livepatch|module|module_64|Modules|x86/modules|sysfs|kobject|kobject_add_internal failed for \S+|{}): ?"
TARGET = "scn_target"
SHOWN = "one {one,1} two {two,1} twins {twin,1} {twin,2} untraced {untraced,1}"


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


def event_of_model(said):
    return f"{said['event']}:{pathlib.PurePath(said['subject']).name.removesuffix('.ko')}"


def error_of_model(said):
    return errno.errorcode.get(said["errno"], str(said["errno"])) if said["errno"] else None


def error_of(event):
    if not event["said"]:
        return None
    text = event["said"][-1].rsplit(": ", 1)[-1]
    if event["event"].startswith("load:") and text in INSMOD:
        return INSMOD[text]
    return name_of(text)


def log_of(lines, names):
    wanted = re.compile(LOADER.format("|".join(map(re.escape, names))))
    return [line for line in lines if wanted.match(line)]


def printed(event):
    return [re.sub(r"^(<\d+>)?\[ *[\d.]+\] ", "", line) for line in event["log"]]


def is_same_log(said, expected, found):
    """Busybox' insmod tries a second way where the kernel has refused: the lines may come twice."""
    return found == expected or (said["event"] == "load" and said["errno"] != 0 and found == expected * 2)


def compare_event(said, seen, names):
    if event_of_model(said) != seen["event"]:
        yield f"the model's event is {event_of_model(said)}"
    if said["undefined_behaviour"]:
        yield "undefined: " + said["undefined_behaviour"]
    if error_of_model(said) != error_of(seen):
        yield f"the model says {error_of_model(said)}, the guest {error_of(seen)}: {seen['said']}"
    expected, found = log_of([line["text"] for line in said["log"]], names), log_of(printed(seen), names)
    if not is_same_log(said, expected, found):
        yield "\n  ".join(["", "the model says:"] + expected + ["the guest says:"] + found)


class RunningFunctions:
    """Which function of a livepatch runs in place of which of the target's: the one that was added last
    (kernel/livepatch/patch.c:klp_ftrace_handler)."""

    def __init__(self, numbers):
        self.numbers = numbers
        self.stacks = {}

    def key_of(self, function):
        return function["name"], function["sympos"] or 1

    def update(self, modules):
        active = {}
        for module in modules:  # in the order of loading, which is that in which a coming module is patched
            for place in (module["patch"] or {"objects": []})["objects"]:
                if place["name"] == TARGET and place["patched"]:
                    for function in place["functions"]:
                        active.setdefault(self.key_of(function), []).append(module["name"])
        for key in active.keys() | self.stacks.keys():
            now = active.get(key, [])
            kept = [name for name in self.stacks.get(key, []) if name in now]
            self.stacks[key] = kept + [name for name in now if name not in kept]

    def shown(self):
        numbers = {}
        for (livepatch, function, position), number in self.numbers.items():
            if livepatch == "-":
                stack = self.stacks.get((function, position)) or ["-"]
                numbers[f"{function},{position}"] = self.numbers[stack[-1], function, position]
        return re.sub(r"\{(.*?)\}", lambda found: numbers[found[1]], SHOWN)


def state_of_model(modules):
    return sorted(module["name"] for module in modules), sorted(
        module["name"] for module in modules if module["patch"] and module["patch"]["enabled"])


def state_of_guest(event):
    patches = [line.split() for line in event["patch"]]
    return sorted(event["module"]), sorted(path.split("/")[4] for path, enabled in patches if enabled == "1")


def compare_state(modules, running, seen):
    if state_of_model(modules) != state_of_guest(seen):
        yield f"modules and livepatches: model {state_of_model(modules)}, guest {state_of_guest(seen)}"
    is_live = any(module["name"] == TARGET and module["live"] for module in modules)
    expected = [running.shown()] if is_live else []
    if seen["shows"] != expected:
        yield f"functions: model {expected}, guest {seen['shows']}"


def compare(model, states, guest, numbers):
    if not len(model) == len(states) == len(guest):
        return [f"{len(model)} events and {len(states)} states in the model, {len(guest)} events in the guest"]
    problems = []
    names = sorted({event["event"].split(":")[1] for event in guest})
    running = RunningFunctions(numbers)
    for number, (said, modules, seen) in enumerate(zip(model, states, guest)):
        running.update(modules)
        found = [*compare_event(said, seen, names), *compare_state(modules, running, seen)]
        problems += [f"event {number}, {seen['event']}: {problem}" for problem in found]
    return problems


def numbers_of(path):
    with open(path) as file:
        lines = [line.split() for line in file]
    return {(livepatch, function, int(position) or 1): number for livepatch, function, position, number in lines}


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    with open(sys.argv[1]) as file:
        model = json.load(file)["events"][1:]
    with open(sys.argv[2]) as file:
        states = [json.loads(line) for line in file]
    guest = events_of(sys.argv[3])
    if not guest:
        sys.exit("no events in the guest")
    problems = compare(model, states, guest, numbers_of(sys.argv[4]))
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(guest)} events as in the model, with the state after each")


if __name__ == "__main__":
    main()
