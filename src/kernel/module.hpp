// SPDX-License-Identifier: GPL-2.0-or-later
// Module files: where they are, what they depend on.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/kernel.hpp"

namespace klp::kernel {

// The module files under lib/modules/RELEASE, by kernel name.
class ModuleFiles {
public:
    [[nodiscard]] static ModuleFiles read(const fs::path& folder);  // an empty path gives an empty list
    [[nodiscard]] std::optional<fs::path> path_of(std::string_view name) const;
    [[nodiscard]] const std::map<std::string, fs::path, std::less<>>& paths() const noexcept { return paths_; }

private:
    std::map<std::string, fs::path, std::less<>> paths_;
};

// The bytes of a module, from a file that may be compressed (CONFIG_MODULE_COMPRESS). Error: it cannot be read, or
// expands to more than module_size_limit.
class ModuleBytes {
public:
    explicit ModuleBytes(const fs::path& path);

    [[nodiscard]] Bytes bytes() const noexcept { return file_ ? file_->bytes() : Bytes(unpacked_); }
    [[nodiscard]] bool was_compressed() const noexcept { return !file_; }
    // Leaves nothing here.
    [[nodiscard]] std::vector<std::byte> take() &&;

private:
    std::optional<MappedFile> file_;  // unless it was compressed
    std::vector<std::byte> unpacked_;
};

[[nodiscard]] elf::Object read_module_object(const fs::path& path);

// `all`: CONFIG_KALLSYMS_ALL.
[[nodiscard]] Module load_module(const fs::path& path, bool all);

// The value of a modinfo tag ("depends"), empty where there is none.
[[nodiscard]] std::string_view modinfo(const elf::Object& module, std::string_view tag);

// All values of a tag that may stand there several times ("alias", "softdep").
[[nodiscard]] std::vector<std::string_view> modinfo_values(const elf::Object& module, std::string_view tag);

// What a module itself names as needed, by kernel name (scripts/mod/modpost.c:add_depends).
[[nodiscard]] std::vector<std::string> depends_of(const elf::Object& module);
[[nodiscard]] std::vector<std::string> depends_of(const Module& module);

// All that must be loaded before `name`, each after what it needs in turn. Error: modules that need each other.
[[nodiscard]] std::vector<std::string> dependencies_in_load_order(
    std::string_view name, const std::function<std::vector<std::string>(std::string_view)>& depends);

}  // namespace klp::kernel
