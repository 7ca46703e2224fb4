// SPDX-License-Identifier: GPL-2.0-or-later
// kernel/livepatch: core.c, patch.c and transition.c, with transitions that end at once.
#pragma once

#include <list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "loader/ftrace.hpp"
#include "loader/journal.hpp"
#include "loader/livepatch.hpp"
#include "loader/system.hpp"

namespace klp::loader {

class LivepatchCore {
public:
    explicit LivepatchCore(System& system) : system_(system), call_sites_(system) {}

    // klp_apply_section_relocs(): while the livepatch is loaded, with an empty object for vmlinux. Throws Refused.
    void apply_section_relocs(Module& module, std::uint32_t section, std::string_view object, Journal& journal);

    // klp_enable_patch(), called by the init function of a livepatch. Throws Refused.
    void enable_patch(Module& module, Journal& journal);
    // A write to /sys/kernel/livepatch/NAME/enabled. Throws Refused.
    void store_enabled(std::string_view name, bool enabled, Journal& journal);

    // klp_module_coming() throws Refused: the module is not to be loaded.
    void module_coming(Module& module, Journal& journal);
    void module_going(Module& module, Journal& journal);
    // The module's init memory has been freed. Undefined where functions of its livepatch are in it.
    void check_freed_code(const Module& module) const;

    // For the report: what the module's livepatch is at; none that ever got to klp_enable_patch().
    [[nodiscard]] const KlpPatch* patch_of(const Module& module) const;
    // The old functions whose entries call ftrace now.
    [[nodiscard]] std::vector<arch::Range> hooked_functions() const;
    // The memory of the module goes.
    void forget(const Module& module);

private:
    // Patches in the order of klp_patches; not in it are those that were disabled or replaced, kept for the report.
    using PatchList = std::list<KlpPatch*>;

    void resolve_symbols(Module& module, std::uint32_t section, const std::string& section_object, Journal& journal);
    [[nodiscard]] std::uint64_t find_object_symbol(std::string_view object, std::string_view name, std::uint64_t sympos,
                                                   Journal& journal) const;
    void check_relocations_are_loaded(const Module& module, std::uint32_t section, const KlpObject& object) const;
    void process_arch_sections(Module& module, const KlpObject& object);
    void write_object_relocs(const KlpPatch& patch, const KlpObject& object, bool apply, Journal& journal);

    [[nodiscard]] bool is_compatible(const KlpPatch& patch) const;
    void init_patch(KlpPatch& patch, Journal& journal);
    void add_nops(KlpPatch& patch);
    void init_object(const KlpPatch& patch, KlpObject& object, Journal& journal);
    void init_object_loaded(const KlpPatch& patch, KlpObject& object, Journal& journal);
    void enable(KlpPatch& patch, Journal& journal);
    void disable(KlpPatch& patch, Journal& journal);
    void complete_patching(KlpPatch& patch, Journal& journal);
    void free_nops(const KlpPatch& patch) const;
    void free_patch(KlpPatch& patch);
    void cleanup_module_patches(Module& module, const KlpPatch* limit, Journal& journal);
    void come_to(KlpPatch& patch, KlpObject& object, Module& module, Journal& journal);

    void patch_object(KlpObject& object, Journal& journal);
    void unpatch_object(KlpObject& object, bool nops_only);
    void patch_function(KlpFunc& function, Journal& journal);
    void unpatch_function(KlpFunc& function);
    static void check_stack_checks(const KlpPatch& patch);
    void check_still_traced(const KlpObject& object, const KlpFunc& function) const;

    System& system_;
    CallSites call_sites_;
    std::list<KlpPatch> patches_;                            // all that are known, at stable addresses
    PatchList active_;                                       // klp_patches
    std::map<std::uint64_t, std::vector<KlpFunc*>> stacks_;  // klp_ops, by the address of the old function
};

}  // namespace klp::loader
