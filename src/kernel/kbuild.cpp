// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/kbuild.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "base/kernel_names.hpp"
#include "kernel/kbuild_environment.hpp"
#include "kernel/make_answer.hpp"
#include "kernel/shell_words.hpp"

namespace klp::kernel {
namespace {

// Goals of our own, added to Makefile.build with --eval. A dry run prints their recipes, expanded; the no-op
// `:` keeps them harmless if they are ever run.
constexpr std::string_view parts_goal =
    "klp-parts: ; @: klp-parts $(real-obj-y) $(lib-y) $(extra-y) klp-modules $(real-obj-m)";
constexpr std::string_view folder_goal =
    "klp-folder: ; @: klp-builtin $(real-obj-y) $(lib-y) $(extra-y) klp-modules $(real-obj-m) klp-folders $(subdir-ym) "
    "klp-targets $(targets) $(always-y) klp-hosts $(hostprogs) $(host-csingle) $(host-cmulti) $(host-cobjs) "
    "$(userprogs) klp-left-out $(obj-)";
constexpr std::string_view inherited_goal = "klp-inherited: ; @: klp-inherited $(KBUILD_SUBDIR_CCFLAGS)";

bool is_dependency_flag(std::string_view word) {
    return word.starts_with("-Wp,-MMD,") || word.starts_with("-Wp,-MD,");
}

std::string define_value(const ShellWords& argv, std::string_view name) {
    const std::string prefix = fmt::format("-D{}=", name);
    for (const std::string& word : argv)
        if (word.starts_with(prefix)) {
            std::string value = word.substr(prefix.size());
            std::erase(value, '"');
            return value;
        }
    return {};
}

// An object that several modules share gets all their names (scripts/Makefile.lib: modname-multi).
std::vector<std::string> modules_of(const ShellWords& argv) {
    std::string names = define_value(argv, "KBUILD_MODFILE");
    if (names.empty()) names = define_value(argv, "KBUILD_MODNAME");
    std::ranges::replace(names, ':', ' ');
    std::vector<std::string> modules;
    for (const std::string& path : shell_words(names)) modules.push_back(module_name_of_path(path));
    return modules;
}

bool compiles(const ShellWords& words, const std::string& object) {
    const auto output = std::ranges::find(words, "-o");
    return std::ranges::find(words, "-c") != words.end() && output != words.end() && output + 1 != words.end() &&
           *(output + 1) == object;
}

// Programs that kbuild runs on the object after the compiler (scripts/Makefile.build: cmd_objtool,
// sub_cmd_record_mcount). In the script, recordmcount stands behind a shell `then`.
//
// Where kbuild delays objtool to the linked image or module (IBT, LTO), it is run on the object all the same: the sites
// and the unwind data that the code needs are made there. What can only be told of all objects at once, which entries
// nobody calls indirectly, is left out: those of a livepatch are not sealed.
std::optional<ShellWords> object_tool(ShellWords words, const std::string& object) {
    if (!words.empty() && words.front() == "then") words.erase(words.begin());
    if (words.size() < 2 || words.back() != object) return std::nullopt;
    const std::string program = fs::path(words.front()).filename();
    if (program != "objtool" && program != "recordmcount") return std::nullopt;
    words.pop_back();
    std::erase(words, "--ibt");
    return words;
}

std::string_view first_line(std::string_view text) {
    return text.substr(0, text.find('\n'));
}

std::string makefile_text(const fs::path& folder) {
    for (const char* name : {"Kbuild", "Makefile"})  // in kbuild's order
        if (fs::exists(folder / name)) return read_text(folder / name);
    return {};
}

}  // namespace

struct Kbuild::DryRun {
    bool has_rule = false;
    std::string errors;
    std::vector<ShellWords> commands;
    ObjectPart part = ObjectPart::none;
};

Kbuild::Kbuild(const Kernel& kernel)
    : name_(kernel.manifest().name), compiler_(kernel.compiler()), environment_(kbuild_environment(kernel, compiler_)) {
    directory_ = value("abs_objtree");
    // Makefiles of 7.x export no absolute path: all are relative to the folder in which it was asked.
    if (directory_.empty() && value("objtree") == ".") directory_ = fs::absolute(kernel.manifest().source);
    source_tree_ = value("srctree");
    if (directory_.empty() || source_tree_.empty())
        throw Error({kernel.manifest().source.string(), {}, {}},
                    "this is not a kernel source tree that kbuild can use");
}

std::string Kbuild::value(std::string_view variable) const {
    const auto found = std::ranges::find(environment_, variable, &Environment::value_type::first);
    return found == environment_.end() ? std::string() : found->second;
}

std::vector<std::string> Kbuild::words(std::string_view variable) const {
    return shell_words(value(variable));
}

Command Kbuild::in_tree(std::vector<std::string> argv, const fs::path& temporary) const {
    Command command;
    command.argv = std::move(argv);
    command.directory = directory_;
    command.environment = environment_;
    for (const char* name : {"PATH", "HOME"})
        if (const char* text = std::getenv(name)) command.environment.emplace_back(name, text);
    command.environment.emplace_back("TMPDIR", temporary);
    command.environment.emplace_back("LC_ALL", "C");  // messages of make are read
    command.clear_environment = true;
    command.sandbox = compiler_.sandbox({temporary_folder(), directory_, directory_ / source_tree_}, {temporary});
    return command;
}

// -B: a tree in which objects were made already would print nothing for them.
Kbuild::DryRun Kbuild::dry_run(const std::string& folder, const std::string& object,
                               const std::vector<std::string>& overrides, const fs::path& tree) const {
    const TempDir scratch("klp-kbuild");  // for trial compilations (scripts/Makefile.compiler: TMPOUT)
    std::vector<std::string> argv = {"make",
                                     "-rRnB",
                                     "--no-print-directory",
                                     fmt::format("--eval={}", parts_goal),
                                     "TMPOUT=" + (scratch.path() / "try").string(),
                                     "-f",
                                     source_tree_ + "/scripts/Makefile.build",
                                     "obj=" + folder,
                                     "need-builtin=1",
                                     "need-modorder=1",
                                     "delay-objtool="};
    argv.insert(argv.end(), overrides.begin(), overrides.end());
    argv.insert(argv.end(), {"klp-parts", object});
    Command command = in_tree(argv, scratch.path());
    if (!tree.empty()) command.directory = tree;
    if (const auto flags = inherited_flags(folder)) command.environment.emplace_back("KBUILD_SUBDIR_CCFLAGS", *flags);
    CommandResult result = klp::run(command);
    // A program that is not there is as good as made, for what is asked here.
    std::set<std::string> programs;
    for (std::string program = missing_program(result.errors); result.status != 0 && !program.empty();
         program = missing_program(result.errors)) {
        if (program == object || !programs.insert(program).second) break;
        command.argv.insert(command.argv.begin() + 1, {"-o", program});
        result = klp::run(command);
    }

    DryRun dry;
    dry.has_rule = make_has_rules(result, fmt::format("kernel '{}' cannot be asked how {} is made", name_, object));
    dry.errors = std::move(result.errors);
    dry.commands = shell_commands(result.output);
    bool is_answered = false;
    for (const ShellWords& words : dry.commands) {
        if (words.size() < 2 || words[0] != ":" || words[1] != "klp-parts") continue;
        is_answered = true;
        const auto modules = std::ranges::find(words, "klp-modules");
        const auto found = std::ranges::find(words, object);
        if (found != words.end()) dry.part = found < modules ? ObjectPart::builtin : ObjectPart::module;
    }
    if (dry.has_rule && !is_answered)
        throw Error({object, {}, {}}, fmt::format("make does not say what kernel '{}' is made of", name_));
    return dry;
}

bool Kbuild::has_makefile(const fs::path& folder) const {
    const fs::path path = directory_ / source_tree_ / folder;
    return fs::exists(path / "Kbuild") || fs::exists(path / "Makefile");
}

// "make: *** No rule to make target 'scripts/…', needed by '…'.  Stop." Or it has a pattern rule, which counts for
// nothing without its program (scripts/Makefile.build).
std::string Kbuild::missing_program(std::string_view errors) const {
    constexpr std::string_view before = "No rule to make target '", compiler = "scripts/asn1_compiler";
    const std::size_t at = errors.find(before);
    if (at == std::string_view::npos) return {};
    const std::string_view rest = errors.substr(at + before.size());
    const std::string_view target = rest.substr(0, rest.find('\''));
    if (target.ends_with(".asn1.c") || target.ends_with(".asn1.h")) return std::string(compiler);
    const bool is_program = target.starts_with("scripts/") && has_makefile(fs::path(target).parent_path());
    return is_program ? std::string(target) : std::string();
}

MakeResult Kbuild::make(const std::string& folder, const std::string& target, const fs::path& tree) const {
    if (source_tree_ != ".") return {};
    const TempDir scratch("klp-kbuild");
    Command command = in_tree({"make", "-rRs", "--no-print-directory", "-f", "./scripts/Makefile.build",
                               "obj=" + folder, "need-builtin=1", "need-modorder=1", target},
                              scratch.path());
    command.directory = tree;
    if (command.sandbox) command.sandbox->writable.push_back(tree);
    const CommandResult result = klp::run(command);
    if (make_has_rules(result, fmt::format("kernel '{}' cannot make {}", name_, target))) return {true, {}};
    return {false, missing_program(result.errors)};
}

FolderParts Kbuild::parts(const std::string& folder) const {
    const TempDir scratch("klp-kbuild");
    const CommandResult result =
        klp::run(in_tree({"make", "-rRnB", "--no-print-directory", fmt::format("--eval={}", folder_goal),
                          "TMPOUT=" + (scratch.path() / "try").string(), "-f", source_tree_ + "/scripts/Makefile.build",
                          "obj=" + folder, "need-builtin=1", "need-modorder=1", "klp-folder"},
                         scratch.path()));
    if (!make_has_rules(result, fmt::format("kernel '{}' cannot be asked what is made in {}", name_, folder)))
        throw Error({folder, {}, {}}, fmt::format("kernel '{}' does not say what is made in this folder: {}", name_,
                                                  first_line(result.errors)));
    FolderParts parts;
    const std::map<std::string_view, std::set<std::string, std::less<>>*> lists = {
        {"klp-builtin", &parts.builtin}, {"klp-modules", &parts.modules}, {"klp-folders", &parts.folders},
        {"klp-targets", &parts.targets}, {"klp-hosts", &parts.hosts},     {"klp-left-out", &parts.left_out}};
    bool is_answered = false;
    for (const ShellWords& words : shell_commands(result.output)) {
        if (words.size() < 2 || words[0] != ":" || words[1] != "klp-builtin") continue;
        is_answered = true;
        std::set<std::string, std::less<>>* list = nullptr;
        for (auto word = words.begin() + 1; word != words.end(); ++word) {
            if (const auto next = lists.find(*word); next != lists.end()) {
                list = next->second;
            } else {
                list->insert(list == &parts.left_out ? (fs::path(folder) / *word).lexically_normal().string() : *word);
            }
        }
    }
    if (!is_answered)
        throw Error({folder, {}, {}}, fmt::format("make does not say what is made here in kernel '{}'", name_));
    return parts;
}

std::string Kbuild::identity() const {
    std::string text = compiler_.identity;
    for (const auto& [name, value] : environment_) text += fmt::format("\n{}={}", name, value);
    return sha256_hex(as_bytes(text));
}

// subdir-ccflags-y of the folders above, which kbuild exports on its way down (scripts/Makefile.lib).
std::optional<std::string> Kbuild::inherited_flags(const fs::path& folder) const {
    std::optional<std::string> flags;
    if (folder.is_absolute()) return flags;
    fs::path above;
    for (const fs::path& part : folder.parent_path()) {
        above /= part;
        if (makefile_text(directory_ / source_tree_ / above).find("subdir-ccflags") == std::string::npos) continue;
        const TempDir scratch("klp-kbuild");
        Command command = in_tree({"make", "-rRnB", "--no-print-directory", fmt::format("--eval={}", inherited_goal),
                                   "TMPOUT=" + (scratch.path() / "try").string(), "-f",
                                   source_tree_ + "/scripts/Makefile.build", "obj=" + above.string(), "klp-inherited"},
                                  scratch.path());
        if (flags) command.environment.emplace_back("KBUILD_SUBDIR_CCFLAGS", *flags);
        const CommandResult result = klp::run(command);
        if (!make_has_rules(result,
                            fmt::format("kernel '{}' cannot be asked for the flags of {}", name_, above.string())))
            continue;
        const std::string& output = result.output;
        constexpr std::string_view marker = ": klp-inherited ";
        const std::size_t at = output.find(marker);
        if (at == std::string::npos)
            throw Error({above.string(), {}, {}}, fmt::format("make does not say its flags in kernel '{}'", name_));
        const std::size_t begin = at + marker.size();
        flags = output.substr(begin, output.find('\n', begin) - begin);
    }
    return flags;
}

CommandAnswer Kbuild::parse(const DryRun& run, const std::string& object, bool split_sections) const {
    CompileCommand command;
    command.object = object;
    command.directory = directory_;
    command.part = run.part;
    const auto compilation =
        std::ranges::find_if(run.commands, [&](const ShellWords& words) { return compiles(words, object); });
    if (compilation == run.commands.end())
        return {.why_not = fmt::format("kernel '{}' does not make this object from one source file", name_)};
    command.source = compilation->back();
    const bool is_c = command.source.ends_with(".c");
    const ShellWords debug = words("DEBUG_CFLAGS");
    for (auto word = compilation->begin(); word != compilation->end() - 1; ++word) {
        if (*word == "-o") {
            ++word;
            continue;
        }
        const bool is_debug = word->starts_with("-g") && std::ranges::find(debug, *word) != debug.end();
        if (!is_dependency_flag(*word) && !is_debug) command.compiler.push_back(*word);
    }
    if (split_sections) command.compiler.insert(command.compiler.end(), {"-ffunction-sections", "-fdata-sections"});
    if (is_c && run.part == ObjectPart::module) {
        command.modules = modules_of(*compilation);
        if (command.modules.empty())
            throw Error({object, {}, {}},
                        fmt::format("kernel '{}' does not say which modules have this object", name_));
    }

    for (auto tool = compilation + 1; tool != run.commands.end(); ++tool)
        if (auto argv = object_tool(*tool, object)) command.object_tools.push_back(std::move(*argv));
    if (is_c) return {.command = std::move(command)};
    CommandAnswer answer{.why_not = fmt::format("is made from {}, which is not a C file", command.source),
                         .is_assembly = run.part != ObjectPart::none};
    if (command.source.ends_with(".S")) answer.assembly = std::move(command);
    return answer;
}

// An object is made by the Makefile of its folder, or of a folder above ("xfs-y += libxfs/xfs_alloc.o").
CommandAnswer Kbuild::look_up(std::string_view object, bool split_sections, const fs::path& tree) const {
    const std::string name(object);
    if (!tree.empty() && source_tree_ != ".")
        return {.why_not =
                    "the kernel is built in another folder than its source, whose Makefiles cannot be exchanged"};
    std::optional<DryRun> first_rule;
    std::string errors;
    for (fs::path folder = fs::path(name).parent_path(); !folder.empty(); folder = folder.parent_path()) {
        if (!has_makefile(folder)) continue;
        DryRun run = dry_run(folder.string(), name, {}, tree);
        if (run.part != ObjectPart::none && !run.has_rule)
            throw Error({name, {}, {}}, fmt::format("kernel '{}' has this object, but cannot make it: {}", name_,
                                                    first_line(run.errors)));
        if (run.part != ObjectPart::none) return parse(run, name, split_sections);
        if (errors.empty()) errors = run.errors;
        if (run.has_rule && !first_rule) first_rule = std::move(run);
    }
    if (first_rule) return parse(*first_rule, name, split_sections);
    return {.why_not = fmt::format("kernel '{}' has no rule to make this object{}{}", name_, errors.empty() ? "" : ": ",
                                   first_line(errors))};
}

CompileCommand Kbuild::module_command(const fs::path& folder, std::string_view name) const {
    const std::string path = fs::absolute(folder).lexically_normal().string();
    const std::string object = fmt::format("{}/{}.o", path, name);
    // The variables by which the releases of Makefile.build find the folder's Makefile and sources.
    const DryRun run =
        dry_run(path, object, {"src=" + path, "kbuild-dir=" + path, "kbuild-file=" + path + "/Makefile"}, {});
    if (!run.has_rule) throw Error({path, {}, {}}, fmt::format("kbuild of '{}' fails: {}", name_, run.errors));
    CommandAnswer answer = parse(run, object, false);
    if (!answer.command) throw Error({object, {}, {}}, answer.why_not);
    return *std::move(answer.command);
}

}  // namespace klp::kernel
