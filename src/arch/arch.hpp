// SPDX-License-Identifier: GPL-2.0-or-later
// What differs between processor architectures, in the psABI's terms: relocation semantics, function entry,
// special sections. One file an architecture; no other library names an R_*_* or EM_* constant.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "elf/object.hpp"

namespace klp::arch {

// What a relocation's field holds once it is applied. S, A, P as in the psABI.
enum class Formula : std::uint8_t {
    none,         // no field (R_*_NONE)
    absolute,     // S + A
    pc_relative,  // S + A - P
    other,        // anything else (GOT, TOC, TLS): no target can be read back from the field
};

struct RelocationInfo {
    std::string_view name;  // "R_X86_64_PC32"
    std::uint8_t size = 0;  // bytes of the field that relocation writes, 0 for none
    Formula formula = Formula::other;
    bool is_signed = false;  // the value is sign-extended when read back
    bool is_call = false;    // made for branches and calls (PLT32 and the like)
    // The bits that relocation writes, of the field read as one number in the file's byte order; the others are
    // the instruction's. 0: all of them.
    std::uint64_t bits = 0;
    std::uint8_t scale = 0;  // low bits of the value that the field leaves out: the value is a multiple of 1 << scale
};

// A byte range of a section.
struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;  // exclusive
    [[nodiscard]] std::uint64_t size() const noexcept { return end - begin; }
    [[nodiscard]] bool contains(std::uint64_t offset) const noexcept { return offset >= begin && offset < end; }
};

// A branch inside one section that the assembler resolved without a relocation and that leaves its function.
struct ImplicitReference {
    std::uint64_t field = 0;            // offset of the displacement field in the section
    std::uint8_t size = 0;              // bytes of the field
    std::uint64_t target = 0;           // offset of the target in the same section
    std::uint32_t relocation_type = 0;  // the type that expresses it, with…
    std::int64_t addend = 0;            // …this addend on a symbol at `target`
};

// A section that is an array of entries, each of which belongs to the code it refers to
// (kernel include/linux/…, arch/*/include/asm/…; each table row cites its struct).
struct SpecialSection {
    std::string_view name;
    // Bytes of an entry. 0: asked from the kernel's own headers under `size_probe`, or found from the
    // distance of the owner fields' relocations.
    std::uint32_t entry_size = 0;
    std::string_view size_probe{};         // C expression for the probe ("sizeof(struct alt_instr)"), empty where fixed
    std::string_view size_probe_header{};  // what the expression needs: "asm/alternative.h"
    // Offset in the entry of the relocated field that names the code the entry belongs to.
    std::uint32_t owner_field = 0;
    // Bytes of the entry that carry no meaning for the comparison of two compilations (the line of a
    // bug_entry), as begin/end offsets in the entry. Holds only for entries of `ignored_entry_size` bytes:
    // where kernels differ in the size, they differ in the place too.
    std::optional<Range> ignored{};
    std::uint32_t ignored_entry_size = 0;
    // Derived from the code by objtool or the compiler: not compared, only carried along.
    bool derived = false;
    // Offset of the field that names a static key or static call, where the entry has one.
    std::optional<std::uint32_t> key_field{};
    // Another section that runs in parallel, entry by entry (.orc_unwind beside .orc_unwind_ip), with its
    // entry size.
    std::string_view companion{};
    std::uint32_t companion_entry_size = 0;
};

class Arch {
public:
    virtual ~Arch() = default;

    [[nodiscard]] virtual std::string_view name() const noexcept = 0;         // "x86_64", "ppc64le", "s390x", "arm64"
    [[nodiscard]] virtual std::string_view kbuild_name() const noexcept = 0;  // ARCH= of the kernel's make
    [[nodiscard]] virtual std::uint16_t machine() const noexcept = 0;         // EM_*
    [[nodiscard]] virtual ByteOrder byte_order() const noexcept = 0;
    [[nodiscard]] virtual std::string_view debian_name() const noexcept = 0;    // "amd64"
    [[nodiscard]] virtual std::string_view cross_prefix() const noexcept = 0;   // "x86_64-linux-gnu-"
    [[nodiscard]] virtual std::string_view config_option() const noexcept = 0;  // that its kernels have set

    // What is wrong with the ABI that e_flags tell; nullopt where nothing is.
    [[nodiscard]] virtual std::optional<std::string> abi_problem(std::uint32_t /*header_flags*/) const {
        return std::nullopt;
    }

    // Types that kernel objects do not use give nullopt.
    [[nodiscard]] virtual std::optional<RelocationInfo> relocation_info(std::uint32_t type) const noexcept = 0;
    [[nodiscard]] virtual std::uint32_t absolute64_type() const noexcept = 0;  // S + A into 8 bytes

    // Sets the bits that the relocation writes to zero, and leaves the instruction's. Precondition: the field is whole.
    void clear_field(const RelocationInfo& info, MutableBytes field) const noexcept;

    // What to add to the addend to get the offset from the symbol that is meant: on x86 a PC-relative field counts
    // from the end of the instruction, so `foo+0x10` has addend 0x10 - (end - field). 0 for absolute fields.
    // `function` is the range of the code, or of the data, that holds the relocation.
    [[nodiscard]] virtual std::int64_t addend_bias(const elf::Section& section, Range function,
                                                   const elf::Relocation& relocation) const = 0;

    // Whether the relocated field of an instruction in `function` is where a branch goes (call, jump), as opposed
    // to an operand that yields an address. The relocation's type need not tell: gas writes calls of local
    // functions as plain PC-relative fields.
    [[nodiscard]] virtual bool is_branch(const elf::Section& section, Range function,
                                         const elf::Relocation& relocation) const = 0;

    // S, read back from an applied field: `addend` is A, `field` the field's bytes as shipped, `place` its
    // address P. With -addend_bias() in place of A: the address that the instruction means. nullopt where the
    // formula tells no target, or fewer bytes are given than the relocation writes.
    [[nodiscard]] virtual std::optional<std::uint64_t> target_of_field(const RelocationInfo& info, Bytes field,
                                                                       std::uint64_t place,
                                                                       std::int64_t addend) const = 0;

    // Branches that leave `function` without a relocation, and PC-relative operands alike: the assembler
    // resolves both where the target is a local symbol of the same section. Error: bytes that are not
    // instructions, a target outside of the section.
    [[nodiscard]] virtual std::vector<ImplicitReference> implicit_references(const elf::Section& section,
                                                                             Range function) const = 0;

    // Start offsets of the instructions in `function`, ascending. Error as above.
    [[nodiscard]] virtual std::vector<std::uint64_t> instruction_starts(const elf::Section& section,
                                                                        Range function) const = 0;

    // Whether two branches (the bytes of one instruction each) do the same but for the size and value of their
    // displacement: an assembler takes the short form where it knows the distance.
    [[nodiscard]] virtual bool same_branch(Bytes a, Bytes b) const = 0;

    // Whether the bytes are what assembler and linker put between functions, and nothing else.
    [[nodiscard]] virtual bool is_padding(Bytes code) const = 0;

    // Whether ftrace can hook the function: it has the entry call, or the nops for one, that the kernel's recordmcount
    // or compiler lists (x86: `call __fentry__` at its start, after endbr64 where present).
    [[nodiscard]] virtual bool is_traceable(const elf::Object& object, const elf::Symbol& function) const = 0;

    [[nodiscard]] virtual std::span<const SpecialSection> special_sections() const noexcept = 0;
    [[nodiscard]] const SpecialSection* special_section(std::string_view name) const noexcept;

    // Sections of code without symbols, whose pieces belong to whoever refers to them: the replacements of
    // .altinstructions entries and the like. A name may end with `*`: all that begin so.
    [[nodiscard]] virtual std::span<const std::string_view> code_pools() const noexcept = 0;
    [[nodiscard]] bool is_code_pool(std::string_view section_name) const noexcept;
};

// Whether the kernel's linker scripts drop the section (.discard.*; scripts/module.lds.S).
[[nodiscard]] bool is_discarded_section(std::string_view name) noexcept;

// The architecture of an ELF machine or of a name: Arch::name(), or what uname -m says. Error: not supported.
[[nodiscard]] const Arch& for_machine(std::uint16_t machine, const Location& where);
[[nodiscard]] const Arch& for_name(std::string_view name);
// The same of an object, whose byte order and ABI have to be the architecture's, too: Linux on EM_PPC64 may be
// big-endian and ELFv1, which is not supported.
[[nodiscard]] const Arch& for_object(const elf::Object& object);

}  // namespace klp::arch
