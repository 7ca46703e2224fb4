// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/featureset.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "packages/apply_patch.hpp"
#include "packages/unpack.hpp"

namespace klp::packages {

namespace {

constexpr std::string_view headers_prefix = "linux-headers-";
constexpr std::string_view common_marker = "-common-";

// Of a line of `series` (quilt(1)) the name; empty for comments. Options, which would be behind it, are not met.
std::string_view patch_of_line(std::string_view line, const Location& where) {
    line = trimmed(line.substr(0, line.find('#')));
    if (line.find_first_of(" \t") != std::string_view::npos)
        throw Error(where, fmt::format("'{}': expected the name of a patch alone", line));
    return line;
}

}  // namespace

std::string featureset_of(std::string_view depends) {
    for (const std::string_view part : split(depends, ',')) {
        std::string_view name = trimmed(part);
        name = name.substr(0, name.find_first_of(" (|:"));
        const std::size_t marker = name.find(common_marker);
        if (name.starts_with(headers_prefix) && marker != std::string_view::npos)
            return std::string(name.substr(marker + common_marker.size()));
    }
    return {};
}

void apply_featureset(const fs::path& packaging, std::string_view featureset, const fs::path& source,
                      const fs::path& scratch) {
    check_patch_program();
    const MappedFile file(packaging);
    const Location where{packaging.filename().string(), "", {}};
    const std::string prefix = fmt::format("debian/patches-{}/", featureset);
    const fs::path folder = scratch / fmt::format("patches-{}", featureset);
    fs::create_directories(folder);
    ArchiveReader archive(file.bytes(), where);
    unpack(archive, folder, where, {.wanted = [&](std::string_view path) { return path.starts_with(prefix); }});
    const fs::path patches = folder / prefix;
    if (!fs::is_regular_file(patches / "series"))
        throw Error(where, fmt::format("it has no {}series: no patches of '{}'", prefix, featureset));
    for (const std::string series = read_text(patches / "series"); const std::string_view line : lines_of(series)) {
        const std::string_view name = patch_of_line(line, {where.file, prefix + "series", {}});
        if (name.empty()) continue;
        const std::string failure = apply_patch(text_of_patch(patches / name), source, {.exact = true});
        if (!failure.empty())
            throw Error(where, fmt::format("{}{} does not apply to the source: {}", prefix, name, failure));
    }
}

}  // namespace klp::packages
