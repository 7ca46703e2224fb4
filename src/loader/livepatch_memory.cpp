// SPDX-License-Identifier: GPL-2.0-or-later
// klp_patch and its tables as klp_enable_patch() meets them: in the module's memory, by the structures that the
// kernel's own headers give. What the core writes to has to be writable for as long as the livepatch is there, and what
// it makes kobjects and list entries of must be in no other list.
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "loader/filled_tables.hpp"
#include "loader/journal.hpp"
#include "loader/livepatch.hpp"
#include "loader/module_memory.hpp"

namespace klp::loader {

namespace {

using kernel::StructLayout;

[[noreturn]] void not_sound(const Module& module, std::uint64_t address, std::string_view what) {
    const arch::ImageSection* section = section_at(module, address);
    const std::string place = section == nullptr ? fmt::format("{:#x}", address)
                                                 : fmt::format("{}+{:#x}", section->name, address - section->address);
    throw Undefined{fmt::format("{}: {}: {}", module.name, place, what)};
}

bool is_zero(Bytes bytes) {
    return std::ranges::all_of(bytes, [](std::byte each) { return each == std::byte{0}; });
}

class MemoryReader {
public:
    MemoryReader(Module& module, const System& system)
        : module_(module),
          system_(system),
          layout_(*system.features.layout),
          protects_(system.features.strict_module_rwx),
          filled_(module, system.kernel.arch()) {}

    KlpPatch read(std::uint64_t address) {
        KlpPatch patch;
        patch.module = &module_;
        const std::uint64_t owner = word_at(module_, address + layout_.klp_patch_mod);
        const std::uint64_t objects = word_at(module_, address + layout_.klp_patch_objs);
        if (owner == 0 || objects == 0) refuse(address, layout_.klp_patch_size, 1);
        if (owner != module_.image.sections[module_.index.this_module].address)
            not_sound(module_, address,
                      "kernel/livepatch/core.c:klp_enable_patch() takes what is no struct module for one");
        check_objects(objects);
        read_objects(objects, patch);
        // Before anything of it is written to, a patch that lacks something is refused (klp_enable_patch()).
        must_be_kobject(address, layout_.klp_patch_size, layout_.klp_patch_kobj, "struct klp_patch");
        for (const auto& [place, size, kobject, what] : kobjects_) {
            must_be_kobject(place, size, kobject, what);
        }
        check_ends();
        const Bytes memory = memory_from(module_, address + layout_.klp_patch_replace);
        patch.replace = !memory.empty() && memory.front() != std::byte{0};
        return patch;
    }

private:
    // What lacks something is refused, unless the code that hands it on fills it before: it refers to it beyond `known`
    // times.
    [[noreturn]] void refuse(std::uint64_t address, std::uint64_t size, std::size_t known) const {
        if (filled_.may_fill(address, size, known))
            throw Undefined{module_.name + ": its code may fill what klp_enable_patch() reads", true};
        throw Refused{EINVAL};
    }

    struct Kobject {
        std::uint64_t address, size, kobject;
        std::string_view what;
    };

    // What klp_enable_patch() asks before all else.
    void check_objects(std::uint64_t table) const {
        for (std::uint64_t at = table;; at += layout_.klp_object_size) {
            must_be_there(at, layout_.klp_object_size, "struct klp_object");
            const bool has_functions = word_at(module_, at + layout_.klp_object_funcs) != 0;
            if (!has_functions && word_at(module_, at + layout_.klp_object_name) == 0) return;
            if (!has_functions) refuse(at, layout_.klp_object_size, 0);
            if (system_.features.checks_names_first) check_names(word_at(module_, at + layout_.klp_object_funcs));
        }
    }
    void check_names(std::uint64_t table) const {
        for (std::uint64_t at = table;; at += layout_.klp_func_size) {
            must_be_there(at, layout_.klp_func_size, "struct klp_func");
            const bool has_name = word_at(module_, at + layout_.klp_func_old_name) != 0;
            const bool has_more = word_at(module_, at + layout_.klp_func_new_func) != 0 ||
                                  word_at(module_, at + layout_.klp_func_old_sympos) != 0;
            if (!has_name && !has_more) return;
            if (!has_name) refuse(at, layout_.klp_func_size, 0);
        }
    }

    // klp_for_each_object_static()
    void read_objects(std::uint64_t table, KlpPatch& patch) {
        for (std::uint64_t at = table;; at += layout_.klp_object_size) {
            must_be_there(at, layout_.klp_object_size, "struct klp_object");
            const std::uint64_t functions = word_at(module_, at + layout_.klp_object_funcs);
            const std::uint64_t name = word_at(module_, at + layout_.klp_object_name);
            if (functions == 0 && name == 0) {
                ends_.push_back({at, layout_.klp_object_size, 0, "struct klp_object"});
                return;
            }
            kobjects_.push_back({at, layout_.klp_object_size, layout_.klp_object_kobj, "struct klp_object"});
            if (is_made_by_core(at, layout_.klp_object_size))
                not_sound(module_, at,
                          "kernel/livepatch/core.c:klp_free_object_dynamic() frees what was not allocated");
            KlpObject object;
            object.fault = fault_of([&] {
                if (name == 0) return;
                object.name = "?";  // of a module, whatever its name is
                const std::string text = text_at(name);
                if (text.empty())
                    not_sound(module_, at,
                              "WARN() in lib/kobject.c:kobject_add_internal(): an object with an empty name");
                object.name = text;
            });
            object.callback_fault = fault_of([&] {
                for (const std::uint64_t each : {layout_.klp_object_pre_patch, layout_.klp_object_post_patch,
                                                 layout_.klp_object_pre_unpatch, layout_.klp_object_post_unpatch})
                    check_callback(at + each);
            });
            read_functions(functions, object);
            patch.objects.push_back(std::move(object));
        }
    }

    // klp_pre_patch_callback() and the others
    void check_callback(std::uint64_t field) {
        const std::uint64_t callback = word_at(module_, field);
        if (callback == 0) return;
        const auto runs = [&](const Module& module) {
            const arch::ImageSection* section = section_at(module, callback);
            return section != nullptr && (section->flags & SHF_EXECINSTR) != 0;
        };
        const elf::Section* in_kernel = system_.kernel.section_at(callback);
        if (runs(module_) || (in_kernel != nullptr && (in_kernel->flags & SHF_EXECINSTR) != 0)) return;
        if (std::ranges::any_of(system_.modules, [&](const auto& each) { return runs(*each); })) return;
        not_sound(module_, field, fmt::format("a callback at {:#x}, where no code is", callback));
    }

    // klp_for_each_func_static()
    void read_functions(std::uint64_t table, KlpObject& object) {
        for (std::uint64_t at = table;; at += layout_.klp_func_size) {
            must_be_there(at, layout_.klp_func_size, "struct klp_func");
            const std::uint64_t name = word_at(module_, at + layout_.klp_func_old_name);
            const std::uint64_t new_function = word_at(module_, at + layout_.klp_func_new_func);
            const std::uint64_t sympos = word_at(module_, at + layout_.klp_func_old_sympos);
            if (name == 0 && new_function == 0 && sympos == 0) {
                ends_.push_back({at, layout_.klp_func_size, 0, "struct klp_func"});
                return;
            }
            kobjects_.push_back({at, layout_.klp_func_size, layout_.klp_func_kobj, "struct klp_func"});
            KlpFunc function;
            function.fault = fault_of([&] {
                if (name != 0) function.old_name = text_at(name);
            });
            function.sympos = sympos;
            function.new_address = new_function;
            function.nop = is_made_by_core(at, layout_.klp_func_size);
            function.of_module = true;
            function.incomplete = name == 0 || (new_function == 0 && !function.nop);
            if (function.incomplete && filled_.may_fill(at, layout_.klp_func_size, 0))
                refuse(at, layout_.klp_func_size, 0);
            object.functions.push_back(std::move(function));
        }
    }

    // klp_object::dynamic and klp_func::nop, which are followed by one or two more members of a byte, at the end of
    // all.
    [[nodiscard]] bool is_made_by_core(std::uint64_t address, std::uint64_t size) const {
        return memory_from(module_, address + size - 8).front() != std::byte{0};
    }

    // The kernel comes to it later, if it comes to it.
    template <typename Reading>
    static std::optional<std::string> fault_of(Reading read) {
        try {
            as_undefined(read);
            return std::nullopt;
        } catch (const Undefined& undefined) {
            return undefined.what;
        }
    }

    // Names are compared whenever a module is loaded.
    std::string text_at(std::uint64_t address) {
        const arch::ImageSection* section = section_at(module_, address);
        if (section == nullptr) not_sound(module_, address, "a name that is in no section of the module");
        if (is_init(area_of(*section)))
            not_sound(module_, address, "a name in init memory, which the livepatch core reads when it is freed");
        return std::string(string_at(module_, address));
    }

    void must_be_there(std::uint64_t address, std::uint64_t size, std::string_view what) const {
        if (section_from(module_, address).size() < size)
            not_sound(module_, address, fmt::format("the table of {} leads out of its section", what));
    }

    // klp_init_patch_early()
    void must_be_kobject(std::uint64_t address, std::uint64_t size, std::uint64_t kobject, std::string_view what) {
        must_be_there(address, size, what);
        const Area area = area_of(*section_at(module_, address));
        if (is_init(area))
            not_sound(module_, address,
                      fmt::format("{} in init memory, which is freed under the livepatch core", what));
        if (protects_ && area != Area::data)
            not_sound(
                module_, address,
                fmt::format("kernel/livepatch/core.c:klp_init_patch_early() writes to {}, which is read-only", what));
        const auto overlaps = [&](const auto& other) {
            return address < other.first + other.second && other.first < address + size;
        };
        if (std::ranges::any_of(initialized_, overlaps))
            not_sound(module_, address,
                      fmt::format("{} is in the tables twice: kernel/livepatch/core.c:klp_init_patch_early() puts it "
                                  "into two lists",
                                  what));
        initialized_.emplace(address, size);
        if (!is_fresh(memory_from(module_, address + kobject).first(layout_.kobject_size)))
            not_sound(
                module_, address + kobject,
                fmt::format("the kobject of {} is not zero, and lib/kobject.c takes what is there for its own", what));
    }

    // The rows that end tables are read while klp_init_patch_early() writes to what is before them.
    void check_ends() const {
        constexpr std::uint64_t fields = 24;  // that a row without any is told by
        for (const auto& [place, size, kobject, what] : ends_) {
            for (const auto& [address, written] : initialized_) {
                if (address >= place + std::min(size, fields) || place >= address + written) continue;
                not_sound(module_, place,
                          fmt::format("the table of {} ends in what kernel/livepatch/core.c:klp_init_patch_early() "
                                      "writes to",
                                      what));
            }
        }
    }

    // lib/kobject.c:kobject_init() sets all but the name, which kobject_add() frees, the kset, and whether it was
    // called before.
    [[nodiscard]] bool is_fresh(Bytes kobject) const {
        if (layout_.kobject_kset == 0) return is_zero(kobject);
        const bool is_big = module_.image.order == ByteOrder::big;
        const std::byte initialized = kobject[layout_.kobject_flags] & (is_big ? std::byte{0x80} : std::byte{1});
        return is_zero(kobject.first(8)) && is_zero(kobject.subspan(layout_.kobject_kset, 8)) &&
               initialized == std::byte{0};
    }

    [[nodiscard]] Area area_of(const arch::ImageSection& section) const {
        const auto index = static_cast<std::size_t>(&section - module_.image.sections.data());
        return module_.layout.places[index]->area;
    }

    Module& module_;
    const System& system_;
    const StructLayout& layout_;
    bool protects_;
    FilledTables filled_;
    std::vector<Kobject> kobjects_;
    std::vector<Kobject> ends_;
    std::map<std::uint64_t, std::uint64_t> initialized_;  // sizes, by address
};

// Where the relocations of code that is freed after init lead to: among that is the argument of klp_enable_patch().
// Distances are counted from behind the field where the instruction ends with it (x86), or from its start (s390).
std::set<std::uint64_t> places_in_init_code(const Module& module) {
    std::set<std::uint64_t> places;
    for (const arch::ImageSection& each : module.image.sections) {
        if (each.relocations.empty() || each.info >= module.layout.places.size()) continue;
        const auto& target = module.layout.places[each.info];
        if (!target || target->area != Area::init_text) continue;
        for (const arch::ImageRelocation& relocation : each.relocations) {
            if (relocation.symbol >= module.image.symbols.size()) continue;
            const std::uint64_t value =
                module.image.symbols[relocation.symbol].value + static_cast<std::uint64_t>(relocation.addend);
            places.insert({value, value + 4, value - 2});
        }
    }
    return places;
}

// The one variable of that size: what it has for its module is not the module.
std::optional<std::uint64_t> patch_by_size(const Module& module, const kernel::StructLayout& layout) {
    std::optional<std::uint64_t> found;
    for (const std::uint64_t place : places_in_init_code(module)) {
        const Bytes memory = memory_from(module, place);
        if (memory.size() < layout.klp_patch_size) continue;
        bool is_variable = false;
        for (std::size_t i = 0; i < module.symbols.size(); ++i)
            is_variable = is_variable ||
                          (ELF64_ST_TYPE(module.symbols[i].info) == STT_OBJECT &&
                           module.symbols[i].size == layout.klp_patch_size && module.image.symbols[i].value == place);
        if (!is_variable) continue;
        if (found) return std::nullopt;
        found = place;
    }
    return found;
}

}  // namespace

std::optional<std::uint64_t> patch_of_init_code(const Module& module, const kernel::StructLayout& layout) {
    std::optional<std::uint64_t> found;
    const std::uint64_t owner = module.image.sections[module.index.this_module].address;
    for (const std::uint64_t place : places_in_init_code(module)) {
        const Bytes memory = memory_from(module, place);
        if (memory.size() < layout.klp_patch_size || place == owner) continue;
        if (load<std::uint64_t>(memory.subspan(layout.klp_patch_mod), module.image.order) != owner) continue;
        if (found) return std::nullopt;
        found = place;
    }
    return found ? found : patch_by_size(module, layout);
}

KlpPatch read_patch_at(Module& module, const System& system, std::uint64_t address) {
    return MemoryReader(module, system).read(address);
}

}  // namespace klp::loader
