// SPDX-License-Identifier: GPL-2.0-or-later
// How the kernel's own build system compiles an object: asked from it, never guessed.
//
// kbuild's start (configuration checks, trial compilations) takes a second or two, and what it finds out is
// passed down to scripts/Makefile.build in the environment. That environment is captured once a kernel; a dry
// run of Makefile.build under it then prints the shell commands for one object in some 30 ms. The source tree
// is only read: trial compilations of its Makefiles are sent to a scratch folder.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/process.hpp"
#include "kernel/compiler.hpp"
#include "kernel/kernel.hpp"

namespace klp::kernel {

enum class ObjectPart {
    builtin,  // of vmlinux
    module,   // of the modules in CompileCommand::modules
    none,     // kbuild has a rule, but the configuration does not ask for the object
};

struct CompileCommand {
    std::string object;  // as asked for: "fs/proc/meminfo.o"
    std::string source;  // the C file as kbuild names it, relative to `directory`
    fs::path directory;  // in which the commands are to be run
    // Without the input, `-o OUTPUT`, the dependency file and the generation of debug information (which
    // makes no difference to code and takes a third of the time).
    std::vector<std::string> compiler;
    // Programs that edit the fresh object in place, in this order (objtool, recordmcount): argv without the
    // object, which is to be appended.
    std::vector<std::vector<std::string>> object_tools;
    ObjectPart part = ObjectPart::none;
    std::vector<std::string> modules;  // kernel names of the modules that the object is linked into
};

// The answer to the question how an object is made.
struct CommandAnswer {
    std::optional<CompileCommand> command{};   // none: it is not made from one C file, or not at all, for…
    std::string why_not{};                     // …this reason
    bool is_assembly = false;                  // a part of the kernel, but made from another kind of file
    std::optional<CompileCommand> assembly{};  // how, where that is assembly with preprocessor directives (.S)
};

// What a folder's Makefile says under this kernel's configuration. Objects and folders are named by their paths from
// the top, as kbuild writes them: a path by way of another folder has `..` in it.
struct FolderParts {
    std::set<std::string, std::less<>> builtin;   // objects, and FOLDER/built-in.a of the folders below
    std::set<std::string, std::less<>> modules;   // objects of modules
    std::set<std::string, std::less<>> folders;   // where kbuild goes from here
    std::set<std::string, std::less<>> targets;   // all that is made here, the objects among them
    std::set<std::string, std::less<>> hosts;     // programs for the build itself, and their objects
    std::set<std::string, std::less<>> left_out;  // objects, and folders with a final slash, that are not configured
};

struct MakeResult {
    bool is_made = false;
    // A program below scripts/ that it needs, which the Makefile of another folder makes, and which is not there:
    // "scripts/selinux/genheaders/genheaders", which no package has. Empty: none.
    std::string program;
};

class Kbuild {
public:
    // Captures the environment unless it is in the kernel's cache folder. Error: no such compiler, no make,
    // the tree is not prepared.
    explicit Kbuild(const Kernel& kernel);

    // How to compile an object of the tree, by its path in the tree. Each function and variable gets a section
    // of its own where `split_sections`. Error: make could not tell (no memory, a file that cannot be read), or cannot
    // make what it takes for a part of the kernel.
    // `tree`: a copy of the source tree whose Makefiles are asked instead; nothing is known of one where the kernel's
    // tree names itself by an absolute path. Empty: the kernel's own.
    [[nodiscard]] CommandAnswer look_up(std::string_view object, bool split_sections, const fs::path& tree = {}) const;

    // What is made in a folder of the tree ("fs/proc"; "." for the top) that kbuild goes to. Error: it cannot be asked.
    [[nodiscard]] FolderParts parts(const std::string& folder) const;
    [[nodiscard]] bool has_makefile(const fs::path& folder) const;

    // The same for a module outside the tree: `folder` has NAME.c and a Makefile that says `obj-m := NAME.o`. Error
    // also where there is no such command.
    [[nodiscard]] CompileCommand module_command(const fs::path& folder, std::string_view name) const;

    // Runs the rule that the Makefile of `folder` has for `target`. `tree` is a copy of the source tree, in which it
    // may write. Not made: there is no such rule, or the tree is one that names itself by an absolute path. Error: it
    // fails.
    [[nodiscard]] MakeResult make(const std::string& folder, const std::string& target, const fs::path& tree) const;

    // A Command that runs `argv` in the tree, under the captured environment. `temporary` is the folder for what
    // compilers would leave in TMPDIR when they are cut short.
    [[nodiscard]] Command in_tree(std::vector<std::string> argv, const fs::path& temporary) const;

    // A variable of kbuild, split into the words that its shell would see; empty where it is not set.
    [[nodiscard]] std::vector<std::string> words(std::string_view variable) const;

    [[nodiscard]] const Compiler& compiler() const noexcept { return compiler_; }
    // The compiler, the configuration and the options that hold for all objects, as a checksum.
    [[nodiscard]] std::string identity() const;

private:
    struct DryRun;
    using Environment = std::vector<std::pair<std::string, std::string>>;

    [[nodiscard]] std::string value(std::string_view variable) const;
    [[nodiscard]] std::string missing_program(std::string_view errors) const;
    [[nodiscard]] DryRun dry_run(const std::string& folder, const std::string& object,
                                 const std::vector<std::string>& overrides, const fs::path& tree) const;
    [[nodiscard]] std::optional<std::string> inherited_flags(const fs::path& folder) const;
    [[nodiscard]] CommandAnswer parse(const DryRun& run, const std::string& object, bool split_sections) const;

    std::string name_;  // of the kernel, for messages
    Compiler compiler_;
    Environment environment_;
    fs::path directory_;       // object tree: where kbuild's relative paths start
    std::string source_tree_;  // $(srctree), relative to it or absolute
};

}  // namespace klp::kernel
