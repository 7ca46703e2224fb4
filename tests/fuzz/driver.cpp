// SPDX-License-Identifier: GPL-2.0-or-later
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        klp::fuzz::run(std::as_bytes(std::span(data, size)));
    } catch (const klp::Error& error) {
        // A message without a reason would be of no use to anyone.
        klp::fuzz::require(!error.message().empty());
    }
    return 0;
}
