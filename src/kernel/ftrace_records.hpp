// SPDX-License-Identifier: GPL-2.0-or-later
// The records that ftrace keeps of its sites, and which one the livepatch core is given for a function
// (kernel/trace/ftrace.c). They lie in groups of pages. A record is looked for by an address; where there is none, by
// all addresses of the function's symbol. Then it is whichever record of that range the binary search meets first, and
// the bodies of weak functions that others override lie in that range, too, without a symbol but with a record.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace klp::kernel {

// In bytes.
struct FtraceSizes {
    std::uint64_t page = 4096;
    std::uint64_t record = 16;      // struct dyn_ftrace
    std::uint64_t instruction = 5;  // MCOUNT_INSN_SIZE
};

class FtraceRecords {
public:
    FtraceRecords() = default;
    // ftrace_process_locs(): `calls` are the addresses of the instructions that become calls, ascending; `entries` how
    // many the table has, those included that are skipped.
    FtraceRecords(const std::vector<std::uint64_t>& calls, std::uint64_t entries, const FtraceSizes& sizes);

    // ftrace_free_mem(): of the memory from `begin` to before `end`.
    void free(std::uint64_t begin, std::uint64_t end);

    // ftrace_location(): the address of the record for the symbol at `begin`, which ends before `end`. Records that
    // were disabled (FTRACE_FL_DISABLED) are found like any other. nullopt: none.
    [[nodiscard]] std::optional<std::uint64_t> location(std::uint64_t begin, std::uint64_t end) const;

    [[nodiscard]] bool empty() const noexcept { return groups_.empty(); }

private:
    using Group = std::vector<std::uint64_t>;

    [[nodiscard]] int compare(std::uint64_t first, std::uint64_t last, std::uint64_t record) const noexcept;
    [[nodiscard]] std::optional<std::uint64_t> search(const Group& group, std::uint64_t first,
                                                      std::uint64_t last) const noexcept;
    [[nodiscard]] std::optional<std::uint64_t> look_up(std::uint64_t first, std::uint64_t last) const noexcept;

    FtraceSizes sizes_;
    std::vector<Group> groups_;  // in the order in which they are searched, none empty
};

// What ftrace hooks where the livepatch core asks it to hook a function.
struct Hook {
    enum class Where : std::uint8_t {
        unknown,    // nothing tells of the kernel's records
        none,       // there is no record: the kernel refuses to patch the function
        own,        // the function's own
        elsewhere,  // another one: the kernel says that it patched the function, and goes on running the old one
    };
    Where where = Where::unknown;
    std::uint64_t address = 0;  // of the record, where there is one

    [[nodiscard]] static Hook of(std::optional<std::uint64_t> location, std::uint64_t own) noexcept {
        if (!location) return {Where::none, 0};
        return {*location == own ? Where::own : Where::elsewhere, *location};
    }
};

}  // namespace klp::kernel
