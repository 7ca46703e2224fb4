// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/elf_checks.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "arch/module_loading.hpp"
#include "base/error.hpp"
#include "base/kernel_names.hpp"
#include "base/text.hpp"
#include "format/versions.hpp"

namespace klp::loader {

namespace {

constexpr std::string_view nameless = "(missing .modinfo section or name field)";
// struct module: an enum and a list_head come before the name.
constexpr std::uint64_t name_field = 24;

class Checks {
public:
    Checks(Module& module, const arch::Arch& arch, const Features& features, Journal& journal)
        : module_(module), file_(module.file), arch_(arch), features_(features), journal_(journal) {}

    void before_6_14() {
        check_header();
        check_section_header_size();
        check_section_table();
        check_name_index();
        if (!is_in_file(names())) refuse(fmt::format("Invalid ELF section hdr(type {})", names().type));
        check_name_table();
        check_null_section();
        for (std::uint32_t i = 1; i < count(); ++i) check_section(i);
        set_up_load_info();
    }

    void from_6_14() {
        check_header();
        if (!arch_.module_loading().accepts_header_flags(file_.header().flags))
            refuse(fmt::format("Invalid module architecture in ELF header: {}", file_.header().machine));
        check_section_header_size();
        check_section_table();
        check_null_section();
        for (std::uint32_t i = 1; i < count(); ++i) check_content(i);
        check_name_index();
        if (names().type != SHT_STRTAB) refuse(fmt::format("Invalid ELF section name table type: {}", names().type));
        check_name_table();
        for (std::uint32_t i = 0; i < count(); ++i) {
            if (section(i).type != SHT_NULL) check_name(i);
        }
        cache_indices();
        check_symbol_names();
    }

    void set_names() {
        module_.info_name = file_.modinfo(module_.index.modinfo, "name").value_or("");
        module_.name = struct_name();
        if (module_.info_name.empty()) module_.info_name = module_.name;
    }

private:
    [[noreturn]] void refuse(std::string text) { journal_.refuse(ENOEXEC, std::move(text)); }
    [[noreturn]] void refuse_mildly(std::string text) {
        journal_.warning(std::move(text));
        throw Refused{ENOEXEC};
    }
    [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(file_.sections().size()); }
    [[nodiscard]] const SectionHeader& section(std::uint32_t index) const { return file_.sections().at(index); }
    [[nodiscard]] const SectionHeader& names() const { return section(file_.header().section_names); }
    [[nodiscard]] std::string who() const {
        const auto name = file_.modinfo(module_.index.modinfo, "name");
        return std::string(name.value_or(nameless));
    }
    // kernel/module/main.c:validate_section_offset
    [[nodiscard]] bool is_in_file(const SectionHeader& header) const {
        const std::uint64_t length = file_.bytes().size();
        return header.offset <= length && header.size <= length - header.offset;
    }
    // struct module::name as the file has it. Modules that kbuild made have it in both places.
    [[nodiscard]] std::string struct_name() const {
        const Bytes content = file_.content(section(module_.index.this_module));
        if (content.size() < name_field + module_name_size) return module_.info_name;
        const std::string_view name = c_string(as_text(content.subspan(name_field, module_name_size)));
        const bool is_name = std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
        return is_name && !name.empty() ? std::string(name) : module_.info_name;
    }

    void check_header() {
        const FileHeader& header = file_.header();
        const std::uint64_t length = file_.bytes().size();
        if (length < sizeof(Elf64_Ehdr)) refuse(fmt::format("Invalid ELF header len {}", length));
        if (header.type != ET_REL) refuse(fmt::format("Invalid ELF header type: {} != {}", header.type, ET_REL));
        const bool is_of_class = header.elf_class == ELFCLASS64 || !arch_.module_loading().checks_elf_class();
        if (header.machine != arch_.machine() || !is_of_class)
            refuse(fmt::format("Invalid architecture in ELF header: {}", header.machine));
    }
    void check_section_header_size() {
        if (file_.header().section_header_size != section_header_size) refuse("Invalid ELF section header size");
    }
    void check_section_table() {
        const FileHeader& header = file_.header();
        const std::uint64_t length = file_.bytes().size();
        if (header.section_headers >= length ||
            header.section_count * section_header_size > length - header.section_headers) {
            refuse("Invalid ELF section header overflow");
        }
        file_.read_sections();
    }
    void check_name_index() {
        const unsigned index = file_.header().section_names;
        if (index != SHN_UNDEF && index < count()) return;
        refuse(fmt::format("Invalid ELF section name index: {} || e_shstrndx ({}) >= e_shnum ({})", index, index,
                           count()));
    }
    void check_name_table() {
        if (names().size == 0) refuse("empty section name table");
        const Bytes text = file_.content(names());
        if (text.empty()) throw Undefined{"the section name table is a section without content"};
        if (text.back() != std::byte{0}) refuse("ELF Spec violation: section name table isn't null terminated");
    }
    void check_null_section() {
        if (count() == 0) throw Undefined{"no section headers: the kernel reads the first one all the same"};
        const SectionHeader& null = section(0);
        if (null.type == SHT_NULL && null.size == 0 && null.address == 0) return;
        refuse(fmt::format("ELF Spec violation: section 0 type({})!=SH_NULL or non-zero len or addr", null.type));
    }
    void check_content(std::uint32_t index) {
        const SectionHeader& header = section(index);
        if (header.type == SHT_NULL || header.type == SHT_NOBITS || is_in_file(header)) return;
        refuse(fmt::format("Invalid ELF section in module (section {} type {})", index, header.type));
    }
    void check_name(std::uint32_t index) {
        if (section(index).name < names().size) return;
        refuse(fmt::format("Invalid ELF section name in module (section {} type {})", index, section(index).type));
    }
    void check_link(std::uint32_t link) {
        if (link != SHN_UNDEF && link < count()) return;
        refuse(
            fmt::format("Invalid ELF sh_link!=SHN_UNDEF({}) or (sh_link({}) >= hdr->e_shnum({})", link, link, count()));
    }
    void check_section(std::uint32_t index) {
        const SectionHeader& header = section(index);
        if (header.type == SHT_NULL || header.type == SHT_NOBITS) return;
        if (header.type == SHT_SYMTAB) check_link(header.link);
        check_content(index);
        if ((header.flags & SHF_ALLOC) != 0) check_name(index);
    }

    void set_up_load_info() {
        SectionIndices& index = module_.index;
        index.modinfo = find_allocated(file_, ".modinfo");
        for (std::uint32_t i = count() - 1; i > 0; --i) {
            if (section(i).type == SHT_SYMTAB) index.symbols = i;
        }
        if (index.symbols == 0) refuse_mildly(who() + ": module has no symbols (stripped?)");
        index.strings = section(index.symbols).link;
        index.this_module = find_allocated(file_, ".gnu.linkonce.this_module");
        if (index.this_module == 0) refuse_mildly(who() + ": No module found in object");
        index.versions = find_allocated(file_, format::versions_section);
        find_percpu();
    }
    void find_percpu() {
        if (features_.smp) module_.index.percpu = find_allocated(file_, ".data..percpu");
    }

    // find_any_unique_sec(): whatever its flags. nullopt: there are several.
    [[nodiscard]] std::optional<std::uint32_t> find_unique(std::string_view name) const {
        std::uint32_t found = 0;
        for (std::uint32_t i = 1; i < count(); ++i) {
            if (section(i).type == SHT_NULL || file_.section_name(i) != name) continue;
            if (found != 0) return std::nullopt;
            found = i;
        }
        return found;
    }
    void cache_indices() {
        const auto modinfo = find_unique(".modinfo");
        if (!modinfo) refuse("Only one .modinfo section must exist.");
        module_.index.modinfo = *modinfo;
        check_this_module();
        find_symbol_table();
        find_versions();
        find_percpu();
    }
    void check_this_module() {
        const auto index = find_unique(".gnu.linkonce.this_module");
        const auto refuse_it = [&](std::string_view why) { refuse(fmt::format("module {}: {}", who(), why)); };
        if (index.value_or(0) == 0) refuse_it("Exactly one .gnu.linkonce.this_module section must exist.");
        const SectionHeader& header = section(*index);
        if (header.type == SHT_NOBITS) refuse_it(".gnu.linkonce.this_module section must have a size set");
        if ((header.flags & SHF_ALLOC) == 0)
            refuse_it(".gnu.linkonce.this_module must occupy memory during process execution");
        if (features_.module_size && header.size != *features_.module_size) {
            refuse_it(
                ".gnu.linkonce.this_module section size must match the kernel's built struct module size at run time");
        }
        module_.index.this_module = *index;
    }
    void find_symbol_table() {
        unsigned tables = 0;
        for (std::uint32_t i = 1; i < count(); ++i) {
            if (section(i).type != SHT_SYMTAB) continue;
            ++tables;
            module_.index.symbols = i;
        }
        if (tables != 1) refuse_mildly(who() + ": module has no symbols (stripped?)");
        const std::uint32_t strings = section(module_.index.symbols).link;
        check_link(strings);
        if (section(strings).type != SHT_STRTAB)
            refuse(fmt::format("Invalid ELF symbol string table type: {}", section(strings).type));
        module_.index.strings = strings;
    }
    void find_versions() {
        SectionIndices& index = module_.index;
        index.version_crcs = find_allocated(file_, format::extended_crcs_section);
        index.version_names = find_allocated(file_, format::extended_names_section);
        if ((index.version_crcs == 0) != (index.version_names == 0))
            refuse("extended version crc+name presence does not match");
        if (index.version_crcs != 0) {
            const std::string_view names = as_text(file_.content(section(index.version_names)));
            const auto ends = static_cast<std::uint64_t>(std::ranges::count(names, '\0'));
            if (section(index.version_crcs).size / 4 > ends) refuse("more extended version crcs than names");
        }
        index.versions = find_allocated(file_, format::versions_section);
    }
    void check_symbol_names() {
        const SectionHeader& strings = section(module_.index.strings);
        const Bytes text = file_.content(strings);
        if (strings.size == 0) refuse("empty symbol string table");
        if (text.front() != std::byte{0}) refuse("symbol string table missing leading NUL");
        if (text.back() != std::byte{0}) refuse("symbol string table isn't NUL terminated");
        for (const SymbolEntry& symbol : file_.symbols(section(module_.index.symbols))) {
            if (symbol.name >= strings.size) refuse("symbol name out of bounds in string table");
        }
    }

    Module& module_;
    ModuleFile& file_;
    const arch::Arch& arch_;
    const Features& features_;
    Journal& journal_;
};

}  // namespace

std::uint32_t find_allocated(const ModuleFile& file, std::string_view name) {
    for (std::uint32_t i = 1; i < file.sections().size(); ++i) {
        if ((file.sections()[i].flags & SHF_ALLOC) != 0 && file.section_name(i) == name) return i;
    }
    return 0;
}

void check_elf(Module& module, const arch::Arch& arch, const Features& features, Journal& journal) {
    Checks checks(module, arch, features, journal);
    if (features.strict_elf_checks) {
        checks.from_6_14();
    } else {
        checks.before_6_14();
    }
    checks.set_names();
}

}  // namespace klp::loader
