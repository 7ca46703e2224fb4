// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/compile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/error.hpp"
#include "base/process.hpp"
#include "source/patch_headers.hpp"

namespace klp::source {
namespace {

// A folder and a name for each unit's files that no other unit has.
std::string flat_name(std::string path) {
    std::ranges::replace(path, '/', '_');
    return path;
}

void check(const CommandResult& result, const std::string& source, const std::string& what) {
    if (result.status == 0) return;
    std::string text = result.errors.empty() ? fmt::format("it ended with status {}", result.status) : result.errors;
    while (text.ends_with('\n')) text.pop_back();
    throw Error({source, {}, {}}, fmt::format("{}:\n{}", what, text));
}

// Plugins of the compiler, and what edits the object: the tree's own programs, made when it was prepared.
std::vector<std::string> programs_in_tree(const kernel::CompileCommand& command) {
    constexpr std::string_view plugin = "-fplugin=";
    std::vector<std::string> programs;
    for (const std::string& word : command.compiler)
        if (word.starts_with(plugin)) programs.push_back(word.substr(plugin.size()));
    for (const auto& tool : command.object_tools)
        for (const std::string& word : tool)
            if (fs::is_regular_file(command.directory / word)) programs.push_back(word);
    return programs;
}

// Below the scratch folder.
constexpr std::string_view headers_name = "include";

// Types alone: where variables are, and which line an instruction is of, is not asked for. The second and the third
// option also keep the compiler from passes that its code could differ by.
constexpr std::array debug_options = {"-gdwarf-4", "-fno-var-tracking", "-fno-var-tracking-assignments", "-gz=none"};

// Programs that edit the object, and whoever compares it, would have to go through what is many times its code.
void drop_debug_sections(elf::Object& object) {
    std::vector<elf::Section*> sections;
    for (const auto& section : object.sections())
        if (section->name.starts_with(".debug_")) sections.push_back(section.get());
    object.remove_sections(sections);
}

// Objects of patched units that are kept: those of a few large patches.
constexpr std::size_t most_patched = 2000;

elf::Object with_name(const fs::path& object, std::string name) {
    const MappedFile file(object);
    return elf::Object::read({file.bytes().begin(), file.bytes().end()}, std::move(name));
}

}  // namespace

UnitCompiler::UnitCompiler(const kernel::Kernel& kernel, const kernel::Kbuild& kbuild, const SourceTree& tree,
                           const Overlay& overlay, DescribeTypes describe_types, KeepDebug keep_debug)
    : kbuild_(kbuild),
      tree_(tree),
      overlay_(overlay),
      describe_types_(std::move(describe_types)),
      keep_debug_(keep_debug),
      cache_(kernel.cache_folder() / "objects"),
      patched_cache_(kernel.cache_folder() / "patched-objects"),
      generated_(kbuild, tree.root()),
      generated_by_patched_(kbuild, overlay.root()),
      scratch_("klp-objects") {
    write_patch_headers(scratch_.path() / headers_name);
    patched_cache_.drop_oldest(most_patched);
    std::string text = overlay_.patched_text();
    for (const EmbeddedFile& file : patch_headers()) text += fmt::format("{}\n{}\n", file.path, file.text);
    patch_digest_ = sha256_hex(as_bytes(text));
}

std::string UnitCompiler::command_key(const TranslationUnit& unit) const {
    const auto& command = unit.command;
    std::string key = fmt::format("{}\n{}\n{}\n{}\n", tree_.root().string(), command.source,
                                  kbuild_.compiler().identity, fmt::join(command.compiler, "\n"));
    key += fmt::format("{}\n", fmt::join(debug_options, " "));
    key += fmt::format("{}\n", describe_types_.format);
    for (const auto& tool : command.object_tools) key += fmt::format("{}\n", fmt::join(tool, " "));
    return key;
}

std::string UnitCompiler::cache_key(const TranslationUnit& unit) const {
    return command_key(unit) + read_text(unit.command.directory / unit.command.source);
}

CompiledObject UnitCompiler::original(const TranslationUnit& unit) const {
    const std::string name = unit.source + " (original)";
    if (unit.is_new) {
        Compiled compiled = compile(unit, original_side(unit));
        return {with_name(compiled.object, name), std::move(compiled.types), std::move(compiled.debug)};
    }
    const std::string key = cache_key(unit);
    if (keep_debug_ != KeepDebug::both) {
        if (auto cached = cache_.find(key))
            return {elf::Object::read(std::move(cached->object), name), std::move(cached->types), {}};
    }
    const Side side = original_side(unit);
    const auto began = std::chrono::system_clock::now();
    Compiled compiled = compile(unit, side);
    for (std::string& program : programs_in_tree(unit.command)) compiled.dependencies.push_back(std::move(program));
    cache_.store(key, {began, side.directory, std::move(compiled.dependencies)}, MappedFile(compiled.object).bytes(),
                 compiled.types);
    return {with_name(compiled.object, name), std::move(compiled.types), std::move(compiled.debug)};
}

// All that is patched decides, whether this unit reads it or not: a new file may be found in the place of another one.
CompiledObject UnitCompiler::patched(const TranslationUnit& unit) const {
    const Side side = patched_side(unit);
    // In a tree that is built elsewhere, the overlay's own path may be in the object.
    if (keep_debug_ != KeepDebug::none || tree_.is_split()) return compile_patched(unit, side);
    const std::string key = fmt::format("patched {}\n{}", patch_digest_, command_key(unit));
    if (auto cached = patched_cache_.find(key))
        return {elf::Object::read(std::move(cached->object), unit.source + " (patched)"), std::move(cached->types), {}};
    const auto began = std::chrono::system_clock::now();
    Compiled compiled = compile(unit, side);
    overlay_.check_dependencies(compiled.dependencies, side.directory, unit.source);
    // What the makefiles make from patched files is looked at by the next build, too.
    if (!compiled.uses_generated_files)
        patched_cache_.store(key, {began, side.directory, unpatched_files(compiled, unit, side)},
                             MappedFile(compiled.object).bytes(), compiled.types);
    return {with_name(compiled.object, unit.source + " (patched)"), std::move(compiled.types), {}};
}

// By their own places, of which the overlay has links.
std::vector<std::string> UnitCompiler::unpatched_files(const Compiled& compiled, const TranslationUnit& unit,
                                                       const Side& side) const {
    const std::string patched = fs::canonical(overlay_.root()).string() + "/";
    const std::string ours = fs::canonical(scratch_.path()).string() + "/";
    std::vector<std::string> files;
    for (const std::string& name : compiled.dependencies) {
        std::string file = fs::canonical(side.directory / name).string();
        if (!file.starts_with(patched) && !file.starts_with(ours)) files.push_back(std::move(file));
    }
    for (const std::string& program : programs_in_tree(unit.command))
        files.push_back(fs::canonical(unit.command.directory / program).string());
    return files;
}

// Callers may not rely on which registers the new code of a function leaves alone: they may go on with the old one.
CompiledObject UnitCompiler::patched_reading(const TranslationUnit& unit, const KeyNames& keys) const {
    const fs::path headers = scratch_.path() / fmt::format("{}.headers", flat_name(unit.source));
    write_plain_keys(headers, keys);
    Side side = patched_side(unit);
    side.name = "reading";
    side.options.insert(side.options.begin(), {"-I" + headers.string(), "-fno-ipa-ra"});
    return compile_patched(unit, side);
}

CompiledObject UnitCompiler::compile_patched(const TranslationUnit& unit, const Side& side) const {
    Compiled compiled = compile(unit, side);
    overlay_.check_dependencies(compiled.dependencies, side.directory, unit.source);
    return {with_name(compiled.object, unit.source + " (patched)"), std::move(compiled.types),
            std::move(compiled.debug)};
}

bool UnitCompiler::is_unchanged(const TranslationUnit& unit) const {
    const Side side = patched_side(unit);
    const Compiled original = compile(unit, original_side(unit));
    const Compiled patched = compile(unit, side);
    overlay_.check_dependencies(patched.dependencies, side.directory, unit.source);
    return std::ranges::equal(MappedFile(original.object).bytes(), MappedFile(patched.object).bytes());
}

UnitCompiler::Side UnitCompiler::original_side(const TranslationUnit& unit) const {
    return {unit.command.directory, tree_.root(), "original", &generated_};
}

UnitCompiler::Side UnitCompiler::patched_side(const TranslationUnit& unit) const {
    return {tree_.is_split() ? unit.command.directory : overlay_.root(),
            overlay_.root(),
            "patched",
            &generated_by_patched_,
            {"-I" + (scratch_.path() / headers_name).string()}};
}

UnitCompiler::Compiled UnitCompiler::compile(const TranslationUnit& unit, const Side& side) const {
    const fs::path object = scratch_.path() / fmt::format("{}.{}.o", flat_name(unit.source), side.name);
    const fs::path dependencies = scratch_.path() / fmt::format("{}.{}.d", flat_name(unit.source), side.name);
    std::vector<std::string> argv = unit.command.compiler;
    const bool is_empty = unit.is_new && side.generated == &generated_;
    const fs::path empty = scratch_.path() / fmt::format("{}.empty.c", flat_name(unit.source));
    if (is_empty) write_file(empty, Bytes());
    argv.push_back(is_empty ? empty.string() : unit.command.source);
    for (auto& word : argv) word = tree_.moved(word, side.sources);
    // Before the first folder of the command, if it has any: kernels may have a header of the same name.
    const auto first = std::ranges::find_if(argv, [](const std::string& word) { return word.starts_with("-I"); });
    argv.insert(first, side.options.begin(), side.options.end());
    argv.insert(argv.end(), debug_options.begin(), debug_options.end());
    argv.insert(argv.end(), {"-Wp,-MMD," + dependencies.string(), "-o", object.string()});
    Command command = kbuild_.in_tree(argv, scratch_.path());
    command.directory = side.directory;
    check(run_compiler(std::move(command), unit, side), unit.source,
          fmt::format("the {} source does not compile", side.name));
    // What the preprocessor makes of a linker script has none.
    const bool is_object = !unit.source.ends_with(".lds.S");
    std::optional<DebugObject> debug;
    const bool is_kept = keep_debug_ == KeepDebug::both ||
                         (keep_debug_ == KeepDebug::patched && side.generated == &generated_by_patched_);
    if (is_kept && is_object)
        debug = {with_name(object, fmt::format("{} ({})", unit.source, side.name)), side.directory, side.sources};
    std::string types = is_object ? take_types(object) : std::string();
    for (auto tool : unit.command.object_tools) {
        tool.push_back(object.string());
        const std::string program = tool.front();
        Command edit = kbuild_.in_tree(std::move(tool), scratch_.path());
        edit.directory = side.directory;
        check(run(edit), unit.source, fmt::format("{} refuses the object of the {} source", program, side.name));
    }
    auto files = read_dependency_file(dependencies);
    const auto made = std::erase_if(
        files, [&](const std::string& file) { return file.starts_with(side.generated->root().string()); });
    return {object, std::move(types), std::move(debug), std::move(files), made != 0};
}

CommandResult UnitCompiler::run_compiler(Command command, const TranslationUnit& unit, const Side& side) const {
    std::set<std::string> names;
    while (true) {
        CommandResult result = run(command);
        const auto missing = result.status == 0 ? std::nullopt : missing_file(result.errors);
        if (!missing || tree_.is_split() || !names.insert(*missing).second) return result;
        const auto folder = side.generated->folder_with(*missing, unit.source);
        if (!folder) return result;
        command.argv.push_back("-I" + folder->string());
    }
}

std::string UnitCompiler::take_types(const fs::path& path) const {
    elf::Object object = elf::Object::read(path);
    std::string types = describe_types_.describe(object);
    drop_debug_sections(object);
    object.write_to(path);
    return types;
}

}  // namespace klp::source
