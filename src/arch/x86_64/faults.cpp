// SPDX-License-Identifier: GPL-2.0-or-later
// What x86-64 kernels stumble over in the tables of a module, in the order of load_module(): module_finalize()
// (arch/x86/kernel/module.c), ftrace_module_init(), the notifiers of jump labels and static calls.
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <map>
#include <set>

#include "arch/code_faults.hpp"
#include "arch/ftrace_sites.hpp"
#include "arch/x86_64/features.hpp"
#include "arch/x86_64/x86_64.hpp"

namespace klp::arch::x86_64 {

namespace {

bool is_text(Bytes code, std::initializer_list<unsigned> text) {
    return code.size() >= text.size() && std::ranges::equal(code.first(text.size()), text, {}, [](std::byte each) {
               return std::to_integer<unsigned>(each);
           });
}

std::uint64_t relative32(const ImageSection& table, std::uint64_t at) {
    const auto offset = static_cast<std::int32_t>(load<std::uint32_t>(table.memory.subspan(at), ByteOrder::little));
    return table.address + at + static_cast<std::uint64_t>(std::int64_t{offset});
}

class Faults {
public:
    explicit Faults(const FaultFinder& finder) : finder_(finder), module_(finder.module) {}

    void run() const {
        not_loaded();
        paravirt();
        const auto& features = features_as<Features>(module_.features);
        if (features.applies_retpolines)
            sites(".retpoline_sites", branch, "arch/x86/kernel/alternative.c:apply_retpolines()");
        if (features.applies_returns) sites(".return_sites", branch, "arch/x86/kernel/alternative.c:apply_returns()");
        alternatives();
        seals();
        orc();
        ftrace();
        finder_.jump_labels();
        static_calls();
    }

private:
    static constexpr std::uint64_t branch = 5, endbr = 4, site_size = 8;  // bytes
    static constexpr std::uint64_t orc_ip_size = 4, orc_size = 6;
    static constexpr unsigned longest_patch = 254;  // MAX_PATCH_LEN
    static constexpr std::uint16_t alt_flag_direct_call = 2;
    static constexpr std::byte call{0xe8}, jump{0xe9}, ret{0xc3}, two_bytes{0x0f};

    // module_finalize() looks for names alone, and takes the loader's own copy of the file for the section where that
    // is not loaded: nothing in it is relocated, and the copy goes.
    void not_loaded() const {
        static constexpr std::array<std::string_view, 7> names = {
            ".parainstructions", ".retpoline_sites", ".return_sites", ".altinstructions",
            ".ibt_endbr_seal",   ".orc_unwind_ip",   ".orc_unwind"};
        for (const ImageSection& each : module_.image.sections) {
            const bool is_read = std::ranges::find(names, each.name) != names.end();
            if (is_read && each.memory.empty() && each.size != 0)
                finder_.fault(each, 0,
                              "arch/x86/kernel/module.c:module_finalize() would use the section, which is not loaded "
                              "and not relocated");
        }
    }

    // struct paravirt_patch_site
    void paravirt() const {
        constexpr std::string_view function = "arch/x86/kernel/alternative.c:apply_paravirt()";
        constexpr std::uint64_t entry_size = 16, length_field = 9;
        const ImageSection* table = module_.last_section(".parainstructions");
        if (table == nullptr) return;
        for (std::uint64_t at = 0; at + length_field < table->memory.size(); at += entry_size) {
            const auto length = std::to_integer<unsigned>(table->memory[at + length_field]);
            if (length > longest_patch)
                finder_.fault(*table, at, fmt::format("BUG() in {}: {} bytes are too long", function, length));
            const auto code = load<std::uint64_t>(table->memory.subspan(at), ByteOrder::little);
            if (length != 0) (void)finder_.code_at(*table, at, code, length, function);
        }
    }

    void sites(std::string_view name, std::uint64_t size, std::string_view function) const {
        const ImageSection* table = module_.last_section(name);
        if (table == nullptr) return;
        for (std::uint64_t at = 0; at + 4 <= table->memory.size(); at += 4)
            (void)finder_.code_at(*table, at, relative32(*table, at), size, function);
    }

    // struct alt_instr: 12 bytes, 13 with padlen, 14 with flags.
    void alternatives() const {
        const ImageSection* table = module_.last_section(".altinstructions");
        if (table == nullptr) return;
        const std::uint64_t size = alternative_size(module_, *table);
        if (table->memory.size() % size != 0)
            finder_.fault(*table, table->memory.size() / size * size,
                          "arch/x86/kernel/alternative.c:apply_alternatives() would read the rest of an entry behind "
                          "the section");
        std::map<std::uint64_t, unsigned> longest;
        for (std::uint64_t at = 0; at < table->memory.size(); at += size) {
            auto& length = longest[relative32(*table, at)];
            length = std::max(length, length_of(*table, at, size));
        }
        for (std::uint64_t at = 0; at < table->memory.size(); at += size)
            alternative(*table, at, size, longest.at(relative32(*table, at)));
    }
    static unsigned length_of(const ImageSection& table, std::uint64_t at, std::uint64_t size) {
        return std::to_integer<unsigned>(table.memory[at + (size == 14 ? 12 : 10)]);
    }
    // `longest`: of all that are for the same place; kernels from 6.9 on give the inner ones of nested alternatives
    // lengths of their own.
    void alternative(const ImageSection& table, std::uint64_t at, std::uint64_t size, unsigned longest) const {
        constexpr std::string_view function = "arch/x86/kernel/alternative.c:apply_alternatives()";
        const MutableBytes entry = table.memory.subspan(at, size);
        const unsigned length = length_of(table, at, size);
        const auto replacement = std::to_integer<unsigned>(entry[size == 14 ? 13 : 11]);
        const auto features = features_as<Features>(module_.features).cpu_features;
        const auto word = load<std::uint16_t>(entry.subspan(8), ByteOrder::little);
        const unsigned feature = size == 14 ? word : word & 0x7fffU;
        if (length > longest_patch)
            finder_.fault(table, at, fmt::format("BUG() in {}: {} bytes are too long", function, length));
        if (features && feature >= *features)
            finder_.fault(table, at,
                          fmt::format("BUG() in {}: feature {} of the processor, of {}", function, feature, *features));
        if (replacement > longest)
            finder_.fault(table, at,
                          fmt::format("{} would put {} bytes in place of {}: over what lies behind, or not all of them",
                                      function, replacement, longest));
        const std::uint64_t code = relative32(table, at);
        if (length != 0) (void)finder_.code_at(table, at, code, length, function);
        const ImageSection* section = module_.section_at(code);
        const std::uint64_t kind = section == nullptr ? 0 : section->flags & (SHF_WRITE | SHF_EXECINSTR);
        if (kind == SHF_WRITE)
            finder_.fault(table, at,
                          fmt::format("{} would write code over {}, which is none", function, section->name));
        const std::uint64_t new_code = relative32(table, at + 4);
        if (replacement != 0) (void)finder_.code_at(table, at, new_code, replacement, function);
        if (size == 14 && (load<std::uint16_t>(entry.subspan(10), ByteOrder::little) & alt_flag_direct_call) != 0)
            direct_call(table, at, code, length, new_code, replacement);
    }
    void direct_call(const ImageSection& table, std::uint64_t at, std::uint64_t code, unsigned length,
                     std::uint64_t new_code, unsigned replacement) const {
        const auto opcode = module_.value_at<std::uint8_t>(new_code);
        const bool is_call = replacement == branch && opcode == std::to_integer<std::uint8_t>(call);
        const auto old_code = module_.bytes_at(code, 6);
        if (!is_call || length != 6 || !old_code || !is_text(*old_code, {0xff, 0x15}))
            finder_.fault(table, at,
                          "BUG() in arch/x86/kernel/alternative.c:alt_replace_call(): the flag ALT_FLAG_DIRECT_CALL is "
                          "for a direct call in place of an indirect one");
    }

    void seals() const {
        constexpr std::string_view function = "arch/x86/kernel/alternative.c:apply_seal_endbr()";
        const ImageSection* table = module_.last_section(".ibt_endbr_seal");
        if (table == nullptr || !features_as<Features>(module_.features).seals_endbr) return;
        for (std::uint64_t at = 0; at + 4 <= table->memory.size(); at += 4) {
            const std::uint64_t address = relative32(*table, at);
            const Bytes code = finder_.code_at(*table, at, address, endbr, function);
            if (!is_text(code, {0xf3, 0x0f, 0x1e}))
                finder_.fault(*table, at, fmt::format("WARN() in {}: no endbr64 at {:#x}", function, address));
        }
    }

    void orc() const {
        const ImageSection* places = module_.last_section(".orc_unwind_ip");
        const ImageSection* entries = module_.last_section(".orc_unwind");
        if (places == nullptr || entries == nullptr) return;
        const std::uint64_t count = places->memory.size() / orc_ip_size;
        if (places->memory.size() % orc_ip_size == 0 && entries->memory.size() == count * orc_size) return;
        finder_.fault(*places, 0,
                      fmt::format("WARN() in arch/x86/kernel/unwind_orc.c:unwind_module_init(): {} bytes of places and "
                                  "{} of entries are not as many of each",
                                  places->memory.size(), entries->memory.size()));
    }

    // kernel/trace/ftrace.c:ftrace_update_code(), arch/x86/kernel/ftrace.c:ftrace_make_nop(): each has to be a call of
    // __fentry__, which it is no more when it has been made a nop. Kernels whose compiler leaves nops do not look
    // (CC_USING_NOP_MCOUNT).
    void ftrace() const {
        const ImageSection* table = module_.section("__mcount_loc");
        if (table == nullptr || !module_.features.dynamic_ftrace) return;
        const auto fentry = std::ranges::find(module_.image.symbols, "__fentry__", &ImageSymbol::name);
        if (fentry == module_.image.symbols.end()) return;
        const bool is_kernels = fentry->section_index == SHN_UNDEF;
        const auto replaced = replaced_code();
        std::set<std::uint64_t> seen;
        for (std::uint64_t at = 0; at + ftrace_entry_size <= table->memory.size(); at += ftrace_entry_size) {
            const auto site = load<std::uint64_t>(table->memory.subspan(at), ByteOrder::little);
            if (site == 0) continue;
            const auto code = module_.bytes_at(site, branch);
            const std::string_view why = !code                         ? "that is in no section of the module"
                                         : is_replaced(replaced, site) ? "that an alternative is put over"
                                         : !is_kernels || !is_call(site, *code, fentry->value)
                                             ? "where no call of __fentry__ is"
                                         : !seen.insert(site).second ? "that is listed twice"
                                                                     : "";
            if (why.empty()) continue;
            finder_.fault(*table, at,
                          fmt::format("kernel/trace/ftrace.c:ftrace_bug() for the site {:#x}, {}: ftrace, and with it "
                                      "livepatching, is dead until the next boot",
                                      site, why));
        }
    }
    // The code that alternatives are put over: ends by beginnings. What touches is one.
    [[nodiscard]] std::map<std::uint64_t, std::uint64_t> replaced_code() const {
        std::map<std::uint64_t, std::uint64_t> ranges;
        const ImageSection* table = module_.last_section(".altinstructions");
        if (table == nullptr) return ranges;
        const std::uint64_t size = alternative_size(module_, *table);
        for (std::uint64_t at = 0; at + size <= table->memory.size(); at += size) {
            std::uint64_t begin = relative32(*table, at);
            std::uint64_t end = begin + length_of(*table, at, size);
            if (end <= begin) continue;
            auto next = ranges.upper_bound(end);
            while (next != ranges.begin() && std::prev(next)->second >= begin) {
                --next;
                begin = std::min(begin, next->first);
                end = std::max(end, next->second);
                next = ranges.erase(next);
            }
            ranges.emplace(begin, end);
        }
        return ranges;
    }
    static bool is_replaced(const std::map<std::uint64_t, std::uint64_t>& ranges, std::uint64_t site) {
        const auto next = ranges.lower_bound(site + branch);
        return next != ranges.begin() && std::prev(next)->second > site;
    }
    static bool is_call(std::uint64_t site, Bytes code, std::uint64_t callee) {
        const auto distance = static_cast<std::int32_t>(load<std::uint32_t>(code.subspan(1), ByteOrder::little));
        return code.front() == call && site + branch + static_cast<std::uint64_t>(std::int64_t{distance}) == callee;
    }

    // struct static_call_site: s32 addr, key; kernel/static_call_inline.c:__static_call_init().
    void static_calls() const {
        const ImageSection* table = module_.section(".static_call_sites");
        if (table == nullptr || !module_.features.static_call_inline || table->memory.size() < site_size) return;
        if (table->memory.size() >= 2 * site_size)
            finder_.must_be_writable(*table, "kernel/static_call_inline.c:__static_call_init()");
        if (table->memory.size() % site_size != 0) return;
        for (std::uint64_t at = 0; at < table->memory.size(); at += site_size) static_call_key(*table, at);
        for (std::uint64_t at = 0; at < table->memory.size(); at += site_size) static_call(*table, at);
    }
    void static_call_key(const ImageSection& table, std::uint64_t at) const {
        constexpr std::string_view function = "kernel/static_call_inline.c:static_call_add_module()";
        constexpr std::uint64_t type_field = 8;
        const std::uint64_t key = relative32(table, at + 4) & ~std::uint64_t{3};
        finder_.must_be_mapped(table, at, key, function);
        const ImageSection* section = module_.section_at(key);
        if (section == nullptr) return;  // a key or a trampoline of the kernel or of another module
        // What is code is taken for the trampoline of a key that is not exported, and no module has such ones.
        if ((section->flags & SHF_EXECINSTR) != 0)
            finder_.refuse(table, at, EINVAL,
                           {"Failed to fixup __raw_static_call() usage at: " + name_of(relative32(table, at)),
                            "Failed to allocate memory for static calls"});
        if ((section->flags & SHF_WRITE) == 0)
            finder_.fault(table, at, fmt::format("{} would write to {:#x}, which is read-only", function, key));
        // struct static_call_key: a function, and the sites or 1 for none yet.
        const auto begins = [&](const ImageSymbol& symbol) {
            return symbol.value == key && symbol.section_index != SHN_UNDEF && !symbol.name.empty();
        };
        if (module_.value_at<std::uint64_t>(key + type_field).value_or(2) > 1 ||
            std::ranges::none_of(module_.image.symbols, begins))
            finder_.fault(table, at,
                          fmt::format("{} takes what is at {:#x} for a key, which it is not", function, key));
    }
    void static_call(const ImageSection& table, std::uint64_t at) const {
        constexpr std::string_view function = "arch/x86/kernel/static_call.c:__static_call_validate()";
        const std::uint64_t site = relative32(table, at);
        const bool is_tail = (relative32(table, at + 4) & 1) != 0;
        const Bytes code = finder_.code_at(table, at, site, branch, function);
        if (is_tail ? is_tail_call(code) : is_call(code)) return;
        finder_.fault(table, at,
                      fmt::format("BUG() in {}: opcode {:#x} at {:#x} is no static call", function,
                                  std::to_integer<unsigned>(code.front()), site));
    }
    static bool is_tail_call(Bytes code) {
        const bool is_jcc = code.front() == two_bytes && (code[1] & std::byte{0xf0}) == std::byte{0x80};
        return code.front() == jump || code.front() == ret || is_jcc;
    }
    // A call, or what stands for one of nothing, of a function that returns 0, that warns, or that unlocks.
    static bool is_call(Bytes code) {
        return code.front() == call || is_text(code, {0x0f, 0x1f, 0x44, 0x00, 0x00}) ||
               is_text(code, {0x2e, 0x2e, 0x2e, 0x31, 0xc0}) || is_text(code, {0x67, 0x48, 0x0f, 0xb9, 0x3a}) ||
               is_text(code, {0x3e, 0x3e, 0xc6, 0x07, 0x00});
    }
    // %ps
    [[nodiscard]] std::string name_of(std::uint64_t address) const {
        std::string name = module_.image.symbolize ? module_.image.symbolize(address) : fmt::format("{:#x}", address);
        const std::size_t distance = name.find('+');
        if (distance == std::string::npos) return name;
        return name.erase(distance, std::min(name.find(' ', distance), name.size()) - distance);
    }

    const FaultFinder& finder_;
    const RewriteCollector& module_;
};

}  // namespace

void find_faults(const FaultFinder& finder) {
    Faults(finder).run();
}

}  // namespace klp::arch::x86_64
