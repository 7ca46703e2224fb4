// SPDX-License-Identifier: GPL-2.0-or-later
// From package files to a kernel of the catalogue: unpacked beside it (import_set.cpp), then moved into its folder.
#include "packages/import.hpp"

#include <fmt/format.h>

#include "arch/registry.hpp"
#include "base/abandoned.hpp"
#include "base/decompress.hpp"
#include "base/error.hpp"
#include "kernel/compiler.hpp"
#include "kernel/manifest.hpp"
#include "kernel/prepared_tree.hpp"
#include "kernel/vmlinux.hpp"
#include "packages/import_set.hpp"
#include "packages/import_source.hpp"
#include "packages/merge.hpp"
#include "packages/parts.hpp"
#include "packages/prepare.hpp"
#include "packages/shipped.hpp"

namespace klp::packages {

namespace {

constexpr std::size_t symvers_limit = std::size_t{64} << 20;

void refuse_known(const std::string& name) {
    if (kernel::load_manifest(name))
        throw Error(fmt::format("there is a kernel '{}' already", name))
            .hint(fmt::format("klp kernel remove {}", name));
}

void check_source_folder(const fs::path& source) {
    if (!source.empty() && !fs::is_directory(source))
        throw Error({source.string(), "", {}}, "no such folder (expected the kernel's source tree)");
}

// Hidden, on the catalogue's file system, so that what is unpacked there is moved.
TempDir scratch_folder() {
    std::error_code failure;
    fs::create_directories(kernel::kernels_folder(), failure);
    return TempDir(".import", kernel::kernels_folder());
}

void write_symvers(const fs::path& from, const fs::path& to) {
    const MappedFile file(from);
    const Compression compression = detect_compression(file.bytes());
    if (compression == Compression::none) {
        write_file(to, file.bytes());
    } else {
        write_file(to, Bytes(decompress(compression, file.bytes(), {from.string(), "", {}}, symvers_limit)));
    }
}

// One kernel's folder being filled.
class Importer {
public:
    Importer(const PackageSet& packages, const fs::path& scratch, const std::string& name, const Progress& progress)
        : packages_(packages), scratch_(scratch), progress_(progress), folder_(name), manifest_(manifest(name)) {}

    kernel::Manifest run(const fs::path& source);

private:
    [[nodiscard]] fs::path at(std::string_view name) const { return folder_.path() / name; }
    [[nodiscard]] kernel::Manifest manifest(const std::string& name) const;
    [[nodiscard]] fs::path config() const;
    void check_config_of(const UnpackedPackage& package) const;
    void take_binaries();
    void take_headers();
    void say_compiler() const;

    const PackageSet& packages_;
    const fs::path& scratch_;
    const Progress& progress_;
    kernel::NewKernelFolder folder_;
    kernel::Manifest manifest_;
};

kernel::Manifest Importer::manifest(const std::string& name) const {
    return {.name = name,
            .release = packages_.release(),
            .source = at("source"),
            .image = at("vmlinuz"),
            .vmlinux = at("vmlinux"),
            .modules = at("modules"),
            .config = at("config"),
            .symvers = at("Module.symvers")};
}

// What the build really used: Debian's copy beside the image has lost the names of keys.
fs::path Importer::config() const {
    const fs::path of_headers = packages_.find(&Contents::headers) / ".config";
    return fs::is_regular_file(of_headers) ? of_headers : packages_.find(&Contents::config);
}

// Packages of one release, but of several builds. Debian's image has not the options of signing modules, which is done
// elsewhere.
void Importer::check_config_of(const UnpackedPackage& package) const {
    auto differences =
        config_differences(kernel::Config::read(package.contents.config), kernel::Config::read(manifest_.config));
    std::erase_if(differences, [](const std::string& text) { return text.starts_with("CONFIG_MODULE_SIG"); });
    if (!differences.empty())
        throw Error(fmt::format("packages do not belong together: the config in {} is not that of the headers: {}{}",
                                package.file->full_name(), differences.front(),
                                differences.size() == 1 ? "" : fmt::format("; and {} more", differences.size() - 1)));
}

void Importer::take_binaries() {
    fs::copy_file(config(), manifest_.config);
    for (const UnpackedPackage& package : packages_.packages())
        if (!package.contents.config.empty()) check_config_of(package);
    write_symvers(packages_.find(&Contents::symvers), manifest_.symvers);
    fs::rename(packages_.find(&Contents::image), manifest_.image);
    for (const UnpackedPackage& package : packages_.packages())
        if (!package.contents.modules.empty()) merge_tree(package.contents.modules, manifest_.modules);
    remove_outward_links(manifest_.modules);
    kernel::unpack_vmlinux(manifest_);
    const std::string expected = manifest_.release;
    identify(manifest_);
    check_release(manifest_.release, manifest_.image, expected);
}

// Kept beside the tree, so that it can be prepared again.
void Importer::take_headers() {
    const fs::path headers = packages_.find(&Contents::headers);
    const fs::path programs = packages_.find(&Contents::programs);
    fs::copy_file(manifest_.config, headers / ".config", fs::copy_options::overwrite_existing);
    fs::copy_file(manifest_.symvers, headers / "Module.symvers", fs::copy_options::overwrite_existing);
    take_shipped(headers, programs.empty() ? headers : programs, at("shipped"));
}

// A toolchain may come later.
void Importer::say_compiler() const {
    try {
        const kernel::Compiler compiler =
            kernel::find_compiler(kernel::Config::read(manifest_.config), arch::for_name(manifest_.arch),
                                  {manifest_.config.string(), "", {}});
        progress_(fmt::format("compiler: {} {}{}", compiler.program, compiler.version,
                              compiler.root.empty() ? "" : " in " + compiler.root.string()));
    } catch (const kernel::NoCompiler& error) {
        progress_(fmt::format("warning: no patch can be built yet: {}", error.message()));
        progress_(
            "warning: unpack the kernel's distribution, with its gcc, binutils and make, into a folder, and: klp "
            "toolchain add NAME FOLDER");
    }
}

kernel::Manifest Importer::run(const fs::path& source) {
    progress_("reading the image");
    take_binaries();
    take_headers();
    fs::create_directories(manifest_.source);
    fs::create_directories(scratch_ / "source");
    take_source(packages_, source, manifest_.source, scratch_ / "source", progress_);
    progress_("preparing the source tree");
    prepare_from_shipped(at("shipped"), manifest_.source);
    check_tree(manifest_);
    say_compiler();
    kernel::note_tree(manifest_);
    folder_.commit(manifest_);
    progress_(fmt::format("kernel {} is ready in {}", manifest_.name, folder_.path().string()));
    return manifest_;
}

}  // namespace

kernel::Manifest import_packages(const ImportRequest& request, const Progress& progress) {
    kernel::discard_abandoned_kernels();
    if (!request.name.empty()) {
        kernel::check_kernel_name(request.name);
        refuse_known(request.name);
    }
    check_source_folder(request.source);
    const TempDir scratch = scratch_folder();
    const PackageSet packages(request.files, scratch.path(), progress);
    const std::string name = request.name.empty() ? packages.release() : request.name;
    kernel::check_kernel_name(name);
    refuse_known(name);
    packages.check_complete(request.source.empty());
    if (!request.source.empty()) check_given_source(request.source, packages.release());
    const FileLock lock = kernel::lock_kernel(name);
    refuse_known(name);
    return Importer(packages, scratch.path(), name, progress).run(request.source);
}

}  // namespace klp::packages
