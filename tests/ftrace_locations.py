#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Which of ftrace's records the livepatch core is given for each function of a vmlinux, played loop by loop as the
kernel does it and without anything of klp: kernel/trace/ftrace.c:ftrace_process_locs(), ftrace_free_mem(),
lookup_rec(), ftrace_location(), and kernel/kallsyms.c:get_symbol_pos().

    ftrace_locations.py VMLINUX KALLSYMS RECORD_SIZE PAGE_SIZE INSTRUCTION_SIZE ADJUST

KALLSYMS is /proc/kallsyms of a kernel that was not moved; of its lines those with a module are left out. RECORD_SIZE is
that of struct dyn_ftrace, INSTRUCTION_SIZE is MCOUNT_INSN_SIZE, and ADJUST what ftrace_call_adjust() adds.
Printed: address, name and the record's distance ("-" for none) of each symbol of code.
"""
import struct
import sys


def read_elf(path):
    with open(path, 'rb') as file:
        data = file.read()
    at, = struct.unpack_from('<Q', data, 0x28)
    size, count = struct.unpack_from('<HH', data, 0x3a)
    sections = []
    for i in range(count):
        _, kind, flags, address, offset, length = struct.unpack_from('<IIQQQQ', data, at + i * size)
        if flags & 2 and kind != 8:
            sections.append((address, offset, length))
    return data, sections


def read(elf, address, length):
    data, sections = elf
    for start, offset, size in sections:
        if start <= address and address + length <= start + size:
            return data[offset + address - start:offset + address - start + length]
    raise SystemExit(f'no section has {address:#x}')


def read_symbols(path):
    symbols = []
    with open(path, encoding='ascii') as file:
        for line in file:
            words = line.split()
            if len(words) == 3:
                symbols.append((int(words[0], 16), words[1], words[2]))
    return symbols


class Records:
    """ftrace_pages_start and what hangs on it."""

    def __init__(self, table, record_size, page_size, instruction_size, adjust, is_text):
        self.instruction_size = instruction_size
        self.groups = []
        count = len(table)
        capacities = []
        left = count
        while left > 0:
            pages = -(-left // (page_size // record_size))
            order = pages.bit_length() - 1
            capacity = min((page_size << order) // record_size, left)
            capacities.append((page_size << order) // record_size)
            left -= capacity
        group = []
        for address in sorted(table):
            if address == 0 or not is_text(address):
                continue
            if len(group) == capacities[len(self.groups)]:
                self.groups.append(group)
                group = []
            group.append(address + adjust)
        self.groups.append(group)

    def compare(self, start, end, record):
        if end < record:
            return -1
        if start >= record + self.instruction_size:
            return 1
        return 0

    def search(self, group, start, end):
        base, count = 0, len(group)
        while count > 0:
            pivot = base + (count >> 1)
            result = self.compare(start, end, group[pivot])
            if result == 0:
                return pivot
            if result > 0:
                base = pivot + 1
                count -= 1
            count >>= 1
        return None

    def free(self, start, end):
        for group in self.groups:
            while group:
                found = self.search(group, start, end - 1)
                if found is None:
                    break
                del group[found]
        self.groups = [group for group in self.groups if group]

    def look_up(self, start, end):
        for group in self.groups:
            if end < group[0] or start >= group[-1] + self.instruction_size:
                continue
            found = self.search(group, start, end)
            if found is not None:
                return group[found]
        return None


def main(arguments):
    vmlinux, kallsyms = arguments[:2]
    record_size, page_size, instruction_size, adjust = (int(each) for each in arguments[2:])
    elf = read_elf(vmlinux)
    symbols = read_symbols(kallsyms)
    known = {}
    for address, _, name in symbols:
        known.setdefault(name, address)
    begin, end = known['__start_mcount_loc'], known['__stop_mcount_loc']
    table = struct.unpack(f'<{(end - begin) // 8}Q', read(elf, begin, end - begin))

    def is_text(address):
        return known['_stext'] <= address < known['_etext'] or known['_sinittext'] <= address < known['_einittext']

    records = Records(table, record_size, page_size, instruction_size, adjust, is_text)
    records.free(known['__init_begin'], known['__init_end'])
    addresses = sorted({address for address, _, _ in symbols})
    following = dict(zip(addresses, addresses[1:]))
    for address, kind, name in symbols:
        if kind not in 'tTwW':
            continue
        found = records.look_up(address, address)
        if found is None and address in following:
            found = records.look_up(address, following[address] - 1)
        print(f'{address:x} {name} {"-" if found is None else found - address}')


if __name__ == '__main__':
    main(sys.argv[1:])
