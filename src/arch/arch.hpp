// SPDX-License-Identifier: GPL-2.0-or-later
// What differs between processor architectures, in the psABI's terms: relocation semantics, function entry, special
// sections; and, each by an interface of its own, what their kernels do. One folder an architecture behind one row of
// registry.cpp; no other library names an architecture, or an R_* or EM_* constant. registry.hpp has the checklist for
// a new one.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arch/range.hpp"
#include "arch/special_sections.hpp"
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

// A branch inside one section that the assembler resolved without a relocation and that leaves its function.
struct ImplicitReference {
    std::uint64_t field = 0;            // offset of the displacement field in the section
    std::uint8_t size = 0;              // bytes of the field
    std::uint64_t target = 0;           // offset of the target in the same section
    std::uint32_t relocation_type = 0;  // the type that expresses it, with…
    std::int64_t addend = 0;            // …this addend on a symbol at `target`
};

// A branch to a place of its own function, both as offsets in the section.
struct InnerBranch {
    std::uint64_t from = 0;  // the start of the instruction
    std::uint64_t to = 0;
};

// A call that gets an address as an argument.
struct Argument {
    std::uint64_t call = 0;      // offset in the section of the call's relocated field
    std::uint32_t position = 0;  // 0: the first argument
};

// A constant that an instruction loads into an argument's register, for one call alone.
struct ConstantArgument {
    Range instruction;  // offsets in the section
    std::uint64_t value = 0;
    Argument argument;
};

// What comes of the address that a field tells.
enum class Use : std::uint8_t {
    branch,   // the place is gone to
    read,     // the instruction reads from there
    write,    // the instruction writes there, whether it reads or not
    stored,   // the instruction writes the address itself to memory
    address,  // the address is kept as a value: in a register, in data
    part,     // half of an address (arm64: adrp), of which another field has the rest
};

// What a field tells of S where it takes two of them to tell all: `adrp` has the page, `add` the bits below it.
struct TargetPart {
    enum class Half : std::uint8_t { high, low };
    Half half = Half::high;
    std::uint64_t value = 0;  // the two values added up, and the base, are S
    std::uint64_t pair = 0;   // the halves of one address have the same
    std::string_view base{};  // the symbol that the address counts from; empty: none
};

// A value that has no default: leaving it out of an initializer is an error of the compiler.
template <typename T>
class Required {
public:
    template <typename U>
    requires std::convertible_to<U, T>
    constexpr Required(U value) : value_(static_cast<T>(value)) {}  // NOLINT(google-explicit-constructor)
    [[nodiscard]] constexpr const T& get() const noexcept { return value_; }

private:
    T value_;
};

// How others call the architecture.
struct Identity {
    Required<std::string_view> name;           // ours, in the catalogue and in messages: "ppc64le"
    Required<std::string_view> uname;          // uname -m
    Required<std::string_view> kbuild_name;    // ARCH= of the kernel's make: "powerpc"
    Required<std::string_view> source_folder;  // SRCARCH: the folder under arch/ of the kernel's source
    Required<std::string_view> debian_name;    // "ppc64el"
    Required<std::string_view> cross_prefix;   // of GNU tools: "powerpc64le-linux-gnu-"
    Required<std::string_view> config_option;  // that its kernels have set
    Required<std::uint16_t> machine;           // EM_*
    Required<ByteOrder> byte_order;
};

class KernelProbe;
class ModuleLoading;

class Arch {
public:
    virtual ~Arch() = default;
    Arch(const Arch&) = delete;
    Arch& operator=(const Arch&) = delete;

    [[nodiscard]] std::string_view name() const noexcept { return identity_.name.get(); }
    [[nodiscard]] std::string_view uname() const noexcept { return identity_.uname.get(); }
    [[nodiscard]] std::string_view kbuild_name() const noexcept { return identity_.kbuild_name.get(); }
    [[nodiscard]] std::string_view source_folder() const noexcept { return identity_.source_folder.get(); }
    [[nodiscard]] std::string_view debian_name() const noexcept { return identity_.debian_name.get(); }
    [[nodiscard]] std::string_view cross_prefix() const noexcept { return identity_.cross_prefix.get(); }
    [[nodiscard]] std::string_view config_option() const noexcept { return identity_.config_option.get(); }
    [[nodiscard]] std::uint16_t machine() const noexcept { return identity_.machine.get(); }
    [[nodiscard]] ByteOrder byte_order() const noexcept { return identity_.byte_order.get(); }

    // The kernel's module loader on this architecture (module_loading.hpp), and how kernels of it differ
    // (kernel_probe.hpp).
    [[nodiscard]] virtual const ModuleLoading& module_loading() const noexcept = 0;
    [[nodiscard]] virtual const KernelProbe& kernel_probe() const noexcept = 0;

    // What is wrong with the ABI that e_flags tell; nullopt where nothing is.
    [[nodiscard]] virtual std::optional<std::string> abi_problem(std::uint32_t header_flags) const = 0;

    // Types that kernel objects do not use give nullopt.
    [[nodiscard]] virtual std::optional<RelocationInfo> relocation_info(std::uint32_t type) const noexcept = 0;
    [[nodiscard]] virtual std::uint32_t absolute64_type() const noexcept = 0;  // S + A into 8 bytes

    // Sets the bits that the relocation writes to zero, and leaves the instruction's. Precondition: the field is whole.
    void clear_field(const RelocationInfo& info, MutableBytes field) const noexcept;
    // Whether two fields have the same bits beside those that the relocation writes. Precondition: both are whole.
    [[nodiscard]] bool same_beside(const RelocationInfo& info, Bytes a, Bytes b) const noexcept;

    // What to add to the addend to get the offset from the symbol that is meant: on x86 a PC-relative field counts
    // from the end of the instruction, so `foo+0x10` has addend 0x10 - (end - field). 0 for absolute fields.
    // `function` is the range of the code, or of the data, that holds the relocation.
    [[nodiscard]] virtual std::int64_t addend_bias(const elf::Section& section, Range function,
                                                   const elf::Relocation& relocation) const = 0;

    // Bytes from the start of a function to where branches of its own object may come in; 0: at the start.
    [[nodiscard]] virtual std::uint64_t local_entry(const elf::Symbol&) const noexcept { return 0; }

    // Whether the relocated field of an instruction in `function` is where a branch goes (call, jump), as opposed
    // to an operand that yields an address. The relocation's type need not tell: gas writes calls of local
    // functions as plain PC-relative fields.
    [[nodiscard]] virtual bool is_branch(const elf::Section& section, Range function,
                                         const elf::Relocation& relocation) const = 0;

    // Whether such a branch leaves a return address behind. Precondition: is_branch().
    [[nodiscard]] virtual bool is_call(const elf::Section& section, Range function,
                                       const elf::Relocation& relocation) const = 0;

    // S, read back from an applied field: `addend` is A, `field` the field's bytes as shipped, `place` its
    // address P. With -addend_bias() in place of A: the address that the instruction means. nullopt where the
    // formula tells no target, or fewer bytes are given than the relocation writes.
    [[nodiscard]] virtual std::optional<std::uint64_t> target_of_field(const RelocationInfo& info, Bytes field,
                                                                       std::uint64_t place,
                                                                       std::int64_t addend) const = 0;

    // Its half of S, of a field whose formula tells no target. nullopt: the type has no such field, or fewer bytes are
    // given.
    [[nodiscard]] virtual std::optional<TargetPart> part_of_target(std::uint32_t type, Bytes field, std::uint64_t place,
                                                                   std::int64_t addend) const = 0;

    // Branches that leave `function` without a relocation, and PC-relative operands alike: the assembler
    // resolves both where the target is a local symbol of the same section. Error: bytes that are not
    // instructions, a target outside of the section.
    [[nodiscard]] virtual std::vector<ImplicitReference> implicit_references(const elf::Section& section,
                                                                             Range function) const = 0;

    // Data keeps the addresses in it. Precondition and errors as of addend_bias().
    [[nodiscard]] Use use_of(const elf::Section& section, Range function, const elf::Relocation& relocation) const;

    // The call that alone uses the address that the operand yields, where the code between shows it. nullopt: not so,
    // or it cannot be told.
    [[nodiscard]] virtual std::optional<Argument> argument_of(const elf::Section& section, Range function,
                                                              const elf::Relocation& relocation) const;

    // What the instruction at `offset` (one of instruction_starts()) does, if it only loads a constant for the call
    // that follows before any other branch, and nothing between reads or changes the register. nullopt: not so, or it
    // cannot be told.
    [[nodiscard]] virtual std::optional<ConstantArgument> constant_argument(const elf::Section& section, Range function,
                                                                            std::uint64_t offset) const = 0;

    // Branches from one place of `function` to another that need no relocation, ascending. Error as above.
    [[nodiscard]] virtual std::vector<InnerBranch> inner_branches(const elf::Section& section,
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
    // Where in its section the function has that call as its relocation tells it, whether it is listed or not, and
    // whether a recorder made a nop of it. nullopt: it has none, as where nops alone are compiled in.
    [[nodiscard]] virtual std::optional<std::uint64_t> entry_call(const elf::Symbol& function) const = 0;

    [[nodiscard]] virtual std::span<const SpecialSection> special_sections() const noexcept = 0;
    [[nodiscard]] const SpecialSection* special_section(std::string_view name) const noexcept;
    // Whether kernels with .klp.arch sections (4.6 to 5.7) take one for the table.
    [[nodiscard]] bool has_arch_section(std::string_view name) const noexcept;

    // Sections of code without symbols, whose pieces belong to whoever refers to them: the replacements of
    // .altinstructions entries and the like. A name may end with `*`: all that begin so.
    [[nodiscard]] virtual std::span<const std::string_view> code_pools() const noexcept = 0;
    [[nodiscard]] bool is_code_pool(std::string_view section_name) const noexcept;
    // The section of addresses by which code comes to symbols that are far away; empty where there is none.
    [[nodiscard]] virtual std::string_view address_pool() const noexcept { return {}; }

protected:
    explicit Arch(const Identity& identity) noexcept : identity_(identity) {}

    // Arch::use_of() for a field of code that is no branch.
    [[nodiscard]] virtual Use use_of_operand(const elf::Section& section, Range function,
                                             const elf::Relocation& relocation) const = 0;

private:
    Identity identity_;
};

// Whether the kernel's linker scripts drop the section (.discard.*; scripts/module.lds.S).
[[nodiscard]] bool is_discarded_section(std::string_view name) noexcept;

}  // namespace klp::arch
