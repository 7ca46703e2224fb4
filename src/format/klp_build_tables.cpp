// SPDX-License-Identifier: GPL-2.0-or-later
//   struct klp_object_ext { const char *name; struct klp_func_ext *funcs; struct klp_callbacks callbacks; u32 nr_funcs;
//   } struct klp_func_ext   { const char *old_name; void *new_func; unsigned long sympos; }
// In the file every pointer is a relocation. Whatever does not fit this is not read at all.
#include <map>

#include "arch/registry.hpp"
#include "base/text.hpp"
#include "format/tables.hpp"

namespace klp::format {

namespace {

constexpr std::uint64_t object_ext_size = 56, nr_funcs_field = 48;
constexpr std::uint64_t function_ext_size = 24;

class ExtTables {
public:
    explicit ExtTables(const elf::Object& module) : module_(module) {
        const std::uint32_t pointer =
            arch::for_machine(module.machine(), {module.display_name(), {}, {}}).absolute64_type();
        for (const auto& section : module.sections()) {
            for (const elf::Relocation& each : section->rela()) {
                const elf::Symbol& to = *each.symbol;
                if (each.type != pointer || to.placement != elf::Placement::section) continue;
                pointers_[{section.get(), each.offset}] = {to.section,
                                                           to.value + static_cast<std::uint64_t>(each.addend)};
            }
        }
        for (const auto& symbol : module.symbols())
            if (symbol->is_function() && symbol->section != nullptr)
                functions_.emplace(Place{symbol->section, symbol->value}, symbol->name);
    }

    std::optional<std::vector<PatchedObject>> read(const elf::Section& section) const {
        if (section.is_nobits() || section.size() % object_ext_size != 0) return std::nullopt;
        std::vector<PatchedObject> objects;
        std::size_t functions = 0;
        for (std::uint64_t at = 0; at < section.size(); at += object_ext_size) {
            auto object = read_object({&section, at});
            if (!object) return std::nullopt;
            functions += object->functions.size();
            if (functions > pointers_.size()) return std::nullopt;  // tables that lie in each other
            objects.push_back(std::move(*object));
        }
        return objects;
    }

private:
    std::optional<Place> pointer_at(const Place& table, std::uint64_t field) const {
        const auto found = pointers_.find({table.section, table.offset + field});
        return found == pointers_.end() ? std::nullopt : std::optional(found->second);
    }
    std::optional<std::string> string_at(const std::optional<Place>& place) const {
        if (!place || place->offset >= place->section->content().size()) return std::nullopt;
        const auto text = terminated_string(as_text(place->section->content().subspan(place->offset)));
        return text && !text->empty() ? std::optional(std::string(*text)) : std::nullopt;
    }

    std::optional<PatchedObject> read_object(const Place& at) const {
        PatchedObject object;
        object.name = "vmlinux";
        if (const auto name = pointer_at(at, 0)) {
            const auto text = string_at(name);
            if (!text) return std::nullopt;
            object.name = *text;
            object.never_comes = *text == "vmlinux";
        }
        for (std::uint64_t field = callbacks_field; field < callbacks_end; field += 8) {
            if (const auto code = pointer_at(at, field)) {
                const auto function = functions_.find(*code);
                object.callbacks.push_back({code->section->name, code->offset, callback_event(field),
                                            function == functions_.end() ? "" : std::string(function->second)});
            }
        }
        object.has_callbacks = !object.callbacks.empty();
        const auto funcs = pointer_at(at, funcs_field);
        const Bytes count_field = at.section->content().subspan(at.offset + nr_funcs_field, sizeof(std::uint32_t));
        const auto count = load<std::uint32_t>(count_field, module_.order());
        if (count > 0 && !funcs) return std::nullopt;
        for (std::uint64_t i = 0; i < count; ++i) {
            auto function = read_function({funcs->section, funcs->offset + i * function_ext_size});
            if (!function) return std::nullopt;
            object.functions.push_back(std::move(*function));
        }
        return object;
    }

    std::optional<PatchedFunction> read_function(const Place& at) const {
        const auto name = string_at(pointer_at(at, 0));
        const auto code = pointer_at(at, new_func_field);
        const Bytes content = at.section->content();
        if (!name || !code || !code->section->is_code()) return std::nullopt;
        if (at.offset > content.size() || content.size() - at.offset < function_ext_size) return std::nullopt;
        const Bytes sympos = content.subspan(at.offset + old_sympos_field, sizeof(std::uint64_t));
        const auto function = functions_.find(*code);
        return PatchedFunction{*name, load<std::uint64_t>(sympos, module_.order()),
                               function == functions_.end() ? std::string() : std::string(function->second),
                               code->section->name, code->offset};
    }

    const elf::Object& module_;
    std::map<Place, Place> pointers_;
    std::map<Place, std::string_view> functions_;
};

}  // namespace

std::vector<PatchedObject> read_klp_build_tables(const elf::Object& module) {
    const elf::Section* section = module.find_section(klp_build_objects);
    if (section == nullptr) return {};
    return ExtTables(module).read(*section).value_or(std::vector<PatchedObject>{});
}

}  // namespace klp::format
