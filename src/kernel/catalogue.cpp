// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/errno_text.hpp"
#include "base/text.hpp"
#include "kernel/manifest.hpp"

namespace klp::kernel {

namespace {

std::string names_of(const std::vector<Manifest>& kernels) {
    std::string text;
    for (const Manifest& kernel : kernels) text += (text.empty() ? "" : ", ") + kernel.name;
    return text;
}

// Error: it cannot be looked at.
bool is_folder(const fs::path& path) {
    std::error_code failure;
    const fs::file_status status = fs::status(path, failure);
    if (status.type() == fs::file_type::none)
        throw Error({path.string(), "", {}}, "cannot be looked at: " + errno_text(failure.value()));
    return fs::is_directory(status);
}

}  // namespace

Catalogue read_catalogue() {
    discard_abandoned_kernels();
    Catalogue catalogue;
    std::error_code failure;
    for (fs::directory_iterator entry(kernels_folder(), failure), end; entry != end; entry.increment(failure)) {
        const std::string name = entry->path().filename().string();
        if (name.starts_with('.')) continue;
        try {
            if (!is_folder(entry->path())) continue;
            if (auto manifest = load_manifest(name)) catalogue.kernels.push_back(std::move(*manifest));
        } catch (const Error& error) {
            catalogue.damaged.push_back({name, error.what()});
        }
    }
    if (failure && failure != std::errc::no_such_file_or_directory)
        throw Error({kernels_folder().string(), "", {}}, "cannot be read: " + errno_text(failure.value()));
    const auto by_version = [](const auto& a, const auto& b) { return version_less(a.name, b.name); };
    std::ranges::sort(catalogue.kernels, by_version);
    std::ranges::sort(catalogue.damaged, by_version);
    return catalogue;
}

std::vector<Manifest> list_kernels(const Progress& warn) {
    Catalogue catalogue = read_catalogue();
    for (const DamagedKernel& kernel : catalogue.damaged)
        warn(fmt::format("warning: kernel {} is left out: {}", kernel.name, kernel.reason));
    return std::move(catalogue.kernels);
}

Manifest find_kernel(std::string_view name) {
    discard_abandoned_kernels();
    if (auto manifest = load_manifest(name)) return std::move(*manifest);
    const auto kernels = list_kernels();
    Error error(kernels.empty() ? fmt::format("no kernel '{}': the catalogue is empty", name)
                                : fmt::format("no kernel '{}': the catalogue has {}", name, names_of(kernels)));
    throw std::move(error).hint(fmt::format("klp kernel fetch {}", name));
}

Manifest default_kernel(const Progress& warn) {
    auto kernels = list_kernels(warn);
    if (kernels.empty()) throw Error("no kernel in the catalogue").hint("klp kernel fetch newest");
    if (kernels.size() == 1) return std::move(kernels.front());
    if (auto newest = newest_fetched()) return std::move(*newest);
    throw Error(fmt::format("several kernels, and none of them fetched: {}", names_of(kernels)))
        .hint("name one with --kernel");
}

std::optional<Manifest> newest_fetched() {
    auto kernels = list_kernels();
    const auto newest =
        std::find_if(kernels.rbegin(), kernels.rend(), [](const Manifest& kernel) { return kernel.fetched; });
    if (newest == kernels.rend()) return std::nullopt;
    return std::move(*newest);
}

void remove_kernel(std::string_view name) {
    const fs::path folder = kernel_folder(name);
    const auto is_gone = [&] {
        std::error_code failure;
        return !fs::exists(folder, failure);
    };
    if (is_gone()) (void)find_kernel(name);
    const FileLock lock = lock_kernel(name);
    if (is_gone()) return;  // by another process
    const auto unused = FileLock::if_free(folder, FileLock::Mode::exclusive);
    if (!unused)
        throw Error(fmt::format("kernel '{}' is in use by another klp command", name))
            .hint("try again once that has ended");
    discard_kernel_folder(name);
}

}  // namespace klp::kernel
