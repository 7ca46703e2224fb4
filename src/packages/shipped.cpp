// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/shipped.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "packages/prepare.hpp"

namespace klp::packages {

namespace {

// What is there already stays: the source's own scripts. Links lead to other packages.
void copy_tree(const fs::path& from, const fs::path& to) {
    if (!fs::is_directory(from)) return;
    for (const auto& entry : fs::recursive_directory_iterator(from)) {
        const fs::path target = to / entry.path().lexically_relative(from);
        if (entry.is_symlink() || !entry.is_regular_file() || fs::exists(fs::symlink_status(target))) continue;
        fs::create_directories(target.parent_path());
        fs::copy_file(entry.path(), target);
    }
}

// Packages have what kbuild makes as scripts/module.lds where it looks for that of a module outside the tree.
void take_module_script(const fs::path& folder) {
    const fs::path script = folder / "scripts/module.lds";
    if (fs::exists(script) || !fs::is_directory(folder / "arch")) return;
    for (const auto& arch : fs::directory_iterator(folder / "arch")) {
        const fs::path shipped = arch.path() / script.filename();
        if (!fs::exists(shipped)) continue;
        fs::create_directories(script.parent_path());
        fs::copy_file(shipped, script);
        return;
    }
}

}  // namespace

void take_shipped(const fs::path& headers_package, const fs::path& kbuild, const fs::path& folder) {
    fs::create_directories(folder);
    for (const char* file : {".config", "Module.symvers"}) {
        if (!fs::exists(headers_package / file))
            throw Error(
                fmt::format("the headers package has no file {}", (headers_package.filename() / file).string()));
        fs::copy_file(headers_package / file, folder / file, fs::copy_options::overwrite_existing);
    }
    for (const char* part : {"include", "arch", "scripts"}) {
        if (!fs::is_symlink(headers_package / part)) copy_tree(headers_package / part, folder / part);
    }
    for (const char* part : {"scripts", "tools", "certs"}) copy_tree(kbuild / part, folder / part);
    take_module_script(folder);
}

void prepare_from_shipped(const fs::path& folder, const fs::path& source) {
    copy_tree(folder, source);
    // What kbuild's rule for auto.conf makes beside it, and packages have not. Without it every make in the tree, even
    // make -n, would configure it anew.
    const fs::path dependencies = source / "include/config/auto.conf.cmd";
    if (!fs::exists(dependencies)) write_file(dependencies, std::string_view());
    for (const char* file : {"include/config/auto.conf", "include/config/auto.conf.cmd"})
        if (fs::exists(source / file)) fs::last_write_time(source / file, fs::file_time_type::clock::now());
    check_prepared(source);
}

}  // namespace klp::packages
