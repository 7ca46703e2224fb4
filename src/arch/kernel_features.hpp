// SPDX-License-Identifier: GPL-2.0-or-later
// What differs between kernels in the relocation of modules, one struct an architecture. The defaults are those of
// Linux 6.1 (arm64: of 7.x, since earlier ones cannot livepatch) with the options that live patching needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace klp::arch {

// How sort() of lib/sort.c takes elements off its heap, which decides the order of equal ones (kernel_sort.hpp).
enum class HeapSort : std::uint8_t { takes_one, takes_two };  // up to 6.10, since 6.11

struct X86Features {
    // One function applies and clears, and looks for overflow before it looks at the field (module.c:
    // __write_relocate_add, since 6.3). Without: __apply_relocate_add, which writes before it finds the overflow.
    bool clear_relocate_add = false;
    // Messages name section and index of the relocation, and addresses in plain (7.x).
    bool messages_name_index = false;
};

// What restore_r2() says when there is no nop after a call.
enum class NopMessage : std::uint8_t {
    expect_noop_after_relocate,  // "Expect noop after relocate, got %08x"
    expected_nop_after_call,     // "Expected nop after call, got %08x at %pS"
};

struct Ppc64Features {
    HeapSort sort = HeapSort::takes_one;

    // One more stub is allotted, whose zero function address ends the table (6.1). Without: the stubs are counted.
    bool stubs_zero_terminated = true;
    // restore_r2() is content with a `ld r2,24(r1)` that is there already (since 6.10).
    bool accepts_restored_r2 = false;
    NopMessage nop_message = NopMessage::expected_nop_after_call;

    bool dynamic_ftrace = true;
    bool dynamic_ftrace_with_regs = true;
    // CONFIG_MPROFILE_KERNEL, or CONFIG_ARCH_USING_PATCHABLE_FUNCTION_ENTRY: stubs for ftrace go by the kernel's TOC.
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
};

struct S390Features {
    // CONFIG_EXPOLINE and not switched off (`nospec_disable`): PLT entries branch through a thunk.
    bool expoline = false;
    // CONFIG_INIT_STACK_ALL_ZERO: the two bytes of a PLT entry that apply_rela() never sets are zero.
    bool zeroed_stack = true;
};

struct Arm64Features {
    HeapSort sort = HeapSort::takes_two;

    // A CPU with the erratum: no ADRP in the last two words of a page (ARM64_WORKAROUND_843419).
    bool erratum_843419 = false;
    // CONFIG_MODULE_UNLOAD; without it .exit sections belong to the init area.
    bool module_unload = true;
    // FTRACE_ADDR, the address of ftrace_caller; nullopt without CONFIG_DYNAMIC_FTRACE.
    std::optional<std::uint64_t> ftrace_caller{};
    // .init.text has a trampoline of its own.
    bool init_ftrace_trampoline = true;
    // pr_fmt() of module.c, which earlier kernels do not have.
    std::string message_prefix = "Modules: ";
    // CONFIG_DYNAMIC_FTRACE_WITH_CALL_OPS: room for a pointer before each function, which names the ops of the site.
    bool ftrace_call_ops = true;
    // Of the running kernel: &ftrace_nop_ops, which that pointer starts as.
    std::optional<std::uint64_t> ftrace_nop_ops{};
};

// Which steps the kernel takes that rewrite modules beyond relocations (code_rewrites.hpp).
struct RewriteFeatures {
    bool dynamic_ftrace = true;      // CONFIG_DYNAMIC_FTRACE
    bool jump_label = true;          // CONFIG_JUMP_LABEL
    bool static_call_inline = true;  // CONFIG_HAVE_STATIC_CALL_INLINE
    // x86: a terminator in .orc_unwind is told by its `type` (since 6.4). Without: by `sp_reg` and `end`.
    bool orc_terminator_by_type = false;
    // x86: lock prefixes of modules are patched when the machine has one CPU (alternatives_smp_module_add()).
    bool smp_locks = true;
    // ppc64le: functions begin with nops (CONFIG_ARCH_USING_PATCHABLE_FUNCTION_ENTRY), not with `bl _mcount`.
    bool ppc64_patchable_entry = false;
    std::uint32_t s390_alternative_size = 11;  // sizeof(struct alt_instr); 13 where it has flags (7.x)
    // arm64: `paciasp` becomes a push to the shadow call stack on CPUs without pointer authentication
    // (CONFIG_UNWIND_PATCH_PAC_INTO_SCS).
    bool arm64_dynamic_scs = false;
};

struct KernelFeatures {
    X86Features x86{};
    Ppc64Features ppc64{};
    S390Features s390{};
    Arm64Features arm64{};
    RewriteFeatures rewrites{};
};

}  // namespace klp::arch
