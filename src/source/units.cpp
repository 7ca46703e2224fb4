// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/units.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/parallel.hpp"
#include "source/c_scanner.hpp"
#include "source/classify.hpp"
#include "source/includes.hpp"
#include "source/object_names.hpp"

namespace klp::source {
namespace {

constexpr std::size_t named_includers = 3;  // in a message; enough to see what is meant

// Length of the common beginning: files near each other in the tree are built alike.
std::size_t nearness(std::string_view a, std::string_view b) {
    return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

// Compiled into no object, but into the numbers by which assembly finds the fields of structures (Kbuild).
bool makes_offsets(std::string_view source) {
    return source.ends_with("asm-offsets.c");
}

}  // namespace

std::string UnitSelector::source_arch() const {
    return std::string(kernel_.arch().source_folder());
}

bool UnitSelector::is_usable(const PatchedFile& file, Diagnostics& diagnostics) {
    const FileClass kind = classify(file.path);
    const Location where{file.path, {}, {}};
    if (kind.kind == FileKind::ignored) {
        notes_.push_back(fmt::format("{}: ignored, {}", file.path, kind.reason));
        return false;
    }
    if (kind.kind == FileKind::refused) {
        diagnostics.error(std::string(kind.id), where,
                          fmt::format("cannot be changed by a livepatch: {}", kind.reason));
        return false;
    }
    if (!file.exists) {
        diagnostics.error("build.deleted-file", where,
                          "the patch deletes this file; a livepatch cannot take code away");
        return false;
    }
    if (!file.existed && kind.kind == FileKind::c_source) {
        diagnostics.error("build.new-file", where, "the patch adds this file, which the kernel's build does not know")
            .hint("put the new functions into one of the existing files that the patch changes");
        return false;
    }
    return true;
}

UnitSelector::Candidate UnitSelector::look_up_object(const std::string& source, const std::string& object) const {
    kernel::CommandAnswer answer = kbuild_.look_up(object, true);
    if (!answer.command) return {source, {}, std::move(answer.why_not), answer.is_assembly};
    TranslationUnit unit{source, *std::move(answer.command), {}};
    if (unit.command.part == kernel::ObjectPart::builtin) unit.objects = {"vmlinux"};
    if (unit.command.part == kernel::ObjectPart::module) unit.objects = unit.command.modules;
    if (unit.objects.empty()) return {source, {}, "the configuration of this kernel does not ask for it", false};
    return {source, std::move(unit), {}, false};
}

UnitSelector::Candidate UnitSelector::look_up(const std::string& source) const {
    const std::string arch = source_arch();
    if (is_of_other_arch(source, arch)) return {source, {}, "it is code of another architecture", false};
    Candidate candidate = look_up_object(source, object_of(source));
    if (candidate.unit) return candidate;
    for (const auto& object : objects_by_other_folders(tree_.root(), source, arch)) {
        Candidate other = look_up_object(source, object);
        if (other.unit) return other;
    }
    return candidate;
}

std::vector<UnitSelector::Candidate> UnitSelector::look_up_all(const std::vector<std::string>& sources) const {
    std::vector<Candidate> candidates(sources.size());
    parallel_for(sources.size(), jobs_, [&](std::size_t i) { candidates[i] = look_up(sources[i]); });
    return candidates;
}

// A .c file is compiled on its own, as a part of others that include it (kernel/sched/build_policy.c), or both
// (fs/binfmt_elf.c, also in fs/compat_binfmt_elf.c).
void UnitSelector::select_c_files(const std::vector<const PatchedFile*>& files, Diagnostics& diagnostics) {
    if (files.empty()) return;
    const IncludeIndex index = included_c_files(kernel_, tree_, jobs_);
    for (const PatchedFile* file : files) {
        std::vector<std::string> sources = {file->path};
        for (const auto& includer : index.sources_reaching(file->path)) {
            const FileClass kind = classify(includer);
            if (kind.id == "build.vdso") {
                diagnostics.error("build.vdso", {file->path, {}, {}},
                                  fmt::format("is a part of {}: {}", includer, kind.reason));
            }
            if (kind.kind == FileKind::c_source) sources.push_back(includer);
        }
        const auto candidates = look_up_all(sources);
        bool is_built = false;
        for (const auto& candidate : candidates) {
            if (!candidate.unit) continue;
            is_built = true;
            units_.emplace(candidate.source, *candidate.unit);
        }
        if (is_built) continue;
        diagnostics
            .error("build.not-built", {file->path, {}, {}},
                   fmt::format("is no part of kernel '{}'", kernel_.manifest().name))
            .note(candidates.front().why_not);
    }
}

void UnitSelector::check_headers(const std::vector<const PatchedFile*>& headers, Diagnostics& diagnostics) {
    if (headers.empty()) return;
    IncludeIndex index = all_includes(kernel_, tree_, jobs_);
    for (const auto& [path, file] : files_.files()) index.replace(path, file.text());
    for (const PatchedFile* header : headers) {
        std::vector<std::string> others;
        for (const auto& source : index.sources_reaching(header->path)) {
            const bool is_code = classify(source).kind != FileKind::ignored;
            if (is_code && !units_.contains(source)) others.push_back(source);
        }
        check_header(*header, others, diagnostics);
    }
}

void UnitSelector::check_header(const PatchedFile& header, const std::vector<std::string>& others,
                                Diagnostics& diagnostics) {
    std::vector<std::string> near_first = others;
    std::ranges::stable_sort(near_first, std::ranges::greater(),
                             [&](const std::string& path) { return nearness(path, header.path); });
    std::vector<std::string> built;
    static constexpr std::size_t batch = 8;
    for (std::size_t i = 0; i < near_first.size() && built.size() < named_includers; i += batch) {
        const auto begin = near_first.begin() + static_cast<std::ptrdiff_t>(i);
        const auto count = static_cast<std::ptrdiff_t>(std::min(batch, near_first.size() - i));
        for (const auto& candidate : look_up_all({begin, begin + count})) {
            const bool is_built =
                candidate.unit || candidate.is_assembly ||
                (makes_offsets(candidate.source) && !is_of_other_arch(candidate.source, source_arch()));
            if (is_built && built.size() < named_includers) built.push_back(candidate.source);
        }
    }
    if (built.empty()) return;
    diagnostics
        .error("build.header", {header.path, {}, {}},
               fmt::format("this header reaches code beyond the patched .c files, such as {}", fmt::join(built, ", ")))
        .note(fmt::format(
            "in all, {} other source files of the tree may include it, themselves or by way of other headers",
            others.size()))
        .hint(
            "move the change into the .c files that need it, or give them a copy of the changed definition under a new "
            "name");
}

std::vector<TranslationUnit> UnitSelector::select(Diagnostics& diagnostics) {
    std::vector<const PatchedFile*> c_files;
    std::vector<const PatchedFile*> headers;
    for (const auto& [path, file] : files_.files()) {
        if (!file.is_changed() || !is_usable(file, diagnostics)) continue;
        if (classify(path).kind == FileKind::c_source) {
            c_files.push_back(&file);
        } else if (code_without_comments(file.text()) == code_without_comments(file.original)) {
            // Line numbers below the change do not count: the header is compiled with #line directives.
            notes_.push_back(fmt::format("{}: only comments change", path));
        } else {
            headers.push_back(&file);
        }
    }
    select_c_files(c_files, diagnostics);
    check_headers(headers, diagnostics);
    std::vector<TranslationUnit> units;
    for (auto& [source, unit] : units_) units.push_back(std::move(unit));
    units_.clear();
    return units;
}

}  // namespace klp::source
