// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>

#include "arch/architectures.hpp"
#include "arch/code.hpp"
#include "arch/relocation_types.hpp"

namespace klp::arch {

namespace {

[[noreturn]] void refuse() {
    throw Error("arm64 code is not read yet");
}

class Arm64 final : public Arch {
public:
    std::string_view name() const noexcept override { return "arm64"; }
    std::string_view kbuild_name() const noexcept override { return "arm64"; }
    std::uint16_t machine() const noexcept override { return EM_AARCH64; }
    ByteOrder byte_order() const noexcept override { return ByteOrder::little; }
    std::string_view debian_name() const noexcept override { return "arm64"; }
    std::string_view cross_prefix() const noexcept override { return "aarch64-linux-gnu-"; }
    std::optional<RelocationInfo> relocation_info(std::uint32_t type) const noexcept override {
        return arm64_relocation_info(type);
    }
    std::uint32_t absolute64_type() const noexcept override { return R_AARCH64_ABS64; }
    std::span<const SpecialSection> special_sections() const noexcept override { return {}; }
    std::span<const std::string_view> code_pools() const noexcept override { return {}; }
    std::int64_t addend_bias(const elf::Section&, Range, const elf::Relocation&) const override { refuse(); }
    bool is_branch(const elf::Section&, Range, const elf::Relocation&) const override { refuse(); }
    std::optional<std::uint64_t> target_of_field(const RelocationInfo& info, Bytes field, std::uint64_t place,
                                                 std::int64_t addend) const override {
        return read_target(info, byte_order(), field, place, addend);
    }
    std::vector<ImplicitReference> implicit_references(const elf::Section&, Range) const override { refuse(); }
    std::vector<std::uint64_t> instruction_starts(const elf::Section&, Range) const override { refuse(); }
    bool same_branch(Bytes, Bytes) const override { refuse(); }
    bool is_padding(Bytes) const override { refuse(); }
    bool is_traceable(const elf::Object&, const elf::Symbol&) const override { refuse(); }
};

}  // namespace

const Arch& arm64() {
    static const Arm64 instance;
    return instance;
}

}  // namespace klp::arch
