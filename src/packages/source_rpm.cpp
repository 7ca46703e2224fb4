// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/source_rpm.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "packages/apply_patch.hpp"
#include "packages/spec.hpp"

namespace klp::packages {

namespace {

// Red Hat's function applies nothing that has no more lines.
constexpr std::size_t empty_patch_lines = 9;

std::vector<std::string> files_below(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder))
        if (fs::is_regular_file(entry.symlink_status())) names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
}

std::string spec_of(const std::vector<std::string>& files, const PackageFile& package) {
    std::vector<std::string> specs;
    std::ranges::copy_if(files, std::back_inserter(specs), [](const auto& file) { return file.ends_with(".spec"); });
    if (specs.size() != 1)
        throw Error(package.where(), fmt::format("it has {} .spec files, expected one", specs.size()));
    return specs.front();
}

void apply(const SpecPatch& patch, const fs::path& sources, const fs::path& folder, const PackageFile& package) {
    const std::string text = text_of_patch(sources / patch.file);
    if (patch.optional && lines_of(text).size() <= empty_patch_lines) return;
    const std::string failure = apply_patch(text, folder, {.strip = patch.strip, .reverse = patch.reverse});
    if (failure.empty()) return;
    throw Error(package.where(), fmt::format("its patch {} does not apply: {}", patch.file, failure))
        .hint("where the kernel comes from: rpmbuild -bp SPEC, and then here: --source DIR, the tree that it made");
}

}  // namespace

void unpack_source_rpm(const PackageFile& package, std::string_view arch, const fs::path& folder,
                       const fs::path& scratch, const Progress& progress) {
    check_patch_program();
    progress(fmt::format("unpacking {}", package.full_name()));
    package.unpack_to(scratch, {});
    const std::size_t dash = package.version().rfind('-');
    SpecFacts facts{.name = package.name(),
                    .version = package.version().substr(0, dash),
                    .release = package.version().substr(dash + 1),
                    .arch = std::string(arch),
                    .files = files_below(scratch)};
    const std::string spec = spec_of(facts.files, package);
    const SpecPlan plan =
        read_spec(read_text(scratch / spec), facts, {fmt::format("{}: {}", package.path().string(), spec), "", {}});
    progress(fmt::format("unpacking the source ({}, {} patches)", plan.tarball, plan.patches.size()));
    unpack_source_tarball(scratch / plan.tarball, folder);
    for (const std::string& file : plan.copies)
        fs::copy_file(scratch / file, folder / file, fs::copy_options::overwrite_existing);
    for (const SpecPatch& patch : plan.patches) apply(patch, scratch, folder, package);
    for (const std::string& edit : plan.edits)
        progress(fmt::format("warning: {} also edits its source, which is not done here: {}", spec, edit));
}

void unpack_source_tarball(const fs::path& tarball, const fs::path& folder) {
    const MappedFile file(tarball);
    const Location where{tarball.filename().string(), "", {}};
    ArchiveReader archive(file.bytes(), where);
    unpack(archive, folder, where, {.strip_first = true});
}

}  // namespace klp::packages
