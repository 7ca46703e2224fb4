// SPDX-License-Identifier: GPL-2.0-or-later
// A livepatch module as it is read.
#include "format/livepatch.hpp"
#include "fuzz.hpp"

namespace klp::fuzz {

void run(Bytes input) {
    const format::LivepatchModule module = format::read_module(elf::Object::read(copy_of(input), "input.ko"));
    for (const format::LivepatchSymbol& symbol : module.symbols) {
        if (symbol.name.symbol.size() > format::longest_symbol_name) continue;
        require(format::parse_symbol_name(format::make_symbol_name(symbol.name)).has_value());
    }
}

}  // namespace klp::fuzz
