// SPDX-License-Identifier: GPL-2.0-or-later
// The livepatch core's own data: struct klp_patch, klp_object, klp_func and klp_ops (include/linux/livepatch.h,
// kernel/livepatch/patch.h).
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernel/ftrace_records.hpp"
#include "loader/system.hpp"

namespace klp::loader {

struct KlpFunc {
    std::string old_name;
    std::uint64_t sympos = 0;
    std::uint64_t new_address = 0;
    std::uint64_t old_address = 0;
    std::uint64_t old_size = 0;
    std::uint64_t new_size = 0;
    bool nop = false;
    bool of_module = false;   // an entry of the module's own table, not allocated by the kernel
    bool incomplete = false;  // no name, or neither a new function nor a nop
    bool patched = false;
    kernel::Hook hook{};                 // while it is patched
    std::optional<std::string> fault{};  // what comes of reading its name
};

struct KlpObject {
    std::string name;  // empty: vmlinux
    Module* module = nullptr;
    bool patched = false;
    bool dynamic = false;
    std::list<KlpFunc> functions;
    std::optional<std::string> fault{};           // what comes of reading its name
    std::optional<std::string> callback_fault{};  // and of calling its callbacks

    [[nodiscard]] bool is_module() const noexcept { return !name.empty(); }
    // klp_is_object_loaded()
    [[nodiscard]] bool is_loaded() const noexcept { return !is_module() || module != nullptr; }
    [[nodiscard]] std::string display_name() const { return is_module() ? name : "vmlinux"; }
};

struct KlpState {
    std::uint64_t id = 0;
    std::uint32_t version = 0;
};

struct KlpPatch {
    Module* module = nullptr;
    bool enabled = false;
    bool replace = false;
    bool replaced = false;
    std::vector<KlpState> states;
    std::list<KlpObject> objects;
};

// The patch that the module's init function gives to klp_enable_patch(), read from its relocated memory. Undefined
// where its tables are not to be told.
// Throws Refused where it is refused as it is.
[[nodiscard]] KlpPatch read_patch(Module& module, const System& system);

// Where the structures are known, and the module's init code leads to one klp_patch.
[[nodiscard]] std::optional<std::uint64_t> patch_of_init_code(const Module& module, const kernel::StructLayout& layout);
[[nodiscard]] KlpPatch read_patch_at(Module& module, const System& system, std::uint64_t address);

}  // namespace klp::loader
