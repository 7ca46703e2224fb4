// SPDX-License-Identifier: GPL-2.0-or-later
// The headers of .rpm files, as far as kernels need them. librpm would bring a data base, macros and what configures
// them along, for nine tags; there is no static one either.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace klp::packages {

struct RpmHeader {
    std::string name;
    std::string version;
    std::string release;
    std::string arch;
    std::string vendor;                // empty where it does not say
    std::string source_rpm;            // the file that it was built from; empty for a source package
    std::vector<std::string> sources;  // of a source package, as files of it: "linux-6.8.5.tar.xz"
    std::vector<std::string> patches;
    Bytes payload;  // a compressed cpio archive
};

[[nodiscard]] bool is_rpm(Bytes bytes);

// Error: it is cut short, or something in it does not fit, the payload to its checksum, too.
[[nodiscard]] RpmHeader read_rpm(Bytes bytes, const Location& where);

}  // namespace klp::packages
