// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/manifest.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/abandoned.hpp"
#include "base/errno_text.hpp"
#include "base/json.hpp"

namespace klp::kernel {

namespace {

constexpr std::string_view manifest_name = "kernel.json";
constexpr const char* checksum_key = "checksum";
// In a folder that is being filled. Without it, a folder that has no kernel.json is none of ours to remove.
constexpr std::string_view unfinished_name = ".unfinished";

std::string text_of(const Json& json) {
    return json.dump(2) + "\n";
}

// Files of earlier releases have no checksum.
void check_checksum(Json& json) {
    const auto found = json.find(checksum_key);
    if (found == json.end()) return;
    const auto expected = found->get<std::string>();
    json.erase(checksum_key);
    if (sha256_hex(as_bytes(text_of(json))) != expected) throw Error("its checksum does not fit what it holds");
}

// What the file system holds of a folder's files, so that a kernel.json that outlives a crash has them all.
void flush_file_system(const fs::path& folder) {
    const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!descriptor || ::syncfs(descriptor.get()) != 0)
        throw Error({folder.string(), "", {}}, "cannot be flushed to the disk: " + errno_text(errno));
}

bool is_kernel_name(std::string_view name) {
    const bool printable =
        std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c != 0x7f && c != '/'; });
    return !name.empty() && name.front() != '.' && name.front() != '-' && name.size() <= 200 && printable;
}

Json to_json(const Manifest& manifest) {
    Json json = {{"name", manifest.name},
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
    if (!manifest.toolchain.empty()) json["toolchain"] = manifest.toolchain;
    return json;
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
            .fetched = json.at("fetched"),
            .toolchain = json.value("toolchain", "")};
}

Error damaged(std::string_view name, const fs::path& path, std::string_view why) {
    return Error({path.string(), "", {}}, fmt::format("damaged: {}", why))
        .hint(fmt::format("klp kernel remove {0}, then klp kernel fetch {0} or add it again", name));
}

// Not there, or not to be seen, are two things.
bool is_there(const fs::path& path) {
    std::error_code failure;
    const fs::file_status status = fs::symlink_status(path, failure);
    if (status.type() == fs::file_type::none)
        throw Error({path.string(), "", {}}, "cannot be looked at: " + errno_text(failure.value()));
    return status.type() != fs::file_type::not_found;
}

fs::path lock_path(std::string_view name) {
    return kernels_folder() / fmt::format(".{}.lock", name);
}

bool is_unfinished(const fs::path& folder) {
    std::error_code failure;
    return is_kernel_name(folder.filename().string()) && fs::exists(folder / unfinished_name, failure) &&
           !fs::exists(folder / manifest_name, failure);
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
    if (!is_kernel_name(name)) {
        throw Error(
            fmt::format("'{}' cannot name a kernel: expected a word without '/', not beginning with '.' or '-'", name));
    }
}

FileLock lock_kernel(std::string_view name) {
    const fs::path folder = kernel_folder(name);
    std::error_code failure;
    fs::create_directories(folder.parent_path(), failure);
    if (failure) throw Error({folder.parent_path().string(), "", {}}, "cannot be made: " + errno_text(failure.value()));
    FileLock lock(lock_path(name), FileLock::Mode::exclusive);
    lock.pass_on();
    return lock;
}

std::optional<FileLock> use_kernel(std::string_view name) {
    if (!is_kernel_name(name)) return std::nullopt;
    const fs::path folder = kernel_folder(name);
    std::error_code failure;
    if (!fs::is_directory(folder, failure)) return std::nullopt;
    std::optional<FileLock> lock;
    try {
        lock.emplace(folder, FileLock::Mode::shared);
    } catch (const Error&) {  // a file system without locks
        return std::nullopt;
    }
    if (!lock->is_of(folder)) throw Error(fmt::format("kernel '{}' was removed in the meantime", name));
    return lock;
}

std::optional<Manifest> load_manifest(std::string_view name) {
    const fs::path path = kernel_folder(name) / manifest_name;
    if (!is_there(path)) return std::nullopt;
    try {
        Json json = Json::parse(read_text(path));
        check_checksum(json);
        Manifest manifest = from_json(json);
        if (manifest.name != name) throw Error(fmt::format("it names kernel '{}'", manifest.name));
        return manifest;
    } catch (const Json::exception& failure) {
        throw damaged(name, path, failure.what());
    } catch (const Error& failure) {
        throw damaged(name, path, failure.message());
    }
}

void store_manifest(const Manifest& manifest) {
    Json json = to_json(manifest);
    json[checksum_key] = sha256_hex(as_bytes(text_of(json)));
    keep_file(kernel_folder(manifest.name) / manifest_name, text_of(json));
}

void discard_kernel_folder(std::string_view name) {
    const fs::path folder = kernel_folder(name);
    const TempDir bin(".removed", folder.parent_path());
    std::error_code failure;
    fs::rename(folder, bin.path() / "kernel", failure);
    if (failure) throw Error({folder.string(), "", {}}, "cannot be removed: " + errno_text(failure.value()));
    if (!remove_tree(bin.path() / "kernel"))
        throw Error({bin.path().string(), "", {}}, "some of the kernel's files cannot be removed");
}

void discard_abandoned_kernels() {
    const fs::path folder = kernels_folder();
    remove_abandoned(folder);
    std::error_code ignored;
    std::vector<std::string> halves;
    for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
        if (is_unfinished(entry->path())) halves.push_back(entry->path().filename().string());
    }
    for (const std::string& name : halves) {
        try {
            const auto lock = FileLock::if_free(lock_path(name), FileLock::Mode::exclusive);
            if (lock && is_unfinished(folder / name)) discard_kernel_folder(name);
        } catch (const Error&) {  // another user's
            continue;
        }
    }
}

NewKernelFolder::NewKernelFolder(std::string_view name) : path_(kernel_folder(name)) {
    if (!is_plain_path(path_))
        throw Error({path_.string(), "", {}},
                    "kbuild cannot work in a folder whose path has spaces or special characters")
            .hint("put the cache elsewhere: KLPKIT_CACHE=FOLDER");
    if (is_there(path_)) discard_kernel_folder(name);
    std::error_code failure;
    fs::create_directories(path_, failure);
    if (failure) throw Error({path_.string(), "", {}}, "cannot be made: " + errno_text(failure.value()));
    write_file(path_ / unfinished_name, std::string_view());
}

NewKernelFolder::~NewKernelFolder() {
    if (!committed_) remove_tree(path_);
}

void NewKernelFolder::commit(const Manifest& manifest) {
    flush_file_system(path_);
    store_manifest(manifest);
    committed_ = true;
    std::error_code ignored;
    fs::remove(path_ / unfinished_name, ignored);
}

}  // namespace klp::kernel
