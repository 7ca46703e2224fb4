# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes of livepatches that the module loader and the livepatch core have an answer to: what they read is changed, and
what is run is not, since the model of `klp simulate` plays no code. Deterministic: all chance comes from a random.Random."""
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fuzz"))
import mutate_elf  # noqa: E402
from mutate_elf import NOBITS, RELA, SHF_RELA_LIVEPATCH, SYMTAB  # noqa: E402

# Code that runs while the module is loaded and unloaded, and what is written into it.
RUNNING = {".init.text", ".exit.text", ".rela.init.text", ".rela.exit.text"}
RUNNING_SYMBOLS = {"init_module", "cleanup_module", "klp_enable_patch", "livepatch_init", "livepatch_exit"}
FLAGS = [1, 2, 4, 0x00200000, SHF_RELA_LIVEPATCH, 0x40, 0x20]  # write, alloc, exec, ro_after_init, livepatch, info, strings
TYPES = [0, 1, 2, 3, 4, 7, 8, 9, 14, 15]
TABLES = [".altinstructions", ".altinstr_replacement", "__bug_table", "__jump_table", ".static_call_sites", ".parainstructions",
          ".return_sites", ".retpoline_sites", ".call_sites", ".smp_locks", ".orc_unwind", ".orc_unwind_ip", "__ex_table",
          "__mcount_loc", "__versions", "__param", "__ksymtab_gpl", "__ksymtab", "__ksymtab_strings", "__kflagstab"]
DATA = [".data", ".data", ".data", ".rodata", ".data..percpu", ".data..ro_after_init", ".gnu.linkonce.this_module"]
NONE, PC64, LAST = 0, 24, 43  # R_X86_64_*
SYMBOLS = [b"vmlinux.saved_command_line,0", b"vmlinux.saved_command_line,1", b"vmlinux.saved_command_line,2",
           b"vmlinux.nothing_there,0", b"klp_target.hidden_value,0", b"klp_target.hidden_value,1", b"klp_target.hidden_value,3",
           b"klp_target.nothing_there,0", b"no_such_module.f,0", b"klp_target.target_show", b"klp_target.,0", b".f,0", b"",
           b"vmlinux.cmdline_proc_show,18446744073709551616", b"vmlinux.cmdline_proc_show,-1", b"vmlinux.cmdline_proc_show,0x1",
           b"klp_target." + b"f" * 520 + b",0", b"m" * 60 + b".f,0", b"vmlinux.a.b,0", b"klp-target.hidden_value,0"]
SECTIONS = [b".klp.rela.vmlinux..text", b".klp.rela.klp_target..text", b".klp.rela.klp_target..rodata", b".klp.rela.", b".klp.rela..text",
            b".klp.rela.no_such_module..text", b".klp.rela.vmlinux", b".rela.text", b".init.data", b".exit.data", b".init.text",
            b".data..ro_after_init", b".bss", b".modinfo", b".data..percpu", b".no_such_name"] + [name.encode() for name in TABLES]
TEXTS = [b"", b"x", b"vmlinux", b"klp_target", b"no_such_module", b"a" * 55, b"a" * 56, b"a" * 600, b"no_such_function", b"printk"]
MODINFO = [b"livepatch", b"livepatch=N", b"license=Proprietary", b"license=", b"vermagic=1", b"name=klp_target", b"name=",
           b"depends=no_such_module", b"import_ns=module:other", b"import_ns=ANY", b"staging=Y", b"retpoline=Y", b"test=Y", b"intree=Y"]


class Change(mutate_elf.Mutation):
    def parse(self):
        super().parse()
        self.running = {i for i, header in enumerate(self.headers) if header["text"] in RUNNING}

    def name_at(self, table, offset):
        at = self.headers[table]["offset"] + offset
        return bytes(self.data[at:self.data.index(0, at)]).decode(errors="replace")

    def pick(self, kinds=None, names=None):
        for _ in range(8):
            index = super().pick(kinds, names)
            if index not in self.running:
                return index
        return None

    def any_section(self):
        return self.chance.choice([i for i in range(1, self.count) if i not in self.running])

    def symbol(self):
        """The place of a symbol that no code which runs depends on."""
        index = self.pick({SYMTAB})
        for _ in range(20):
            at = self.entry(index, 24)
            name = self.name_at(self.headers[index]["link"], self.get(at, 4))
            if name not in RUNNING_SYMBOLS and self.get(at + 4, 1) & 15 != 3 and self.get(at + 6, 2) not in self.running:
                return index, at, name
        return None

    def symbol_field(self):
        found = self.symbol()
        if found is None:
            return
        _, at, name = found
        if self.chance.random() < 0.4:
            value = self.chance.choice(mutate_elf.SHN_SPECIAL + [self.count, self.count - 1])
            self.put(at + 6, 2, value)
            self.notes.append(f"symbol {name}: section {value:#x}")
        else:
            self.edit_field(at, mutate_elf.SYMBOL_FIELDS, f"symbol {name}")

    def rename_symbol(self):
        found = self.symbol()
        if found is not None:
            index, at, name = found
            texts = [b".klp.sym." + text for text in SYMBOLS] + [b"no_such_symbol", b"", b".klp.sym"]
            self.rename(self.headers[index]["link"], at, texts, f"symbol {name}")

    def rename_section(self):
        index = self.any_section()
        self.rename(self.names_at, self.table + 64 * index, SECTIONS, f"section {self.headers[index]['text']}")

    def section_flags(self):
        index = self.any_section() if self.chance.random() < 0.8 else self.chance.choice(sorted(self.running))
        at = self.table + 64 * index + 8
        flag = self.chance.choice(FLAGS)
        self.put(at, 8, self.get(at, 8) ^ flag)
        self.notes.append(f"flag {flag:#x} of {self.headers[index]['text']}")

    def section_type(self):
        index = self.any_section()
        kind = self.chance.choice(TYPES)
        self.put(self.table + 64 * index + 4, 4, kind)
        self.notes.append(f"{self.headers[index]['text']} is of type {kind}")

    def section_field(self):
        index = self.any_section()
        self.edit_field(self.table + 64 * index, mutate_elf.SECTION_FIELDS, f"section {self.headers[index]['text']}")

    def duplicate_name(self):
        one, other = self.any_section(), self.any_section()
        self.put(self.table + 64 * one, 4, self.headers[other]["name"])
        self.notes.append(f"{self.headers[one]['text']} is called {self.headers[other]['text']}")

    def relocation(self, names=None):
        index = self.pick({RELA}, names)
        return None if index is None else (index, self.entry(index, 24))

    def change_relocation(self, names=None):
        found = self.relocation(names)
        if found is None:
            return
        index, at = found
        what = f"{self.headers[index]['text']}+{at - self.headers[index]['offset']:#x}"
        offset, info, addend = self.unpack("QQq", at)
        kind, symbol = info & 0xffffffff, info >> 32
        target = self.headers[self.headers[index]["info"]]["size"] if self.headers[index]["info"] < self.count else 8
        symbols = sum(header["size"] // 24 for header in self.headers if header["type"] == SYMTAB)
        field = self.chance.choice(["type", "symbol", "offset", "offset", "addend", "addend", "none"])
        if field == "type":
            kind = self.chance.choice([1, 2, 4, 9, 10, 11, PC64, LAST, 5, 255])
        elif field == "symbol":
            symbol = self.chance.choice([0, self.chance.randrange(symbols), symbols, 0xffffffff])
        elif field == "offset":
            offset = self.chance.choice([0, offset + 8, offset + 4, max(0, offset - 8), offset + 1, target - 1, target, 1 << 40])
        elif field == "addend":
            addend += self.chance.choice([1, -1, 4, 8, -8, 16, 64, 1 << 20, 1 << 31, -(1 << 33)])
        else:
            kind = NONE
        struct.pack_into(self.order + "QQq", self.data, at, offset, symbol << 32 | kind, addend)
        self.notes.append(f"{what}: {field} {offset:#x} type {kind} symbol {symbol} addend {addend:#x}")

    def livepatch_relocation(self):
        self.change_relocation([header["text"] for header in self.headers if header["text"].startswith(".klp.rela.")])

    def table_relocation(self):
        self.change_relocation([".rela" + name for name in TABLES])

    def data_relocation(self):
        self.change_relocation([".rela" + name for name in DATA])

    def same_relocation(self):
        """Two fields have one value: functions, objects or sites that are listed twice."""
        found = self.relocation([".rela" + name for name in TABLES + DATA])
        if found is None:
            return
        index, at = found
        other = self.entry(index, 24)
        self.data[other + 8:other + 24] = self.data[at + 8:at + 24]
        self.notes.append(f"{self.headers[index]['text']}: field {self.get(other, 8):#x} as field {self.get(at, 8):#x}")

    def change_bytes(self, names):
        index = self.pick(names=names)
        if index is None:
            return
        header = self.headers[index]
        size = self.chance.choice([1, 2, 4, 8])
        at = header["offset"] + self.chance.randrange(0, max(1, header["size"] - size + 1))
        value = self.number(size, self.get(at, size))
        self.put(at, size, value)
        self.notes.append(f"{header['text']}+{at - header['offset']:#x}: {size} bytes {value % (1 << 8 * size):#x}")

    def table_bytes(self):
        self.change_bytes(TABLES)

    def data_bytes(self):
        self.change_bytes(DATA)

    def text(self):
        """A name in the module's strings."""
        index = self.pick(names=[".rodata.str1.1", ".rodata.str1.8"])
        if index is None:
            return
        header = self.headers[index]
        at = header["offset"] + self.chance.randrange(header["size"])
        self.put(at, 1, self.chance.choice([0, ord("x"), ord("/"), ord(",")]))
        self.notes.append(f"{header['text']}+{at - header['offset']:#x}: a letter")

    def modinfo(self):
        index = self.pick(names=[".modinfo"])
        if index is None:
            return
        header = self.headers[index]
        entries = bytes(self.data[header["offset"]:header["offset"] + header["size"]]).split(b"\0")[:-1]
        which = self.chance.randrange(len(entries))
        entries[which] = self.chance.choice(MODINFO + [b"", entries[which].split(b"=")[0], b"x" + entries[which]])
        content = b"\0".join(entries) + self.chance.choice([b"\0", b"\0", b""])
        self.put(self.table + 64 * index + 24, 8, len(self.data))
        self.put(self.table + 64 * index + 32, 8, len(content))
        header["offset"], header["size"] = len(self.data), len(content)
        self.data += content
        self.notes.append(f"modinfo {entries[which][:60]!r}")

    def signature(self):
        """struct module_signature: algorithm, hash, id_type, signer_len, key_id_len, pad, length in big-endian order."""
        content = bytes(self.chance.randrange(256) for _ in range(self.chance.choice([0, 16, 300])))
        length = self.chance.choice([len(content), len(content), 0, len(self.data) + 1000, len(content) + 1, 0xffffffff])
        id_type = self.chance.choice([2, 2, 2, 1, 0])
        other = self.chance.choice([0, 0, 0, 1])
        info = struct.pack(">BBBBB3sI", other, 0, id_type, 0, 0, bytes(3), length)
        self.data += content + info + b"~Module signature appended~\n"
        self.notes.append(f"signature of {len(content)} bytes, length {length:#x}, type {id_type}, algorithm {other}")


KINDS = {Change.header_field: 1, Change.section_field: 6, Change.section_flags: 8, Change.section_type: 4, Change.duplicate_name: 2,
         Change.rename_section: 4, Change.symbol_field: 6, Change.rename_symbol: 6, Change.livepatch_relocation: 8,
         Change.table_relocation: 10, Change.data_relocation: 8, Change.same_relocation: 5, Change.table_bytes: 8, Change.data_bytes: 6,
         Change.text: 3, Change.modinfo: 5, Change.signature: 2, Change.resize: 4}


def change(data, chance):
    """The changed bytes, and what was changed, of which there is something."""
    while True:
        mutation = Change(data, chance)
        for kind in chance.choices(list(KINDS), KINDS.values(), k=chance.choice([1, 1, 1, 1, 2])):
            kind(mutation)
        if mutation.notes and bytes(mutation.data) != data:
            return bytes(mutation.data), "; ".join(mutation.notes)
