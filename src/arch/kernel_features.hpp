// SPDX-License-Identifier: GPL-2.0-or-later
// What kernels do differently when they relocate and rewrite modules. Each architecture derives a struct of its own,
// that it alone reads (src/arch/*/features.hpp); to others it is opaque, and prints itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/json_fwd.hpp"

namespace klp::arch {

// What a user wants otherwise than it was found out.
struct FeatureOverrides {
    // Whether relocation targets are cleared when the patched module goes.
    std::optional<bool> clear_relocations{};
    // Whether a call of a livepatch symbol that leaves no room to restore the TOC gets a stub that saves and restores
    // it, on architectures that have a TOC.
    std::optional<bool> livepatch_stubs{};
};

// The defaults, here and in what is derived, are those of the oldest kernels that can livepatch, from Linux 6.1 on,
// with the options that live patching needs.
struct KernelFeatures {
    virtual ~KernelFeatures() = default;

    bool dynamic_ftrace = true;      // CONFIG_DYNAMIC_FTRACE
    bool jump_label = true;          // CONFIG_JUMP_LABEL
    bool static_call_inline = true;  // CONFIG_HAVE_STATIC_CALL_INLINE
    // struct jump_entry has distances (CONFIG_HAVE_ARCH_JUMP_LABEL_RELATIVE). Without: three addresses, on x86, s390
    // and arm64 before 4.20, on powerpc before 5.14.
    bool jump_label_relative = true;
    // sizeof(struct exception_table_entry), where it is not what the table of special sections has; and where in it a
    // distance to a handler is (x86 before 5.16, s390 before 5.18). 0: none.
    std::uint32_t exception_entry_size = 0;
    std::uint32_t exception_handler = 0;

    // The members that are the architecture's own (docs/json.md).
    [[nodiscard]] virtual Json to_json() const = 0;
    [[nodiscard]] virtual std::shared_ptr<const KernelFeatures> with(const FeatureOverrides& overrides) const = 0;

protected:
    KernelFeatures() = default;
    KernelFeatures(const KernelFeatures&) = default;
    KernelFeatures& operator=(const KernelFeatures&) = default;
};

// The features of one architecture, by its own code. Error: those of another.
template <typename Features>
[[nodiscard]] const Features& features_as(const KernelFeatures& features) {
    const auto* own = dynamic_cast<const Features*>(&features);
    if (own == nullptr) throw Error("features of a kernel of another architecture");
    return *own;
}

}  // namespace klp::arch
