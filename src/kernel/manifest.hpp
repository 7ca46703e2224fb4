// SPDX-License-Identifier: GPL-2.0-or-later
// The catalogue's folders, and kernel.json in them.
#pragma once

#include <optional>
#include <string_view>

#include "kernel/kernel.hpp"

namespace klp::kernel {

[[nodiscard]] fs::path kernels_folder();
[[nodiscard]] fs::path kernel_folder(std::string_view name);

// Error: a name that cannot be one folder.
void check_kernel_name(std::string_view name);

// Held while a kernel's folder is made or removed, so that two commands do not work on one folder; also by the programs
// that do it.
// The lock file is hidden beside the folder: no kernel has a name that begins with a dot.
[[nodiscard]] FileLock lock_kernel(std::string_view name);

// Held by whoever reads a kernel: a shared lock on its folder, which needs no file of its own and so works in a cache
// that is read-only. nullopt where the catalogue has no such folder. Error: the kernel goes just now.
[[nodiscard]] std::optional<FileLock> use_kernel(std::string_view name);

// nullopt where the kernel is not there, or not whole. Error: kernel.json is damaged, or cannot be read.
[[nodiscard]] std::optional<Manifest> load_manifest(std::string_view name);
void store_manifest(const Manifest& manifest);

// Takes the folder out of the catalogue at once, then removes what is in it. Error: it cannot be removed.
void discard_kernel_folder(std::string_view name);
// Removes what killed processes left in the catalogue: kernels that were not fetched or removed to the end.
void discard_abandoned_kernels();

// A kernel's folder in the making: taken away again unless commit() was reached.
class NewKernelFolder {
public:
    explicit NewKernelFolder(std::string_view name);  // removes what an earlier, killed attempt left
    ~NewKernelFolder();
    NewKernelFolder(const NewKernelFolder&) = delete;
    NewKernelFolder& operator=(const NewKernelFolder&) = delete;

    [[nodiscard]] const fs::path& path() const noexcept { return path_; }
    void commit(const Manifest& manifest);

private:
    fs::path path_;
    bool committed_ = false;
};

}  // namespace klp::kernel
