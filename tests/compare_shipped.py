#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the originals of patched functions are what the kernel runs, found out without klp.

  compare_shipped.py BUILD.json TREE VMLINUX KALLSYMS MODULES

BUILD.json is the answer of `klp build`. TREE has the objects of the patched files as kbuild compiles them, with
-ffunction-sections, KALLSYMS the kernel's lines `ADDRESS TYPE NAME`, and MODULES the kernel's modules. Each patched
function's bytes in its object, but for the fields of relocations, have to be those at the function's address in
VMLINUX, or in its module. A line a function says which are (`same NAME`) and which are not (`differs NAME`); x86-64 only.
"""
import json
import lzma
import pathlib
import struct
import sys

FIELD_SIZES = {1: 8, 2: 4, 4: 4, 9: 4, 10: 4, 11: 4, 24: 8}  # R_X86_64_64, PC32, PLT32, GOTPCREL, 32, 32S, PC64
FUNCTION = 2  # STT_FUNC


class Elf:
    def __init__(self, path):
        data = pathlib.Path(path).read_bytes()
        self.data = lzma.decompress(data) if path.suffix == ".xz" else data
        assert self.data[:6] == b"\x7fELF\2\1", f"{path}: not a 64-bit little-endian ELF file"
        table, = struct.unpack_from("<Q", self.data, 40)
        count, _ = struct.unpack_from("<HH", self.data, 60)
        # name, type, flags, address, offset, size, link, info, alignment, entry size
        self.sections = [struct.unpack_from("<IIQQQQIIQQ", self.data, table + 64 * i) for i in range(count)]

    def content(self, index):
        _, _, _, _, offset, size, *_ = self.sections[index]
        return self.data[offset:offset + size]

    def functions(self, name):
        """Section, offset and size of each function of that name, in the order of the symbol table."""
        for index, section in enumerate(self.sections):
            if section[1] != 2:  # SHT_SYMTAB
                continue
            symbols, strings = self.content(index), self.content(section[6])
            for at in range(0, len(symbols), 24):
                name_at, info, _, place, value, size = struct.unpack_from("<IBBHQQ", symbols, at)
                if info & 15 == FUNCTION and place and strings[name_at:strings.index(b"\0", name_at)].decode() == name:
                    yield place, value, size

    def fields(self, place):
        """Offset and size of what relocations write into a section."""
        for index, section in enumerate(self.sections):
            if section[1] == 4 and section[7] == place:  # SHT_RELA
                table = self.content(index)
                for at in range(0, len(table), 24):
                    offset, info, _ = struct.unpack_from("<QQq", table, at)
                    yield offset, FIELD_SIZES[info & 0xffffffff]

    def at_address(self, address, size):
        """Bytes of a linked image."""
        for _, kind, flags, start, offset, length, *_ in self.sections:
            if kind == 1 and flags & 2 and start <= address and address + size <= start + length:  # SHT_PROGBITS, SHF_ALLOC
                return self.data[offset + address - start:][:size]
        raise LookupError(f"{address:#x} is in no section")


def masked(content, begin, fields):
    result = bytearray(content)
    for offset, size in fields:
        for at in range(offset - begin, offset - begin + size):
            if 0 <= at < len(result):
                result[at] = 0
    return bytes(result)


def chosen(candidates, sympos, name):
    candidates = list(candidates)
    if sympos == 0 and len(candidates) != 1:
        raise LookupError(f"{len(candidates)} functions have the name {name}")
    return candidates[max(sympos, 1) - 1]


class Shipped:
    def __init__(self, tree, vmlinux, kallsyms, modules):
        self.tree = pathlib.Path(tree)
        self.vmlinux = Elf(pathlib.Path(vmlinux))
        self.symbols = [line.split() for line in pathlib.Path(kallsyms).read_text().splitlines()]
        self.modules = {path.name.split(".ko")[0].replace("-", "_"): path
                        for path in pathlib.Path(modules).rglob("*.ko*")}

    def is_same(self, object_name, function):
        original = Elf(self.tree / function["source"].replace(".c", ".o"))
        place, offset, size = chosen(original.functions(function["name"]), 0, function["name"])
        fields = list(original.fields(place))
        ours = masked(original.content(place)[offset:offset + size], offset, fields)
        assert size > 0 and any(ours), f"{function['name']}: nothing to compare"
        if object_name == "vmlinux":
            addresses = [int(symbol[0], 16) for symbol in self.symbols if symbol[2] == function["name"]]
            theirs = self.vmlinux.at_address(chosen(addresses, function["sympos"], function["name"]), size)
        else:
            module = Elf(self.modules[object_name])
            shipped = chosen(module.functions(function["name"]), function["sympos"], function["name"])
            theirs = module.content(shipped[0])[shipped[1]:shipped[1] + size]
            size = shipped[2]
        return size == len(ours) and ours == masked(theirs, offset, fields)


def main():
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    shipped = Shipped(*sys.argv[2:])
    for one in json.loads(pathlib.Path(sys.argv[1]).read_text())["objects"]:
        for function in one["functions"]:
            if not function["new"]:
                print("same" if shipped.is_same(one["name"], function) else "differs", function["name"])


if __name__ == "__main__":
    main()
