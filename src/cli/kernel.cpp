// SPDX-License-Identifier: GPL-2.0-or-later
// klp kernel: kernels as targets.
#include "cli/kernel.hpp"

#include <fmt/format.h>

#include <memory>

#include "base/process.hpp"
#include "cli/command.hpp"
#include "cli/open_kernel.hpp"
#include "kernel/catalogue.hpp"
#include "kernel/features.hpp"
#include "kernel/kbuild_arguments.hpp"
#include "kernel/manifest.hpp"
#include "packages/add.hpp"
#include "packages/fetch.hpp"
#include "packages/import.hpp"
#include "report/document.hpp"
#include "report/features.hpp"
#include "report/text.hpp"

namespace klp::cli {

namespace {

constexpr auto fetch_footer =
    R"(Takes the image, the headers, the programs of the kernel's build and the source in one version with apt-get download:
no root is needed, and nothing is installed. Without --suite, of the releases that the machine's apt knows. The compiler
that made the kernel comes with it where the machine has another one (klp toolchain list); it runs in a sandbox (bubblewrap).
Needs some 2.2 GB, in the cache folder.)";

constexpr auto add_footer =
    R"(The files stay where they are and must not change. The source tree must have been prepared for exactly this kernel:
its config in place, `make modules_prepare` run with the compiler that made the kernel, Module.symvers in it.)";

constexpr auto import_footer =
    R"(Takes the files of .deb or .rpm packages (Debian, Ubuntu, Fedora, RHEL, SUSE and their kin), whatever this machine runs:
the image, its modules, the headers for building modules, the source. Nothing is installed. What is missing is named with the
package that has it. The source of an .src.rpm gets the patches of its spec; where that is not understood, run `rpmbuild -bp`
where the kernel comes from and give the tree with --source. The compiler is the one that the kernel's config names: of this
machine, or of a toolchain (klp toolchain add).)";

void print_kernels(const kernel::Catalogue& catalogue, bool json) {
    const Progress warn = stderr_progress();
    for (const auto& kernel : catalogue.damaged)
        warn(fmt::format("warning: kernel {}: {}", kernel.name, kernel.reason));
    if (!json) {
        report::Table table({"NAME", "RELEASE", "ARCH"});
        for (const auto& manifest : catalogue.kernels) table.add({manifest.name, manifest.release, manifest.arch});
        for (const auto& kernel : catalogue.damaged) table.add({kernel.name, "(damaged)", ""});
        print_result(table.text());
        return;
    }
    Json array = Json::array();
    for (const auto& manifest : catalogue.kernels) {
        array.push_back({{"name", manifest.name}, {"release", manifest.release}, {"arch", manifest.arch}});
    }
    for (const auto& kernel : catalogue.damaged) {
        array.push_back({{"name", kernel.name}, {"release", nullptr}, {"arch", nullptr}, {"damaged", kernel.reason}});
    }
    print_result(report::to_text(array));
}

Json info_json(const kernel::Manifest& manifest, std::string_view compiler) {
    return {{"name", manifest.name},
            {"release", manifest.release},
            {"arch", manifest.arch},
            {"fetched", manifest.fetched},
            {"compiler", compiler},
            {"paths",
             {{"source", manifest.source.string()},
              {"image", manifest.image.string()},
              {"vmlinux", manifest.vmlinux.string()},
              {"modules", manifest.modules.string()},
              {"config", manifest.config.string()},
              {"symvers", manifest.symvers.string()}}}};
}

constexpr auto info_footer =
    R"(--kbuild prints what make is to be told, for instance in a script:
  make $(klp kernel info NAME --kbuild) M=$PWD modules
)";

void print_kbuild_arguments(const kernel::Kernel& kernel) {
    const auto compiler = kernel::find_compiler(kernel);
    if (!compiler.root.empty())
        throw Error(fmt::format("kernel '{}' is built for with the compiler in {}, which make cannot be told to run",
                                kernel.manifest().name, compiler.root.string()))
            .hint("install that compiler on this machine");
    print_result(Command{.argv = kernel::kbuild_arguments(kernel, compiler)}.text() + '\n');
}

// Probing runs the compiler, the first time: not for those who only ask for a path.
void print_info(const kernel::Manifest& manifest, bool json, bool with_features) {
    const kernel::Kernel kernel = with_features ? open_kernel(manifest) : kernel::Kernel(manifest);
    Json info = info_json(manifest, kernel.config().value("CONFIG_CC_VERSION_TEXT").value_or(""));
    if (!manifest.toolchain.empty()) info["toolchain"] = manifest.toolchain;
    if (with_features) info["features"] = report::features_json(kernel::probe(kernel), manifest.arch);
    if (json || with_features) {
        print_result(report::to_text(report::document(info)));
        return;
    }
    const auto print_line = [](const std::string& key, const Json& value) {
        const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
        print_result(fmt::format("{:<9} {}\n", key, text.empty() ? "-" : report::printable(text)));
    };
    for (const auto& [key, value] : info.items()) {
        if (key != "paths") print_line(key, value);
    }
    for (const auto& [key, value] : info["paths"].items()) print_line(key, value);
}

void add_fetch(CommandLine& group) {
    const auto release = std::make_shared<std::string>("newest");
    const auto archive = std::make_shared<packages::Archive>();
    CommandLine command = group.command("fetch", "get a kernel of Debian: image, modules, prepared source, compiler");
    command.footer(fetch_footer);
    command.value("RELEASE", *release,
                  "as `uname -r` has it, newest (default), or newest-FLAVOUR: newest-rt, newest-cloud");
    command.value("--suite", archive->suite, "of another suite: bullseye, bookworm-backports, trixie, sid, …")
        .not_empty();
    command.value("--mirror", archive->mirror, "where the suite is (default: where the machine has Debian from)")
        .not_empty()
        .type_name("URL");
    command.value("--keyring", archive->keyring, "whose keys sign the suite (default: Debian's)").type_name("FILE");
    command.run([release, archive] {
        if (archive->suite.empty() && (!archive->mirror.empty() || !archive->keyring.empty()))
            throw Error("--mirror and --keyring are of a suite: name it with --suite", ExitCode::usage);
        const std::optional<packages::Archive> chosen = archive->suite.empty() ? std::nullopt : std::optional(*archive);
        print_result(packages::fetch(*release, chosen, stderr_progress()).name + '\n');
        return ExitCode::done;
    });
}

void add_add(CommandLine& group) {
    const auto request = std::make_shared<packages::AddRequest>();
    CommandLine command = group.command("add", "add a kernel of another distribution, or hand-built");
    command.footer(add_footer);
    command.value("NAME", request->name, "the name it gets here").required();
    command.value("--source", request->source, "prepared source tree").required().type_name("DIR");
    command.value("--image", request->image, "what is booted: bzImage, vmlinuz, vmlinux").required().type_name("FILE");
    command.value("--config", request->config, "its .config").required().type_name("FILE");
    command.value("--symvers", request->symvers, "Module.symvers of the build").required().type_name("FILE");
    command.value("--modules", request->modules, "lib/modules/RELEASE").type_name("DIR");
    command.value("--vmlinux", request->vmlinux, "ELF file of the kernel (default: unpacked from the image)")
        .type_name("FILE");
    command.run([request] {
        print_result(packages::add(*request, stderr_progress()).name + '\n');
        return ExitCode::done;
    });
}

void add_import(CommandLine& group) {
    const auto files = std::make_shared<std::vector<std::string>>();
    const auto request = std::make_shared<packages::ImportRequest>();
    CommandLine command = group.command("import", "add a kernel from the package files of any distribution");
    command.footer(import_footer);
    command.values("FILE", *files, "packages of one kernel: .deb, .rpm, .src.rpm").required();
    command.value("--name", request->name, "the name it gets here (default: its release)").not_empty();
    command.value("--source", request->source, "its unpacked source, in place of a source package; it is copied")
        .type_name("DIR")
        .not_empty();
    command.run([files, request] {
        request->files.assign(files->begin(), files->end());
        print_result(packages::import_packages(*request, stderr_progress()).name + '\n');
        return ExitCode::done;
    });
}

void add_list(CommandLine& group) {
    const auto json = std::make_shared<bool>(false);
    CommandLine command = group.command("list", "the kernels there are");
    command.flag("--json", *json, "print a JSON array");
    command.run([json] {
        print_kernels(kernel::read_catalogue(), *json);
        return ExitCode::done;
    });
}

void add_info(CommandLine& group) {
    const auto name = std::make_shared<std::string>();
    const auto json = std::make_shared<bool>(false);
    const auto features = std::make_shared<bool>(false);
    const auto kbuild = std::make_shared<bool>(false);
    CommandLine command = group.command("info", "where a kernel's parts are");
    command.footer(info_footer);
    command.value("NAME", *name, "a kernel of the catalogue (default: the newest)");
    command.flag("--json", *json, "print a JSON object");
    command.flag("--features", *features, "with what its module loader does, found out from it (means --json)");
    command.flag("--kbuild", *kbuild, "print only the arguments by which make builds modules for it")
        .excludes("--json")
        .excludes("--features");
    command.run([name, json, features, kbuild] {
        const kernel::Manifest manifest = named_or_default_kernel(*name);
        if (*kbuild) {
            print_kbuild_arguments(kernel::Kernel(manifest));
        } else {
            print_info(manifest, *json, *features);
        }
        return ExitCode::done;
    });
}

void add_remove(CommandLine& group) {
    const auto name = std::make_shared<std::string>();
    CommandLine command = group.command("remove", "forget a kernel, with all that was fetched or cached for it");
    command.value("NAME", *name, "a kernel of the catalogue").required();
    command.run([name] {
        kernel::remove_kernel(*name);
        return ExitCode::done;
    });
}

}  // namespace

void append_kernel_files(std::vector<fs::path>& inputs, const kernel::Manifest& manifest, const fs::path& output) {
    for (const fs::path* path :
         {&manifest.image, &manifest.vmlinux, &manifest.config, &manifest.symvers, &manifest.modules})
        inputs.push_back(*path);
    // What the catalogue keeps of it; files that the user named are in no catalogue, and are no kernel with an image.
    // The tree of a fetched kernel is there, too.
    if (!manifest.image.empty())
        for (const auto& entry : fs::directory_iterator(kernel::kernel_folder(manifest.name)))
            if (entry.path().filename() != "source") inputs.push_back(entry.path());
    // Who works in the source tree makes modules there, time and again.
    if (output.extension() != ".ko") inputs.push_back(manifest.source);
}

void add_kernel(CommandLine& program) {
    CommandLine group = program.command("kernel", "kernels as targets: fetch, add, import, list, look into");
    group.require_command();
    add_fetch(group);
    add_add(group);
    add_import(group);
    add_list(group);
    add_info(group);
    add_remove(group);
    add_kernel_symbols(group);
}

}  // namespace klp::cli
