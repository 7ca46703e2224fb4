// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/classify.hpp"

#include <algorithm>
#include <array>

namespace klp::source {
namespace {

std::string_view name_of(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

template <std::size_t N>
bool ends_with_any(std::string_view path, const std::array<std::string_view, N>& endings) {
    return std::ranges::any_of(endings, [&](std::string_view ending) { return path.ends_with(ending); });
}

constexpr FileClass documentation = {FileKind::ignored, "", "documentation is no part of the running kernel"};
constexpr FileClass text_file = {FileKind::text, "", "documentation is no part of the running kernel"};
constexpr FileClass tooling = {FileKind::ignored, "", "tools are no part of the running kernel"};
constexpr FileClass configuration_file = {
    FileKind::skipped, "build.build-system",
    "it describes configurations; a livepatch is made for the one that the running kernel was built with"};
constexpr FileClass objtool = {FileKind::skipped, "build.build-system",
                               "objtool works when a kernel is built; a livepatch is made with the one that was used"};
constexpr FileClass source_input = {FileKind::refused, "build.source-input",
                                    "a Makefile makes source code or data of the kernel from it"};
constexpr FileClass build_system = {
    FileKind::refused, "build.build-system",
    "it decides how the kernel is built; a livepatch replaces functions of the kernel as it was built"};
constexpr FileClass vdso = {
    FileKind::refused, "build.vdso",
    "the vDSO runs in user space, mapped into every process; a livepatch replaces kernel functions only"};
constexpr FileClass boot = {
    FileKind::refused, "build.boot",
    "this code runs before the kernel does, outside of its image; there is no function left to replace"};
constexpr FileClass assembly = {FileKind::refused, "build.assembly",
                                "assembly has no function boundaries that a livepatch could rely on"};

// `/NAME/` anywhere in the path.
bool has_folder(std::string_view path, std::string_view name) {
    for (std::size_t at = path.find(name); at != std::string_view::npos; at = path.find(name, at + 1)) {
        const bool begins = at == 0 || path[at - 1] == '/';
        if (begins && at + name.size() < path.size() && path[at + name.size()] == '/') return true;
    }
    return false;
}

// lib/fdt*.c are wrappers of these.
bool is_libfdt(std::string_view path) {
    return path.starts_with("scripts/dtc/libfdt/");
}

bool is_configuration(std::string_view path) {
    static constexpr std::array<std::string_view, 2> endings = {".config", "defconfig"};
    return name_of(path).starts_with("Kconfig") || ends_with_any(path, endings);
}

bool is_build_file(std::string_view path) {
    static constexpr std::array<std::string_view, 3> endings = {".lds", ".lds.S", ".mk"};
    const std::string_view name = name_of(path);
    return name.starts_with("Makefile") || name.starts_with("Kbuild") ||
           (path.starts_with("scripts/") && !is_libfdt(path)) || ends_with_any(path, endings);
}

// What generators read: grammars, tables, key maps, device trees, files that are copied under another name.
bool is_source_input(std::string_view path) {
    static constexpr std::array<std::string_view, 12> endings = {".tbl",  ".asn1", ".pl", ".awk",     ".map", ".dts",
                                                                 ".dtsi", ".dtso", ".uc", "_shipped", ".l",   ".y"};
    return ends_with_any(path, endings);
}

bool is_documentation(std::string_view path) {
    return path.starts_with("Documentation/") || path.starts_with("LICENSES/") || path == "MAINTAINERS" ||
           path == "CREDITS" || path == "COPYING" || name_of(path).starts_with(".");
}

bool is_text(std::string_view path) {
    static constexpr std::array<std::string_view, 3> endings = {".rst", ".txt", ".md"};
    return name_of(path).starts_with("README") || ends_with_any(path, endings);
}

bool is_vdso(std::string_view path) {
    return has_folder(path, "vdso") || has_folder(path, "vdso32") || has_folder(path, "vdso64");
}

// arch/ARCH/boot, the real-mode trampoline, kexec's purgatory, the EFI stub.
bool is_boot(std::string_view path) {
    if (path.starts_with("drivers/firmware/efi/libstub/")) return true;
    return path.starts_with("arch/") &&
           (has_folder(path, "boot") || has_folder(path, "realmode") || has_folder(path, "purgatory"));
}

}  // namespace

FileClass classify(std::string_view path) {
    static constexpr std::array<std::string_view, 2> code_assembly = {".S", ".asm"};
    static constexpr std::array<std::string_view, 4> headers = {".h", ".inc", ".def", ".lut"};
    if (is_documentation(path)) return documentation;
    if (path.starts_with("tools/objtool/")) return objtool;
    if (path.starts_with("tools/") || path.starts_with("usr/")) return tooling;
    if (is_configuration(path)) return configuration_file;
    if (is_build_file(path)) return build_system;
    if (is_text(path)) return text_file;
    if (is_source_input(path)) return source_input;
    const bool is_header = ends_with_any(path, headers);
    if (is_vdso(path) && !is_header) return vdso;
    if (is_boot(path)) return boot;
    if (ends_with_any(path, code_assembly)) return assembly;
    if (path.ends_with(".c")) return {FileKind::c_source, "", ""};
    if (is_header) return {FileKind::header, "", ""};
    return {FileKind::refused, "build.file-kind",
            "it is neither a C source nor a header, so its effect on the kernel is not known"};
}

}  // namespace klp::source
