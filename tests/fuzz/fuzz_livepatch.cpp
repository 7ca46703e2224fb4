// SPDX-License-Identifier: GPL-2.0-or-later
// A livepatch module as it is read, and the rules of its structure. A file that cannot be read as a livepatch has a
// finding that says so.
#include "base/diagnostics.hpp"
#include "check/check.hpp"
#include "format/livepatch.hpp"
#include "fuzz.hpp"

namespace klp::fuzz {

void run(Bytes input) {
    const elf::Object object = elf::Object::read(copy_of(input), "input.ko");
    Diagnostics findings;
    const check::Summary summary = check::check_module(object, findings);
    require(!summary.simulated);
    for (const Finding& finding : findings.findings()) require(!finding.id.empty() && !finding.message.empty());

    const format::LivepatchModule module = format::read_module(object);
    for (const format::LivepatchSymbol& symbol : module.symbols) {
        if (symbol.name.symbol.size() > format::longest_symbol_name) continue;
        require(format::parse_symbol_name(format::make_symbol_name(symbol.name)).has_value());
    }
}

}  // namespace klp::fuzz
