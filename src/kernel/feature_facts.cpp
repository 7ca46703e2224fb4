// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/feature_facts.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "kernel/header_probe.hpp"

namespace klp::kernel {

namespace {

constexpr auto common_symbols = std::to_array<std::string_view>(
    {"clear_relocate_add", "klp_apply_section_relocs", "arch_klp_init_object_loaded", "module_get_offset",
     "module_get_offset_and_type", "module_mark_ro_after_init", "__start___kflagstab"});

constexpr auto common_texts = std::to_array<std::string_view>({
    "symbol string table missing leading NUL",
    "Kernel module BTF mismatch detected",
    "symbol %s at rela sec %u idx %d is not marked as a livepatch symbol",
    "invalid access to vmlinux symbol '%s' from module-specific livepatch relocation section",
});

constexpr arch::HeaderQuestion module_memory{"module_memory", "linux/module.h", "sizeof(struct module_memory)"};

constexpr arch::HeaderQuestion core_size{"module_core_size", "linux/module.h",
                                         "offsetof(struct module, core_layout.size)"};
constexpr arch::HeaderQuestion init_size{"module_init_size", "linux/module.h",
                                         "offsetof(struct module, init_layout.size)"};
constexpr arch::HeaderQuestion memories{"module_memories", "linux/module.h", "offsetof(struct module, mem)"};
constexpr arch::HeaderQuestion memory_size{"module_memory_size", "linux/module.h",
                                           "offsetof(struct module_memory, size)"};
constexpr arch::HeaderQuestion module_init{"module_init", "linux/module.h", "offsetof(struct module, init)"};
constexpr arch::HeaderQuestion module_exit{"module_exit", "linux/module.h", "offsetof(struct module, exit)"};
constexpr arch::HeaderQuestion dyn_ftrace{"dyn_ftrace", "linux/ftrace.h", "sizeof(struct dyn_ftrace)"};

template <typename T>
std::vector<T> joined(std::span<const T> first, std::span<const T> second) {
    std::vector<T> all(first.begin(), first.end());
    all.insert(all.end(), second.begin(), second.end());
    return all;
}

// What only a kernel with a source tree and its compiler can tell. Any other failure than that these are not there is
// an Error, and no answer.
std::optional<std::string> reason_not_to_ask_headers(const Kernel& kernel) {
    const Manifest& manifest = kernel.manifest();
    if (manifest.source.empty()) return fmt::format("kernel {} has no source tree", manifest.name);
    if (!fs::exists(manifest.source)) return fmt::format("{}: the source tree is not there", manifest.source.string());
    if (!fs::exists(manifest.source / "include/config/auto.conf"))
        return fmt::format("{}: the source tree is not prepared", manifest.source.string());
    try {
        if (find_compiler(kernel).root.empty() && !find_program("make")) return "make is not installed";
    } catch (const NoCompiler& missing) {
        return missing.what();
    }
    return std::nullopt;
}

void ask_headers_of(const Kernel& kernel, FeatureFacts& facts) {
    facts.headers_error = reason_not_to_ask_headers(kernel);
    if (facts.headers_error) return;
    const TempDir folder("klp-features");
    const Kbuild kbuild(kernel);
    const ModuleCompiler module_compiler(kbuild, folder.path());
    try {
        facts.headers = ask_headers(module_compiler, header_questions(kernel.arch()));
    } catch (const UnusableHeaders& unusable) {
        facts.headers_error = fmt::format("the kernel's headers cannot be compiled: {}", unusable.what());
    }
}

void ask_data(const Kernel& kernel, FeatureFacts& facts) {
    const arch::KernelProbe& probe = kernel.arch().kernel_probe();
    for (const std::string_view text : joined<std::string_view>(common_texts, probe.texts()))
        facts.texts[std::string(text)] = false;
    for (const auto& section : kernel.vmlinux().sections()) {
        if (!section->is_alloc() || section->is_code()) continue;
        for (auto& [text, there] : facts.texts) there = there || find(section->content(), as_bytes(text)).has_value();
        if (!facts.vermagic)
            facts.vermagic = find_vermagic(section->content(), kernel.manifest().release, probe.vermagic_words());
    }
}

void ask_symbols(const Kernel& kernel, FeatureFacts& facts) {
    const arch::KernelProbe& probe = kernel.arch().kernel_probe();
    for (const std::string_view name : joined<std::string_view>(common_symbols, probe.symbols())) {
        const auto found = kernel.symbols().find(name);
        if (found.empty()) continue;
        const KernelSymbol& symbol = kernel.symbols().symbols()[found.front()];
        facts.symbols[std::string(name)] = {symbol.address, symbol.type};
    }
    for (const std::string_view name : probe.image_symbols()) {
        const elf::Symbol* symbol = kernel.vmlinux().find_symbol(name);
        if (symbol != nullptr && symbol->placement == elf::Placement::section)
            facts.image_symbols[std::string(name)] = symbol->value;
    }
}

void ask_source(const Kernel& kernel, FeatureFacts& facts) {
    for (const arch::SourceQuestion& each : source_questions(kernel.arch())) {
        const fs::path path = kernel.manifest().source / each.file;
        if (fs::exists(path))
            facts.sources[std::string(each.name)] = read_text(path).find(each.text) != std::string::npos;
    }
}

bool is_vermagic(std::string_view text, std::span<const std::string_view> arch_words) {
    constexpr auto words =
        std::to_array<std::string_view>({"SMP", "preempt", "preempt_rt", "mod_unload", "modversions"});
    const auto known = [&](std::string_view word) {
        return word.empty() || word.starts_with("RANDSTRUCT") || std::ranges::find(words, word) != words.end() ||
               std::ranges::find(arch_words, word) != arch_words.end();
    };
    return std::ranges::all_of(split(text, ' '), known);
}

}  // namespace

std::vector<arch::HeaderQuestion> header_questions(const arch::Arch& arch) {
    std::vector<arch::HeaderQuestion> questions = {module_memory, dyn_ftrace, module_init, module_exit,
                                                   core_size,     init_size,  memories,    memory_size};
    for (const LayoutField& field : layout_fields())
        questions.push_back({field.name, "linux/module.h,linux/livepatch.h", field.expression});
    const auto own = arch.kernel_probe().headers();
    questions.insert(questions.end(), own.begin(), own.end());
    for (const arch::SpecialSection& special : arch.special_sections()) {
        const arch::EntrySize& size = special.entry_size;
        if (!size.expression.empty()) questions.push_back({special.name, size.header, size.expression});
    }
    return questions;
}

std::vector<arch::SourceQuestion> source_questions(const arch::Arch& arch) {
    std::vector<arch::SourceQuestion> questions = {kallsyms_question, names_question};
    const auto own = arch.kernel_probe().sources();
    questions.insert(questions.end(), own.begin(), own.end());
    return questions;
}

FeatureFacts ask(const Kernel& kernel) {
    FeatureFacts facts;
    ask_symbols(kernel, facts);
    ask_data(kernel, facts);
    ask_source(kernel, facts);
    ask_headers_of(kernel, facts);
    return facts;
}

std::optional<std::string> find_vermagic(Bytes data, std::string_view release,
                                         std::span<const std::string_view> arch_words) {
    const std::string start = std::string(1, '\0') + std::string(release) + ' ';
    std::optional<std::string> found;
    for (auto at = find(data, as_bytes(start)); at; at = find(data, as_bytes(start), *at + 1)) {
        const std::string_view rest = as_text(data.subspan(*at + 1));
        const std::size_t length = rest.find('\0');
        if (length > 256) continue;  // or npos
        const std::string_view text = rest.substr(0, length);
        if (!is_vermagic(text.substr(release.size()), arch_words)) continue;
        if (found && *found != text) return std::nullopt;
        found = std::string(text);
    }
    return found;
}

std::string to_json(const FeatureFacts& facts) {
    const auto optional = [](const auto& value) { return value ? Json(*value) : Json(nullptr); };
    Json symbols = Json::object(), headers = Json::object();
    for (const auto& [name, symbol] : facts.symbols)
        symbols[name] = {{"address", symbol.address}, {"type", std::string(1, symbol.type)}};
    for (const auto& [name, value] : facts.headers) headers[name] = optional(value);
    const Json all = {{"symbols", symbols},
                      {"texts", facts.texts},
                      {"image_symbols", facts.image_symbols},
                      {"headers", headers},
                      {"sources", facts.sources},
                      {"vermagic", optional(facts.vermagic)},
                      {"headers_error", optional(facts.headers_error)}};
    return all.dump(2) + "\n";
}

FeatureFacts facts_from_json(std::string_view text, const fs::path& where) {
    FeatureFacts facts;
    try {
        const Json all = Json::parse(text);
        const auto read = [&](const char* key, auto& value) {
            if (!all.at(key).is_null()) value = all.at(key).get<std::decay_t<decltype(*value)>>();
        };
        for (const auto& [name, symbol] : all.at("symbols").items()) {
            const auto type = symbol.at("type").get<std::string>();
            facts.symbols[name] = {symbol.at("address").get<std::uint64_t>(), type.empty() ? '?' : type.front()};
        }
        for (const auto& [name, there] : all.at("texts").items()) facts.texts[name] = there.get<bool>();
        for (const auto& [name, value] : all.at("headers").items())
            facts.headers[name] = value.is_null() ? std::nullopt : std::optional(value.get<std::uint64_t>());
        for (const auto& [name, value] : all.at("image_symbols").items())
            facts.image_symbols[name] = value.get<std::uint64_t>();
        for (const auto& [name, says] : all.at("sources").items()) facts.sources[name] = says.get<bool>();
        read("vermagic", facts.vermagic);
        read("headers_error", facts.headers_error);
    } catch (const Json::exception& damage) {
        throw Error({where.string(), {}, {}}, fmt::format("is damaged: {}", damage.what()))
            .hint("remove the file; it is made again");
    }
    return facts;
}

}  // namespace klp::kernel
