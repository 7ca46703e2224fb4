// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/kernel_names.hpp"
#include "base/process.hpp"
#include "link/finish.hpp"
#include "link/link.hpp"
#include "link/module_common.hpp"
#include "link/tables.hpp"
#include "link/target.hpp"

namespace klp::link {
namespace {

void check_request(const ModuleRequest& request, Diagnostics& diagnostics) {
    if (!is_module_name(request.name))
        throw Error(fmt::format("'{}' cannot be the name of a module: letters, digits and '_', at most {}",
                                request.name, longest_module_name),
                    ExitCode::usage);
    std::set<std::tuple<std::string, std::string, std::uint32_t>> seen;
    for (const UnitPart& unit : request.units)
        for (const PatchedFunction& function : unit.functions)
            if (!seen.emplace(unit.object, function.name, function.sympos).second)
                diagnostics
                    .error("make.duplicate-function", {unit.source, {}, {}},
                           fmt::format("'{}' of '{}' is replaced twice", function.name, unit.object))
                    .hint("two files of the patch hold one function of the kernel: leave the change out of one");
    std::map<std::pair<std::string, diff::CallbackEvent>, const UnitPart*> callbacks;
    for (const UnitPart& unit : request.units) {
        for (const diff::Callback& callback : unit.callbacks) {
            const auto [first, is_first] = callbacks.try_emplace({unit.object, callback.event}, &unit);
            if (is_first) continue;
            diagnostics
                .error("make.duplicate-callback", {unit.source, {}, {}},
                       fmt::format("'{}' is the second {} callback of '{}', of which the kernel calls one",
                                   callback.name, name_of(callback.event), unit.object))
                .note(fmt::format("the first is in {}", first->second->source))
                .hint("call both from one");
        }
    }
    if (seen.empty() && callbacks.empty())
        throw Error("a livepatch module needs a function to replace", ExitCode::unchanged);
}

// All inputs by names relative to the scratch folder, so that its path leaves no trace.
elf::Object run_linker(const Target& target, const ModuleRequest& request, const LinkNames& names) {
    const ModuleCommon& common = target.common;
    const TempDir scratch("klp-link");
    Command command;
    command.argv = common.linker;
    command.argv.insert(command.argv.end(), {"-o", "module.o", common.object.string(), "tables.o"});
    command.directory = scratch.path();
    command.sandbox = common.sandbox;
    if (command.sandbox) command.sandbox->writable.push_back(scratch.path());
    make_tables(request, names, common.layout, target.arch, elf::Object::read(common.object))
        .write_to(scratch.path() / "tables.o");
    for (std::size_t i = 0; i < request.units.size(); ++i) {
        const LinkNames::Renaming renaming(names, request.units[i]);
        const std::string file = fmt::format("unit-{}.o", i);
        request.units[i].extracted->write_to(scratch.path() / file);
        command.argv.push_back(file);
    }
    run_checked(command, "linking the livepatch module");
    const std::string bytes = read_text(scratch.path() / "module.o");
    const Bytes view = as_bytes(bytes);
    return elf::Object::read({view.begin(), view.end()}, request.name + ".ko");
}

}  // namespace

diff::EntrySizes entry_sizes(const kernel::Kernel& kernel) {
    return load_module_common(kernel).entry_sizes;
}

std::vector<std::byte> link(const Target& target, const ModuleRequest& request, Diagnostics& diagnostics) {
    check_request(request, diagnostics);
    const LinkNames names(request, diagnostics);
    diagnostics.stop_on_errors("the parts do not fit into one livepatch module");

    elf::Object module = run_linker(target, request, names);
    restore_definitions(module, names);
    make_livepatch_relocations(module, names, target.arch, diagnostics);
    remove_unused(module);
    add_imports(module, target.exports, target.has_versions, target.common.layout, diagnostics);
    add_modinfo(module, request.modinfo);
    set_module_name(module, request.name, target.common.layout);
    check_special_sections(module, target.arch, diagnostics);
    diagnostics.stop_on_errors("the change cannot be made into a livepatch module");
    return module.write();
}

std::vector<std::byte> link(const kernel::Kernel& kernel, const ModuleRequest& request, Diagnostics& diagnostics) {
    const ModuleCommon common = load_module_common(kernel);
    const bool has_versions = kernel.config().enabled("CONFIG_MODVERSIONS");
    return link({kernel.arch(), kernel.exports(), has_versions, common}, request, diagnostics);
}

}  // namespace klp::link
