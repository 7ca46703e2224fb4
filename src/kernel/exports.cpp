// SPDX-License-Identifier: GPL-2.0-or-later
// Module.symvers: what the kernel and its modules export, with the CRC of each (scripts/mod/modpost.c:write_dump).
#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "kernel/kernel.hpp"

namespace klp::kernel {

namespace {

std::optional<std::uint32_t> parse_crc(std::string_view text) {
    if (!text.starts_with("0x")) return std::nullopt;
    text.remove_prefix(2);
    std::uint32_t crc = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), crc, 16);
    if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return crc;
}

// Lines name a module by its path in the build ("drivers/snd/snd-hda"); the kernel knows it by the last
// component with '_' for '-' (scripts/Makefile.lib:name-fix).
std::string_view base_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

std::string with_kernel_module_names(std::string text) {
    std::size_t line = 0;
    while (line < text.size()) {
        const std::size_t end = std::min(text.find('\n', line), text.size());
        const std::size_t symbol = text.find('\t', line);
        const std::size_t module = symbol < end ? text.find('\t', symbol + 1) : end;
        const std::size_t kind = module < end ? text.find('\t', module + 1) : end;
        const auto begin = text.begin();
        if (kind < end)
            std::replace(begin + static_cast<std::ptrdiff_t>(module), begin + static_cast<std::ptrdiff_t>(kind), '-',
                         '_');
        line = end + 1;
    }
    return text;
}

}  // namespace

Exports Exports::read(const fs::path& symvers) {
    return parse(read_text(symvers), symvers.string());
}

Exports Exports::parse(std::string text, const std::string& display_name) {
    Exports exports;
    exports.text_ = std::make_shared<const std::string>(with_kernel_module_names(std::move(text)));
    std::uint64_t offset = 0;
    for (const std::string_view line : lines_of(*exports.text_)) {
        const auto fields = split(line, '\t');
        const auto crc = parse_crc(fields[0]);
        if (!crc || fields.size() < 4 || fields[1].empty() || !fields[3].starts_with("EXPORT_SYMBOL")) {
            throw Error(
                {display_name, "", offset},
                "not a line of Module.symvers (crc, symbol, module, kind, namespace): '" + std::string(line) + "'");
        }
        exports.by_name_.try_emplace(fields[1], Export{*crc, base_name(fields[2]), fields[3].ends_with("_GPL"),
                                                       fields.size() > 4 ? fields[4] : std::string_view()});
        offset += line.size() + 1;
    }
    return exports;
}

const Export* Exports::find(std::string_view symbol) const {
    const auto found = by_name_.find(symbol);
    return found == by_name_.end() ? nullptr : &found->second;
}

}  // namespace klp::kernel
