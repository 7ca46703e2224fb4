// SPDX-License-Identifier: GPL-2.0-or-later
// What a section and a symbol know of themselves.
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/process.hpp"
#include "elf/object.hpp"
#include "elf/sizes.hpp"

namespace klp::elf {

bool Section::is_alloc() const noexcept {
    return (flags & SHF_ALLOC) != 0;
}
bool Section::is_code() const noexcept {
    return (flags & SHF_EXECINSTR) != 0;
}
bool Section::is_writable() const noexcept {
    return (flags & SHF_WRITE) != 0;
}
bool Section::is_nobits() const noexcept {
    return type == SHT_NOBITS;
}
bool Section::is_rela() const noexcept {
    return type == SHT_RELA;
}
bool Section::is_strings() const noexcept {
    return (flags & SHF_MERGE) != 0 && (flags & SHF_STRINGS) != 0;
}

std::uint64_t Section::size() const noexcept {
    if (is_nobits()) return nobits_size_;
    if (!relocations.empty()) return relocations.size() * rela_size;
    if (group_signature != nullptr) return (1 + group_members.size()) * word_size;
    return edited_ ? owned_.size() : view_.size();
}

Bytes Section::content() const {
    check_interrupted();
    if (is_nobits()) return {};
    return edited_ ? Bytes(owned_) : view_;
}

void Section::set_content(std::vector<std::byte> bytes) {
    if (is_nobits() && !bytes.empty()) type = SHT_PROGBITS;
    owned_ = std::move(bytes);
    edited_ = true;
    nobits_size_ = 0;
}

void Section::set_nobits_size(std::uint64_t size) {
    type = SHT_NOBITS;
    nobits_size_ = size;
    owned_.clear();
    edited_ = true;
}

std::vector<std::byte>& Section::edit() {
    if (is_nobits()) {
        constexpr std::uint64_t largest = std::uint64_t{1} << 30;
        if (nobits_size_ > largest)
            throw Error({{}, name, {}}, fmt::format("0x{:x} zero bytes are too many to edit", nobits_size_));
        set_content(std::vector<std::byte>(nobits_size_));
    }
    if (!edited_) set_content({view_.begin(), view_.end()});
    return owned_;
}

std::span<const Relocation> Section::rela() const {
    check_interrupted();
    if (relocations_section == nullptr) return {};
    return relocations_section->relocations;
}

void Section::sort_relocations() {
    Section* holder = is_rela() ? this : relocations_section;
    if (holder == nullptr) return;
    std::stable_sort(holder->relocations.begin(), holder->relocations.end(),
                     [](const Relocation& a, const Relocation& b) { return a.offset < b.offset; });
}

bool Symbol::is_local() const noexcept {
    return binding == STB_LOCAL;
}
bool Symbol::is_function() const noexcept {
    return type == STT_FUNC || type == STT_GNU_IFUNC;
}
bool Symbol::is_data_object() const noexcept {
    return type == STT_OBJECT || type == STT_TLS || type == STT_COMMON;
}
bool Symbol::is_section_symbol() const noexcept {
    return type == STT_SECTION;
}
bool Symbol::is_file() const noexcept {
    return type == STT_FILE;
}

}  // namespace klp::elf
