// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "arch/kernel_features.hpp"
#include "arch/kernel_sort.hpp"

namespace klp::arch::ppc64le {

// What restore_r2() says when there is no nop after a call.
enum class NopMessage : std::uint8_t {
    expect_noop_after_relocate,  // "Expect noop after relocate, got %08x"
    expected_nop_after_call,     // "Expected nop after call, got %08x at %pS"
};

// What ppc64le kernels do differently.
struct Features final : KernelFeatures {
    HeapSort sort = HeapSort::takes_one;

    // One more stub is allotted, whose zero function address ends the table (6.1). Without: the stubs are counted.
    bool stubs_zero_terminated = true;
    // restore_r2() is content with a `ld r2,24(r1)` that is there already (since 6.10).
    bool accepts_restored_r2 = false;
    NopMessage nop_message = NopMessage::expected_nop_after_call;

    bool dynamic_ftrace_with_regs = true;
    // Functions begin with nops (CONFIG_ARCH_USING_PATCHABLE_FUNCTION_ENTRY), not with `bl _mcount`.
    bool patchable_entry = false;
    // CONFIG_MPROFILE_KERNEL, or patchable_entry: stubs for ftrace go by the kernel's TOC.
    bool ftrace_stubs_use_kernel_toc = true;
    // sizeof(struct ftrace_ool_stub) under CONFIG_PPC_FTRACE_OUT_OF_LINE, else 0.
    std::uint32_t out_of_line_stub_size = 0;

    // A call of a livepatch symbol that leaves no room to restore r2 goes through a stub that does it. Proposed for the
    // kernel, in none that was released: what the stub would be, and whether it would work, can be shown all the same.
    bool livepatch_stubs = false;
    // Where those stubs keep r2 and LR: PACA_THREAD_INFO and TI_livepatch_sp of asm-offsets. Unknown values are an
    // Error when a stub needs them.
    std::optional<std::uint16_t> paca_thread_info_offset{};
    std::optional<std::uint16_t> livepatch_sp_offset{};

    // Of the running kernel. Unknown values are an Error when a stub for ftrace needs them.
    std::optional<std::uint64_t> ftrace_caller{};
    std::optional<std::uint64_t> ftrace_regs_caller{};
    std::optional<std::uint64_t> kernel_toc{};              // r2 of the kernel
    std::optional<std::uint16_t> paca_kernel_toc_offset{};  // offsetof(struct paca_struct, kernel_toc)

    [[nodiscard]] Json to_json() const override;
    [[nodiscard]] std::shared_ptr<const KernelFeatures> with(const FeatureOverrides& overrides) const override;
};

}  // namespace klp::arch::ppc64le
