// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/tables.hpp"
#include "base/kernel_names.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>

namespace klp::link {
namespace {

constexpr std::uint64_t pointer_size = 8;

struct PatchedObject {
    std::string name;
    std::vector<const PatchedFunction*> functions;
    std::vector<const diff::Callback*> callbacks;
};

// vmlinux first, then modules by name; functions in the order of the units. An object may have callbacks alone: the
// kernel asks for a table of functions, which may be empty (kernel/livepatch/core.c:klp_enable_patch).
std::vector<PatchedObject> group_by_object(const ModuleRequest& request) {
    std::vector<PatchedObject> objects;
    for (const UnitPart& unit : request.units) {
        auto object = std::ranges::find(objects, unit.object, &PatchedObject::name);
        if (object == objects.end()) object = objects.insert(objects.end(), {unit.object, {}, {}});
        for (const PatchedFunction& function : unit.functions) object->functions.push_back(&function);
        for (const diff::Callback& callback : unit.callbacks) object->callbacks.push_back(&callback);
    }
    std::erase_if(objects,
                  [](const PatchedObject& object) { return object.functions.empty() && object.callbacks.empty(); });
    std::ranges::sort(objects, {},
                      [](const PatchedObject& object) { return std::pair(object.name != vmlinux, object.name); });
    return objects;
}

class TableWriter {
public:
    TableWriter(const LinkNames& names, const kernel::StructLayout& layout, const arch::Arch& arch,
                const elf::Object& like)
        : names_(names),
          layout_(layout),
          pointer_type_(arch.absolute64_type()),
          object_(like.machine(), like.order(), like.header_flags()),
          data_(object_.add_section(".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, pointer_size)),
          strings_(object_.add_section(".rodata", SHT_PROGBITS, SHF_ALLOC, 1)) {}

    elf::Object write(const std::vector<PatchedObject>& objects, bool replace) && {
        std::vector<std::uint64_t> functions;
        for (const PatchedObject& object : objects) functions.push_back(add_functions(object));
        const std::uint64_t table = reserve("klp_objects", layout_.klp_object_size * (objects.size() + 1));
        for (std::size_t i = 0; i < objects.size(); ++i) {
            const std::uint64_t at = table + i * layout_.klp_object_size;
            // A null name means vmlinux (kernel/livepatch/core.c:klp_is_module).
            if (objects[i].name != vmlinux) point_to_string(at + layout_.klp_object_name, objects[i].name);
            point_to_data(at + layout_.klp_object_funcs, functions[i]);
            for (const diff::Callback* callback : objects[i].callbacks)
                point_to(at + offset_of(callback->event), undefined(names_.of_function(*callback->extracted)));
        }
        add_patch(table, replace);
        strings_.set_content(std::move(text_));
        return std::move(object_);
    }

private:
    // In struct klp_object.
    [[nodiscard]] std::uint64_t offset_of(diff::CallbackEvent event) const {
        switch (event) {
            case diff::CallbackEvent::pre_patch:
                return layout_.klp_object_pre_patch;
            case diff::CallbackEvent::post_patch:
                return layout_.klp_object_post_patch;
            case diff::CallbackEvent::pre_unpatch:
                return layout_.klp_object_pre_unpatch;
            case diff::CallbackEvent::post_unpatch:
                return layout_.klp_object_post_unpatch;
        }
        throw Error("no such event of a callback");
    }

    // A zeroed variable; gives its offset in .data. All sizes are those of structures with pointers in them.
    std::uint64_t reserve(const std::string& name, std::uint64_t size, std::uint8_t binding = STB_LOCAL) {
        std::vector<std::byte>& bytes = data_.edit();
        const std::uint64_t offset = bytes.size();
        bytes.resize(offset + size);
        elf::Symbol symbol;
        symbol.name = name;
        symbol.placement = elf::Placement::section;
        symbol.section = &data_;
        symbol.value = offset;
        symbol.size = size;
        symbol.type = STT_OBJECT;
        symbol.binding = binding;
        object_.add_symbol(std::move(symbol));
        return offset;
    }

    std::uint64_t add_functions(const PatchedObject& object) {
        const std::uint64_t size = layout_.klp_func_size;
        const std::uint64_t table = reserve("klp_funcs_" + object.name, size * (object.functions.size() + 1));
        for (std::size_t i = 0; i < object.functions.size(); ++i) {
            const PatchedFunction& function = *object.functions[i];
            const std::uint64_t at = table + i * size;
            point_to_string(at + layout_.klp_func_old_name, function.name);
            point_to(at + layout_.klp_func_new_func, undefined(names_.of_function(*function.replacement)));
            store<std::uint64_t>(field(at + layout_.klp_func_old_sympos, 8), function.sympos, object_.order());
        }
        return table;
    }

    void add_patch(std::uint64_t objects, bool replace) {
        const std::uint64_t at = reserve("klp_patch", layout_.klp_patch_size, STB_GLOBAL);
        point_to(at + layout_.klp_patch_mod, undefined("__this_module"));
        point_to_data(at + layout_.klp_patch_objs, objects);
        field(at + layout_.klp_patch_replace, 1).front() = std::byte{replace};
    }

    MutableBytes field(std::uint64_t offset, std::uint64_t size) {
        return MutableBytes(data_.edit()).subspan(offset, size);
    }

    elf::Symbol& undefined(const std::string& name) {
        elf::Symbol symbol;
        symbol.name = name;
        symbol.binding = STB_GLOBAL;
        return object_.add_symbol(std::move(symbol));
    }

    void point_to(std::uint64_t offset, elf::Symbol& symbol, std::uint64_t addend = 0) {
        object_.add_relocation(data_, {offset, pointer_type_, &symbol, static_cast<std::int64_t>(addend)});
    }
    void point_to_data(std::uint64_t offset, std::uint64_t target) {
        point_to(offset, object_.section_symbol(data_), target);
    }
    void point_to_string(std::uint64_t offset, const std::string& text) {
        point_to(offset, object_.section_symbol(strings_), text_.size());
        for (const char c : text) text_.push_back(static_cast<std::byte>(c));
        text_.push_back(std::byte{0});
    }

    const LinkNames& names_;
    const kernel::StructLayout& layout_;
    std::uint32_t pointer_type_;
    elf::Object object_;
    elf::Section& data_;
    elf::Section& strings_;
    std::vector<std::byte> text_;
};

}  // namespace

elf::Object make_tables(const ModuleRequest& request, const LinkNames& names, const kernel::StructLayout& layout,
                        const arch::Arch& arch, const elf::Object& like) {
    return TableWriter(names, layout, arch, like).write(group_by_object(request), request.replace);
}

}  // namespace klp::link
