// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/feature_facts.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "kernel/module_compiler.hpp"

namespace klp::kernel {

namespace {

constexpr auto symbol_questions = std::to_array<std::string_view>(
    {"clear_relocate_add", "klp_apply_section_relocs", "module_get_offset", "module_get_offset_and_type",
     "alternatives_smp_module_add", "ftrace_caller", "ftrace_regs_caller", "ftrace_nop_ops"});

constexpr auto text_questions = std::to_array<std::string_view>({
    "existing value is nonzero for sec %",              // x86
    "Expect noop after relocate",                       // powerpc
    "Expected nop after call",                          // powerpc
    "Modules: module %s: unsupported RELA relocation",  // arm64
    ".init.text.ftrace_trampoline",                     // arm64
});

constexpr auto questions = std::to_array<HeaderQuestion>({
    {"module_memory", "", "linux/module.h", "sizeof(struct module_memory)", true},
    {"orc_type_undefined", "x86_64", "asm/orc_types.h", "ORC_TYPE_UNDEFINED", true},
    {"paca_kernel_toc", "ppc64le", "asm/paca.h", "offsetof(struct paca_struct, kernel_toc)", false},
    {"paca_thread_info", "ppc64le", "linux/sched.h,asm/paca.h",
     "offsetof(struct paca_struct, __current) + offsetof(struct task_struct, thread_info)", true},
    {"livepatch_sp", "ppc64le", "linux/thread_info.h", "offsetof(struct thread_info, livepatch_sp)", true},
    {"module_stub_count", "ppc64le", "linux/module.h", "offsetof(struct mod_arch_specific, stub_count)", true},
    {"ftrace_ool_stub", "ppc64le", "linux/ftrace.h", "sizeof(struct ftrace_ool_stub)", true},
    {"alt_instr", "s390x", "asm/alternative.h", "sizeof(struct alt_instr)", false},
});

std::vector<std::string> split_headers(std::string_view headers) {
    std::vector<std::string> names;
    for (const std::string_view each : split(headers, ',')) names.emplace_back(each);
    return names;
}

std::vector<std::uint64_t> values_of(const ModuleCompiler& module_compiler, const std::vector<std::string>& headers,
                                     const std::vector<std::string>& expressions) {
    const fs::path object = module_compiler.compile("klp_features", probe_source(headers, expressions));
    return read_probe(elf::Object::read(object), expressions.size());
}

// All that every kernel answers, in one compilation.
void ask_common_headers(const ModuleCompiler& module_compiler, std::string_view arch, FeatureFacts& facts) {
    std::vector<std::string> headers = {"linux/module.h", "linux/livepatch.h"}, expressions, names;
    for (const LayoutField& field : layout_fields()) {
        names.emplace_back(field.name);
        expressions.emplace_back(field.expression);
    }
    for (const HeaderQuestion& each : questions) {
        if (each.may_fail || (!each.arch.empty() && each.arch != arch)) continue;
        names.emplace_back(each.name);
        expressions.emplace_back(each.expression);
        for (std::string& header : split_headers(each.headers)) headers.push_back(std::move(header));
    }
    const std::vector<std::uint64_t> values = values_of(module_compiler, headers, expressions);
    for (std::size_t i = 0; i < names.size(); ++i) facts.headers[names[i]] = values[i];
}

void ask_headers(const Kernel& kernel, FeatureFacts& facts) {
    const std::string& arch = kernel.manifest().arch;
    if (kernel.manifest().source.empty()) {  // no compiler has to be found and run to see that
        facts.headers_error = fmt::format("kernel {} has no source tree", kernel.manifest().name);
        return;
    }
    try {
        const TempDir folder("klp-features");
        const Kbuild kbuild(kernel);
        const ModuleCompiler module_compiler(kbuild, folder.path());
        ask_common_headers(module_compiler, arch, facts);
        for (const HeaderQuestion& each : questions) {
            if (!each.may_fail || (!each.arch.empty() && each.arch != arch)) continue;
            auto& answer = facts.headers[std::string(each.name)];
            try {
                answer =
                    values_of(module_compiler, split_headers(each.headers), {std::string(each.expression)}).front();
            } catch (const Error&) {
                answer = std::nullopt;  // this kernel has no such thing: its headers are all right
            }
        }
    } catch (const Error& failure) {
        facts.headers.clear();
        facts.headers_error = failure.what();
    }
}

void ask_image(const Kernel& kernel, FeatureFacts& facts) {
    for (const std::string_view name : symbol_questions) {
        const auto found = kernel.symbols().find(name);
        if (found.empty()) continue;
        const KernelSymbol& symbol = kernel.symbols().symbols()[found.front()];
        facts.symbols[std::string(name)] = {symbol.address, symbol.type};
    }
    for (const std::string_view text : text_questions) facts.texts[std::string(text)] = false;
    for (const auto& section : kernel.vmlinux().sections()) {
        if (!section->is_alloc() || section->is_code()) continue;
        for (auto& [text, there] : facts.texts) there = there || find(section->content(), as_bytes(text)).has_value();
        if (!facts.vermagic) facts.vermagic = find_vermagic(section->content(), kernel.manifest().release);
    }
    if (const elf::Symbol* toc = kernel.vmlinux().find_symbol(".TOC.")) {
        const bool in_section = toc->placement == elf::Placement::section;
        if (in_section) facts.toc = toc->value;
    }
}

void ask_source(const Kernel& kernel, FeatureFacts& facts) {
    const auto says = [&](const fs::path& file, std::string_view text) -> std::optional<bool> {
        const fs::path path = kernel.manifest().source / file;
        if (!fs::exists(path)) return std::nullopt;
        return read_text(path).find(text) != std::string::npos;
    };
    facts.source_sort_takes_two = says("lib/sort.c", "> 3 * size");
    if (kernel.manifest().arch == "ppc64le")
        facts.source_accepts_restored_r2 = says("arch/powerpc/kernel/module_64.c", "== PPC_INST_LD_TOC");
}

bool is_vermagic(std::string_view text) {
    constexpr auto words = std::to_array<std::string_view>(
        {"SMP", "preempt", "preempt_rt", "mod_unload", "modversions", "aarch64", "mprofile-kernel", "relocatable"});
    const auto known = [&](std::string_view word) {
        return word.empty() || word.starts_with("RANDSTRUCT") || std::ranges::find(words, word) != words.end();
    };
    return std::ranges::all_of(split(text, ' '), known);
}

}  // namespace

std::span<const HeaderQuestion> header_questions() {
    return questions;
}

bool FeatureFacts::has_text(std::string_view text) const {
    const auto found = texts.find(text);
    return found != texts.end() && found->second;
}

std::optional<std::uint64_t> FeatureFacts::address_of(std::string_view symbol) const {
    const auto found = symbols.find(symbol);
    return found == symbols.end() ? std::nullopt : std::optional(found->second.address);
}

std::optional<std::uint64_t> FeatureFacts::header(std::string_view name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::nullopt : found->second;
}

std::optional<bool> FeatureFacts::is_defined(std::string_view name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::nullopt : std::optional(found->second.has_value());
}

FeatureFacts ask(const Kernel& kernel) {
    FeatureFacts facts;
    ask_image(kernel, facts);
    ask_source(kernel, facts);
    ask_headers(kernel, facts);
    return facts;
}

std::optional<std::string> find_vermagic(Bytes data, std::string_view release) {
    const std::string start = std::string(1, '\0') + std::string(release) + ' ';
    std::optional<std::string> found;
    for (auto at = find(data, as_bytes(start)); at; at = find(data, as_bytes(start), *at + 1)) {
        const std::string_view rest = as_text(data.subspan(*at + 1));
        const std::size_t length = rest.find('\0');
        if (length == std::string_view::npos || length > 256) continue;
        const std::string_view text = rest.substr(0, length);
        if (!is_vermagic(text.substr(release.size()))) continue;
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
                      {"headers", headers},
                      {"source_accepts_restored_r2", optional(facts.source_accepts_restored_r2)},
                      {"source_sort_takes_two", optional(facts.source_sort_takes_two)},
                      {"vermagic", optional(facts.vermagic)},
                      {"toc", optional(facts.toc)},
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
        read("source_accepts_restored_r2", facts.source_accepts_restored_r2);
        read("source_sort_takes_two", facts.source_sort_takes_two);
        read("vermagic", facts.vermagic);
        read("toc", facts.toc);
        read("headers_error", facts.headers_error);
    } catch (const Json::exception& damage) {
        throw Error({where.string(), {}, {}}, fmt::format("is damaged: {}", damage.what()))
            .hint("remove the file; it is made again");
    }
    return facts;
}

}  // namespace klp::kernel
