// SPDX-License-Identifier: GPL-2.0-or-later
// The type information of a module, as far as the kernel looks at its frame (kernel/bpf/btf.c:btf_parse_module):
// header, the places of types and strings. The types themselves are not looked at.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.hpp"

namespace klp::loader {

struct BtfFault {
    int error = 0;          // positive
    std::string_view text;  // what the verifier says
};

// Of type information that goes on with the kernel's own.
[[nodiscard]] std::optional<BtfFault> find_btf_fault(Bytes data, ByteOrder order);

}  // namespace klp::loader
