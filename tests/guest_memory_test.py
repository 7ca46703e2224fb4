#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""guest_memory_test.py FILE.ko DIR/LABEL: what guest_memory.py brought back is this module.

Sections that nothing relocates and nobody writes to are in memory as they are in the file, byte for byte, and the
kernel's struct module has the module's name.
"""
import json
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
from guest_memory import Module  # noqa: E402

# The module loader reads them and does not keep them (kernel/module/main.c:rewrite_section_headers).
NOT_KEPT = {'.modinfo', '__versions'}


def constant_sections(path):
    """Names and file ranges of the sections that loading leaves alone."""
    text = subprocess.run(['readelf', '-SW', path], stdout=subprocess.PIPE, check=True, text=True).stdout
    sections, relocated = {}, set()
    for line in text.splitlines():
        words = line.partition(']')[2].split()
        if len(words) < 9 or words[0] == 'Name':
            continue
        name, kind, offset, size, flags = words[0], words[1], int(words[3], 16), int(words[4], 16), words[6]
        if kind == 'RELA':
            relocated.add(name.removeprefix('.rela'))
        elif name.startswith('.init') or name == '.orc_unwind':
            continue  # freed, or sized by the loader; sorted by the kernel
        elif kind in ('PROGBITS', 'NOTE') and 'A' in flags and not set('WX') & set(flags):
            sections[name] = (offset, size)
    return {name: place for name, place in sections.items() if name not in relocated | NOT_KEPT}


def main():
    path = sys.argv[1]
    folder = pathlib.Path(sys.argv[2]) / Module(path).name
    data = pathlib.Path(path).read_bytes()
    read = {s['name']: s for s in json.loads((folder / 'sections.json').read_text())['sections']}
    compared = 0
    for name, (offset, size) in constant_sections(path).items():
        if size == 0:
            continue
        if name not in read:
            sys.exit(f'{folder}: {name} did not come back')
        memory = (folder / read[name]['file']).read_bytes()
        if memory != data[offset:offset + size]:
            sys.exit(f'{folder}: {name} is not as in the file')
        compared += size
    if compared < 100:
        sys.exit(f'{folder}: only {compared} bytes were compared')
    this_module = (folder / read['.gnu.linkonce.this_module']['file']).read_bytes()
    if folder.name.encode() + b'\0' not in this_module:
        sys.exit(f'{folder}: struct module has no {folder.name}')


if __name__ == '__main__':
    main()
