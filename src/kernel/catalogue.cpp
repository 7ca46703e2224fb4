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

}  // namespace

std::vector<Manifest> list_kernels() {
    std::vector<Manifest> kernels;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(kernels_folder(), none)) {
        if (!entry.is_directory() || entry.path().filename().string().starts_with('.')) continue;
        if (auto manifest = load_manifest(entry.path().filename().string())) kernels.push_back(std::move(*manifest));
    }
    std::sort(kernels.begin(), kernels.end(),
              [](const Manifest& a, const Manifest& b) { return version_less(a.name, b.name); });
    return kernels;
}

Manifest find_kernel(std::string_view name) {
    if (auto manifest = load_manifest(name)) return std::move(*manifest);
    const auto kernels = list_kernels();
    Error error(kernels.empty() ? fmt::format("no kernel '{}': the catalogue is empty", name)
                                : fmt::format("no kernel '{}': the catalogue has {}", name, names_of(kernels)));
    throw std::move(error).hint(fmt::format("klp kernel fetch {}", name));
}

Manifest default_kernel() {
    auto kernels = list_kernels();
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
    if (!fs::exists(folder)) (void)find_kernel(name);
    const FileLock lock = lock_kernel(name);
    std::error_code failure;
    fs::remove(folder / "kernel.json", failure);  // first, so that no half kernel is ever listed
    if (!failure) fs::remove_all(folder, failure);
    if (failure) throw Error({folder.string(), "", {}}, "cannot be removed: " + errno_text(failure.value()));
}

}  // namespace klp::kernel
