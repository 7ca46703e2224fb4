// SPDX-License-Identifier: GPL-2.0-or-later
// Making, opening and editing objects.
#include "elf/object.hpp"

#include <elf.h>

#include <algorithm>
#include <unordered_set>

#include "base/process.hpp"
#include "elf/reader.hpp"
#include "elf/sizes.hpp"
#include "elf/writer.hpp"

namespace klp::elf {

Object::Object(std::uint16_t machine, ByteOrder order, std::uint32_t header_flags)
    : header_{.order = order, .file_type = ET_REL, .machine = machine, .flags = header_flags, .segments = {}},
      null_symbol_(std::make_unique<Symbol>()) {}

Object::Object(Object&&) noexcept = default;
Object& Object::operator=(Object&&) noexcept = default;
Object::~Object() = default;

Object Object::read(const fs::path& path) {
    Object object;
    object.display_name_ = path.string();
    object.mapping_ = std::make_unique<MappedFile>(path);
    object.file_ = object.mapping_->bytes();
    Reader(object).read();
    return object;
}

Object Object::read(std::vector<std::byte> bytes, std::string display_name) {
    Object object;
    object.display_name_ = std::move(display_name);
    object.owned_file_ = std::move(bytes);
    object.file_ = object.owned_file_;
    Reader(object).read();
    return object;
}

Object Object::view(Bytes bytes, std::string display_name) {
    Object object;
    object.display_name_ = std::move(display_name);
    object.file_ = bytes;
    Reader(object).read();
    return object;
}

Section* Object::find_section(std::string_view name) const {
    check_interrupted();
    for (const auto& section : sections_)
        if (section->name == name) return section.get();
    return nullptr;
}

Symbol* Object::find_symbol(std::string_view name) const {
    check_interrupted();
    for (const auto& symbol : symbols_)
        if (symbol->name == name) return symbol.get();
    return nullptr;
}

Section& Object::add_section(std::string name, std::uint32_t type, std::uint64_t flags, std::uint64_t alignment) {
    Section& section = *sections_.emplace_back(std::make_unique<Section>());
    section.name = std::move(name);
    section.type = type;
    section.flags = flags;
    section.alignment = alignment;
    return section;
}

Section& Object::add_rela_section(std::string name, std::uint64_t flags, Section& target) {
    Section& section = add_section(std::move(name), SHT_RELA, flags | SHF_INFO_LINK, alignof(std::uint64_t));
    section.entry_size = rela_size;
    section.target = &target;
    return section;
}

Section& Object::rela_section_for(Section& target) {
    if (target.relocations_section != nullptr) return *target.relocations_section;
    Section& section = add_rela_section(".rela" + target.name, target.flags & SHF_GROUP, target);
    target.relocations_section = &section;
    // gABI: the relocations of a member of a group are a member too.
    for (const auto& group : sections_)
        if (std::count(group->group_members.begin(), group->group_members.end(), &target) != 0)
            group->group_members.push_back(&section);
    return section;
}

void Object::add_relocation(Section& target, Relocation relocation) {
    if (relocation.symbol == nullptr) relocation.symbol = null_symbol_.get();
    rela_section_for(target).relocations.push_back(relocation);
}

Symbol& Object::add_symbol(Symbol symbol) {
    return *symbols_.emplace_back(std::make_unique<Symbol>(std::move(symbol)));
}

Symbol& Object::section_symbol(Section& section) {
    for (const auto& symbol : symbols_)
        if (symbol->is_section_symbol() && symbol->section == &section) return *symbol;
    Symbol symbol;
    symbol.placement = Placement::section;
    symbol.section = &section;
    symbol.type = STT_SECTION;
    symbol.binding = STB_LOCAL;
    return add_symbol(std::move(symbol));
}

namespace {

// Moves the elements that `condition` holds for to the end of `removed`.
template <typename T, typename Condition>
void move_out(std::vector<std::unique_ptr<T>>& from, std::vector<std::unique_ptr<T>>& removed, Condition condition) {
    const auto first = std::stable_partition(from.begin(), from.end(),
                                             [&](const std::unique_ptr<T>& element) { return !condition(*element); });
    std::move(first, from.end(), std::back_inserter(removed));
    from.erase(first, from.end());
}

}  // namespace

void Object::remove_sections(const std::vector<Section*>& sections) {
    std::unordered_set<const Section*> gone(sections.begin(), sections.end());
    for (const auto& section : sections_)
        if (section->is_rela() && gone.contains(section->target)) gone.insert(section.get());
    for (const auto& section : sections_) {
        if (gone.contains(section->relocations_section)) section->relocations_section = nullptr;
        if (section->group_members.empty()) continue;
        std::erase_if(section->group_members, [&](const Section* member) { return gone.contains(member); });
        if (section->group_members.empty()) gone.insert(section.get());
    }
    for (Section** special : {&symbol_table_, &symbol_names_, &section_names_})
        if (gone.contains(*special)) *special = nullptr;
    move_out(symbols_, removed_symbols_,
             [&](const Symbol& symbol) { return symbol.is_section_symbol() && gone.contains(symbol.section); });
    move_out(sections_, removed_sections_, [&](const Section& section) { return gone.contains(&section); });
}

void Object::remove_symbols(const std::vector<Symbol*>& symbols) {
    const std::unordered_set<const Symbol*> gone(symbols.begin(), symbols.end());
    move_out(symbols_, removed_symbols_, [&](const Symbol& symbol) { return gone.contains(&symbol); });
}

std::vector<std::byte> Object::write() const {
    return Writer(*this).write();
}

void Object::write_to(const fs::path& path) const {
    write_file(path, Bytes(write()));
}

}  // namespace klp::elf
