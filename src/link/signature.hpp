// SPDX-License-Identifier: GPL-2.0-or-later
// The signature that scripts/sign-file puts behind a module (include/linux/module_signature.h).
#pragma once

#include <string>
#include <vector>

#include "base/file.hpp"

namespace klp::link {

// Whether there was one. Error: a marker without a signature before it.
bool drop_signature(std::vector<std::byte>& module, const std::string& display_name);

struct Signer {
    fs::path key;          // PEM
    fs::path certificate;  // PEM or DER
    std::string hash;      // "sha256"
};
// As `scripts/sign-file HASH KEY CERTIFICATE MODULE` does: a detached PKCS#7 message, struct module_signature, marker.
void append_signature(std::vector<std::byte>& module, const Signer& signer);

}  // namespace klp::link
