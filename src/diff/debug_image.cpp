// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/debug_image.hpp"

#include <elf.h>
#include <fmt/format.h>
#include <libelf.h>

#include <algorithm>
#include <array>

#include "arch/registry.hpp"
#include "base/error.hpp"

namespace klp::diff {

namespace {

// .debug_line has the names of files.
constexpr std::array<std::string_view, 6> type_sections = {".debug_info",     ".debug_abbrev",      ".debug_str",
                                                           ".debug_line_str", ".debug_str_offsets", ".debug_line"};

constexpr std::array<std::string_view, 3> code_sections = {".debug_ranges", ".debug_rnglists", ".debug_addr"};

bool is_one_of(std::span<const std::string_view> names, const elf::Section& section) {
    return std::ranges::find(names, section.name) != names.end() && section.type == SHT_PROGBITS;
}

bool is_type_section(const elf::Section& section) {
    return is_one_of(type_sections, section);
}

std::uint64_t address_of(const elf::Section* section, const SectionAddresses* addresses) {
    if (addresses == nullptr) return 0;
    const auto found = addresses->find(section);
    return found == addresses->end() ? 0 : found->second;
}

// Offsets in other debug sections, which section symbols stand for. Addresses of code stay those in its section,
// without `addresses`.
void apply_relocations(const elf::Section& section, const elf::Object& object, const SectionAddresses* addresses,
                       MutableBytes content) {
    const arch::Arch& architecture = arch::for_object(object);
    for (const elf::Relocation& each : section.rela()) {
        const auto info = architecture.relocation_info(each.type);
        const Location where{object.display_name(), section.name, each.offset};
        if (!info || (info->formula != arch::Formula::absolute && info->formula != arch::Formula::none))
            throw Error(where, fmt::format("relocation type {} in debug information is not known", each.type));
        if (info->size == 0) continue;
        if (each.offset > content.size() || content.size() - each.offset < info->size)
            throw Error(where, "relocation ends behind its section");
        const std::uint64_t value =
            address_of(each.symbol->section, addresses) + each.symbol->value + static_cast<std::uint64_t>(each.addend);
        const MutableBytes field = content.subspan(each.offset, info->size);
        if (info->size == 8) store<std::uint64_t>(field, value, object.order());
        if (info->size == 4) store<std::uint32_t>(field, static_cast<std::uint32_t>(value), object.order());
    }
}

}  // namespace

bool DebugImage::is_in(const elf::Object& object) {
    bool has_types = false;
    for (const auto& section : object.sections()) {
        if (!is_type_section(*section)) continue;
        if ((section->flags & SHF_COMPRESSED) != 0) return false;
        has_types |= section->name == ".debug_info" && section->size() != 0;
    }
    return has_types;
}

DebugImage::DebugImage(const elf::Object& object, const SectionAddresses* addresses)
    : is_big_endian_(object.order() == ByteOrder::big) {
    elf::Object image(object.machine(), object.order(), object.header_flags());
    for (const auto& section : object.sections()) {
        const bool is_wanted =
            is_type_section(*section) || (addresses != nullptr && is_one_of(code_sections, *section));
        if (!is_wanted || image.find_section(section->name) != nullptr) continue;
        const Bytes content = section->content();
        std::vector<std::byte> relocated(content.begin(), content.end());
        apply_relocations(*section, object, addresses, relocated);
        image.add_section(section->name, SHT_PROGBITS, 0).set_content(std::move(relocated));
    }
    bytes_ = image.write();
    static const unsigned version = elf_version(EV_CURRENT);
    static_cast<void>(version);
    elf_ = elf_memory(reinterpret_cast<char*>(bytes_.data()), bytes_.size());
    dwarf_ = elf_ == nullptr ? nullptr : dwarf_begin_elf(elf_, DWARF_C_READ, nullptr);
    if (dwarf_ != nullptr) return;
    elf_end(elf_);
    throw Error({object.display_name(), ".debug_info", {}},
                fmt::format("the debug information cannot be read: {}", dwarf_errmsg(-1)));
}

DebugImage::~DebugImage() {
    dwarf_end(dwarf_);
    elf_end(elf_);
}

}  // namespace klp::diff
