// SPDX-License-Identifier: GPL-2.0-or-later
// The relocation code of the kernel's module loaders: writes the bytes that the kernel writes, and refuses with the
// kernel's own words. One object for each loaded module, for as long as it is loaded, since architectures keep state
// (stubs, GOT and PLT slots) that a livepatch relocation years later goes on with.
//
//   auto relocator = arch.module_loading().relocator(image, features);
//   relocator->prepare();                   // module_frob_arch_sections(): sizes; then the loader allocates
//   relocator->apply(5, ModuleState::unformed);  // apply_relocate_add(), for each RELA section in turn
//   relocator->finalize();                  // what module_finalize() adds to stubs and trampolines
//   relocator->apply(9, ModuleState::live);      // the livepatch core, when the patched object is there
//   relocator->clear(9);                    // and when it goes, on kernels with clear_relocate_add()
//
// Symbol values are looked up by the caller and set in the image beforehand.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arch/module_image.hpp"
#include "arch/range.hpp"

namespace klp::arch {

// As far as relocation code asks: `unformed` while load_module() runs, `live` from then on; `unlocked` is a live module
// whose memory the livepatch core has made writable meanwhile (module_disable_ro(), before 5.8), and which is written
// to without text patching.
enum class ModuleState : std::uint8_t { unformed, live, unlocked };

enum class WriteKind : std::uint8_t {
    field,        // the place that the relocation names
    toc_restore,  // ppc64: `ld r2,24(r1)` after a call
    stub,         // ppc64: an entry of .stubs
    got_entry,    // s390
    plt_entry,    // s390, arm64
    veneer,       // arm64: takes the place of an ADRP that the CPU could get wrong
    trampoline,   // of ftrace, or the expoline thunk: made by finalize()
};

struct MemoryWrite {
    WriteKind kind = WriteKind::field;
    std::optional<std::uint32_t> section;  // index; none: ModuleImage::reserved_text
    std::uint64_t offset = 0;              // in it
    std::vector<std::byte> before;
    std::vector<std::byte> after;
    std::optional<std::uint32_t> relocation;  // index in the relocation section that caused it
    // Written through the kernel's text patching. False: a plain store, which faults where a live module's memory is
    // read-only.
    bool by_text_patching = false;
    // The value does not fit into the field: the kernel writes what does, and says nothing.
    bool cut_off = false;
    // Bytes of `after` that the kernel takes from uninitialised memory.
    Range indeterminate{};
};

// The kernel gives up. Writes made before stay made.
struct Refusal {
    int error = 0;  // ENOEXEC and the like, positive
    // Lines of the kernel's log without time stamp and final newline. An address printed with `%p` is shown as under
    // `no_hash_pointers`.
    std::vector<std::string> messages;
    bool warns = false;  // a WARN_ON() with its backtrace comes with it
    std::optional<std::uint32_t> relocation;
};

struct Outcome {
    std::vector<MemoryWrite> writes;
    std::optional<Refusal> refusal;
};

struct SectionChange {
    std::uint32_t section = 0;
    std::uint64_t size = 0;
    std::uint64_t alignment = 0;
};

// prepare() has changed headers, symbols and the order of relocations in the image; `changes` tells the headers.
struct Preparation {
    std::vector<SectionChange> changes;
    std::uint64_t reserved_text = 0;  // bytes at the start of the text area
    std::optional<Refusal> refusal;
};

class ModuleRelocator {
public:
    virtual ~ModuleRelocator() = default;
    ModuleRelocator(const ModuleRelocator&) = delete;
    ModuleRelocator& operator=(const ModuleRelocator&) = delete;

    // Before allocation. Error: an index of the image that points nowhere.
    [[nodiscard]] Preparation prepare();
    // `relocation_section` is an index. Error, here and below: a place outside of its section. The kernel would
    // write there all the same; what happens then cannot be told.
    [[nodiscard]] Outcome apply(std::uint32_t relocation_section, ModuleState state);
    // Kernels without clear_relocate_add() for the architecture leave everything as it is, which gives no writes.
    [[nodiscard]] Outcome clear(std::uint32_t relocation_section);
    [[nodiscard]] Outcome finalize();

protected:
    explicit ModuleRelocator(ModuleImage& image) : image_(image) {}

    // P, with the memory behind it.
    struct Place {
        std::optional<std::uint32_t> section;
        std::uint64_t offset = 0;
        std::uint64_t address = 0;
    };

    // module_frob_arch_sections(). Returns the bytes of Preparation::reserved_text.
    virtual std::uint64_t prepare_sections() = 0;
    // What apply_relocate_add() does before the first relocation of a section.
    virtual void before_section() = 0;
    virtual void apply_one(const Place& place, const ImageRelocation& relocation) = 0;
    // clear_relocate_add()
    virtual void clear_one(const Place& place, const ImageRelocation& relocation) = 0;
    // The stubs and trampolines of module_finalize().
    virtual void make_final_entries() = 0;

    [[nodiscard]] Place place_in(std::uint32_t section, std::uint64_t offset) const;
    [[nodiscard]] Place place_in_reserved_text(std::uint64_t offset) const;
    [[nodiscard]] static Place advance(Place place, std::uint64_t bytes);
    [[nodiscard]] ImageSymbol& symbol_of(const ImageRelocation& relocation) const;
    [[nodiscard]] std::optional<std::uint32_t> find_section(std::string_view name) const;  // the last, as the kernel's

    [[nodiscard]] MutableBytes memory_at(const Place& place, std::uint64_t size) const;
    template <std::unsigned_integral T>
    [[nodiscard]] T read(const Place& place) const {
        return load<T>(memory_at(place, sizeof(T)), image_.order);
    }
    // Returns the record, for what is special about the write. Text patching is used on live modules.
    MemoryWrite& write(const Place& place, Bytes bytes, WriteKind kind = WriteKind::field);
    template <std::unsigned_integral T>
    MemoryWrite& write(const Place& place, T value, WriteKind kind = WriteKind::field) {
        std::byte bytes[sizeof(T)];
        store<T>(bytes, value, image_.order);
        return write(place, Bytes(bytes), kind);
    }

    [[noreturn]] void refuse(int error, std::vector<std::string> messages) const;
    [[noreturn]] void refuse_with_warning(int error) const;

    ModuleImage& image_;
    ModuleState state_ = ModuleState::unformed;
    std::uint32_t relocation_section_ = 0;             // the one that is applied or cleared now
    std::optional<std::uint32_t> relocation_index_{};  // and the place in it

private:
    void check_foreign_code(const Place& place, std::uint64_t size) const;

    using Step = void (ModuleRelocator::*)(const Place&, const ImageRelocation&);
    void each_relocation(std::uint32_t relocation_section, Step step);
    template <typename Work>
    Outcome record(ModuleState state, Work work);

    std::vector<MemoryWrite> writes_;
};

// `%p` of printk under `no_hash_pointers`.
[[nodiscard]] std::string kernel_pointer(std::uint64_t address);

}  // namespace klp::arch
