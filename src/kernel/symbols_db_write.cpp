// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>

#include "base/compress.hpp"
#include "base/json.hpp"
#include "base/parallel.hpp"
#include "kernel/module.hpp"
#include "kernel/symbols_db.hpp"

namespace klp::kernel {

namespace {

struct Frame {
    std::string name;
    std::vector<std::string> depends;
    std::uint64_t symbols = 0;
    std::vector<std::byte> bytes;
};

// address, type, name; then of modules the section and '-' or 'i' for init, of vmlinux the source file.
std::string text_of(const SymbolTable& table, const std::vector<std::string>& files) {
    std::string text;
    auto out = std::back_inserter(text);
    const bool is_module = table.object() != "vmlinux";
    for (std::size_t i = 0; i < table.symbols().size(); ++i) {
        const KernelSymbol& symbol = table.symbols()[i];
        fmt::format_to(out, "{:x}\t{}\t{}", symbol.address, symbol.type, symbol.name);
        if (is_module) {
            const std::string_view section = symbol.section == nullptr ? std::string_view() : symbol.section->name;
            fmt::format_to(out, "\t{}\t{}", section, symbol.init_only ? 'i' : '-');
        } else if (i < files.size() && !files[i].empty()) {
            fmt::format_to(out, "\t{}", files[i]);
        }
        text += '\n';
    }
    return text;
}

// Tabs and line ends separate fields.
void check_names(const SymbolTable& table) {
    const auto bad = [](std::string_view name) { return name.find_first_of("\t\n") != std::string_view::npos; };
    for (const KernelSymbol& symbol : table.symbols())
        if (bad(symbol.name) || (symbol.section != nullptr && bad(symbol.section->name)))
            throw Error({table.object(), {}, {}}, "the name of a symbol or its section has a tab or line end");
}

Frame frame_of(const SymbolTable& table, const std::vector<std::string>& files, std::vector<std::string> depends) {
    check_names(table);
    return {table.object(), std::move(depends), table.symbols().size(), compress_zstd(as_bytes(text_of(table, files)))};
}

Frame frame_of_vmlinux(const Kernel& kernel) {
    const auto source = symbols_of(kernel);
    std::vector<std::string> files;
    for (std::size_t i = 0; i < source->vmlinux().symbols().size(); ++i) files.emplace_back(source->source_file(i));
    return frame_of(source->vmlinux(), files, {});
}

Json index_of(const Kernel& kernel, const std::vector<Frame>& frames, std::uint64_t exports_size) {
    Json config = Json::object();
    for (const std::string_view option : recorded_options())
        if (const auto value = kernel.config().value(option)) config[std::string(option)] = *value;
    Json objects = Json::array();
    std::uint64_t offset = 0;
    for (const Frame& frame : frames) {
        objects.push_back({{"name", frame.name},
                           {"offset", offset},
                           {"size", frame.bytes.size()},
                           {"symbols", frame.symbols},
                           {"depends", frame.depends}});
        offset += frame.bytes.size();
    }
    return {{"release", kernel.manifest().release},
            {"arch", kernel.manifest().arch},
            {"config", std::move(config)},
            {"objects", std::move(objects)},
            {"exports", {{"offset", offset}, {"size", exports_size}}}};
}

void append(std::vector<std::byte>& bytes, Bytes more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
}

}  // namespace

std::vector<fs::path> module_paths(const Kernel& kernel) {
    std::vector<fs::path> paths;
    const ModuleFiles files = ModuleFiles::read(kernel.manifest().modules);
    for (const auto& [name, path] : files.paths()) paths.push_back(path);
    return paths;
}

std::vector<std::byte> make_symbols_db(const SymbolsDbInput& input) {
    const bool all = input.kernel.config().enabled("CONFIG_KALLSYMS_ALL");
    std::vector<Frame> frames(input.modules.size() + 1);
    frames[0] = frame_of_vmlinux(input.kernel);
    parallel_for(input.modules.size(), 0, [&](std::size_t i) {
        const Module module = load_module(input.modules[i], all);
        frames[i + 1] = frame_of(module.symbols, {}, depends_of(module));
    });
    std::ranges::sort(frames.begin() + 1, frames.end(), {}, &Frame::name);
    const auto twice = std::ranges::adjacent_find(frames, {}, &Frame::name);
    if (twice != frames.end()) throw Error(fmt::format("two modules are named '{}'", twice->name));

    const MappedFile symvers(input.kernel.manifest().symvers);
    const std::vector<std::byte> exports = compress_zstd(symvers.bytes());
    const std::vector<std::byte> index = compress_zstd(as_bytes(index_of(input.kernel, frames, exports.size()).dump()));
    std::vector<std::byte> bytes(16);
    std::ranges::copy(as_bytes(symbols_db_magic), bytes.begin());
    store<std::uint32_t>(MutableBytes(bytes).subspan(8), symbols_db_version, ByteOrder::little);
    store<std::uint32_t>(MutableBytes(bytes).subspan(12), static_cast<std::uint32_t>(index.size()), ByteOrder::little);
    append(bytes, index);
    for (const Frame& frame : frames) append(bytes, frame.bytes);
    append(bytes, exports);
    return bytes;
}

}  // namespace klp::kernel
