// SPDX-License-Identifier: GPL-2.0-or-later
// Where ftrace hooks functions: from the tables of sites that the image and the modules carry.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "arch/ftrace_sites.hpp"
#include "kernel/ftrace_records.hpp"
#include "kernel/kernel.hpp"

namespace klp::arch {
class ModuleLoading;
struct KernelFeatures;
}  // namespace klp::arch

namespace klp::kernel {

// How the kernels of an architecture make records of sites, under the kernel's features.
class FtraceRules {
public:
    // What lies from an address on, 16 bytes or what is left; empty where it cannot be read.
    using Code = std::function<Bytes(std::uint64_t address)>;

    explicit FtraceRules(const Kernel& kernel);

    [[nodiscard]] const arch::FtraceSites& sites() const noexcept { return sites_; }
    // Of a table with all of its entries, the empty ones included.
    [[nodiscard]] FtraceRecords records_of(Bytes table, ByteOrder order, const Code& code) const;
    // What becomes a call of sites as they are listed: ascending.
    [[nodiscard]] std::vector<std::uint64_t> calls_of(std::vector<std::uint64_t> sites, const Code& code) const;
    // Where the function's own record is, if it has one.
    [[nodiscard]] std::uint64_t own_record(std::uint64_t function, const Code& code) const;

private:
    const arch::ModuleLoading& loading_;
    const arch::KernelFeatures& features_;
    arch::FtraceSites sites_;
    FtraceSizes sizes_;
};

// Of vmlinux, once its init memory is freed.
class FtraceTable {
public:
    explicit FtraceTable(const Kernel& kernel);

    // False: the image does not tell (a table that is filled at boot).
    [[nodiscard]] bool known() const noexcept { return !records_.empty(); }
    // Of the function whose symbol lies at `begin` and ends before `end`, as kallsyms has it.
    [[nodiscard]] Hook hook_of(std::uint64_t begin, std::uint64_t end) const;
    // The same, with the end from the kernel's symbols.
    [[nodiscard]] Hook hook_of(std::uint64_t function) const;

private:
    const Kernel& kernel_;
    FtraceRules rules_;
    FtraceRecords records_;
};

// Of a function of a module that lies at no address yet; Hook::address is an offset in its section. Where other records
// lie in the range of its symbol, too, which one the kernel meets depends on addresses: Hook::elsewhere, with one of
// them.
[[nodiscard]] Hook hook_in_module(const Kernel& kernel, const Module& module, const KernelSymbol& function);

// What comes of Where::elsewhere, for people. `function`: counted as Hook::address is.
[[nodiscard]] std::string problem_of_hook(const Hook& hook, std::uint64_t function);

}  // namespace klp::kernel
