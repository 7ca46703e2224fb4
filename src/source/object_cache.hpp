// SPDX-License-Identifier: GPL-2.0-or-later
// Objects of translation units, kept per kernel: most patches to one kernel touch files that an earlier build compiled
// already, and a patch is built more than once.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/derived.hpp"

namespace klp::source {

class ObjectCache {
public:
    struct Product {
        std::vector<std::byte> object;
        std::string types;  // what its debug information says, as the compiler's caller keeps it
    };

    explicit ObjectCache(fs::path folder) : folder_(std::move(folder)) {}

    // `key` holds all that decides about the object except the files that its compilation read.
    // nullopt: not there, damaged, or one of those files holds something else by now.
    [[nodiscard]] std::optional<Product> find(std::string_view key) const;

    struct Compilation {
        std::chrono::system_clock::time_point began;
        fs::path directory;
        std::vector<std::string> dependencies;  // the files that it read: relative to `directory`, or absolute
    };
    // Keeps nothing where a file changed since the compilation began. A folder that cannot be written to (no space)
    // is no reason to fail.
    void store(std::string_view key, const Compilation& compilation, Bytes object, std::string_view types) const;

    // Leaves the `most` entries that were written last.
    void drop_oldest(std::size_t most) const;

private:
    [[nodiscard]] DerivedFile entry(std::string_view key) const;

    fs::path folder_;
};

}  // namespace klp::source
