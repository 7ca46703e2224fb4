// SPDX-License-Identifier: GPL-2.0-or-later
// kernel/module/main.c: load_module() and delete_module().
#pragma once

#include <string_view>

#include "base/file.hpp"
#include "loader/journal.hpp"
#include "loader/livepatch_core.hpp"
#include "loader/system.hpp"

namespace klp::loader {

class ModuleLoader {
public:
    ModuleLoader(System& system, LivepatchCore& livepatch) : system_(system), livepatch_(livepatch) {}

    // Throw Refused. Error: no such file, no ELF file, addresses that contradict the layout.
    void load(const fs::path& path, Journal& journal);
    void unload(std::string_view name, Journal& journal);

private:
    void load_module(Module& module, Journal& journal);
    void early_checks(Module& module, Journal& journal);
    void check_signature(Module& module, Journal& journal) const;
    void check_modinfo(Module& module, Journal& journal);
    void check_duplicate(const Module& module) const;
    void check_parameters(const Module& module) const;
    [[nodiscard]] bool are_operations(const Module& module, std::uint64_t address) const;
    void taint(Module& module, Journal& journal);
    void taint_as_unsigned(const Module& module, Journal& journal);
    void set_license(Module& module, Journal& journal);

    void lay_out_and_allocate(Module& module, Journal& journal);
    void allocate_percpu(Module& module, Journal& journal);
    void tell_obsolete_sections(const Module& module, Journal& journal) const;
    void check_exports(Module& module, Journal& journal);
    void check_imports(const Module& module, Journal& journal);
    void check_btf(const Module& module, Journal& journal);
    void simplify_symbols(Module& module, Journal& journal);
    void apply_relocations(Module& module, Journal& journal);
    void post_relocation(Module& module, Journal& journal);
    void init(Module& module, Journal& journal);
    void free_module(Module& module);

    System& system_;
    LivepatchCore& livepatch_;
};

}  // namespace klp::loader
