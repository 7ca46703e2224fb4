// SPDX-License-Identifier: GPL-2.0-or-later
// Module.symvers.
#include "fuzz.hpp"
#include "kernel/kernel.hpp"

namespace klp::fuzz {

void run(Bytes input) {
    const kernel::Exports exports = kernel::Exports::parse(std::string(as_text(input)), "input");
    require(exports.size() == 0 || exports.find("") == nullptr);
}

}  // namespace klp::fuzz
