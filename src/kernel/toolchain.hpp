// SPDX-License-Identifier: GPL-2.0-or-later
// Toolchains: folders with another distribution in them, whose compiler and binutils are used for kernels that the
// machine's own did not make. They are known by name, under `cache_root()/toolchains/NAME/`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arch/arch.hpp"
#include "base/file.hpp"

namespace klp::kernel {

struct ToolchainCompiler {
    std::string program;  // "gcc-14"
    std::string version;  // "(Debian 14.2.0-19) 14.2.0"
    std::string machine;  // "x86_64-linux-gnu"
};

struct Toolchain {
    std::string name;
    fs::path root;         // absolute
    bool fetched = false;  // the root is in the toolchain's folder
    std::vector<ToolchainCompiler> compilers;
};

// Error: a name that cannot be one folder.
[[nodiscard]] fs::path toolchain_folder(std::string_view name);

// By name. Error: one cannot be read.
[[nodiscard]] std::vector<Toolchain> list_toolchains();
// nullopt where there is none of that name.
[[nodiscard]] std::optional<Toolchain> load_toolchain(std::string_view name);
void store_toolchain(const Toolchain& toolchain);
// Error: there is none of that name, or it cannot be removed.
void remove_toolchain(std::string_view name);

// The GCCs among the programs of a root, as they tell of themselves; a program that tells nothing is none.
[[nodiscard]] std::vector<ToolchainCompiler> compilers_in(const fs::path& root);

// A file of a root by the path that it has inside; links are followed inside, too. nullopt where there is none.
[[nodiscard]] std::optional<fs::path> file_in(const fs::path& root, const fs::path& path);
// A program by name, in the root's PATH.
[[nodiscard]] std::optional<fs::path> program_in(const fs::path& root, std::string_view name);

}  // namespace klp::kernel
