// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kallsyms.hpp"

#include <elf.h>
#include <fmt/format.h>

#include "base/align.hpp"

namespace klp::loader {

namespace {

class Counter {
public:
    explicit Counter(std::uint64_t sympos) : sympos_(sympos) {}
    // kernel/livepatch/core.c:klp_match_callback; true ends the search.
    bool add(std::uint64_t address) {
        match.address = address;
        ++match.count;
        return sympos_ != 0 ? match.count == sympos_ : match.count > 1;
    }
    Match match;

private:
    std::uint64_t sympos_;
};

// Whether the module's kallsyms have the symbol: all of them while it is loading, then those that are kept. A
// livepatch keeps them all.
bool is_listed(const Module& module, std::uint32_t index, const Features& features) {
    if (module.image.symbols[index].section_index == SHN_UNDEF) return false;
    return !module.init_freed || module.is_livepatch || is_core_symbol(module, index, features);
}

// kernel/module/kallsyms.c:is_arm_mapping_symbol, and what later kernels have in its place (is_mapping_symbol).
bool is_mapping_symbol(std::string_view name) {
    if (name.starts_with(".L")) return true;
    const bool has_letter = name.size() >= 2 && name[0] == '$' && std::string_view("axtd").find(name[1]) != name.npos;
    return has_letter && (name.size() == 2 || name[2] == '.');
}

struct Found {
    std::uint32_t symbol = 0;
    SymbolExtent extent;
};

// Where the memory ends that has the address: the text of the core or the init layout, or one area (since 6.4).
std::uint64_t end_of_memory(const Module& module, std::size_t block, const Features& features) {
    const MemoryBlock& memory = module.layout.blocks[block];
    if (features.separate_memories) return module.block_addresses[block] + memory.size;
    std::uint64_t end = module.block_addresses[block];
    for (std::uint32_t i = 0; i < module.layout.places.size(); ++i) {
        const auto& place = module.layout.places[i];
        const bool is_text =
            place && place->block == block && (place->area == Area::text || place->area == Area::init_text);
        if (is_text) end = std::max(end, module.image.sections[i].address + module.image.sections[i].size);
    }
    return align_up(end, features.strict_module_rwx ? features.page_bytes : 1);
}

std::optional<std::size_t> block_with(const Module& module, std::uint64_t address) {
    for (std::size_t i = 0; i < module.layout.blocks.size(); ++i) {
        const MemoryBlock& block = module.layout.blocks[i];
        if (block.init && module.init_freed) continue;
        if (address >= module.block_addresses[i] && address - module.block_addresses[i] < block.size) return i;
    }
    return std::nullopt;
}

// Without CONFIG_KALLSYMS_ALL, kernels that keep memories apart look for symbols in those of code alone.
bool has_symbols(std::size_t block, const Features& features) {
    const auto area = static_cast<Area>(block);
    return !features.separate_memories || features.kallsyms_all || area == Area::text || area == Area::init_text;
}

// kernel/module/kallsyms.c:find_kallsyms_symbol
std::optional<Found> find_symbol_at(const Module& module, std::size_t block, std::uint64_t address,
                                    const Features& features) {
    if (!has_symbols(block, features)) return std::nullopt;
    std::uint64_t next = end_of_memory(module, block, features);
    std::uint64_t best_value = features.kallsyms_within_memory ? module.block_addresses[block] - 1 : 0;
    std::uint32_t best = 0;
    for (std::uint32_t i = 1; i < module.image.symbols.size(); ++i) {
        const arch::ImageSymbol& symbol = module.image.symbols[i];
        if (symbol.name.empty() || is_mapping_symbol(symbol.name) || !is_listed(module, i, features)) continue;
        if (symbol.value <= address && symbol.value > best_value) {
            best = i;
            best_value = symbol.value;
        }
        if (symbol.value > address && symbol.value < next) next = symbol.value;
    }
    if (best == 0) return std::nullopt;
    return Found{best, {address - best_value, next - best_value}};
}

// is_kernel(); where the image does not say where it ends, what lies between its first and last symbol.
bool is_in_vmlinux(const System& system, std::uint64_t address) {
    const auto start = system.kernel.symbols().linked_address("_stext");
    const auto end = system.kernel.symbols().linked_address("_end");
    if (start && end) return address >= *start && address < *end;
    return !system.kernel.symbols().at(address).empty();
}

// kernel/kallsyms.c:get_symbol_pos
std::optional<SymbolExtent> extent_in_vmlinux(const System& system, std::uint64_t address) {
    const kernel::SymbolTable& symbols = system.kernel.symbols();
    if (symbols.at(address).empty()) return std::nullopt;  // none asks for anything but the start of a symbol
    std::uint64_t next = symbols.next_address(address);
    if (next == UINT64_MAX) next = symbols.linked_address("_end").value_or(address);
    return SymbolExtent{0, next - address};
}

}  // namespace

bool is_core_symbol(const Module& module, std::uint32_t symbol, const Features& features) {
    const SymbolEntry& entry = module.symbols.at(symbol);
    const std::uint16_t index = module.image.symbols.at(symbol).section_index;
    if (index == SHN_UNDEF || index >= module.image.sections.size() || entry.name == 0) return false;
    if (features.kallsyms_all && index == module.index.percpu && module.index.percpu != 0) return true;
    const arch::ImageSection& section = module.image.sections[index];
    if ((section.flags & SHF_ALLOC) == 0 || is_init_section(section.name, features)) return false;
    return features.kallsyms_all || (section.flags & SHF_EXECINSTR) != 0;
}

Match match_symbols(const System& system, std::string_view object, std::string_view name, std::uint64_t sympos) {
    Counter counter(sympos);
    if (object.empty()) {
        const auto& symbols = system.kernel.symbols();
        for (const std::size_t index : symbols.find(name)) {
            if (counter.add(symbols.symbols()[index].address)) break;
        }
        return counter.match;
    }
    const Module* module = system.find_module(object);
    if (module == nullptr) return counter.match;
    for (std::uint32_t i = 0; i < module->image.symbols.size(); ++i) {
        const arch::ImageSymbol& symbol = module->image.symbols[i];
        if (symbol.name == name && is_listed(*module, i, system.features) && counter.add(symbol.value)) break;
    }
    return counter.match;
}

std::optional<SymbolExtent> lookup_size_offset(const System& system, std::uint64_t address) {
    if (is_in_vmlinux(system, address)) return extent_in_vmlinux(system, address);
    for (const auto& module : system.modules) {
        if (module->state == LoadState::unformed) continue;
        const auto block = block_with(*module, address);
        if (!block) continue;
        const auto found = find_symbol_at(*module, *block, address, system.features);
        return found ? std::optional(found->extent) : std::nullopt;
    }
    return std::nullopt;
}

std::string symbolize(const Module& module, std::uint64_t address, const Features& features) {
    const auto block = module.state == LoadState::unformed ? std::nullopt : block_with(module, address);
    const auto found = block ? find_symbol_at(module, *block, address, features) : std::nullopt;
    if (!found) return fmt::format("0x{:x}", address);
    return fmt::format("{}+0x{:x}/0x{:x} [{}]", module.image.symbols[found->symbol].name, found->extent.offset,
                       found->extent.size, module.name);
}

std::optional<arch::ImageSymbol> symbol_behind_kept(const Module& module, std::uint32_t index) {
    std::string names;
    for (const arch::ImageSymbol& each : module.image.symbols) names.append(each.name.c_str(), each.name.size() + 1);
    const std::uint64_t at = (std::uint64_t{index} - module.image.symbols.size()) * symbol_entry_size;
    if (at >= names.size() || names.size() - at < symbol_entry_size) return std::nullopt;
    Cursor in(as_bytes(names).subspan(at), module.image.order, {module.name, {}, {}});
    const std::uint32_t name = in.u32();
    if (name >= names.size()) return std::nullopt;
    in.skip(1);  // st_info
    arch::ImageSymbol symbol;
    symbol.name = names.c_str() + name;
    symbol.other = in.u8();
    symbol.section_index = in.u16();
    symbol.value = in.u64();
    return symbol;
}

}  // namespace klp::loader
