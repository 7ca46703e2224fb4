// SPDX-License-Identifier: GPL-2.0-or-later
// What is read off a tree for the include index.
//
// A computed include (`#include MACRO`) names a file by words of its own, of the definitions of macros that are
// involved, and of what options of the compiler define. Whoever includes a file that
// way has its words from files on its way.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "source/includes.hpp"

namespace klp::source {

// `#define NAME…` of a file, with what continues the line.
struct MacroDefinition {
    std::string_view name;
    std::string text;  // behind the name
};
// Only those whose name is `wanted`.
[[nodiscard]] std::vector<MacroDefinition> find_definitions(std::string_view source,
                                                            const std::set<std::string, std::less<>>& wanted);

// Header names and macros in the options that a Makefile gives to the compiler.
struct MakefileOptions {
    std::vector<std::string> included;  // `-include NAME`, without variables before it: "include/linux/kconfig.h"
    std::vector<MacroDefinition> definitions;  // `-DNAME=TEXT`, of those that are wanted
};
[[nodiscard]] MakefileOptions find_options(std::string_view makefile, const std::set<std::string, std::less<>>& wanted);

// Definitions of all files whose name is `wanted`: called with each definition and the path of its file.
using DefinitionSink = std::function<void(const std::string& path, const MacroDefinition& definition)>;
using DefinitionSource = std::function<void(const std::set<std::string, std::less<>>& wanted, const DefinitionSink&)>;

// A path ends with what an include line says, at a folder's border; `..` before it may lead anywhere.
[[nodiscard]] bool ends_with_path(std::string_view path, std::string_view include);

// Whether a header's definitions for <trace/define_trace.h> give its own name, which that file then includes once more
// (include/trace/define_trace.h: TRACE_INCLUDE). Whoever has them has the header, so that they lead to nothing else.
[[nodiscard]] bool names_itself(std::string_view path, std::string_view text);
// What names_itself() looks at.
[[nodiscard]] bool is_trace_name(std::string_view macro);

// Fills in `parts` of each file. `expressions`: the computed includes, by file.
void add_parts(IncludeIndex::Files& files, const std::map<std::string, std::vector<std::string>>& expressions,
               const DefinitionSource& definitions);

}  // namespace klp::source
