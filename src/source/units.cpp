// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/parallel.hpp"
#include "source/c_scanner.hpp"
#include "source/classify.hpp"
#include "source/header_reach.hpp"
#include "source/makefile_change.hpp"
#include "source/object_names.hpp"
#include "source/overlay.hpp"
#include "source/patched_tree.hpp"

namespace klp::source {
namespace {

constexpr std::size_t most_named = 5;  // in a message; enough to see what is meant
constexpr auto leave_out = "leave the file out of the patch: a livepatch changes functions of the running kernel alone";

std::string named(const std::set<std::string>& paths) {
    std::vector<std::string> first;
    for (const auto& path : paths)
        if (first.size() < most_named) first.push_back(path);
    return fmt::format("{}{}", fmt::join(first, ", "), paths.size() > most_named ? ", …" : "");
}

// A guess: both sides, and what makes the difference between units is not known before.
std::string compile_time(std::size_t units, unsigned jobs) {
    constexpr std::size_t seconds_a_unit = 3;
    const std::size_t processors = jobs != 0 ? jobs : std::max(1U, std::thread::hardware_concurrency());
    const std::size_t seconds = (units * seconds_a_unit + processors - 1) / processors;
    return seconds < 120 ? fmt::format("{} s", seconds) : fmt::format("{} minutes", (seconds + 59) / 60);
}

std::string file_name(const std::string& path) {
    return fs::path(path).filename().string();
}

}  // namespace

std::optional<TranslationUnit> unit_of(const std::string& source, kernel::CommandAnswer answer) {
    if (!answer.command) return std::nullopt;
    TranslationUnit unit{source, *std::move(answer.command), {}, {}};
    if (unit.command.part == kernel::ObjectPart::builtin) unit.objects = {"vmlinux"};
    if (unit.command.part == kernel::ObjectPart::module) unit.objects = unit.command.modules;
    if (unit.objects.empty()) return std::nullopt;
    return unit;
}

UnitSelector::UnitSelector(const kernel::Kernel& kernel, const kernel::Kbuild& kbuild, const SourceTree& tree,
                           const PatchedFiles& files, SelectionOptions options)
    : kernel_(kernel),
      kbuild_(kbuild),
      tree_(tree),
      files_(files),
      options_(std::move(options)),
      inventory_(kernel, kbuild, tree),
      dependencies_(kernel, kbuild, tree) {}

void UnitSelector::skip(const std::string& path, std::string_view reason) {
    skipped_.push_back({path, "build.not-built", fmt::format("is no part of kernel '{}'", kernel_.manifest().name),
                        std::string(reason)});
}

// Whether no changed line of a Makefile matters to this kernel's configuration.
bool UnitSelector::changes_nothing_built(const PatchedFile& file) const {
    return file.existed && file.exists &&
           is_for_other_configurations(file.original, file.text(),
                                       [&](std::string_view option) { return kernel_.config().enabled(option); });
}

UnitSelector::Role UnitSelector::role_of_refused(const PatchedFile& file, Diagnostics& diagnostics) {
    const FileClass kind = classify(file.path);
    if (kind.id != "build.vdso" && kind.id != "build.boot" && inventory_.is_left_out(file.path)) {
        skip(file.path, "the configuration of this kernel leaves it out");
        return Role::none;
    }
    if (is_makefile(file.path) && changes_nothing_built(file)) {
        skipped_.push_back({file.path, std::string(kind.id),
                            fmt::format("cannot be changed by a livepatch: {}", kind.reason),
                            "the changed lines are comments, or for options that this kernel's configuration has not"});
        return Role::none;
    }
    if (is_makefile(file.path) && adds_new_objects_alone(file)) return Role::none;
    diagnostics
        .error(std::string(kind.id), {file.path, {}, {}},
               fmt::format("cannot be changed by a livepatch: {}", kind.reason))
        .hint(leave_out);
    return Role::none;
}

// Whether what the Makefile names in addition is made from files that the patch adds.
bool UnitSelector::adds_new_objects_alone(const PatchedFile& makefile) const {
    if (!makefile.existed || !makefile.exists) return false;
    const auto added = added_objects(makefile.original, makefile.text());
    return added && std::ranges::all_of(*added, [&](const std::string& object) {
               const std::string stem = object.substr(0, object.size() - 2);
               const auto source =
                   files_.files().find((fs::path(makefile.path).parent_path() / (stem + ".c")).string());
               return source != files_.files().end() && !source->second.existed && source->second.exists;
           });
}

bool UnitSelector::is_named_by_patched_makefile(const std::string& source) const {
    const fs::path folder = fs::path(source).parent_path();
    return std::ranges::any_of(files_.files(), [&](const auto& each) {
        const auto& [path, file] = each;
        if (!is_makefile(path) || fs::path(path).parent_path() != folder || !adds_new_objects_alone(file)) return false;
        return added_objects(file.original, file.text())->contains(file_name(object_of(source)));
    });
}

// The patched Makefile tells how it is compiled, and what has it.
void UnitSelector::select_new_file(const PatchedFile& file, Diagnostics& diagnostics) {
    Overlay overlay(tree_.root());
    write_patched(overlay, files_);
    kernel::CommandAnswer answer = kbuild_.look_up(object_of(file.path), true, overlay.root());
    if (answer.command && answer.command->part == kernel::ObjectPart::none)
        return skip(file.path, "the configuration of this kernel does not ask for it");
    std::string why_not = answer.why_not;
    auto unit = unit_of(file.path, std::move(answer));
    if (!unit && why_not.empty()) why_not = "the configuration of this kernel does not ask for it";
    const std::string folder = fs::path(file.path).parent_path().string();
    if (unit && unit->objects.front() == "vmlinux" && inventory_.visit(folder) != Inventory::Visit::everything)
        why_not = "the configuration of this kernel leaves its folder out of the image";
    if (unit && unit->objects.front() != "vmlinux") {
        for (const auto& module : unit->objects)
            if (!kernel_.module_path(module))
                why_not =
                    fmt::format("it would make a new module, '{}': a livepatch adds code to what there is", module);
    }
    if (why_not.empty()) {
        unit->is_new = true;
        units_.emplace(file.path, *std::move(unit));
        return;
    }
    diagnostics
        .error("build.new-file", {file.path, {}, {}}, "the patch adds this file, which is no part of what there is")
        .note(why_not)
        .hint("put the new functions into one of the existing files that the patch changes");
}

// A text in a folder of code may be documentation, a part of a source, or what a Makefile makes a source from.
UnitSelector::Role UnitSelector::role_of_text(const PatchedFile& file, Diagnostics& diagnostics) {
    const FileClass kind = classify(file.path);
    if (!all_includes(kernel_, tree_, options_.jobs, {}).sources_reaching(file.path).empty()) return Role::header;
    if (!inventory_.is_named_by_makefile(file.path, file_name(file.path))) {
        notes_.push_back(fmt::format("{}: ignored, {}", file.path, kind.reason));
    } else if (inventory_.is_left_out(file.path)) {
        skip(file.path, "the configuration of this kernel leaves it out");
    } else {
        diagnostics
            .error("build.source-input", {file.path, {}, {}},
                   "cannot be changed by a livepatch: a Makefile makes source code or data of the kernel from it")
            .hint(leave_out);
    }
    return Role::none;
}

bool UnitSelector::is_usable_c_file(const PatchedFile& file, Diagnostics& diagnostics) {
    if (file.exists && (file.existed || is_named_by_patched_makefile(file.path))) return true;
    if (inventory_.is_left_out(file.path)) {
        skip(file.path, "the configuration of this kernel leaves it out");
    } else if (!file.exists) {
        diagnostics.error("build.deleted-file", {file.path, {}, {}},
                          "the patch deletes this file; a livepatch cannot take code away");
    } else {
        diagnostics
            .error("build.new-file", {file.path, {}, {}},
                   "the patch adds this file, which the kernel's build does not know")
            .hint("put the new functions into one of the existing files that the patch changes");
    }
    return false;
}

UnitSelector::Role UnitSelector::role_of(const PatchedFile& file, Diagnostics& diagnostics) {
    const FileClass kind = classify(file.path);
    if (kind.kind == FileKind::ignored) {
        notes_.push_back(fmt::format("{}: ignored, {}", file.path, kind.reason));
        return Role::none;
    }
    if (inventory_.is_of_foreign_arch(file.path)) {
        skip(file.path, "it is code of another architecture");
        return Role::none;
    }
    switch (kind.kind) {
        case FileKind::skipped:
            skipped_.push_back({file.path, std::string(kind.id),
                                fmt::format("cannot be changed by a livepatch: {}", kind.reason),
                                std::string(kind.reason)});
            return Role::none;
        case FileKind::refused:
            return role_of_refused(file, diagnostics);
        case FileKind::text:
            return role_of_text(file, diagnostics);
        case FileKind::c_source:
            return is_usable_c_file(file, diagnostics) ? Role::c_source : Role::none;
        case FileKind::header:
            if (file.exists && file.existed &&
                code_without_comments(file.text()) == code_without_comments(file.original)) {
                // Line numbers below the change do not count: the header is compiled with #line directives.
                notes_.push_back(fmt::format("{}: only comments change", file.path));
                return Role::none;
            }
            if (inventory_.is_input_of_makefile(file.path)) {
                diagnostics
                    .error(
                        "build.source-input", {file.path, {}, {}},
                        "cannot be changed by a livepatch: a Makefile makes source code or data of the kernel from it")
                    .hint("move the change into the .c files that need it");
                return Role::none;
            }
            return Role::header;
        case FileKind::ignored:
            break;
    }
    return Role::none;
}

UnitSelector::Candidate UnitSelector::look_up_object(const std::string& source, const std::string& object) const {
    kernel::CommandAnswer answer = kbuild_.look_up(object, true);
    if (!answer.command) return {source, {}, std::move(answer.why_not)};
    auto unit = unit_of(source, std::move(answer));
    if (!unit) return {source, {}, "the configuration of this kernel does not ask for it"};
    if (inventory_.place_of(source).use != Inventory::Use::part)
        return {source, {}, "the configuration of this kernel leaves its folder out"};
    return {source, std::move(unit), {}};
}

UnitSelector::Candidate UnitSelector::look_up(const std::string& source) const {
    const std::string arch(kernel_.arch().source_folder());
    if (is_of_other_arch(source, arch)) return {source, {}, "it is code of another architecture"};
    Candidate candidate = look_up_object(source, object_of(source));
    if (candidate.unit) return candidate;
    for (const auto& object : objects_by_other_folders(tree_.root(), source, arch)) {
        Candidate other = look_up_object(source, object);
        if (other.unit) return other;
    }
    return candidate;
}

// A .c file is compiled on its own, as a part of others that include it (kernel/sched/build_policy.c), or both
// (fs/binfmt_elf.c, also in fs/compat_binfmt_elf.c).
void UnitSelector::select_c_file(const PatchedFile& file, const std::vector<std::string>& includers,
                                 Diagnostics& diagnostics) {
    std::vector<Candidate> candidates(includers.size() + 1);
    parallel_for(candidates.size(), options_.jobs, [&](std::size_t i) {
        Candidate& candidate = candidates[i];
        candidate = look_up(i == 0 ? file.path : includers[i - 1]);
        if (i == 0 || !candidate.unit) return;
        const auto& command = candidate.unit->command;
        auto read = dependencies_.kept(command.object);
        if (!read) read = dependencies_.ask(command.object, command);
        candidate.unit->reached_by = {file.path};
        if (!read->files.contains(file.path)) candidate.unit.reset();
    });
    bool is_built = false;
    for (auto& candidate : candidates) {
        if (!candidate.unit) continue;
        is_built = true;
        units_.emplace(candidate.source, *std::move(candidate.unit));
    }
    if (is_built) return;
    const auto is_out = [&](const std::string& source) { return inventory_.is_left_out(source); };
    const bool is_only_included = !includers.empty() && std::ranges::all_of(includers, is_out);
    if (is_out(file.path) || is_only_included) return skip(file.path, candidates.front().why_not);
    diagnostics
        .error("build.not-built", {file.path, {}, {}},
               fmt::format("is no part of kernel '{}'", kernel_.manifest().name))
        .note(candidates.front().why_not)
        .hint(leave_out);
}

void UnitSelector::select_c_files(const std::vector<const PatchedFile*>& files, Diagnostics& diagnostics) {
    if (files.empty()) return;
    const IncludedCFiles included = included_c_files(kernel_, tree_, options_.jobs);
    for (const PatchedFile* file : files) {
        if (!file->existed) {
            select_new_file(*file, diagnostics);
            continue;
        }
        std::vector<std::string> includers;
        const auto found = included.find(file->path);
        for (const auto& includer : found == included.end() ? std::set<std::string>() : found->second) {
            const FileClass kind = classify(includer);
            if (kind.id == "build.vdso" && inventory_.place_of(includer).use != Inventory::Use::none) {
                diagnostics
                    .error("build.vdso", {file->path, {}, {}},
                           fmt::format("is a part of {}: {}", includer, kind.reason))
                    .hint(leave_out);
            }
            if (kind.kind == FileKind::c_source) includers.push_back(includer);
        }
        select_c_file(*file, includers, diagnostics);
    }
}

void UnitSelector::add_headers(const std::vector<const PatchedFile*>& headers, Selection& selection,
                               Diagnostics& diagnostics) {
    if (headers.empty()) return;
    std::vector<std::string> paths;
    for (const PatchedFile* header : headers) paths.push_back(header->path);
    HeaderReach reach(kernel_, kbuild_, tree_, files_, options_, inventory_, dependencies_);
    HeaderReach::Result found = reach.find(paths, units_);
    const Location where{paths.front(), {}, {}};
    if (found.is_cut_short) {
        diagnostics
            .error(
                "build.header", where,
                fmt::format("the patched headers reach more than {} units of kernel '{}': about {}, as {} of {} source "
                            "files that may include them say",
                            options_.max_units, kernel_.manifest().name, found.estimated_units(), found.asked,
                            found.candidates))
            .note(fmt::format("each of them would be compiled twice, which takes about {}",
                              compile_time(found.estimated_units(), options_.jobs)))
            .hint(
                "allow it with --yes, or up to a number with --limit; or move the change into the .c files that need "
                "it, "
                "for instance as a copy of the changed definition under a new name");
        return;
    }
    if (!found.unknown.empty()) {
        diagnostics
            .error("build.header", where,
                   fmt::format("may reach code that is made by rules of its own and cannot be compared: {}",
                               named(found.unknown)))
            .hint("move the change into the .c files that need it");
    }
    if (!found.hosts.empty())
        notes_.push_back(fmt::format(
            "programs of the kernel's own build, which is over, may include a patched header: {}", named(found.hosts)));
    for (const auto& path : paths) {
        const bool is_included = std::ranges::any_of(
            found.units, [&](const auto& unit) { return std::ranges::count(unit.second.reached_by, path) != 0; });
        if (found.unused.contains(path))
            notes_.push_back(fmt::format("{}: no unit of this kernel uses what changes in it", path));
        else if (!is_included && units_.empty())
            notes_.push_back(fmt::format("{}: no unit of this kernel includes it", path));
    }
    if (found.unaffected != 0)
        notes_.push_back(fmt::format("{} units of this kernel include {} and use nothing of what changes",
                                     found.unaffected, fmt::join(paths, ", ")));
    if (!found.units.empty())
        options_.progress(fmt::format("{} units of this kernel use what changes in {}; to compile them takes up to {}",
                                      found.units.size(), fmt::join(paths, ", "),
                                      compile_time(found.units.size(), options_.jobs)));
    units_.merge(found.units);
    selection.watched = std::move(found.watched);
    selection.tools = std::move(found.tools);
    selection.unused = std::move(found.unused);
}

void UnitSelector::report_skipped(Selection& selection, Diagnostics& diagnostics) {
    const bool is_all = selection.units.empty() && selection.watched.empty();
    for (const auto& file : skipped_) {
        if (is_all) {
            Finding& finding = diagnostics.error(file.id, {file.path, {}, {}}, file.message);
            if (file.message.find(file.reason) == std::string::npos) finding.note(file.reason);
            finding.hint("the patch has nothing for this kernel: no livepatch of it is needed");
        } else {
            notes_.push_back(fmt::format("{}: skipped, {}", file.path, file.reason));
        }
    }
}

Selection UnitSelector::select(Diagnostics& diagnostics) {
    std::vector<const PatchedFile*> c_files;
    std::vector<const PatchedFile*> headers;
    for (const auto& [path, file] : files_.files()) {
        if (!file.is_changed()) continue;
        const Role role = role_of(file, diagnostics);
        if (role == Role::c_source) c_files.push_back(&file);
        if (role == Role::header) headers.push_back(&file);
    }
    Selection selection;
    select_c_files(c_files, diagnostics);
    // Many units may have to be asked for: not for a patch that is refused anyway.
    if (!diagnostics.has_errors()) add_headers(headers, selection, diagnostics);
    for (auto& [source, unit] : units_) selection.units.push_back(std::move(unit));
    units_.clear();
    report_skipped(selection, diagnostics);
    selection.notes = std::move(notes_);
    return selection;
}

}  // namespace klp::source
