// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/apply_patch.hpp"

#include <fmt/format.h>

#include "base/decompress.hpp"
#include "base/error.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

namespace klp::packages {

void check_patch_program() {
    if (!find_program("patch")) throw Error("no program 'patch' here").hint("apt-get install patch");
}

std::string text_of_patch(const fs::path& path) {
    const MappedFile file(path);
    const Compression compression = detect_compression(file.bytes());
    if (compression == Compression::none) return std::string(as_text(file.bytes()));
    const auto content = decompress(compression, file.bytes(), {path.filename().string(), "", {}});
    return std::string(as_text(content));
}

std::string apply_patch(const std::string& text, const fs::path& folder, const PatchOptions& options) {
    std::vector<std::string> argv{"patch",    fmt::format("-p{}", options.strip), "--unified", "--force",
                                  "--silent", "--no-backup-if-mismatch"};
    if (options.reverse) argv.emplace_back("--reverse");
    if (options.exact) argv.emplace_back("--fuzz=0");
    const CommandResult result = run({.argv = std::move(argv), .directory = folder, .input = text});
    if (result.status == 0) return {};
    const std::string_view output = trimmed(result.output.empty() ? result.errors : result.output);
    return output.empty() ? fmt::format("patch ended with status {}", result.status) : std::string(output);
}

}  // namespace klp::packages
