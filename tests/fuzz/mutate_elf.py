# SPDX-License-Identifier: GPL-2.0-or-later
"""Mutations of ELF objects that know what a livepatch consists of: headers, symbols, relocations, names, the entries of
.modinfo, of klp_func and klp_object tables and of special sections. Deterministic: all chance comes from a random.Random."""
import struct

SYMTAB, STRTAB, RELA, NOBITS = 2, 3, 4, 8
SHN_SPECIAL = [0, 0xff00, 0xff20, 0xfff1, 0xfff2, 0xffff]
SHF_RELA_LIVEPATCH = 0x00100000
SECTION_FIELDS = {"name": (0, 4), "type": (4, 4), "flags": (8, 8), "address": (16, 8), "offset": (24, 8), "size": (32, 8),
                  "link": (40, 4), "info": (44, 4), "align": (48, 8), "entry": (56, 8)}
SYMBOL_FIELDS = {"name": (0, 4), "info": (4, 1), "other": (5, 1), "section": (6, 2), "value": (8, 8), "size": (16, 8)}
RELOCATION_FIELDS = {"offset": (0, 8), "type": (8, 4), "symbol": (12, 4), "addend": (16, 8)}
HEADER_FIELDS = {"class": (4, 1), "data": (5, 1), "type": (16, 2), "machine": (18, 2), "version": (20, 4), "sections": (40, 8),
                 "flags": (48, 4), "header size": (52, 2), "section size": (58, 2), "section count": (60, 2), "names": (62, 2)}
SPECIAL = [".altinstructions", ".altinstr_replacement", "__bug_table", "__jump_table", ".static_call_sites", ".return_sites",
           ".retpoline_sites", ".smp_locks", ".parainstructions", ".orc_unwind", ".orc_unwind_ip", "__ex_table", "__mcount_loc",
           "__patchable_function_entries", "__versions", ".modinfo", ".gnu.linkonce.this_module", ".toc", ".stubs", ".plt",
           ".printk_index", "__dyndbg", ".call_sites", ".s390_indirect_call", "__lwsync_fixup", "__ftr_fixup", ".static_call.text"]
TEXTS = [b"", b".", b",", b"vmlinux", b"late", b"a" * 80, b"x" * 600, b"\xff\xfe", b"../../x", b"%s%n", b"\x1b[2J", b"0"]
SYMBOL_NAMES = [b".klp.sym.vmlinux.helper,0", b".klp.sym.vmlinux.helper,1", b".klp.sym.vmlinux.helper,4294967296",
                b".klp.sym.vmlinux.helper,-1", b".klp.sym.vmlinux.helper", b".klp.sym..helper,0", b".klp.sym.vmlinux.,0",
                b".klp.sym.", b".klp.sym.late.a,b,2", b".klp.sym.no_such_module.f,0", b".klp.sym." + b"o" * 70 + b".f,0",
                b".klp.sym.vmlinux." + b"f" * 600 + b",0", b".klp.sym.rela.vmlinux.vmlinux.f,0", b"init_module", b"__this_module",
                b"cleanup_module", b"_GLOBAL_OFFSET_TABLE_", b".TOC.", b"__fentry__", b"_mcount", b"klp_enable_patch"]
SECTION_NAMES = [b".klp.rela.vmlinux..text", b".klp.rela.late..text", b".klp.rela.", b".klp.rela.vmlinux", b".klp.rela..text",
                 b".klp.rela.vmlinux.", b".klp.arch.vmlinux..altinstructions", b".klp.rel.vmlinux..text", b".kpatch.dynrelas",
                 b".klp.module_relocs.vmlinux", b".init.text", b".init.data", b".rela.text", b".data..percpu", b".bss", b".text",
                 b".klp.funcs", b".kpatch.funcs"] + [name.encode() for name in SPECIAL]


class Mutation:
    """A copy of an object's bytes that is changed in place; `notes` says how."""

    def __init__(self, data, chance):
        self.data = bytearray(data)
        self.chance = chance
        self.notes = []
        self.order = "<" if data[5] == 1 else ">"
        self.parse()

    def parse(self):
        """The tables as they are in the sound object."""
        self.table, = self.unpack("Q", 40)
        self.count, self.names_at = self.unpack("HH", 60)
        self.headers = [dict(zip(SECTION_FIELDS, self.unpack("IIQQQQIIQQ", self.table + 64 * i))) for i in range(self.count)]
        names = self.headers[self.names_at]
        for header in self.headers:
            at = names["offset"] + header["name"]
            header["text"] = bytes(self.data[at:self.data.index(0, at)]).decode(errors="replace")

    def unpack(self, form, at):
        return struct.unpack_from(self.order + form, self.data, at)

    def put(self, at, size, value):
        if 0 <= at and at + size <= len(self.data):
            self.data[at:at + size] = (value % (1 << 8 * size)).to_bytes(size, "little" if self.order == "<" else "big")

    def get(self, at, size):
        return int.from_bytes(self.data[at:at + size], "little" if self.order == "<" else "big")

    def pick(self, kinds=None, names=None):
        """Index of a section with content, of these types or names; None where there is none."""
        fitting = [i for i, header in enumerate(self.headers) if header["size"] and header["type"] != NOBITS and
                   (kinds is None or header["type"] in kinds) and (names is None or header["text"] in names)]
        return self.chance.choice(fitting) if fitting else None

    def number(self, size, old):
        """Small, huge, at an edge, or near what was there."""
        chance = self.chance
        return chance.choice([
            lambda: chance.randrange(9), lambda: old + chance.choice([-8, -4, -1, 1, 4, 8]), lambda: old * 2, lambda: old // 2,
            lambda: (1 << 8 * size) - chance.randrange(1, 9), lambda: (1 << 8 * size - 1) + chance.randrange(-2, 3),
            lambda: 1 << chance.randrange(8 * size), lambda: chance.getrandbits(8 * size), lambda: old ^ 1 << chance.randrange(8 * size),
            lambda: len(self.data) + chance.randrange(-8, 9), lambda: self.count + chance.randrange(-2, 3)])()

    def edit_field(self, at, fields, what):
        name, (offset, size) = self.chance.choice(list(fields.items()))
        old = self.get(at + offset, size)
        value = self.number(size, old)
        self.put(at + offset, size, value)
        self.notes.append(f"{what}: {name} {old:#x} -> {value % (1 << 8 * size):#x}")

    def header_field(self):
        self.edit_field(0, HEADER_FIELDS, "header")

    def section_field(self):
        index = self.chance.randrange(self.count)
        self.edit_field(self.table + 64 * index, SECTION_FIELDS, f"section {index} {self.headers[index]['text']}")

    def section_as_other(self):
        """A field takes the value of another section's: overlaps, wrong targets, two tables."""
        one, other = (self.chance.randrange(self.count) for _ in range(2))
        name, (offset, size) = self.chance.choice(list(SECTION_FIELDS.items()))
        self.put(self.table + 64 * one + offset, size, self.get(self.table + 64 * other + offset, size))
        self.notes.append(f"section {one} has the {name} of {other}")

    def exchange_sections(self):
        one, other = (self.table + 64 * self.chance.randrange(self.count) for _ in range(2))
        self.data[one:one + 64], self.data[other:other + 64] = self.data[other:other + 64], self.data[one:one + 64]
        self.notes.append("two section headers change places")

    def livepatch_flag(self):
        index = self.pick({RELA})
        if index is not None:
            at = self.table + 64 * index + 8
            self.put(at, 8, self.get(at, 8) ^ self.chance.choice([SHF_RELA_LIVEPATCH, 2, 4, 0x40, SHF_RELA_LIVEPATCH | 2]))
            self.notes.append(f"flags of {self.headers[index]['text']}")

    def entry(self, index, size):
        """Start of an entry of a table."""
        header = self.headers[index]
        return header["offset"] + size * self.chance.randrange(max(1, header["size"] // size))

    def symbol_field(self):
        index = self.pick({SYMTAB})
        if index is None:
            return
        at = self.entry(index, 24)
        if self.chance.random() < 0.25:
            self.put(at + 6, 2, self.chance.choice(SHN_SPECIAL))
            self.notes.append(f"symbol at {at:#x}: another kind of section")
        else:
            self.edit_field(at, SYMBOL_FIELDS, f"symbol at {at:#x}")

    def relocation_field(self):
        index = self.pick({RELA})
        if index is None:
            return
        at = self.entry(index, 24)
        fields = {**RELOCATION_FIELDS, "type": (12 if self.order == ">" else 8, 4), "symbol": (8 if self.order == ">" else 12, 4)}
        self.edit_field(at, fields, f"relocation of {self.headers[index]['text']} at {at:#x}")

    def relocation_of_another(self):
        one, other = self.pick({RELA}), self.pick({RELA})
        if one is not None:
            to, start = self.entry(one, 24), self.entry(other, 24)
            self.data[to:to + 24] = self.data[start:start + 24]
            self.notes.append(f"a relocation of {self.headers[other]['text']} in {self.headers[one]['text']}")

    def new_text(self, texts):
        """A string at the end of the file's string tables is not there: the text goes over what is, or into new space."""
        text = self.chance.choice(texts)
        return text + b"\0"

    def rename(self, table_index, field_at, texts, what):
        """Moves a string table to the end of the file and adds a name."""
        header = self.headers[table_index]
        at, size = header["offset"], header["size"]
        content = bytes(self.data[at:at + size]) + self.new_text(texts)
        self.put(field_at, 4, size)
        header["offset"], header["size"] = len(self.data), len(content)
        self.data += content
        self.put(self.table + 64 * table_index + 24, 8, header["offset"])
        self.put(self.table + 64 * table_index + 32, 8, header["size"])
        self.notes.append(f"{what} is called {content[size:-1][:60]!r}")

    def rename_section(self):
        index = self.chance.randrange(self.count)
        self.rename(self.names_at, self.table + 64 * index, SECTION_NAMES + TEXTS, f"section {index} {self.headers[index]['text']}")

    def rename_symbol(self):
        index = self.pick({SYMTAB})
        if index is not None and 0 < self.headers[index]["link"] < self.count:
            at = self.entry(index, 24)
            self.rename(self.headers[index]["link"], at, SYMBOL_NAMES + TEXTS, f"symbol at {at:#x}")

    def special_bytes(self):
        index = self.pick(names=SPECIAL)
        if index is not None:
            header = self.headers[index]
            at = header["offset"] + self.chance.randrange(header["size"])
            size = self.chance.choice([1, 2, 4, 8])
            self.put(at, size, self.number(size, self.get(at, size)))
            self.notes.append(f"{header['text']}+{at - header['offset']:#x}")

    def section_bytes(self):
        index = self.pick()
        header = self.headers[index]
        at = header["offset"] + self.chance.randrange(header["size"])
        size = self.chance.choice([1, 1, 4, 8])
        self.put(at, size, self.number(size, self.get(at, size)))
        self.notes.append(f"{header['text']}+{at - header['offset']:#x}")

    def modinfo(self):
        index = self.pick(names=[".modinfo"])
        if index is None:
            return
        header = self.headers[index]
        at, size = header["offset"], header["size"]
        entries = bytes(self.data[at:at + size]).split(b"\0")
        which = self.chance.randrange(len(entries))
        key = entries[which].split(b"=")[0]
        entries[which] = self.chance.choice([b"", key, b"=" + key, key + b"=" + self.chance.choice(TEXTS), entries[which] * 2, b"livepatch=Y",
                                             b"name=other", b"depends=late,,missing", b"vermagic=", b"import_ns=X"])
        content = b"\0".join(entries)[:-1] + self.chance.choice([b"\0", b"", b"x"])
        header["offset"], header["size"] = len(self.data), len(content)
        self.data += content
        self.put(self.table + 64 * index + 24, 8, header["offset"])
        self.put(self.table + 64 * index + 32, 8, header["size"])
        self.notes.append(f"modinfo {entries[which][:60]!r}")

    def resize(self):
        """A section ends earlier, inside an entry perhaps, or later."""
        index = self.pick()
        at = self.table + 64 * index + 32
        size = max(0, self.headers[index]["size"] + self.chance.choice([-24, -16, -12, -8, -4, -1, 1, 4, 8, 24]))
        self.put(at, 8, size)
        self.notes.append(f"{self.headers[index]['text']} has {size:#x} bytes")

    def truncate(self):
        size = self.chance.randrange(len(self.data))
        del self.data[size:]
        self.notes.append(f"cut to {size:#x} bytes")


KINDS = {Mutation.header_field: 1, Mutation.section_field: 6, Mutation.section_as_other: 3, Mutation.exchange_sections: 1,
         Mutation.livepatch_flag: 2, Mutation.symbol_field: 6, Mutation.relocation_field: 8, Mutation.relocation_of_another: 3,
         Mutation.rename_section: 4, Mutation.rename_symbol: 5, Mutation.special_bytes: 6, Mutation.section_bytes: 4, Mutation.modinfo: 3,
         Mutation.resize: 3}


def mutate(data, chance):
    """The changed bytes, and what was changed."""
    mutation = Mutation(data, chance)
    for kind in chance.choices(list(KINDS), KINDS.values(), k=chance.choice([1, 1, 1, 2, 2, 3, 5])):
        kind(mutation)
    if chance.random() < 0.02:
        mutation.truncate()
    return bytes(mutation.data), "; ".join(mutation.notes)
