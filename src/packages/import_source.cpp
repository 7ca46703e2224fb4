// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/import_source.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "kernel/prepared_tree.hpp"
#include "packages/merge.hpp"
#include "packages/source_rpm.hpp"

namespace klp::packages {

namespace {

// What was generated in it is of another configuration, or none of the distribution's.
void copy_given(const fs::path& given, const fs::path& folder) {
    std::vector<std::string> argv{"cp", "-a", "--reflink=auto", "--"};
    std::error_code failure;
    for (const auto& entry : fs::directory_iterator(given, failure))
        if (entry.path().filename() != ".git") argv.push_back(entry.path().string());
    if (failure) throw Error({given.string(), "", {}}, "cannot be read: " + failure.message());
    argv.push_back(folder.string());
    run_checked({.argv = std::move(argv)}, "the source tree cannot be copied");
    for (const fs::path& file : kernel::generated_files(folder)) fs::remove(folder / file);
}

// "6.8" of a Makefile with VERSION = 6 and PATCHLEVEL = 8.
std::string series_of_makefile(const fs::path& makefile) {
    std::string major;
    for (const std::string text = read_text(makefile); const std::string_view line : lines_of(text)) {
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos) continue;
        const std::string_view variable = trimmed(line.substr(0, equals));
        const std::string_view value = trimmed(line.substr(equals + 1));
        if (variable == "VERSION") major = value;
        if (variable == "PATCHLEVEL") return fmt::format("{}.{}", major, value);
    }
    throw Error({makefile.string(), "", {}}, "it names no version: no Makefile of a kernel");
}

void check_source(const fs::path& folder, const std::string& release, std::string_view where_from) {
    for (const char* file : {"Makefile", "Kconfig", "init/main.c"})
        if (!fs::is_regular_file(folder / file))
            throw Error(fmt::format("{} has no kernel source: {} is missing in it", where_from, file));
    const std::string series = series_of_makefile(folder / "Makefile");
    if (!(release + ".").starts_with(series + ".") && !release.starts_with(series + "-"))
        throw Error(
            fmt::format("{} has the source of another kernel: of {}, expected {}", where_from, series, release));
}

}  // namespace

void check_given_source(const fs::path& given, const std::string& release) {
    check_source(given, release, given.string());
}

void take_source(const PackageSet& packages, const fs::path& given, const fs::path& folder, const fs::path& scratch,
                 const Progress& progress) {
    std::string where_from = "the source package";
    if (!given.empty()) {
        progress(fmt::format("copying {}", given.string()));
        where_from = given.string();
        copy_given(given, folder);
    } else if (const fs::path tarball = packages.find(&Contents::source_tarball); !tarball.empty()) {
        progress("unpacking the source");
        unpack_source_tarball(tarball, folder);
    } else if (packages.source_rpm() != nullptr) {
        unpack_source_rpm(*packages.source_rpm(), packages.arch(), folder, scratch, progress);
    } else {
        where_from = "kernel-source with kernel-devel";
        for (const UnpackedPackage& package : packages.packages())
            if (!package.contents.source_tree.empty()) merge_tree(package.contents.source_tree, folder);
    }
    remove_outward_links(folder);
    check_source(folder, packages.release(), where_from);
}

}  // namespace klp::packages
