// SPDX-License-Identifier: GPL-2.0-or-later
// The signature behind a module's file (kernel/module/signing.c, kernel/module_signature.c), as far as it can be told
// without the kernel's keys: its form, and who made it.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.hpp"

namespace klp::loader {

struct Signature {
    // What module_sig_check() makes of it, positive: ENODATA where there is none, ENOPKG for one of another kind,
    // EBADMSG and EINVAL for one that is damaged; 0: the keys decide.
    int error = 0;
    std::string message;          // of the kernel, where it has one
    std::uint64_t remaining = 0;  // bytes of the file that the loader goes on with
    // Of the key that signed: the encoded serial number and issuer, or the key's identifier alone. Views into the file.
    Bytes serial{};
    Bytes issuer{};
};

[[nodiscard]] Signature read_signature(Bytes file);

}  // namespace klp::loader
