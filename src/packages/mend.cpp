// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/mend.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "base/process.hpp"
#include "kernel/manifest.hpp"
#include "kernel/prepared_tree.hpp"
#include "packages/prepare.hpp"
#include "packages/shipped.hpp"

namespace klp::packages {

namespace {

using Result = kernel::TreeLook::Result;

// Nothing is known of a tree that an earlier release of klp prepared. What `make` wrote after it was fetched is newer
// than the kernel's entry in the catalogue.
kernel::TreeLook look_at_unknown(const kernel::Manifest& manifest) {
    if (!manifest.fetched) {
        const fs::path config = manifest.source / ".config";
        if (fs::exists(config)) check_same_config(manifest.config, config);
        return {Result::not_noted, {}};
    }
    const auto fetched = fs::last_write_time(kernel::kernel_folder(manifest.name) / "kernel.json");
    for (const fs::path& file : kernel::generated_files(manifest.source)) {
        if (fs::last_write_time(manifest.source / file) > fetched)
            return {Result::changed, file.string() + " is newer than the kernel's entry in the catalogue"};
    }
    return {Result::not_noted, {}};
}

fs::path shipped_files(const kernel::Manifest& manifest) {
    return kernel::kernel_folder(manifest.name) / "shipped";
}

// A fetched kernel's, and that of one that was imported, which is prepared from what its packages have.
bool is_prepared_here(const kernel::Manifest& manifest) {
    return manifest.fetched || fs::exists(shipped_files(manifest));
}

std::string getting_it(const kernel::Manifest& manifest) {
    return manifest.fetched ? "klp kernel fetch " + manifest.name
                            : fmt::format("klp kernel import --name {} FILE…", manifest.name);
}

// Any command that reads the source does it.
std::string mending_it(const kernel::Manifest& manifest) {
    return manifest.fetched ? "klp kernel fetch " + manifest.name
                            : fmt::format("klp build --kernel {} PATCH", manifest.name);
}

kernel::TreeLook look(const kernel::Manifest& manifest) {
    const kernel::TreeLook noted = kernel::look_at_tree(manifest);
    return noted.result == Result::not_noted ? look_at_unknown(manifest) : noted;
}

[[noreturn]] void say_what_to_do(const kernel::Manifest& manifest, const std::string& change) {
    throw Error({manifest.source.string(), "", {}},
                fmt::format("the source tree was changed since kernel '{}' was added: {}", manifest.name, change))
        .hint(fmt::format("prepare it again as it was: with {} as .config, the compiler that made the kernel, and "
                          "'make olddefconfig modules_prepare'",
                          manifest.config.string()))
        .hint(
            fmt::format("if it is to be as it is now: klp kernel remove {}, and add the kernel again", manifest.name));
}

void prepare_again(const kernel::Manifest& manifest, const Progress& progress) {
    kernel::note_unfinished_tree(manifest);
    const arch::Arch& arch = arch::for_name(manifest.arch);
    const fs::path shipped = shipped_files(manifest);
    if (fs::exists(shipped)) {
        if (find_program("make")) clean_source(manifest.source, arch);
        for (const fs::path& file : kernel::generated_files(manifest.source)) fs::remove(manifest.source / file);
        prepare_from_shipped(shipped, manifest.source);
        kernel::note_tree(manifest);
        return;
    }
    clean_source(manifest.source, arch);
    prepare_source({manifest.source, manifest.config, manifest.symvers, manifest.release, &arch}, progress);
    kernel::note_tree(manifest);
}

}  // namespace

void keep_prepared(const kernel::Manifest& manifest, const Progress& progress) {
    if (manifest.source.empty()) return;
    const kernel::TreeLook first = look(manifest);
    // Of a tree that is gone there is nothing to note.
    if (first.result == Result::not_noted && fs::exists(manifest.source)) kernel::note_tree(manifest);
    if (first.result != Result::changed) return;
    if (!is_prepared_here(manifest)) say_what_to_do(manifest, first.change);
    if (!fs::exists(manifest.source / "Makefile"))
        throw Error({manifest.source.string(), "", {}}, "the source tree is gone")
            .hint(fmt::format("klp kernel remove {0}; {1}", manifest.name, getting_it(manifest)));
    if (::access(manifest.source.c_str(), W_OK) != 0)
        throw Error({manifest.source.string(), "", {}},
                    fmt::format("the source tree of kernel '{}' was changed: {}", manifest.name, first.change))
            .hint("its owner can mend it: " + mending_it(manifest));
    progress(fmt::format("the source tree of kernel {} was changed ({}): it is prepared again", manifest.name,
                         first.change));
    const FileLock lock(kernel::kernel_folder(manifest.name), FileLock::Mode::exclusive);
    lock.pass_on();
    if (look(manifest).result == Result::changed) prepare_again(manifest, progress);  // unless another process did
}

}  // namespace klp::packages
