# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes ELF objects that nobody's tools make: hostile_elf.py KIND FILE [COUNT].

Each KIND is a sound x86_64 object (sections .text, .data, .rela.text, .symtab, .strtab, .shstrtab) but for one thing, or one
with COUNT of something.
"""
import struct
import sys

NULL, PROGBITS, SYMTAB, STRTAB, RELA, NOBITS = 0, 1, 2, 3, 4, 8
ALLOC_WRITE, ALLOC_EXEC, LIVEPATCH_RELA = 3, 6, 0x100002
OBJECT, FUNCTION = 0x11, 0x12
ABS64, PLT32 = 1, 4
LIVEPATCH_SYMBOL = 0xFF20
HEADER_SIZE, SECTION_SIZE = 64, 64


class Section:
    def __init__(self, name, kind, flags=0, content=b"", link=0, info=0, align=1, entry=0):
        self.name, self.kind, self.flags, self.content = name, kind, flags, content
        self.link, self.info, self.align, self.entry = link, info, align, entry
        self.offset = self.size = self.name_at = None  # none: the true ones


class Object:
    """Sections by index; `edit` may change their headers when all is laid out."""

    def __init__(self):
        self.sections = [Section("", NULL)]
        self.names = {}
        self.strings = bytearray(b"\0")
        self.symbols = [struct.pack("<IBBHQQ", 0, 0, 0, 0, 0, 0)]
        self.header = {}

    def add(self, *arguments, **named):
        self.sections.append(Section(*arguments, **named))
        return len(self.sections) - 1

    def string(self, text):
        at = len(self.strings)
        self.strings += text.encode() + b"\0"
        return at

    def symbol(self, name, section=0, value=0, size=0, info=0x10):
        self.symbols.append(struct.pack("<IBBHQQ", self.string(name), info, 0, section, value, size))
        return len(self.symbols) - 1

    def write(self, path, edit=None):
        table = self.add(".symtab", SYMTAB, 0, b"".join(self.symbols), info=1, align=8, entry=24)
        self.sections[table].link = self.add(".strtab", STRTAB, 0, bytes(self.strings))
        for section in self.sections:
            if section.kind == RELA:
                section.link = table
        names_at = self.add(".shstrtab", STRTAB)
        names = bytearray(b"\0")
        for section in self.sections[1:]:
            section.name_at = len(names)
            names += section.name.encode() + b"\0"
        self.sections[names_at].content = bytes(names)
        body = bytearray(HEADER_SIZE)
        for section in self.sections[1:]:
            body += bytes(-len(body) % 8)
            section.offset, section.size = len(body), len(section.content)
            if section.kind != NOBITS:
                body += section.content
        body += bytes(-len(body) % 8)
        if edit:
            edit({section.name: section for section in self.sections})
        count = len(self.sections)
        many = count >= 0xFF00
        headers = bytearray()
        for index, s in enumerate(self.sections):
            size = count if many and index == 0 else s.size or 0
            link = names_at if many and index == 0 else s.link
            headers += struct.pack("<IIQQQQIIQQ", s.name_at or 0, s.kind, s.flags, 0, s.offset or 0, size, link, s.info,
                                   s.align, s.entry)
        fields = {"shoff": len(body), "shentsize": SECTION_SIZE, "shnum": 0 if many else count,
                  "shstrndx": 0xFFFF if many else names_at, "machine": 62, **self.header}
        body[:HEADER_SIZE] = b"\x7fELF\2\1\1" + bytes(9) + struct.pack(
            "<HHIQQQIHHHHHH", 1, fields["machine"], 1, 0, 0, fields["shoff"], 0, 64, 0, 0, fields["shentsize"],
            fields["shnum"], fields["shstrndx"])
        with open(path, "wb") as file:
            file.write(body + headers)


def rela(entries):
    return b"".join(struct.pack("<QIIq", offset, kind, symbol, addend) for offset, kind, symbol, addend in entries)


def module(name="hostile", more=b""):
    """What a module has, for the kernel of tests/tiny-kernel.sh."""
    made = Object()
    info = f"name={name}\0license=GPL\0vermagic=1.0-tiny SMP mod_unload \0".encode() + more
    made.add(".modinfo", PROGBITS, 2, info)
    this_module = made.add(".gnu.linkonce.this_module", PROGBITS, ALLOC_WRITE,
                           bytes(24) + name.encode().ljust(104, b"\0"), align=64)
    made.symbol("__this_module", this_module, 0, 128, info=OBJECT)
    return made


def livepatch():
    """A livepatch of show() of that kernel."""
    made = module(more=b"livepatch=Y\0")
    text = made.add(".text", PROGBITS, ALLOC_EXEC, b"\xc3" * 16, align=16)
    init = made.add(".init.text", PROGBITS, ALLOC_EXEC, b"\xe9\0\0\0\0")
    made.add(".rela.init.text", RELA, 0, rela([(1, PLT32, made.symbol("klp_enable_patch"), -4)]), info=init, align=8,
             entry=24)
    made.symbol("init_module", init, 0, 5, info=FUNCTION)
    made.symbol("cleanup_module", text, 8, 1, info=FUNCTION)
    new_show = made.symbol("new_show", text, 0, 1, info=FUNCTION)
    strings = made.symbol("names", made.add(".rodata", PROGBITS, 2, b"show\0"))
    patch, funcs, objs = 0, 96, 224
    data = made.add(".data.patch", PROGBITS, ALLOC_WRITE, bytes(24) + b"\1" + bytes(391), align=8)
    made.symbol("patch", data, patch, 96, info=OBJECT)
    funcs_symbol = made.symbol("funcs", data, funcs, 128, info=OBJECT)
    objs_symbol = made.symbol("objs", data, objs, 192, info=OBJECT)
    made.add(".rela.data.patch", RELA, 0,
             rela([(patch, ABS64, 1, 0), (patch + 8, ABS64, objs_symbol, 0), (funcs, ABS64, strings, 0),
                   (funcs + 8, ABS64, new_show, 0), (objs + 8, ABS64, funcs_symbol, 0)]), info=data, align=8, entry=24)
    return made


def sound():
    made = module()
    text = made.add(".text", PROGBITS, ALLOC_EXEC, bytes(64), align=16)
    made.add(".data", PROGBITS, ALLOC_WRITE, bytes(64), align=8)
    made.symbol("start", text)
    made.add(".rela.text", RELA, 0, rela([(8, ABS64, 1, 0)]), info=text, align=8, entry=24)
    return made


def changed(section, **values):
    def make(path, _count):
        def edit(sections):
            for key, value in values.items():
                setattr(sections[section], key, value)
        sound().write(path, edit)
    return make


def header(**values):
    def make(path, _count):
        made = sound()
        made.header = values
        made.write(path)
    return make


def overlap(path, _count):
    def edit(sections):
        sections[".data"].offset = sections[".text"].offset + 8
    sound().write(path, edit)


def names_without_end(path, _count):
    made = sound()
    made.strings += b"x" * 64

    def edit(sections):
        sections[".strtab"].size -= 1
        made.sections[0].size = 0
    made.symbols.append(struct.pack("<IBBHQQ", len(made.strings) - 64, 0x10, 0, 0, 0, 0))
    made.write(path, edit)


def past(path, _count):
    made = sound()
    made.sections[-1].content = rela([(8, ABS64, 1, 0), (0xFFFFFFFFFFFFFFF8, ABS64, 1, 0)])
    made.write(path)


def bad_symbol(path, _count):
    made = sound()
    made.sections[-1].content = rela([(8, ABS64, 7777, 0)])
    made.write(path)


def symbols(path, count):
    made = livepatch()
    for i in range(count):
        made.symbol(f"symbol_{i}", 3, i % 16)
    made.write(path)


def relocations(path, count):
    """Livepatch relocations, all of one symbol."""
    made = livepatch()
    data = made.add(".data", PROGBITS, ALLOC_WRITE, bytes(8 * count), align=8)
    show = made.symbol(".klp.sym.vmlinux.show,0", LIVEPATCH_SYMBOL)
    made.add(".klp.rela.vmlinux..data", RELA, LIVEPATCH_RELA, rela((8 * i, ABS64, show, 0) for i in range(count)), info=data,
             align=8, entry=24)
    made.write(path)


def livepatch_symbols(path, count):
    """As many livepatch symbols, each with a relocation."""
    made = livepatch()
    data = made.add(".data", PROGBITS, ALLOC_WRITE, bytes(8 * count), align=8)
    indices = [made.symbol(f".klp.sym.vmlinux.symbol_{i},0", LIVEPATCH_SYMBOL) for i in range(count)]
    made.add(".klp.rela.vmlinux..data", RELA, LIVEPATCH_RELA,
             rela((8 * i, ABS64, index, 0) for i, index in enumerate(indices)), info=data, align=8, entry=24)
    made.write(path)


def sections(path, count):
    made = livepatch()
    for i in range(count):
        made.add(f".data.{i}", PROGBITS, ALLOC_WRITE, bytes(8), align=8)
    made.write(path)


KINDS = {
    "sound": lambda path, _count: sound().write(path),
    "overlap": overlap,
    "names-without-end": names_without_end,
    "relocation-past": past,
    "relocation-symbol": bad_symbol,
    "size": changed(".text", size=0xFFFFFFFFFFFFFFF0),
    "offset": changed(".text", offset=0xFFFFFFFFFFFFFFF0),
    "nobits": changed(".data", kind=NOBITS, size=0xFFFFFFFFFFFFFFF0),
    "alignment": changed(".data", align=1 << 63),
    "link": changed(".symtab", link=999),
    "info": changed(".rela.text", info=999),
    "name": changed(".data", name_at=0xFFFFFF),
    "entry": changed(".symtab", entry=7),
    "table": header(shoff=0xFFFFFFFFFFFFFF00),
    "count": header(shnum=0xFEFF),
    "names": header(shstrndx=0xFEFF),
    "header-size": header(shentsize=8),
    "livepatch": lambda path, _count: livepatch().write(path),
    "symbols": symbols,
    "livepatch-symbols": livepatch_symbols,
    "relocations": relocations,
    "sections": sections,
}

if __name__ == "__main__":
    KINDS[sys.argv[1]](sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0)
