// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/manifest.hpp"
#include "base/errno_text.hpp"
#include "base/json.hpp"

#include <fmt/format.h>

namespace klp::kernel {

namespace {

constexpr std::string_view manifest_name = "kernel.json";

Json to_json(const Manifest& manifest) {
    return {{"name", manifest.name},
            {"release", manifest.release},
            {"arch", manifest.arch},
            {"fetched", manifest.fetched},
            {"paths",
             {{"source", manifest.source.string()},
              {"image", manifest.image.string()},
              {"vmlinux", manifest.vmlinux.string()},
              {"modules", manifest.modules.string()},
              {"config", manifest.config.string()},
              {"symvers", manifest.symvers.string()}}}};
}

Manifest from_json(const Json& json) {
    const auto& paths = json.at("paths");
    const auto path = [&paths](const char* key) { return fs::path(paths.at(key).get<std::string>()); };
    return {.name = json.at("name"),
            .release = json.at("release"),
            .arch = json.at("arch"),
            .source = path("source"),
            .image = path("image"),
            .vmlinux = path("vmlinux"),
            .modules = path("modules"),
            .config = path("config"),
            .symvers = path("symvers"),
            .fetched = json.at("fetched")};
}

}  // namespace

fs::path kernels_folder() {
    return cache_root() / "kernels";
}

fs::path kernel_folder(std::string_view name) {
    check_kernel_name(name);
    return kernels_folder() / name;
}

void check_kernel_name(std::string_view name) {
    const bool printable =
        std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c != 0x7f && c != '/'; });
    if (name.empty() || name.front() == '.' || name.front() == '-' || name.size() > 200 || !printable) {
        throw Error(
            fmt::format("'{}' cannot name a kernel: expected a word without '/', not beginning with '.' or '-'", name));
    }
}

FileLock lock_kernel(std::string_view name) {
    const fs::path folder = kernel_folder(name);
    std::error_code failure;
    fs::create_directories(folder.parent_path(), failure);
    if (failure) throw Error({folder.parent_path().string(), "", {}}, "cannot be made: " + errno_text(failure.value()));
    return {folder.parent_path() / ("." + folder.filename().string() + ".lock"), FileLock::Mode::exclusive};
}

std::optional<Manifest> load_manifest(std::string_view name) {
    const fs::path path = kernel_folder(name) / manifest_name;
    if (!fs::exists(path)) return std::nullopt;
    try {
        return from_json(Json::parse(read_text(path)));
    } catch (const Json::exception& failure) {
        throw Error({path.string(), "", {}}, fmt::format("damaged: {}", failure.what()))
            .hint(fmt::format("klp kernel remove {}", name));
    }
}

void store_manifest(const Manifest& manifest) {
    write_file(kernel_folder(manifest.name) / manifest_name, to_json(manifest).dump(2) + "\n");
}

NewKernelFolder::NewKernelFolder(std::string_view name) : path_(kernel_folder(name)) {
    if (!is_plain_path(path_))
        throw Error({path_.string(), "", {}},
                    "kbuild cannot work in a folder whose path has spaces or special characters")
            .hint("put the cache elsewhere: KLPKIT_CACHE=FOLDER");
    std::error_code failure;
    fs::remove_all(path_, failure);
    if (!failure) fs::create_directories(path_, failure);
    if (failure) throw Error({path_.string(), "", {}}, "cannot be made: " + errno_text(failure.value()));
}

NewKernelFolder::~NewKernelFolder() {
    std::error_code ignored;
    if (!committed_) fs::remove_all(path_, ignored);
}

void NewKernelFolder::commit(const Manifest& manifest) {
    store_manifest(manifest);
    committed_ = true;
}

}  // namespace klp::kernel
