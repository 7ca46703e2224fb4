// SPDX-License-Identifier: GPL-2.0-or-later
// Signatures in the Cryptographic Message Syntax (PKCS#7).
#pragma once

#include <string>
#include <vector>

#include "base/file.hpp"

namespace klp {

// A DER message that signs `content` without holding it, without certificates and signed attributes, as the kernel's
// scripts/sign-file makes it. `key`: PEM, without passphrase; `certificate`: PEM or DER; `hash`: a digest's name.
// Error: a file that cannot be read as that, an unknown digest, a key that is not the certificate's.
[[nodiscard]] std::vector<std::byte> sign_detached(Bytes content, const fs::path& key, const fs::path& certificate,
                                                   const std::string& hash);

}  // namespace klp
