// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/not_carried.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/bytes.hpp"
#include "diff/compare.hpp"
#include "diff/moved.hpp"
#include "diff/read_already.hpp"
#include "diff/uses.hpp"

namespace klp::diff {

namespace {

constexpr std::string_view not_carried_id = "diff.not-carried";

// include/linux/moduleparam.h: struct kernel_param has u16 perm, s8 level and u8 flags between its pointers.
constexpr arch::Range permissions_of_parameter{24, 28};

struct ExportTerms {
    std::string license;
    std::string name_space;
    friend bool operator==(const ExportTerms&, const ExportTerms&) = default;
};

std::string text_at(Bytes content, std::uint64_t offset) {
    if (offset >= content.size()) return {};
    const std::string_view rest = as_text(content).substr(offset);
    return std::string(rest.substr(0, rest.find('\0')));
}

bool is_old_export(const Piece& piece) {
    return piece.section->name.starts_with("___ksymtab");
}

// include/linux/export-internal.h, since 6.5: modpost makes the tables of these.
bool is_new_export(const Piece& piece) {
    return piece.section->name == ".export_symbol";
}

ExportTerms terms_of(const Decomposition& object, const Piece& piece) {
    if (is_new_export(piece)) {
        const std::string license = text_at(piece.content(), 0);
        return {license, text_at(piece.content(), license.size() + 1)};
    }
    const elf::Symbol* name_space = object.object().find_symbol("__kstrtabns_" + exported_name(piece));
    const bool has_text = name_space != nullptr && name_space->section != nullptr && !name_space->section->is_nobits();
    return {piece.section->name.starts_with("___ksymtab_gpl") ? "GPL" : "",
            has_text ? text_at(name_space->section->content(), name_space->value) : std::string()};
}

std::string in_words(const ExportTerms& terms) {
    std::string text = terms.license.empty() ? "for all modules" : fmt::format("for {} modules", terms.license);
    if (!terms.name_space.empty()) text += fmt::format(" that import the namespace {}", terms.name_space);
    return text;
}

// Equal but for the bytes of that range.
bool is_same_outside(const Changes& changes, const Piece& original, const Piece& patched, arch::Range range) {
    const Bytes was = original.content(), is = patched.content();
    if (was.size() != is.size() || was.size() < range.end) return false;
    for (std::uint64_t i = 0; i < was.size(); ++i)
        if (!range.contains(i) && was[i] != is[i]) return false;
    const auto before = changes.pairs().original().fields(original);
    const auto after = changes.pairs().patched().fields(patched);
    const Comparison comparison(changes.pairs());
    return std::ranges::equal(before, after, [&](const Field& a, const Field& b) {
        return a.offset() - original.range.begin == b.offset() - patched.range.begin &&
               comparison.same_target(a.target, b.target);
    });
}

bool is_parameter(const Piece& piece) {
    return piece.section->name == "__param";
}

bool leads_to_the_same(const Changes& changes, const Piece& original, const Piece& patched) {
    const auto before = changes.pairs().original().fields(original);
    const auto after = changes.pairs().patched().fields(patched);
    const Comparison comparison(changes.pairs());
    return std::ranges::equal(
        before, after, [&](const Field& a, const Field& b) { return comparison.same_target(a.target, b.target); });
}

bool is_for_modpost_alone(const Changes& changes, const Piece& patched) {
    const auto has_alias = [](const Piece& piece) {
        return std::ranges::any_of(piece.symbols,
                                   [](const elf::Symbol* each) { return is_device_table_alias(each->name); });
    };
    const Piece* original = changes.pairs().original_of(patched);
    if (!has_alias(patched) || !patched.is_local()) return false;
    if (!Uses(changes.pairs().patched()).of(patched).empty()) return false;
    if (original == nullptr) return true;
    return original->is_local() && Uses(changes.pairs().original()).of(*original).empty();
}

bool is_once_used(const Piece& piece) {
    return piece.role == Role::init_code || piece.role == Role::exit_code || piece.role == Role::init_data;
}

bool is_blacklisted(const Piece& piece) {
    return std::ranges::any_of(piece.entries,
                               [](const SpecialEntry& each) { return each.table->name == "_kprobe_blacklist"; });
}

class NotCarried {
public:
    NotCarried(const Changes& changes, Diagnostics& diagnostics)
        : changes_(changes), pairs_(changes.pairs()), diagnostics_(diagnostics) {}

    void note() {
        for (const Piece& piece : pairs_.patched().pieces()) note_of_patched(piece);
        for (const Piece& piece : pairs_.original().pieces()) note_of_removed(piece);
        note_module_information();
        note_device_tables();
        note_unreachable();
        for (const std::string_view name : {"init_module", "cleanup_module"}) note_entry_of_module(name);
        note_what_moves(changes_, [&](Location where, std::string text) { add(std::move(where), std::move(text)); });
    }

private:
    void add(Location where, std::string text) {
        diagnostics_.add(Severity::note, std::string(not_carried_id), std::move(where), std::move(text));
    }
    void add(const Piece& patched, std::string text) { add(pairs_.patched().where(patched), std::move(text)); }

    void note_of_patched(const Piece& piece) {
        const Piece* original = pairs_.original_of(piece);
        const bool is_gone_code = piece.role == Role::init_code || piece.role == Role::exit_code;
        if (original == nullptr && is_gone_code && piece.symbol() != nullptr && piece.parent == nullptr)
            add(piece, fmt::format("new function '{}' in {} is never called: the kernel or module has started",
                                   piece.name(), piece.section->name));
        note_entry(original, piece);
        if (original == nullptr) return;
        if (is_export(piece)) note_export(*original, piece);
        if (is_once_used(piece) && piece.parent == nullptr && changes_.has(piece) && is_only_noted(changes_, piece))
            note_constants(piece);
        // include/asm-generic/kprobes.h:NOKPROBE_SYMBOL goes with functions of the livepatch.
        if (!changes_.has(piece) && is_blacklisted(piece) && !is_blacklisted(*original))
            add(piece,
                fmt::format("NOKPROBE_SYMBOL of '{}', which did not change, is not in the livepatch", piece.label()));
        if (is_parameter(piece) && changes_.has(piece) && is_only_noted(changes_, piece))
            note_parameter(*original, piece);
    }

    void note_entry(const Piece* original, const Piece& patched) {
        if ((original != nullptr && !changes_.has(patched)) || changes_.ignores(patched)) return;
        if (const auto consequence = harm_of_leaving_out(patched.section->name))
            add(patched, fmt::format("entry '{}' of {} is not in the livepatch: {}", patched.label(),
                                     patched.section->name, *consequence));
        if (original == nullptr && is_export(patched))
            add(patched,
                fmt::format("'{}' is not exported: code of the livepatch alone can use it", exported_name(patched)));
    }

    void note_constants(const Piece& patched) {
        add(patched, fmt::format("'{}' in {} {} with the constants that it was compiled with ({})", patched.label(),
                                 patched.section->name, patched.role == Role::exit_code ? "will run" : "has run",
                                 changes_.reason(patched)));
    }

    void note_export(const Piece& original, const Piece& patched) {
        const ExportTerms was = terms_of(pairs_.original(), original);
        const ExportTerms is = terms_of(pairs_.patched(), patched);
        if (was == is) return;
        add(patched,
            fmt::format("'{}' is exported {} by the patch, but it stays exported {}: the kernel's table is fixed",
                        exported_name(patched), in_words(is), in_words(was)));
    }

    void note_parameter(const Piece& original, const Piece& patched) {
        const auto permissions = [&](const Piece& piece) {
            Cursor cursor(piece.content(), pairs_.patched().object().order(), pairs_.patched().where(piece));
            cursor.seek(permissions_of_parameter.begin);
            return cursor.u16();
        };
        add(patched, fmt::format("permissions, level or flags of the module parameter of '{}' change (mode {:04o}, was "
                                 "{:04o}), but its file is there already",
                                 patched.name(), permissions(patched), permissions(original)));
    }

    void note_of_removed(const Piece& piece) {
        if (pairs_.patched_of(piece) != nullptr) return;
        const std::string_view section = piece.section->name;
        const bool is_entry =
            piece.role == Role::init_data && !section.starts_with(".init.data") && !section.starts_with(".init.rodata");
        const bool is_nameless_entry = piece.role == Role::table && piece.symbol() == nullptr && !piece.is_btf_id();
        if (!is_entry && !is_nameless_entry) return;
        add(pairs_.original().where(piece),
            fmt::format("the patch removes '{}' of {}, which the kernel has read: it stays in effect", piece.label(),
                        section));
    }

    // What MODULE_INFO and its kin write: "key=value", in vmlinux "module.key=value".
    void note_module_information() {
        std::map<std::string, std::vector<std::pair<const Piece*, std::string>>> gone, added;  // by key
        const auto collect = [](const Piece& piece, auto& found) {
            const std::string text = text_at(piece.content(), 0);
            found[text.substr(0, text.find('='))].emplace_back(&piece, text);
        };
        for (const Piece& piece : pairs_.original().pieces())
            if (is_information(piece) && pairs_.patched_of(piece) == nullptr) collect(piece, gone);
        for (const Piece& piece : pairs_.patched().pieces())
            if (is_information(piece) && pairs_.original_of(piece) == nullptr) collect(piece, added);
        for (const auto& [key, entries] : added) {
            const auto before = gone.find(key);
            const bool is_change = entries.size() == 1 && before != gone.end() && before->second.size() == 1;
            for (const auto& [piece, text] : entries)
                add(*piece,
                    fmt::format("the patched object does not get the module information {:?}{}", text,
                                is_change ? fmt::format(", it keeps {:?}", before->second.front().second) : ""));
            if (is_change) gone.erase(before);
        }
        for (const auto& [key, entries] : gone)
            for (const auto& [piece, text] : entries)
                add(pairs_.original().where(*piece),
                    fmt::format("the patched object keeps the module information {:?}", text));
    }
    // link adds the namespaces that the module needs.
    static bool is_information(const Piece& piece) {
        return piece.section->name == ".modinfo" && !as_text(piece.content()).starts_with("import_ns=");
    }

    // Aliases of a module are made when it is built.
    void note_device_tables() {
        const auto before = device_tables(pairs_.original());
        const auto after = device_tables(pairs_.patched());
        for (const auto& [name, piece] : after) {
            const auto was = before.find(name);
            if (was == before.end() || pairs_.original_of(*piece) != was->second || changes_.has(*piece))
                add(*piece, fmt::format("device table '{}' {}, but the module's aliases are made when it is built",
                                        name, was == before.end() ? "is new" : "changed"));
        }
        for (const auto& [name, piece] : before)
            if (!after.contains(name))
                add(pairs_.original().where(*piece),
                    fmt::format("device table '{}' goes, but the module's aliases are made when it is built", name));
    }
    static std::map<std::string_view, const Piece*> device_tables(const Decomposition& object) {
        std::map<std::string_view, const Piece*> tables;
        for (const Piece& piece : object.pieces())
            for (const elf::Symbol* symbol : piece.symbols)
                if (is_device_table_alias(symbol->name)) tables.emplace(symbol->name, &piece);
        return tables;
    }

    // What init code alone called is never called again.
    void note_unreachable() {
        for (const Piece* piece : changes_.unreachable())
            add(*piece, fmt::format("function '{}' changed ({}), but only code that has run calls it", piece->name(),
                                    changes_.reason(*piece)));
    }

    // include/linux/module.h: module_init() and module_exit() of modules are aliases.
    void note_entry_of_module(std::string_view name) {
        const auto code = [&](const Decomposition& object) {
            const elf::Symbol* symbol = object.object().find_symbol(name);
            return symbol == nullptr ? nullptr : object.piece_of(*symbol);
        };
        const Piece *was = code(pairs_.original()), *is = code(pairs_.patched());
        if (was == is || (is != nullptr && pairs_.original_of(*is) == was)) return;
        const Decomposition& object = is != nullptr ? pairs_.patched() : pairs_.original();
        add(object.where(is != nullptr ? *is : *was),
            fmt::format("the module's function '{}' is another one, or it is gone: the module goes on with its own",
                        name));
    }

    const Changes& changes_;
    const Correlation& pairs_;
    Diagnostics& diagnostics_;
};

}  // namespace

bool is_export(const Piece& piece) {
    return is_old_export(piece) || is_new_export(piece);
}

std::string exported_name(const Piece& piece) {
    for (const std::string_view prefix : {"__ksymtab_", "__export_symbol_"})
        if (piece.name().starts_with(prefix)) return std::string(piece.name().substr(prefix.size()));
    return std::string(piece.label());
}

bool is_only_information(const Piece& piece) {
    return piece.section->name == ".modinfo" || harm_of_leaving_out(piece.section->name);
}

bool is_only_noted(const Changes& changes, const Piece& patched) {
    if (is_only_information(patched)) return true;
    if (is_once_used(patched)) return differs_in_constants_alone(changes, patched);
    if (patched.role == Role::constant || patched.role == Role::data) return is_for_modpost_alone(changes, patched);
    const Piece* original = changes.pairs().original_of(patched);
    if (original == nullptr) return is_export(patched);
    if (is_parameter(patched)) return is_same_outside(changes, *original, patched, permissions_of_parameter);
    return is_new_export(patched) && leads_to_the_same(changes, *original, patched);
}

void note_what_is_not_carried(const Changes& changes, Diagnostics& diagnostics) {
    NotCarried(changes, diagnostics).note();
}

}  // namespace klp::diff
