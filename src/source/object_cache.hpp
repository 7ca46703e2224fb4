// SPDX-License-Identifier: GPL-2.0-or-later
// Objects of unpatched translation units, kept per kernel: most patches to one kernel touch files that an
// earlier build compiled already.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"

namespace klp::source {

class ObjectCache {
public:
    explicit ObjectCache(fs::path folder) : folder_(std::move(folder)) {}

    // `key` holds all that decides about the object except the files it includes.
    // nullopt: not there, damaged, or one of the included files has another size or time by now.
    [[nodiscard]] std::optional<std::vector<std::byte>> find(std::string_view key) const;

    // `dependencies` are paths relative to `directory`, or absolute. A folder that cannot be written to (no
    // space) is no reason to fail.
    void store(std::string_view key, const fs::path& directory, const std::vector<std::string>& dependencies,
               Bytes object) const;

private:
    [[nodiscard]] fs::path path_of(std::string_view key) const;

    fs::path folder_;
};

}  // namespace klp::source
