// SPDX-License-Identifier: GPL-2.0-or-later
// Sections: kpatch's kmod/patch/kpatch-macros.h; include/linux/livepatch_helpers.h and livepatch_external.h of Linux 7;
// .klpkit.* of share/klpkit/include.
#include "diff/directives.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "diff/names.hpp"

namespace klp::diff {

namespace {

constexpr std::uint64_t pointer_size = 8;
constexpr std::string_view klp_build_callbacks = ".discard.klp_callback_ptrs";

struct DirectiveSection {
    std::string_view name;
    enum class Content : std::uint8_t { callbacks, pointers, texts, hooks } content;
    CallbackEvent event = CallbackEvent::pre_patch;  // of callbacks
    ForcedKind forced = ForcedKind::unsafe;          // of pointers and texts
};
using Content = DirectiveSection::Content;

constexpr std::array directive_sections = {
    DirectiveSection{".kpatch.callbacks.pre_patch", Content::callbacks, CallbackEvent::pre_patch},
    DirectiveSection{".kpatch.callbacks.post_patch", Content::callbacks, CallbackEvent::post_patch},
    DirectiveSection{".kpatch.callbacks.pre_unpatch", Content::callbacks, CallbackEvent::pre_unpatch},
    DirectiveSection{".kpatch.callbacks.post_unpatch", Content::callbacks, CallbackEvent::post_unpatch},
    DirectiveSection{".kpatch.ignore.functions", Content::pointers, {}, ForcedKind::ignored_function},
    DirectiveSection{".kpatch.ignore.sections", Content::pointers, {}, ForcedKind::ignored_section},
    DirectiveSection{".kpatch.force", Content::pointers, {}, ForcedKind::unsafe},
    DirectiveSection{".klpkit.ignore.functions", Content::texts, {}, ForcedKind::ignored_function},
    DirectiveSection{".klpkit.ignore.sections", Content::texts, {}, ForcedKind::ignored_section},
    DirectiveSection{".klpkit.force", Content::texts, {}, ForcedKind::unsafe},
    DirectiveSection{".kpatch.hooks.load", Content::hooks},
    DirectiveSection{".kpatch.hooks.unload", Content::hooks},
};

// Symbols of klp_build_callbacks: the event's, then the name of the object.
constexpr std::array klp_build_prefixes = {
    std::pair{std::string_view("__klp_pre_patch_callback_"), CallbackEvent::pre_patch},
    std::pair{std::string_view("__klp_post_patch_callback_"), CallbackEvent::post_patch},
    std::pair{std::string_view("__klp_pre_unpatch_callback_"), CallbackEvent::pre_unpatch},
    std::pair{std::string_view("__klp_post_unpatch_callback_"), CallbackEvent::post_unpatch},
};

std::optional<DirectiveSection> known(const elf::Section& section) {
    const auto found = std::ranges::find(directive_sections, section.name, &DirectiveSection::name);
    if (found == directive_sections.end()) return std::nullopt;
    return *found;
}

// Also what klp does not know.
bool is_for_a_tool(const elf::Section& section) {
    static constexpr std::array<std::string_view, 5> prefixes = {".kpatch.", ".klpkit.", ".discard.klp_", "__klp_",
                                                                 ".init.klp_"};
    return std::ranges::any_of(prefixes, [&](std::string_view each) { return section.name.starts_with(each); });
}

class DirectiveReader {
public:
    DirectiveReader(const Decomposition& patched, Diagnostics& diagnostics)
        : patched_(patched), diagnostics_(diagnostics) {}

    Directives read() && {
        for (const auto& section : patched_.object().sections()) {
            if (section->is_rela() || !is_for_a_tool(*section)) continue;
            if (section->name == klp_build_callbacks) {
                read_klp_build_callbacks(*section);
            } else if (const auto directive = known(*section)) {
                read(*section, *directive);
            } else {
                refuse(*section, 0, "is for a tool that makes livepatches, and klp does not know what it says")
                    .hint("objects are compared as the compiler wrote them, before any such tool has worked on them");
            }
        }
        std::ranges::sort(directives_.callbacks, {}, &Directives::Callback::event);
        return std::move(directives_);
    }

private:
    void read(const elf::Section& section, const DirectiveSection& directive) {
        switch (directive.content) {
            case Content::callbacks:
                // A function, and the object's name, which the macro leaves empty.
                for (const std::uint64_t at : entries(section, 2 * pointer_size))
                    add_callback(section, at, directive.event);
                return;
            case Content::pointers:
                for (const std::uint64_t at : entries(section, pointer_size))
                    add_pointer(section, at, directive.forced);
                return;
            case Content::texts:
                return add_texts(section, directive.forced);
            case Content::hooks:
                refuse(section, 0, "registers a hook of kpatch's own core module, which a livepatch does not have")
                    .hint("use a callback: KPATCH_PRE_PATCH_CALLBACK(), KPATCH_POST_UNPATCH_CALLBACK()");
                return;
        }
    }

    // Offsets of entries that begin with the only relocation that they have.
    std::vector<std::uint64_t> entries(const elf::Section& section, std::uint64_t size) {
        std::vector<std::uint64_t> offsets;
        for (const elf::Relocation& each : section.rela()) offsets.push_back(each.offset);
        std::ranges::sort(offsets);
        const auto is_sound = [&](std::uint64_t i) { return offsets[i] == i * size; };
        bool sound = section.size() == offsets.size() * size;
        for (std::uint64_t i = 0; sound && i < offsets.size(); ++i) sound = is_sound(i);
        if (sound) return offsets;
        refuse(section, 0,
               fmt::format("has {} bytes and {} relocations, expected entries of {} bytes that begin with one",
                           section.size(), offsets.size(), size));
        return {};
    }

    struct Aim {
        const elf::Section* section = nullptr;  // null: of another file
        std::uint64_t offset = 0;
        std::string name;  // of the symbol, where it has one
    };
    static Aim aim_of(const elf::Relocation& relocation) {
        const elf::Symbol& symbol = *relocation.symbol;
        if (symbol.placement != elf::Placement::section) return {nullptr, 0, symbol.name};
        const std::uint64_t start = symbol.is_section_symbol() ? 0 : symbol.value;
        return {symbol.section, start + static_cast<std::uint64_t>(relocation.addend), symbol.name};
    }
    static Aim aim_at(const elf::Section& section, std::uint64_t offset) {
        const auto relocations = section.rela();
        return aim_of(*std::ranges::find(relocations, offset, &elf::Relocation::offset));
    }

    // The function that starts there; null after a finding.
    const Piece* function_at(const elf::Section& section, std::uint64_t at) {
        const Aim aim = aim_at(section, at);
        if (aim.section == nullptr) {
            refuse(section, at, fmt::format("refers to '{}', which is not in this file", aim.name))
                .hint("write it in the file that has the function");
            return nullptr;
        }
        const Piece* piece = patched_.piece_at(*aim.section, aim.offset);
        if (piece != nullptr && piece->range.begin == aim.offset && piece->symbol() != nullptr && piece->is_any_code())
            return piece;
        refuse(section, at, fmt::format("refers to {}+{:#x}, which is no function", aim.section->name, aim.offset))
            .hint("name a function of this file there");
        return nullptr;
    }

    void add_callback(const elf::Section& section, std::uint64_t at, CallbackEvent event) {
        const Piece* function = function_at(section, at);
        if (function == nullptr) return;
        const auto before = std::ranges::find(directives_.callbacks, event, &Directives::Callback::event);
        if (before != directives_.callbacks.end()) {
            refuse(section, at,
                   fmt::format("'{}' is the second {} callback of this file, after '{}'; the kernel calls one for an "
                               "object",
                               function->label(), name_of(event), before->function->label()))
                .hint("call both from one");
            return;
        }
        directives_.callbacks.push_back({event, function});
    }

    void read_klp_build_callbacks(const elf::Section& section) {
        for (const std::uint64_t at : entries(section, pointer_size)) {
            const auto symbol = std::ranges::find_if(patched_.object().symbols(), [&](const auto& each) {
                return each->section == &section && !each->is_section_symbol() && each->value == at;
            });
            const std::string name = symbol == patched_.object().symbols().end() ? "" : (*symbol)->name;
            const auto known = std::ranges::find_if(klp_build_prefixes,
                                                    [&](const auto& each) { return name.starts_with(each.first); });
            if (known == klp_build_prefixes.end())
                refuse(section, at, fmt::format("has an entry '{}', whose name says no event", name))
                    .hint(
                        "use KLP_PRE_PATCH_CALLBACK(), KLP_POST_PATCH_CALLBACK(), KLP_PRE_UNPATCH_CALLBACK() or "
                        "KLP_POST_UNPATCH_CALLBACK()");
            else
                add_callback(section, at, known->second);
        }
    }

    void add_pointer(const elf::Section& section, std::uint64_t at, ForcedKind kind) {
        if (kind != ForcedKind::ignored_section) {
            if (const Piece* function = function_at(section, at))
                directives_.forced.insert({kind, std::string(function->name())});
            return;
        }
        const Aim aim = aim_at(section, at);
        const Bytes text = aim.section == nullptr || aim.offset >= aim.section->size()
                               ? Bytes()
                               : literal_at(*aim.section, aim.offset);
        if (text.size() > 1 && text.back() == std::byte{0})
            directives_.forced.insert({kind, std::string(as_text(text.first(text.size() - 1)))});
        else
            refuse(section, at, "does not refer to the name of a section")
                .hint("write it as KPATCH_IGNORE_SECTION(\"NAME\")");
    }

    void add_texts(const elf::Section& section, ForcedKind kind) {
        std::string_view rest = as_text(section.content());
        while (!rest.empty()) {
            const std::size_t end = std::min(rest.find('\0'), rest.size());
            if (end != 0) directives_.forced.insert({kind, std::string(rest.substr(0, end))});
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }

    Finding& refuse(const elf::Section& section, std::uint64_t at, std::string_view what) {
        return diagnostics_.error("diff.directive", {patched_.object().display_name(), section.name, at},
                                  std::string(what));
    }

    const Decomposition& patched_;
    Diagnostics& diagnostics_;
    Directives directives_;
};

}  // namespace

bool is_function_named(const Piece& piece, std::string_view name) {
    return piece.is_any_code() && piece.parent == nullptr &&
           std::ranges::any_of(piece.symbols, [&](const elf::Symbol* each) {
               return each->name == name || is_variant_of(each->name, name);
           });
}

std::string_view name_of(CallbackEvent event) noexcept {
    constexpr std::array<std::string_view, 4> names = {"pre_patch", "post_patch", "pre_unpatch", "post_unpatch"};
    return names.at(static_cast<std::size_t>(event));
}

std::string_view name_of(ForcedKind kind) noexcept {
    constexpr std::array<std::string_view, 4> names = {"unsafe", "ignored-function", "ignored-section", "left-out"};
    return names.at(static_cast<std::size_t>(kind));
}

bool Directives::ignores_section(std::string_view name) const {
    return forced.contains({ForcedKind::ignored_section, std::string(name)});
}

bool Directives::ignores(const Piece& patched) const {
    if (ignores_section(patched.section->name)) return true;
    const Piece& function = patched.parent != nullptr ? *patched.parent : patched;
    if (std::ranges::any_of(left_out, [&](const LeftOut& each) { return is_meant(each, function); })) return true;
    return function.is_any_code() && std::ranges::any_of(forced, [&](const Forced& each) {
               return each.kind == ForcedKind::ignored_function && is_function_named(function, each.name);
           });
}

std::string id_of(const LeftOut& left_out) {
    return left_out.rule + ":" + left_out.name;
}

bool may_be_left_out(std::string_view rule) {
    static constexpr std::array<std::string_view, 6> rules = {"diff.init-code",    "diff.exit-code",
                                                              "diff.init-data",    "diff.table",
                                                              "diff.data-changed", "diff.constant-identity"};
    return std::ranges::find(rules, rule) != rules.end();
}

std::optional<LeftOut> left_out_by(const Piece& patched) {
    const std::string name(patched.label());
    switch (patched.role) {
        case Role::init_code:
            return LeftOut{"diff.init-code", name};
        case Role::exit_code:
            return LeftOut{"diff.exit-code", name};
        case Role::init_data:
            return LeftOut{"diff.init-data", name};
        case Role::table:
            return LeftOut{"diff.table", name};
        case Role::data:
            return LeftOut{"diff.data-changed", name};
        case Role::constant:  // other files may use a global one
            return LeftOut{patched.is_local() ? "diff.constant-identity" : "diff.data-changed", name};
        case Role::ignored:
        case Role::code:
        case Role::code_pool:
        case Role::literal:
        case Role::special:
            return std::nullopt;
    }
    return std::nullopt;
}

bool is_meant(const LeftOut& left_out, const Piece& patched) {
    const auto own = left_out_by(patched);
    if (!own || own->rule != left_out.rule) return false;
    return own->name == left_out.name ||
           std::ranges::any_of(patched.symbols, [&](const elf::Symbol* each) { return each->name == left_out.name; });
}

bool is_directive_section(const elf::Section& section) {
    return section.name == klp_build_callbacks || known(section).has_value();
}

Directives read_directives(const Decomposition& patched, Diagnostics& diagnostics) {
    return DirectiveReader(patched, diagnostics).read();
}

}  // namespace klp::diff
