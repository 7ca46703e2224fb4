// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/module_target.hpp"

#include <elf.h>

#include <optional>
#include <vector>

#include "base/text.hpp"

namespace klp::kernel {

namespace {

// nullopt instead of an Error where something reaches past the end.
std::optional<Bytes> part_of(Bytes bytes, std::uint64_t offset, std::uint64_t size) {
    if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
    return bytes.subspan(offset, size);
}

// Fields of Elf64_Ehdr and Elf64_Shdr at their places.
class ElfFields {
public:
    explicit ElfFields(Bytes file) : file_(file) {
        const bool is_elf = as_text(file).starts_with(std::string_view(ELFMAG, SELFMAG)) &&
                            file.size() >= sizeof(Elf64_Ehdr) && file[EI_CLASS] == std::byte{ELFCLASS64};
        if (!is_elf) return;
        order_ = file[EI_DATA] == std::byte{ELFDATA2MSB} ? ByteOrder::big : ByteOrder::little;
        machine = field<std::uint16_t>(file, offsetof(Elf64_Ehdr, e_machine));
        const auto offset = field<std::uint64_t>(file, offsetof(Elf64_Ehdr, e_shoff));
        count_ = field<std::uint16_t>(file, offsetof(Elf64_Ehdr, e_shnum));
        headers_ = part_of(file, offset, count_ * sizeof(Elf64_Shdr)).value_or(Bytes());
        if (headers_.empty()) count_ = 0;
        names_ = content(field<std::uint16_t>(file, offsetof(Elf64_Ehdr, e_shstrndx)));
    }

    // nullopt: there is no section of that name.
    [[nodiscard]] std::optional<Bytes> section(std::string_view name) const {
        for (unsigned i = 0; i < count_; ++i) {
            const auto at = field<std::uint32_t>(header(i), offsetof(Elf64_Shdr, sh_name));
            if (at >= names_.size()) continue;
            const std::string_view rest = as_text(names_.subspan(at));
            if (rest.substr(0, rest.find('\0')) == name) return content(i);
        }
        return std::nullopt;
    }

    std::uint16_t machine = 0;

private:
    template <typename T>
    [[nodiscard]] T field(Bytes structure, std::size_t at) const {
        return load<T>(structure.subspan(at), order_);
    }
    [[nodiscard]] Bytes header(unsigned index) const { return headers_.subspan(index * sizeof(Elf64_Shdr)); }
    [[nodiscard]] Bytes content(unsigned index) const {
        if (index >= count_) return {};
        return part_of(file_, field<std::uint64_t>(header(index), offsetof(Elf64_Shdr, sh_offset)),
                       field<std::uint64_t>(header(index), offsetof(Elf64_Shdr, sh_size)))
            .value_or(Bytes());
    }

    Bytes file_;
    ByteOrder order_ = ByteOrder::little;
    unsigned count_ = 0;
    Bytes headers_;
    Bytes names_;
};

}  // namespace

ModuleTarget target_of_module(Bytes module) {
    constexpr std::string_view tag = "vermagic=";
    const ElfFields elf(module);
    ModuleTarget target{{}, elf.machine, elf.section("__versions") || elf.section("__version_ext_crcs")};
    for (std::string_view entry : split(as_text(elf.section(".modinfo").value_or(Bytes())), '\0')) {
        if (!entry.starts_with(tag)) continue;
        entry.remove_prefix(tag.size());
        target.release = entry.substr(0, entry.find(' '));
        break;
    }
    return target;
}

}  // namespace klp::kernel
