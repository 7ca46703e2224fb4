// SPDX-License-Identifier: GPL-2.0-or-later
#include "pipeline/source_lines.hpp"

#include <string_view>
#include <utility>

#include "pipeline/stages.hpp"

namespace klp::pipeline {
namespace {

bool is_within(const std::string& path, const std::string& folder) {
    return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

// As paths in the tree are written, whichever side the compiler was asked for.
std::string name_in_tree(const std::string& named, const source::DebugObject& debug, const source::SourceTree& tree) {
    std::string path = (debug.directory / named).lexically_normal().string();
    for (const fs::path& root : {debug.sources, debug.directory, tree.root(), tree.object_root()}) {
        const std::string folder = root.lexically_normal().string();
        if (is_within(path, folder)) return path.substr(folder.size() + 1);
    }
    return path;
}

// Where the original's debug information was not kept, what begins with a section of its own is looked for in the
// patched object, where it has the same line unless the patch moved it.
std::optional<Location> in_patched(const Location& where) {
    constexpr std::string_view original = " (original)";
    if (!where.file.ends_with(original) || where.offset.value_or(0) != 0) return std::nullopt;
    Location other = where;
    other.file.resize(other.file.size() - original.size());
    other.file += " (patched)";
    return other;
}

}  // namespace

void SourceLines::set_units(std::vector<CompiledUnit>& units) {
    for (CompiledUnit& unit : units) {
        for (source::CompiledObject* side : {&unit.original, &unit.patched}) {
            if (!side->debug) continue;
            if (diff::DebugImage::is_in(side->debug->object))
                unread_.emplace(side->object.display_name(), std::move(*side->debug));
            side->debug.reset();
        }
    }
}

const diff::SourceMap* SourceLines::of(const std::string& display_name) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = maps_.find(display_name); found != maps_.end()) return found->second.get();
    const auto unread = unread_.find(display_name);
    if (unread == unread_.end()) return nullptr;
    const source::DebugObject& debug = unread->second;
    auto map = std::make_unique<diff::SourceMap>(
        debug.object, [&](const std::string& named) { return name_in_tree(named, debug, tree_); });
    unread_.erase(unread);
    return maps_.emplace(display_name, std::move(map)).first->second.get();
}

std::optional<diff::SourceLine> SourceLines::line_of(const Location& where) {
    if (where.file.empty() || where.section.empty()) return std::nullopt;
    if (const diff::SourceMap* source = of(where.file)) return source->about(where);
    const auto other = in_patched(where);
    const diff::SourceMap* source = other ? of(other->file) : nullptr;
    return source == nullptr ? std::nullopt : source->about(*other);
}

std::vector<std::optional<diff::SourceLine>> SourceLines::lines_of(const Diagnostics& findings) {
    std::vector<std::optional<diff::SourceLine>> lines;
    for (const Finding& each : findings.findings()) lines.push_back(line_of(each.where));
    return lines;
}

}  // namespace klp::pipeline
