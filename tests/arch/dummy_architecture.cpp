// SPDX-License-Identifier: GPL-2.0-or-later
// An architecture that answers everything and does nothing, made by the checklist of arch/registry.hpp alone. What is
// between `// answer NAME` and the next such line (or `// end`) is one answer: dummy-architecture.sh leaves out each of
// them in turn, and wants the compiler to refuse what is left.
#include "arch/code_rewrites.hpp"
#include "arch/kernel_probe.hpp"
#include "arch/module_loading.hpp"
#include "arch/registry.hpp"
#include "arch/rewrite_collector.hpp"
#include "base/json.hpp"

namespace klp::arch::dummy {

namespace {

constexpr Identity identity{
    // answer Identity::name
    .name = "dummy",
    // answer Identity::uname
    .uname = "dummy64",
    // answer Identity::kbuild_name
    .kbuild_name = "dummy",
    // answer Identity::source_folder
    .source_folder = "dummy",
    // answer Identity::debian_name
    .debian_name = "dummy",
    // answer Identity::cross_prefix
    .cross_prefix = "dummy-linux-gnu-",
    // answer Identity::config_option
    .config_option = "CONFIG_DUMMY",
    // answer Identity::machine
    .machine = 0x1234,
    // answer Identity::byte_order
    .byte_order = ByteOrder::little,
    // end
};

constexpr auto make_table() {
    using namespace cells;
    return std::array{
        SpecialSection{
            // answer SpecialSection::name
            "__mcount_loc",
            // answer SpecialSection::entry_size
            fixed(8),
            // answer SpecialSection::owner_field
            at(0),
            // answer SpecialSection::layouts
            one_long,
            // answer SpecialSection::origin
            derived,
            // answer SpecialSection::key
            no_key,
            // answer SpecialSection::companion
            alone,
            // answer SpecialSection::code_at_load
            kept,
            // answer SpecialSection::content
            sorted,
            // answer SpecialSection::sealed
            never,
            // answer SpecialSection::arch_entry_size
            not_taken,
            // answer SpecialSection::field_base
            field
            // answer SpecialSection::lists
            ,
            ftrace_sites
            // end
        },
    };
}
constexpr auto special_section_table = make_table();

class Relocator final : public ModuleRelocator {
public:
    explicit Relocator(ModuleImage& image) : ModuleRelocator(image) {}

private:
    // answer ModuleRelocator::prepare_sections
    std::uint64_t prepare_sections() override { return 0; }
    // answer ModuleRelocator::before_section
    void before_section() override {}
    // answer ModuleRelocator::apply_one
    void apply_one(const Place&, const ImageRelocation&) override {}
    // answer ModuleRelocator::clear_one
    void clear_one(const Place&, const ImageRelocation&) override {}
    // answer ModuleRelocator::make_final_entries
    void make_final_entries() override {}
    // end
};

class Loading final : public ModuleLoading {
public:
    // answer ModuleLoading::knows
    bool knows(std::uint32_t) const noexcept override { return false; }
    // answer ModuleLoading::relocates_zeros_alone
    bool relocates_zeros_alone() const noexcept override { return false; }
    // answer ModuleLoading::relocator
    std::unique_ptr<ModuleRelocator> relocator(ModuleImage& image, const KernelFeatures&) const override {
        return std::make_unique<Relocator>(image);
    }
    // answer ModuleLoading::call_problem
    std::optional<std::string> call_problem(const elf::Section&, const elf::Relocation&) const override { return {}; }
    // answer ModuleLoading::tail_call_problem
    std::optional<std::string> tail_call_problem(const elf::Section&, const elf::Relocation&) const override {
        return {};
    }
    // answer ModuleLoading::rewrite
    void rewrite(RewriteCollector& collector) const override { collector.sort_ftrace_sites(); }
    // answer ModuleLoading::rewrite_for_object
    void rewrite_for_object(RewriteCollector&, std::string_view) const override {}
    // answer ModuleLoading::find_faults
    void find_faults(const FaultFinder&) const override {}
    // answer ModuleLoading::ftrace_sites
    FtraceSites ftrace_sites(const KernelFeatures&) const override { return {"__mcount_loc", 0, 4, 4}; }
    // answer ModuleLoading::distance_to_site
    std::uint64_t distance_to_site(const KernelFeatures&, Bytes) const override { return 0; }
    // answer ModuleLoading::distance_to_call
    std::uint64_t distance_to_call(const KernelFeatures&, Bytes) const override { return 0; }
    // answer ModuleLoading::accepts_header_flags
    bool accepts_header_flags(std::uint32_t) const noexcept override { return true; }
    // answer ModuleLoading::has_init_sections
    bool has_init_sections() const noexcept override { return true; }
    // answer ModuleLoading::undefined_symbols
    std::span<const std::string_view> undefined_symbols() const noexcept override { return {}; }
    // end
};

struct Features final : KernelFeatures {
    // answer KernelFeatures::to_json
    Json to_json() const override { return Json::object(); }
    // answer KernelFeatures::with
    std::shared_ptr<const KernelFeatures> with(const FeatureOverrides&) const override {
        return std::make_shared<Features>(*this);
    }
    // end
};

class Probe final : public KernelProbe {
public:
    // answer KernelProbe::headers
    std::span<const HeaderQuestion> headers() const noexcept override { return {}; }
    // answer KernelProbe::symbols
    std::span<const std::string_view> symbols() const noexcept override { return {}; }
    // answer KernelProbe::image_symbols
    std::span<const std::string_view> image_symbols() const noexcept override { return {}; }
    // answer KernelProbe::texts
    std::span<const std::string_view> texts() const noexcept override { return {}; }
    // answer KernelProbe::sources
    std::span<const SourceQuestion> sources() const noexcept override { return {}; }
    // answer KernelProbe::vermagic_words
    std::span<const std::string_view> vermagic_words() const noexcept override { return {}; }
    // answer KernelProbe::derive
    std::shared_ptr<const KernelFeatures> derive(Derivation& derivation) const override {
        auto features = std::make_shared<Features>();
        derive_common(derivation, *features);
        return features;
    }
    // answer KernelProbe::page_size
    std::optional<std::uint64_t> page_size(const Derivation&) const override { return 4096; }
    // answer KernelProbe::module_area
    std::optional<std::uint64_t> module_area(const Derivation&) const override { return std::nullopt; }
    // end
};

class Dummy final : public Arch {
public:
    Dummy() noexcept : Arch(identity) {}

    // answer Arch::module_loading
    const ModuleLoading& module_loading() const noexcept override {
        static const Loading instance;
        return instance;
    }
    // answer Arch::kernel_probe
    const KernelProbe& kernel_probe() const noexcept override {
        static const Probe instance;
        return instance;
    }
    // answer Arch::abi_problem
    std::optional<std::string> abi_problem(std::uint32_t) const override { return std::nullopt; }
    // answer Arch::relocation_info
    std::optional<RelocationInfo> relocation_info(std::uint32_t) const noexcept override { return std::nullopt; }
    // answer Arch::absolute64_type
    std::uint32_t absolute64_type() const noexcept override { return 1; }
    // answer Arch::addend_bias
    std::int64_t addend_bias(const elf::Section&, Range, const elf::Relocation&) const override { return 0; }
    // answer Arch::is_branch
    bool is_branch(const elf::Section&, Range, const elf::Relocation&) const override { return false; }
    // answer Arch::is_call
    bool is_call(const elf::Section&, Range, const elf::Relocation&) const override { return false; }
    // answer Arch::target_of_field
    std::optional<std::uint64_t> target_of_field(const RelocationInfo&, Bytes, std::uint64_t,
                                                 std::int64_t) const override {
        return std::nullopt;
    }
    // answer Arch::part_of_target
    std::optional<TargetPart> part_of_target(std::uint32_t, Bytes, std::uint64_t, std::int64_t) const override {
        return std::nullopt;
    }
    // answer Arch::implicit_references
    std::vector<ImplicitReference> implicit_references(const elf::Section&, Range) const override { return {}; }
    // answer Arch::inner_branches
    std::vector<InnerBranch> inner_branches(const elf::Section&, Range) const override { return {}; }
    // answer Arch::instruction_starts
    std::vector<std::uint64_t> instruction_starts(const elf::Section&, Range) const override { return {}; }
    // answer Arch::same_branch
    bool same_branch(Bytes, Bytes) const override { return false; }
    // answer Arch::is_padding
    bool is_padding(Bytes) const override { return false; }
    // answer Arch::is_traceable
    bool is_traceable(const elf::Object&, const elf::Symbol&) const override { return false; }
    // answer Arch::constant_argument
    std::optional<ConstantArgument> constant_argument(const elf::Section&, Range, std::uint64_t) const override {
        return std::nullopt;
    }
    // answer Arch::entry_call
    std::optional<std::uint64_t> entry_call(const elf::Symbol&) const override { return std::nullopt; }
    // answer Arch::use_of_operand
    Use use_of_operand(const elf::Section&, Range, const elf::Relocation&) const override { return Use::address; }
    // answer Arch::special_sections
    std::span<const SpecialSection> special_sections() const noexcept override { return special_section_table; }
    // answer Arch::code_pools
    std::span<const std::string_view> code_pools() const noexcept override { return {}; }
    // end
};

}  // namespace

// answer architecture
const Arch& architecture() {
    static const Dummy instance;
    return instance;
}
// end

}  // namespace klp::arch::dummy

// Its row in registry.cpp.
const klp::arch::Arch* const dummy_row = &klp::arch::dummy::architecture();
