// SPDX-License-Identifier: GPL-2.0-or-later
// Debian's featuresets: flavours of a kernel that are built from its source with more patches ("rt", the real-time
// patches). linux-source has them not; they are in debian/patches-FEATURESET of source package `linux`.
#pragma once

#include <string>
#include <string_view>

#include "base/file.hpp"

namespace klp::packages {

// By field Depends of linux-headers-RELEASE: "rt" of linux-headers-6.1.0-56-common-rt; empty for
// linux-headers-6.1.0-56-common, whose source has no such patches.
[[nodiscard]] std::string featureset_of(std::string_view depends);

// Applies them to `source`, as debian/rules does: in the order of their file `series`, with no context missing.
// `packaging` is linux_VERSION.debian.tar.xz, `scratch` a folder that is there. Error: it has none of the featureset,
// or one does not apply.
void apply_featureset(const fs::path& packaging, std::string_view featureset, const fs::path& source,
                      const fs::path& scratch);

}  // namespace klp::packages
