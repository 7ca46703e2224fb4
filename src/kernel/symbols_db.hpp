// SPDX-License-Identifier: GPL-2.0-or-later
// The symbols of a kernel and its modules in one portable file, so that modules can be converted where the kernel is
// not at hand. docs/symbols-db.md describes the format.
//
//   16 bytes: "klpsymdb", u32 version, u32 size of the index (both little endian)
//   the index: a zstd frame of JSON
//   zstd frames of text, one an object, and the kernel's Module.symvers; offsets count from the end of the index
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/progress.hpp"
#include "kernel/symbol_source.hpp"

namespace klp::kernel {

inline constexpr std::string_view symbols_db_magic = "klpsymdb";
inline constexpr std::uint32_t symbols_db_version = 1;

// The kernel of the catalogue, or built files.
struct SymbolsDbInput {
    const Kernel& kernel;           // image, config, symvers
    std::vector<fs::path> modules;  // files
};
[[nodiscard]] std::vector<std::byte> make_symbols_db(const SymbolsDbInput& input);

// All module files of a catalogue kernel, by name.
[[nodiscard]] std::vector<fs::path> module_paths(const Kernel& kernel);

// Objects are read when they are asked for. Error: no such file, of another version, damaged.
[[nodiscard]] std::unique_ptr<SymbolSource> read_symbols_db(const fs::path& path);

}  // namespace klp::kernel
