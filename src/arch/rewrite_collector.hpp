// SPDX-License-Identifier: GPL-2.0-or-later
// Reads a module's tables from its memory and collects what they make the kernel rewrite. Inside this library.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "arch/code_rewrites.hpp"

namespace klp::arch {

// An entry of __jump_table (struct jump_entry, include/linux/jump_label.h).
struct JumpEntry {
    std::uint64_t code = 0;
    std::uint64_t target = 0;
    std::uint64_t key = 0;
    bool branches_when_false = false;  // jump_entry_is_branch()
    std::uint64_t position = 0;        // in the table, before it was sorted
};

// What the code of an entry is once the module is loaded. Only keys outside of the module count: those inside start as
// compiled, and change when the module's own code says so.
enum class JumpCode : std::uint8_t { unknown, as_compiled, nop, branch };

// The order in which sort() leaves entries with these keys. `ties`: some keys are equal, so that the order of their
// entries depends on the version of lib/sort.c.
struct SortedOrder {
    std::vector<std::uint32_t> order;  // old positions, by new position
    bool ties = false;
};
[[nodiscard]] SortedOrder sorted_order(const std::vector<std::uint64_t>& keys);

// Adds to the 32-bit or 64-bit number at `offset`: what a relative field needs when its entry moves.
template <std::unsigned_integral T>
void adjust(MutableBytes entry, std::uint64_t offset, std::uint64_t delta, ByteOrder order) {
    const MutableBytes field = entry.subspan(offset, sizeof(T));
    store<T>(field, static_cast<T>(load<T>(field, order) + delta), order);
}

class RewriteCollector {
public:
    RewriteCollector(const Arch& arch, const ModuleImage& image, const KernelFeatures& features,
                     const RunningFacts& facts);

    const Arch& arch;
    const ModuleImage& image;
    const KernelFeatures& features;
    const RunningFacts& facts;

    // kernel/module/main.c:find_sec() takes the first that is loaded, module_finalize() of x86 the last of all.
    [[nodiscard]] const ImageSection* section(std::string_view name) const;
    [[nodiscard]] const ImageSection* last_section(std::string_view name) const;
    // `size` bytes at an address that a section holds all of; nullopt elsewhere.
    [[nodiscard]] std::optional<Bytes> bytes_at(std::uint64_t address, std::uint64_t size) const;
    template <std::unsigned_integral T>
    [[nodiscard]] std::optional<T> value_at(std::uint64_t address) const {
        const auto bytes = bytes_at(address, sizeof(T));
        return bytes ? std::optional(load<T>(*bytes, image.order)) : std::nullopt;
    }
    [[nodiscard]] bool holds(std::uint64_t address) const { return bytes_at(address, 1).has_value(); }

    // Ranges that are not inside of one section are left out.
    void may_write(Mechanism mechanism, std::uint64_t address, std::uint64_t size);
    void writes(Mechanism mechanism, std::uint64_t address, std::vector<std::byte> after);
    // The same, unless the bytes are there already.
    void writes_table(Mechanism mechanism, const ImageSection& table, std::vector<std::byte> after);
    template <std::unsigned_integral T>
    void writes_value(Mechanism mechanism, std::uint64_t address, T value) {
        std::vector<std::byte> bytes(sizeof(T));
        store<T>(bytes, value, image.order);
        writes(mechanism, address, std::move(bytes));
    }

    // The addresses that a section of s32 offsets names, each counted from itself.
    [[nodiscard]] std::vector<std::uint64_t> relative_sites(std::string_view name) const;
    // Each of them may have `size` bytes rewritten.
    void relative_sites_may_change(Mechanism mechanism, std::string_view name, std::uint64_t size);
    // struct alt_instr: the first field is a relative s32, the length is a byte at `length_field`.
    void alternatives(std::string_view section_name, std::uint64_t entry_size, std::uint64_t length_field);

    // lib/extable.c:sort_extable(): two relative s32, then data that stays as it is, or a relative handler.
    void sort_extable();
    // kernel/trace/ftrace.c:ftrace_process_locs() on ModuleLoading::ftrace_sites(). Returns the addresses that are not
    // zero, ascending.
    std::vector<std::uint64_t> sort_ftrace_sites();
    // kernel/jump_label.c:jump_label_add_module(). Returns the entries in their new order.
    std::vector<JumpEntry> sort_jump_table();
    // Bytes of an entry, 0 where the kernel does not read the table; the entries as the table has them.
    [[nodiscard]] std::uint64_t jump_entry_size() const noexcept;
    [[nodiscard]] std::vector<JumpEntry> jump_entries(const ImageSection& table) const;
    [[nodiscard]] JumpCode code_after(const JumpEntry& entry) const;
    // kernel/static_call_inline.c:static_call_add_module().
    void static_calls();
    // nullptr: the address is in no section of the module.
    [[nodiscard]] const ImageSection* section_at(std::uint64_t address) const;

    std::vector<CodeRewrite> rewrites;

private:
    struct Loaded {
        std::uint64_t begin = 0;
        std::uint32_t index = 0;
    };
    [[nodiscard]] std::optional<std::pair<std::uint32_t, std::uint64_t>> place_of(std::uint64_t address,
                                                                                  std::uint64_t size) const;
    [[nodiscard]] JumpEntry jump_entry_at(const ImageSection& table, std::uint64_t at) const;
    [[nodiscard]] std::vector<std::byte> moved_jump_entry(const ImageSection& table, const JumpEntry& jump,
                                                          std::uint64_t place) const;
    [[nodiscard]] std::vector<std::byte> moved_exception(Bytes entry, std::uint64_t distance) const;
    void mark_init(MutableBytes key, const JumpEntry& jump) const;
    void add(Mechanism mechanism, std::uint64_t address, std::uint64_t size,
             std::optional<std::vector<std::byte>> after);

    std::vector<Loaded> by_address_;
};

}  // namespace klp::arch
