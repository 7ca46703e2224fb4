# SPDX-License-Identifier: GPL-2.0-or-later
"""Which functions of two objects differ, seen by objdump alone: the second opinion on what klp says.

A function is the disassembly under its label, with what the assembler chose at will taken out: addresses become
distances from the function's start, a string is its text, a number that the compiler appended to a name is dropped, and
so is its own name: foo and foo.part.0 may be the same.
"""
import collections
import re
import subprocess

SECTION = re.compile(r"^Disassembly of section (\S+):$")
LABEL = re.compile(r"^[0-9a-f]+ <(.+)>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t([^\t]*)(.*)$")
SYMBOL = re.compile(r"^([0-9a-f]+) .{7} (\S+)\t([0-9a-f]+) (?:\.hidden )?(\S+)$")
RELOCATION = re.compile(r"([0-9a-f]+): (R_\w+)\s*(\S*)")
TARGET = re.compile(r"\b(?:0x)?[0-9a-f]+ <([^>]+)>")
CONSTANT = re.compile(r"^\.rodata\..*(?:str\d+\.\d+|cst(\d+))$")  # sections of strings, and of constants of one size
PLACE = re.compile(r"^(.*?)([+-]0x[0-9a-f]+)?$")
NUMBERED = re.compile(r"\.\d+(?=$|[.+-])")
NOT_FUNCTIONS = (".altinstr", ".discard", ".static_call.text", ".retpoline", ".fixup", ".text.exit")
OF_SECTIONS = re.compile(r"^(\.(?:init|exit|meminit|cpuinit|ref)\.text)")


def without_number(name):
    """foo.constprop.3 and foo.constprop.0 are the same; so are __func__.7 and __func__.9"""
    return NUMBERED.sub("", name)


def base(name):
    """What the source calls a function: foo of foo.part.0 and of foo.cold"""
    return name.split(".")[0] or name


def bias(kind, offset, address, end):
    """How far the place that an instruction reaches is from the sum in its relocation."""
    if kind in ("R_X86_64_PC32", "R_X86_64_PLT32") and end is not None:
        return end - offset
    return address - offset if kind in ("R_390_PC32DBL", "R_390_PLT32DBL", "R_390_PC16DBL") else 0


class Object:
    def __init__(self, path):
        self.path = path
        self.contents = {}
        self.labels = {}                                # of the compiler's own constants: section, offset
        self.symbols = collections.defaultdict(list)    # section: (begin, end, name)
        self.functions = collections.defaultdict(list)  # base name: the texts of its parts
        self.sections = collections.defaultdict(set)    # base name: where its parts are
        self.read()

    def read(self):
        argv = ["objdump", "-t", "-d", "-r", "-w", "-z", "--no-show-raw-insn", self.path]
        text = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, errors="replace").stdout
        section, name, start, rows = None, None, 0, []
        for line in text.splitlines():
            if match := SECTION.match(line):
                self.add(section, name, start, rows)
                section, name, rows = match.group(1), None, []
            elif match := LABEL.match(line):
                self.add(section, name, start, rows)
                name, start, rows = match.group(1), int(line.split()[0], 16), []
            elif match := INSTRUCTION.match(line):
                rows.append((int(match.group(1), 16), match.group(2), match.group(3)))
            elif section is None and (match := SYMBOL.match(line)):
                begin, size = int(match.group(1), 16), int(match.group(3), 16)
                self.symbols[match.group(2)].append((begin, begin + size, match.group(4)))
                if match.group(4).startswith(".LC"):
                    self.labels[match.group(4)] = match.group(2), begin
        self.add(section, name, start, rows)
        for parts in self.functions.values():
            parts.sort()

    def add(self, section, name, start, rows):
        if name is None or section is None or section.startswith(NOT_FUNCTIONS):
            return
        while rows and re.fullmatch(r"(nop.*|xchg +%ax,%ax|int3|data16.*|cs nop.*)", rows[-1][1]) and not rows[-1][2]:
            rows.pop()
        text = ["cold" if ".cold" in name else ""]
        for number, (address, instruction, relocations) in enumerate(rows):
            end = rows[number + 1][0] if number + 1 < len(rows) else None
            text.append(f"{address - start:x}: " + self.normal(instruction, relocations, name, start, address, end))
        self.functions[base(name)].append("\n".join(text))
        self.sections[base(name)].add(section)

    def normal(self, instruction, relocations, name, start, address, end):
        found = RELOCATION.findall(relocations)
        instruction = re.sub(r"\s+(#|//).*$", "", instruction)
        if found:  # the field's content is the relocation's
            instruction = TARGET.sub("", instruction)
        else:
            instruction = TARGET.sub(lambda match: f"<{self.within(match.group(1), name)}>", instruction)
        texts = [f"{int(offset, 16) - start:x} {kind} " + self.place(target, bias(kind, int(offset, 16), address, end))
                 for offset, kind, target in found]
        return " ".join([instruction, *texts])

    @staticmethod
    def within(target, name):
        """The place that a jump in function `name` goes to."""
        symbol, addend = PLACE.match(target).groups()
        return (addend or "") if symbol == name else without_number(target)

    def place(self, target, further):
        """What a relocation refers to; the place is `further` bytes behind what is written."""
        symbol, addend = PLACE.match(target).groups()
        number = int(addend or "0", 16)
        section, begin = self.labels.get(symbol, (symbol, 0))
        if constant := CONSTANT.search(section):
            return self.constant(section, begin + number + further, constant.group(1))
        if symbol.startswith("."):
            for begin, end, name in self.symbols.get(symbol, ()):
                if begin <= number + further < end and not name.startswith("."):
                    return f"{without_number(name)}+{number + further - begin:#x}"
        return without_number(symbol) + (addend or "")

    def constant(self, section, offset, size):
        content = self.contents.get(section)
        if content is None:
            content = self.contents[section] = self.content(section)
        end = offset + int(size) if size else content.find(b"\0", offset)
        return repr(content[offset:end])

    def content(self, section):
        text = subprocess.run(["objdump", "-s", "-j", section, self.path], check=True, stdout=subprocess.PIPE, text=True,
                              errors="replace").stdout
        rows = re.findall(r"^ [0-9a-f]+ ((?:[0-9a-f]+ ){1,4})", text, re.MULTILINE)
        return bytes.fromhex("".join(rows).replace(" ", ""))


def changed(original, patched):
    """Base names of the functions of the patched side that differ or are new. Nobody calls those that are gone."""
    return {name for name, texts in patched.functions.items() if original.functions.get(name) != texts}


def is_patchable(an_object, name):
    return not any(OF_SECTIONS.match(section) for section in an_object.sections.get(name, ()))
