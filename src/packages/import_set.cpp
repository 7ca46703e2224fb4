// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/import_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/error.hpp"
#include "kernel/kernel.hpp"
#include "packages/featureset.hpp"

namespace klp::packages {

namespace {

[[noreturn]] void do_not_belong(const PackageFile& one, std::string_view its, const PackageFile& other,
                                std::string_view others) {
    throw Error(fmt::format("packages do not belong together: {} is {}, {} is {}", one.full_name(), its,
                            other.full_name(), others));
}

// "kernel" of "kernel-6.8.5-301.fc40.src.rpm".
std::string_view name_of_source(std::string_view file) {
    const std::size_t release = file.rfind('-');
    const std::size_t version = release == 0 ? release : file.rfind('-', release - 1);
    return file.substr(0, version);
}

// Of an rpm those of the same source package have to be of one version; SUSE builds a kernel from several.
bool are_of_other_sources(const PackageFile& one, const PackageFile& other) {
    if (one.format() == PackageFile::Format::deb) return one.source() != other.source();
    return name_of_source(one.source()) == name_of_source(other.source()) && one.source() != other.source();
}

bool needs_objtool(const fs::path& config_file) {
    const kernel::Config config = kernel::Config::read(config_file);
    return std::ranges::any_of(std::array{"CONFIG_OBJTOOL", "CONFIG_STACK_VALIDATION", "CONFIG_UNWINDER_ORC"},
                               [&](const char* option) { return config.enabled(option); });
}

}  // namespace

PackageSet::PackageSet(const std::vector<fs::path>& files, const fs::path& scratch, const Progress& progress) {
    open(files);
    check_formats();
    unpack_all(scratch, progress);
    check_belonging();
    check_releases();
    check_sources();
}

void PackageSet::open(const std::vector<fs::path>& files) {
    for (const fs::path& path : files) {
        PackageFile& file = files_.emplace_back(path);
        const auto same = std::ranges::find(files_, file.full_name(), &PackageFile::full_name);
        if (&*same != &file) files_.pop_back();
    }
}

void PackageSet::check_formats() const {
    for (const PackageFile& file : files_)
        if (file.is_rpm() != files_.front().is_rpm())
            do_not_belong(files_.front(), files_.front().is_rpm() ? "an .rpm" : "a .deb", file,
                          file.is_rpm() ? "an .rpm" : "a .deb");
}

void PackageSet::unpack_all(const fs::path& scratch, const Progress& progress) {
    for (const PackageFile& file : files_) {
        if (file.format() == PackageFile::Format::source_rpm) {
            if (source_rpm_ != nullptr)
                throw Error(fmt::format("several source packages: {}, {}", source_rpm_->full_name(), file.full_name()));
            source_rpm_ = &file;
            continue;
        }
        progress(fmt::format("unpacking {}", file.full_name()));
        const fs::path folder = scratch / std::to_string(packages_.size());
        fs::create_directories(folder);
        file.unpack_to(folder, {.wanted = is_of_kernel});
        UnpackedPackage package{&file, folder, look_into(folder, file.full_name())};
        if (!package.contents.empty()) {
            packages_.push_back(std::move(package));
            continue;
        }
        progress(fmt::format("nothing of {} is needed", file.full_name()));
        fs::remove_all(folder);
    }
    if (packages_.empty()) throw Error("none of the packages has any part of a kernel");
}

// Against the package with the image, or the first one.
void PackageSet::check_belonging() const {
    const auto has_arch = [](const UnpackedPackage& package) { return !package.file->arch().empty(); };
    const auto first = std::ranges::find_if(packages_, has_arch);
    for (const UnpackedPackage& package : packages_) {
        const PackageFile& file = *package.file;
        if (has_arch(package) && file.arch() != first->file->arch())
            do_not_belong(*first->file, "for " + first->file->arch(), file, "for " + file.arch());
    }
}

void PackageSet::check_releases() {
    const UnpackedPackage* teller = nullptr;
    for (const UnpackedPackage& package : packages_) {
        if (package.contents.release.empty()) continue;
        if (teller == nullptr || (teller->contents.image.empty() && !package.contents.image.empty())) teller = &package;
    }
    if (teller == nullptr)
        throw Error(fmt::format("which kernel the packages are of cannot be told from {} alone",
                                packages_.front().file->full_name()))
            .hint("give the package with the image, too");
    release_ = teller->contents.release;
    for (const UnpackedPackage& package : packages_)
        if (!package.contents.release.empty() && package.contents.release != release_)
            do_not_belong(*teller->file, "of release " + release_, *package.file,
                          "of release " + package.contents.release);
}

void PackageSet::check_sources() const {
    std::vector<const PackageFile*> all;
    for (const UnpackedPackage& package : packages_) all.push_back(package.file);
    if (source_rpm_ != nullptr) all.push_back(source_rpm_);
    const UnpackedPackage* tree = nullptr;
    for (const UnpackedPackage& package : packages_) {
        for (const PackageFile* other : all)
            if (are_of_other_sources(*package.file, *other))
                do_not_belong(*package.file, "built from " + package.file->source(), *other, "of " + other->source());
        if (package.contents.tree_name.empty()) continue;
        if (tree != nullptr && tree->contents.tree_name != package.contents.tree_name)
            do_not_belong(*tree->file, "of " + tree->contents.tree_name, *package.file,
                          "of " + package.contents.tree_name);
        tree = &package;
    }
    if (source_rpm_ == nullptr) return;
    const auto is_built_from_it = [this](const UnpackedPackage& package) {
        return package.file->source() == source_rpm_->source();
    };
    if (std::ranges::none_of(packages_, is_built_from_it))
        do_not_belong(*packages_.front().file, "built from " + packages_.front().file->source(), *source_rpm_,
                      "another source package");
}

std::string PackageSet::arch() const {
    for (const UnpackedPackage& package : packages_)
        if (!package.file->arch().empty()) return package.file->arch();
    return {};
}

fs::path PackageSet::find(fs::path Contents::*part) const {
    for (const UnpackedPackage& package : packages_)
        if (!(package.contents.*part).empty()) return package.contents.*part;
    return {};
}

bool PackageSet::has(Part part) const {
    switch (part) {
        case Part::image:
            return !find(&Contents::image).empty();
        case Part::modules:
            return !find(&Contents::modules).empty();
        case Part::config:
            return !find(&Contents::config).empty();
        case Part::symvers:
            return !find(&Contents::symvers).empty();
        case Part::headers:
            return !find(&Contents::headers).empty();
        case Part::source:
            return source_rpm_ != nullptr || std::ranges::any_of(packages_, [](const UnpackedPackage& package) {
                       return package.contents.has_source();
                   });
        case Part::programs:
            break;
    }
    const fs::path programs = find(&Contents::programs);
    const fs::path folder = programs.empty() ? find(&Contents::headers) : programs;
    // Without headers and config the user gets to know of those first.
    if (folder.empty() || !has(Part::config)) return true;
    return fs::exists(folder / "scripts/mod/modpost") &&
           (!needs_objtool(find(&Contents::config)) || fs::exists(folder / "tools/objtool/objtool"));
}

// The source package has not the patches of such a flavour, so that its tree is another kernel's.
void PackageSet::check_featureset() const {
    for (const UnpackedPackage& package : packages_) {
        const std::string featureset = featureset_of(package.file->depends());
        if (featureset.empty()) continue;
        throw Error(fmt::format("{} is for a kernel of featureset '{}', whose patches no package has",
                                package.file->full_name(), featureset))
            .hint(fmt::format("klp kernel fetch {}: it takes them from the source package", release_))
            .hint("or name a source tree of exactly this kernel: --source DIR");
    }
}

void PackageSet::check_complete(bool needs_source) const {
    if (needs_source) check_featureset();
    const Origin origin(packages_, release_);
    std::vector<std::pair<std::string, std::vector<std::string_view>>> missing;
    for (const Part part :
         {Part::image, Part::modules, Part::config, Part::symvers, Part::headers, Part::programs, Part::source}) {
        if (has(part) || (part == Part::source && !needs_source)) continue;
        const std::string package = origin.package_with(part);
        auto entry = std::ranges::find(missing, package, [](const auto& pair) { return pair.first; });
        if (entry == missing.end()) entry = missing.insert(entry, {package, {}});
        entry->second.push_back(name(part));
    }
    if (missing.empty()) return;
    std::vector<std::string> texts;
    for (const auto& [package, parts] : missing)
        texts.push_back(fmt::format("no {}: {} in {}", fmt::join(parts, ", no "),
                                    parts.size() == 1 ? "it is" : "they are", package));
    Error error(fmt::format("packages are missing: {}", fmt::join(texts, "; ")));
    if (needs_source && !has(Part::source)) error.hint("or name a source tree of exactly this kernel: --source DIR");
    throw std::move(error);
}

}  // namespace klp::packages
