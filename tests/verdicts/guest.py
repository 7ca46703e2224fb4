# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays in guests: player.c as init, plays in an initramfs, what becomes of them from the console. A guest that crashes,
hangs, or is left with something that cannot be undone ends its boot; the plays that are left go on in the next one."""
import os
import pathlib
import re
import select
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
SILENCE = 120  # seconds without a line from a guest that hangs
BOOT_TRIES = 3
ARGUMENTS = "console=ttyS0 panic=-1 oops=panic nokaslr no_timer_check printk.devkmsg=on ignore_loglevel"
CRASH = re.compile(r"Kernel panic|BUG: |Oops: |general protection fault|invalid opcode|stack segment|double fault|kernel BUG at")
WARNING = re.compile(r"WARNING: |ftrace bug")


class Step:
    def __init__(self):
        self.errno = None  # None: the guest did not live to see the end of it
        self.log = []


class Outcome:
    """Of a play."""

    def __init__(self):
        self.steps = []
        self.after = []  # the log of what is undone at its end
        self.crash = None
        self.warnings = []

    def trouble(self):
        return self.crash or (self.warnings[0] if self.warnings else None)

    def trouble_at(self):
        """The step that has it; the number of steps: in the course of undoing."""
        for number, step in enumerate(self.steps):
            if step.errno is None or any(WARNING.search(line) or CRASH.search(line) for line in step.log):
                return number
        return len(self.steps)


def make_player(folder):
    player = folder / "player"
    subprocess.run(["gcc", "-O1", "-Wall", "-static", "-s", "-o", player, HERE / "player.c"], check=True)
    return player


def cpio_entry(name, mode, content):
    fields = [0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
    return header + bytes(-len(header) % 4) + content + bytes(-len(content) % 4)


def initramfs(player, plan, files):
    entries = [cpio_entry(name, 0o40755, b"") for name in ("dev", "proc", "sys", "m")]
    entries += [cpio_entry("init", 0o100755, player.read_bytes()), cpio_entry("plan", 0o100644, plan.encode())]
    entries += [cpio_entry("m/" + name, 0o100644, content) for name, content in files.items()]
    return b"".join(entries + [cpio_entry("TRAILER!!!", 0, b"")])


def console_lines(command):
    """The lines that the guest prints. It is killed where it is silent for too long."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    rest, last = b"", time.monotonic()
    try:
        while True:
            if not select.select([process.stdout], [], [], 1)[0]:
                if time.monotonic() - last > SILENCE:
                    yield "verdicts: hangs"
                    return
                continue
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                break
            last = time.monotonic()
            lines = (rest + piece).split(b"\n")
            rest = lines.pop()
            for line in lines:
                yield line.decode(errors="replace").rstrip("\r")
        if rest:
            yield rest.decode(errors="replace")
    finally:
        process.kill()
        process.wait()


class Reader:
    """Takes the console's lines apart."""

    def __init__(self):
        self.outcomes = {}
        self.current = None
        self.ended = None  # "dirty", "finished", "hangs"
        self.in_step = False
        self.boot_log = []

    def read(self, line):
        line = re.sub(r"^(<\d+>)?\[ *[\d.]+\](\[ *[TC]\d+\])? ", "", line)
        if not line.startswith("verdicts: "):
            return self.add(line)
        word, _, rest = line[len("verdicts: "):].partition(" ")
        if word == "play":
            self.current = self.outcomes[rest] = Outcome()
        elif word == "step":
            self.current.steps.append(Step())
            self.in_step = True
        elif word == "errno":
            self.current.steps[-1].errno = int(rest)
        elif word == "over":
            self.in_step = False
        elif word == "clean":
            self.current = None
        elif word in ("dirty", "finished", "hangs"):
            self.ended = word
            if word == "hangs" and self.current:
                self.current.crash = "hangs"
        else:
            self.add(line)
        return None

    def add(self, line):
        if self.current is None:
            self.boot_log.append(line)
            return
        (self.current.steps[-1].log if self.in_step and self.current.steps else self.current.after).append(line)
        if CRASH.search(line) and not self.current.crash:
            self.current.crash = line
        elif WARNING.search(line):
            self.current.warnings.append(line)


class Guests:
    def __init__(self, kernel, folder):
        self.kernel, self.folder = kernel, folder
        self.player = make_player(folder)
        self.boots = 0

    def boot(self, archive, first):
        """Now and then a kernel finds no timer under TCG, on a machine with much to do, and crashes in its own start."""
        for _ in range(BOOT_TRIES):
            reader = self.try_boot(archive, first)
            if reader.outcomes:
                break
        else:
            raise SystemExit("the guest did not come up:\n" + "\n".join(reader.boot_log[-20:]))
        if reader.current and not reader.ended and not reader.current.crash:
            reader.current.crash = "the guest ended"
        return reader.outcomes

    def try_boot(self, archive, first):
        self.boots += 1
        command = ["nice", "qemu-system-x86_64", "-accel", "tcg", "-machine", "pc", "-cpu", "max", "-m", "512", "-nodefaults",
                   "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", str(self.kernel), "-initrd",
                   str(archive), "-append", f"{ARGUMENTS} verdicts_from={first}"]
        reader = Reader()
        for line in console_lines(command):
            reader.read(line)
        return reader

    def play(self, plays, files):
        """plays: [(id, [(verb, subject)…])…]; files: what is loaded, by its name. The outcome of each, by id."""
        def line(verb, subject):
            return f"{verb} {'/m/' if verb == 'load' else ''}{subject}\n"

        plan = "".join(f"play {name}\n" + "".join(line(*step) for step in steps) + "end\n" for name, steps in plays)
        archive = self.folder / "initramfs"
        archive.write_bytes(initramfs(self.player, plan, files))
        outcomes = {}
        while len(outcomes) < len(plays):
            before = len(outcomes)
            outcomes |= self.boot(archive, before)
            if len(outcomes) == before:
                raise SystemExit(f"the guest does not get to play {plays[before][0]}")
        return outcomes
