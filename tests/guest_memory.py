#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a guest and brings back what its kernel made of loaded modules in memory.

    guest_memory.py DIR STEPS RUN-ARGUMENT...

boots the guest of `klp run RUN-ARGUMENT...` ($KLP). STEPS is shell text for the guest, run as klp run's COMMAND is:
once before the livepatches are loaded, once while they are active and once after they are gone; $phase is `before`,
`after` or `reverted`. In it can be called

    snapshot [LABEL]    the memory of those modules that are loaded of all whose .ko is among the arguments, and the
                        kernel's log; LABEL is $phase if not given

What there is then:

    DIR/run.json                    the answer of klp run
    DIR/PHASE.output                what else STEPS printed
    DIR/LABEL/dmesg                 the kernel's log so far
    DIR/LABEL/MODULE/NAME.bin       the bytes of a section
    DIR/LABEL/MODULE/sections.json  {"name", "base", "sections": [{"name", "address", "size", "file", "writable",
                                    "sized_by_loader"}…],
                                    "reserved_text": null or the same for what lies before the first section}

with addresses as klp prints them. The loader gives some sections (call stubs, ftrace trampolines) a size that is not
in the file; of those comes what lies up to the next section, or to the end of the memory that was read. Sections of
init code have been freed and may hold anything. Ends with klp run's status.
"""
import base64
import json
import os
import pathlib
import struct
import subprocess
import sys

PAGE = 4096
SHF_WRITE = 1
SHF_ALLOC = 2
# kernel arch/*/kernel/module*.c:module_frob_arch_sections
SIZED_BY_LOADER = {'.plt', '.init.plt', '.text.ftrace_trampoline', '.init.text.ftrace_trampoline', '.stubs'}
SIZED_BY_LOADER_MOST = 2 * PAGE

GUEST = r'''
# Runs in the guest: sizes MODULE is "SECTION SIZE" lines, known beforehand.
for phase in before after reverted; do [ -e /klp/"$phase".done ] || break; done
: >/klp/"$phase".done

# The program headers of the kernel's memory, each a line of 64-bit numbers: flags and type, offset, address, …
[ -s /klp/segments ] || {
    count=$(od -A n -t u2 -j 56 -N 2 /proc/kcore)
    od -A n -v -t x8 -w56 -j 64 -N $((56 * count)) /proc/kcore >/klp/segments
}

# read_page ADDRESS
read_page() {
    while read -r kind offset start _ _ size _; do
        inside=$(($1 - 0x$start))
        [ "$inside" -ge 0 ] && [ "$inside" -lt $((0x$size)) ] || continue
        printf 'page %s %x ' "$label" "$1"
        dd if=/proc/kcore bs=4096 count=1 iflag=skip_bytes skip=$((0x$offset + inside)) 2>/dev/null | base64 -w 0
        echo
        return
    done </klp/segments
    printf 'unreadable %s %x\n' "$label" "$1"
}

# The file must be read in one go (kernel/module/sysfs.c:module_sect_read), which the shell's `read` does not.
address_of() { cat "/sys/module/$1/sections/$2" 2>/dev/null; }

# pages_of MODULE: the addresses of its pages, one a line. Its base is in /proc/modules.
pages_of() {
    while read -r name _ _ _ _ base _; do [ "$name" != "$1" ] || echo $((base & ~4095)); done </proc/modules
    sizes "$1" | while read -r section size; do
        address=$(address_of "$1" "$section") || continue
        page=$((address & ~4095))
        while [ $((page - address - size)) -lt 0 ]; do echo "$page"; page=$((page + 4096)); done
    done
}

snapshot() {
    label=${1:-$phase}
    echo "snapshot $label"
    for module in $modules; do
        [ "$(cat "/sys/module/$module/initstate" 2>/dev/null)" = live ] || continue
        while read -r name _ _ _ _ base _; do [ "$name" != "$module" ] || echo "base $label $module $base"; done </proc/modules
        sizes "$module" | while read -r section size; do
            address=$(address_of "$module" "$section") || continue
            echo "section $label $module $section $address $size"
        done
        pages_of "$module"
    done >/klp/found
    grep -v '^-*[0-9]' /klp/found
    grep '^-*[0-9]' /klp/found | sort -u | while read -r page; do read_page "$page"; done
    echo "log $label $(dmesg | base64 -w 0)"
}
'''


class Module:
    """A module file: its name, and the sections that the kernel keeps in memory."""

    def __init__(self, path):
        data = pathlib.Path(path).read_bytes()
        assert data[:5] == b'\x7fELF\2', f'{path}: not a 64-bit ELF file'
        self.order = '<' if data[5] == 1 else '>'
        table, = struct.unpack_from(self.order + 'Q', data, 40)
        count, strings = struct.unpack_from(self.order + 'HH', data, 60)
        headers = [struct.unpack_from(self.order + 'IIQQQQ', data, table + 64 * i) for i in range(count)]
        self.sizes = {}
        self.writable = set()
        self.name = pathlib.Path(path).name.removesuffix('.ko').replace('-', '_')
        for name_at, kind, flags, _, offset, size in headers:
            at = headers[strings][4] + name_at
            name = data[at:data.index(b'\0', at)].decode()
            if name == '.modinfo':
                self.read_modinfo(data[offset:offset + size])
            if name in SIZED_BY_LOADER:
                self.sizes.setdefault(name, SIZED_BY_LOADER_MOST)
            elif flags & SHF_ALLOC and size:
                self.sizes.setdefault(name, size)
            if flags & SHF_WRITE:
                self.writable.add(name)

    def read_modinfo(self, content):
        for entry in content.split(b'\0'):
            if entry.startswith(b'name='):
                self.name = entry[5:].decode()


def command_text(modules, steps):
    lines = ["modules='" + ' '.join(m.name for m in modules.values()) + "'", 'sizes() {', '    case $1 in']
    for module in modules.values():
        lines.append(f"    {module.name}) echo '")
        lines[-1] += '\n'.join(f'{name} {size}' for name, size in module.sizes.items()) + "' ;;"
    return '\n'.join(lines + ['    esac', '}', GUEST, steps])


class Snapshot:
    """What one call of `snapshot` in the guest printed."""

    def __init__(self):
        self.log = b''
        self.bases = {}
        self.sections = {}
        self.pages = {}

    def bytes_at(self, address, size):
        """Up to `size` bytes, less where the pages read end."""
        found = bytearray()
        while len(found) < size:
            position = address + len(found)
            page = self.pages.get(position & -PAGE)
            if page is None:
                break
            found += page[position % PAGE:][:size - len(found)]
        return bytes(found)

    def write(self, folder, modules):
        folder.mkdir(parents=True)
        (folder / 'dmesg').write_bytes(self.log)
        for module, sections in self.sections.items():
            self.write_module(folder / module, module, sections, modules[module].writable)

    def write_module(self, folder, module, sections, writable):
        folder.mkdir()
        result = {'name': module, 'base': f'{self.bases[module]:#018x}', 'sections': [], 'reserved_text': None}
        starts = sorted(address for address, _ in sections.values())
        for name, (address, size) in sections.items():
            if name in SIZED_BY_LOADER:
                size = min([size] + [start - address for start in starts if start > address])
            piece = self.write_piece(folder, name, address, size)
            piece |= {'writable': name in writable, 'sized_by_loader': name in SIZED_BY_LOADER}
            result['sections'].append(piece)
        base = self.bases[module]
        # s390x puts GOT and PLT there (arch/s390/kernel/module.c:module_frob_arch_sections). What lies below the base
        # are init sections.
        first = min((start for start in starts if start >= base), default=base)
        if first > base:
            result['reserved_text'] = self.write_piece(folder, 'reserved-text', base, first - base)
        (folder / 'sections.json').write_text(json.dumps(result, indent=2) + '\n')

    def write_piece(self, folder, name, address, size):
        content = self.bytes_at(address, size)
        if name not in SIZED_BY_LOADER and len(content) != size:
            sys.exit(f'guest_memory: {folder.name}: {name}: {len(content)} bytes came back, expected {size}')
        (folder / f'{name}.bin').write_bytes(content)
        return {'name': name, 'address': f'{address:#018x}', 'size': len(content), 'file': f'{name}.bin'}


def read_output(text, snapshots):
    """Takes the lines of snapshots out of a phase's output."""
    rest = []
    for line in text.splitlines():
        words = line.split(' ')
        kind = words[0] if len(words) > 1 else ''
        snapshot = snapshots.get(words[1]) if kind else None
        if kind == 'snapshot':
            snapshots[words[1]] = Snapshot()
        elif snapshot is None:
            rest.append(line)
        elif kind == 'base':
            snapshot.bases[words[2]] = int(words[3], 16)
            snapshot.sections[words[2]] = {}
        elif kind == 'section':
            snapshot.sections[words[2]][words[3]] = (int(words[4], 16), int(words[5]))
        elif kind == 'page':
            snapshot.pages[int(words[2], 16)] = base64.b64decode(words[3])
        elif kind == 'log':
            snapshot.log = base64.b64decode(words[2])
        else:
            rest.append(line)
    return ''.join(line + '\n' for line in rest)


def main():
    folder, steps, arguments = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    files = [Module(argument) for argument in arguments if argument.endswith('.ko')]
    modules = {module.name: module for module in files}
    folder.mkdir()
    run = subprocess.run([os.environ['KLP'], 'run', '--json', '--append', 'no_hash_pointers', *arguments, '--',
                          command_text(modules, steps)], stdout=subprocess.PIPE, check=False)
    (folder / 'run.json').write_bytes(run.stdout)
    snapshots = {}
    result = json.loads(run.stdout) if run.stdout else {}
    for phase in ('before', 'after', 'reverted'):
        if result.get(phase):
            (folder / f'{phase}.output').write_text(read_output(result[phase]['stdout'], snapshots))
    for label, snapshot in snapshots.items():
        snapshot.write(folder / label, modules)
    return run.returncode


if __name__ == '__main__':
    sys.exit(main())
