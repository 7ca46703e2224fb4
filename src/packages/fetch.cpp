// SPDX-License-Identifier: GPL-2.0-or-later
// Fetching: from a release to a whole kernel out of the distribution's packages (choose.cpp).
#include <fmt/format.h>

#include "arch/registry.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "kernel/catalogue.hpp"
#include "kernel/compiler.hpp"
#include "kernel/image.hpp"
#include "kernel/manifest.hpp"
#include "kernel/prepared_tree.hpp"
#include "kernel/vmlinux.hpp"
#include "packages/choose.hpp"
#include "packages/debian.hpp"
#include "packages/featureset.hpp"
#include "packages/fetch.hpp"
#include "packages/mend.hpp"
#include "packages/prepare.hpp"
#include "packages/shipped.hpp"
#include "packages/toolchain.hpp"

namespace klp::packages {

namespace {

struct Debs {
    std::vector<fs::path> image;
    fs::path headers;
    std::optional<fs::path> kbuild;
    fs::path source;
    std::optional<fs::path> packaging;  // of the source package, where the flavour has patches of its own
};

// The first line of what an Error says; the lines of a failed program's output follow when it comes to the end.
std::string_view summary(const Error& error) {
    std::string_view text = error.what();
    text = text.substr(0, text.find('\n'));
    return text.substr(0, text.find_last_not_of(':') + 1);
}

// Does `what` with the machine's package lists; where that fails (there are none, they are too old to know the
// release, or they name packages that the archive has dropped since), once more with our own.
template <typename What>
auto with_lists(Apt& apt, const Progress& progress, const What& what) {
    if (!apt.has_own_lists()) {
        try {
            return what();
        } catch (const Error& error) {
            progress(fmt::format("{}; trying with fresh package lists", summary(error)));
        }
        apt.use_own_lists(progress);
    }
    return what();
}

void check_space(const fs::path& folder, std::uint64_t needed) {
    const std::uint64_t available = fs::space(folder).available;
    if (available >= needed) return;
    throw Error({folder.string(), "", {}},
                fmt::format("no space: {} needed, {} free", format_size(needed), format_size(available)))
        .hint("put the cache elsewhere: KLPKIT_CACHE=FOLDER");
}

std::string toolchain_for(const Apt& apt, const kernel::Manifest& kernel, const Progress& progress) {
    return provide_toolchain(apt, kernel::Config::read(kernel.config), arch::for_name(kernel.arch),
                             {kernel.config.string(), "", {}}, progress);
}

// One kernel's folder being filled.
class Fetcher {
public:
    Fetcher(Apt& apt, std::string release, const Progress& progress)
        : apt_(apt), release_(std::move(release)), progress_(progress), folder_(release_) {}

    kernel::Manifest run(const KernelPackages& found);

private:
    [[nodiscard]] fs::path at(std::string_view name) const { return folder_.path() / name; }
    Debs download(const KernelPackages& packages);
    fs::path download(const Package& package);
    fs::path download_packaging(const KernelPackages& packages);
    void unpack_image_packages(const std::vector<fs::path>& debs);
    void unpack_headers_package(const fs::path& deb);
    void take_shipped_files(const fs::path& kbuild);
    void prepare(const kernel::Manifest& made);
    void unpack_source_package(const fs::path& deb);
    void take(const std::vector<fs::path>& candidates, std::string_view name);
    [[nodiscard]] kernel::Manifest manifest() const;

    Apt& apt_;
    std::string release_;
    const Progress& progress_;
    kernel::NewKernelFolder folder_;
};

Debs Fetcher::download(const KernelPackages& packages) {
    Debs debs;
    if (!packages.featureset.empty()) debs.packaging = download_packaging(packages);  // small, and what may be missing
    for (const Package& image : packages.image) debs.image.push_back(download(image));
    debs.headers = download(packages.headers);
    if (packages.kbuild) debs.kbuild = download(*packages.kbuild);
    debs.source = download(packages.source);
    return debs;
}

// Without its patches the tree is another kernel's: structures have other members, whatever the proof says of the
// functions that do not use them.
fs::path Fetcher::download_packaging(const KernelPackages& packages) {
    const Package::Source source = packages.image.front().linux_source();
    progress_(fmt::format("downloading the patches of '{}' (source package {} {})", packages.featureset, source.name,
                          source.version));
    try {
        Apt sources = apt_.for_sources(source.version);
        sources.use_own_lists(progress_);
        const fs::path folder = at("download") / "packaging";
        fs::create_directories(folder);
        return sources.download_packaging(source, folder);
    } catch (Error& error) {
        throw std::move(error).hint(fmt::format(
            "kernels of '{}' are built with patches that linux-source has not: {} cannot be patched without "
            "them",
            packages.featureset, release_));
    }
}

fs::path Fetcher::download(const Package& package) {
    progress_(fmt::format("downloading {} {} ({})", package.name(), package.version(), format_size(package.size())));
    const fs::path folder = at("download");
    fs::create_directories(folder);
    return apt_.download(package, folder);
}

// Moves the one of `candidates` (relative to the unpacked package) that there is.
void Fetcher::take(const std::vector<fs::path>& candidates, std::string_view name) {
    for (const fs::path& candidate : candidates) {
        if (!fs::exists(at("unpacked") / candidate)) continue;
        fs::rename(at("unpacked") / candidate, at(name));
        return;
    }
    throw Error(fmt::format("the package has no file {}", candidates.front().string()));
}

void Fetcher::unpack_image_packages(const std::vector<fs::path>& debs) {
    progress_("unpacking the image and its modules");
    for (const fs::path& deb : debs) unpack_deb(deb, at("unpacked"));
    take({"boot/vmlinuz-" + release_, "boot/vmlinux-" + release_, "usr/lib/modules/" + release_ + "/vmlinuz"},
         "vmlinuz");
    take({"lib/modules/" + release_, "usr/lib/modules/" + release_}, "modules");
    fs::remove(at("modules") / "build");  // links to packages that are not here
    fs::remove(at("modules") / "source");
    const MappedFile image(at("vmlinuz"));
    const Location where{image.path().string(), "", {}};
    const auto found = kernel::release_of_image(image.bytes(), where);
    if (!found) throw Error(where, fmt::format("expected release {}, the image says none", release_));
    if (*found != release_) throw Error(where, fmt::format("expected release {}, the image says {}", release_, *found));
}

void Fetcher::unpack_headers_package(const fs::path& deb) {
    unpack_deb(deb, at("unpacked"));
    const fs::path headers = "usr/src/linux-headers-" + release_;
    take({headers / ".config"}, "config");
    take({headers / "Module.symvers"}, "Module.symvers");
}

// Kept beside the tree, so that it can be prepared again. The package is one of a release
// ("linux-kbuild-6.12.117+deb13") or of a series.
void Fetcher::take_shipped_files(const fs::path& kbuild) {
    unpack_deb(kbuild, at("unpacked"));
    const fs::path headers = at("unpacked") / ("usr/src/linux-headers-" + release_);
    fs::copy_file(at("config"), headers / ".config");
    fs::copy_file(at("Module.symvers"), headers / "Module.symvers");
    for (const auto& entry : fs::directory_iterator(at("unpacked") / "usr/lib")) {
        if (entry.path().filename().string().starts_with("linux-kbuild-"))
            take_shipped(headers, entry.path(), at("shipped"));
    }
}

void Fetcher::prepare(const kernel::Manifest& made) {
    if (fs::exists(at("shipped"))) {
        progress_("preparing the source tree");
        prepare_from_shipped(at("shipped"), made.source);
        return;
    }
    prepare_source({made.source, made.config, made.symvers, release_, &arch::for_name(made.arch)}, progress_);
}

void Fetcher::unpack_source_package(const fs::path& deb) {
    progress_("unpacking the source");
    unpack_deb(deb, at("unpacked"));
    const fs::path tarball = at("unpacked") / "usr/src" / fmt::format("linux-source-{}.tar.xz", series(release_));
    if (!fs::exists(tarball)) throw Error(fmt::format("the source package has no {}", tarball.filename().string()));
    fs::create_directories(at("source"));
    run_checked({.argv = {"tar", "-xf", tarball.string(), "-C", at("source").string(), "--strip-components=1",
                          "--no-same-owner"}},
                "the source cannot be unpacked");
}

kernel::Manifest Fetcher::manifest() const {
    return {.name = release_,
            .release = release_,
            .source = at("source"),
            .image = at("vmlinuz"),
            .vmlinux = at("vmlinux"),
            .modules = at("modules"),
            .config = at("config"),
            .symvers = at("Module.symvers"),
            .fetched = true};
}

kernel::Manifest Fetcher::run(const KernelPackages& found) {
    check_space(folder_.path(), space_needed(found));
    const Debs debs = with_lists(apt_, progress_, [this] { return download(packages_of(apt_, release_)); });
    unpack_image_packages(debs.image);
    unpack_headers_package(debs.headers);
    if (debs.kbuild) take_shipped_files(*debs.kbuild);
    kernel::Manifest made = manifest();
    kernel::unpack_vmlinux(made);
    made.arch = arch::for_object(elf::Object::read(made.vmlinux)).name();
    if (!kernel::Config::read(made.config).enabled("CONFIG_LIVEPATCH")) {
        throw Error(fmt::format("kernel {} cannot be livepatched: its config has no CONFIG_LIVEPATCH=y", release_));
    }
    // Where nothing is shipped, this machine's compiler and programs have to prepare the tree.
    if (debs.kbuild) made.toolchain = toolchain_for(apt_, made, progress_);
    unpack_source_package(debs.source);
    if (debs.packaging) {
        progress_(fmt::format("applying the patches of '{}'", found.featureset));
        apply_featureset(*debs.packaging, found.featureset, at("source"), at("download"));
    }
    fs::remove_all(at("download"));
    fs::remove_all(at("unpacked"));
    prepare(made);
    kernel::note_tree(made);
    folder_.commit(made);
    progress_(fmt::format("kernel {} is ready in {}", release_, folder_.path().string()));
    return made;
}

// The release that is newest today; without network, the newest that was fetched before.
std::string newest_release_or_known(Apt& apt, std::string_view wanted, bool of_suite, const Progress& progress) {
    try {
        return with_lists(apt, progress, [&] { return newest_release(apt, wanted); });
    } catch (const Error& error) {
        const auto known = kernel::newest_fetched();
        if (!known || of_suite || wanted != "newest") throw;
        progress(fmt::format("{}; taking the newest kernel fetched before: {}", summary(error), known->name));
        return known->name;
    }
}

// A kernel that is there, with its tree as it should be. One whose kernel.json is damaged is as good as not there.
std::optional<kernel::Manifest> known_kernel(std::string_view release, const Progress& progress) {
    std::optional<kernel::Manifest> manifest;
    try {
        manifest = kernel::load_manifest(release);
    } catch (const Error& error) {
        kernel::check_kernel_name(release);
        progress(fmt::format("{}; fetching the kernel again", summary(error)));
    }
    if (manifest && manifest->fetched) keep_prepared(*manifest, progress);
    return manifest;
}

// Of a kernel that is there, the compiler may have gone since.
bool has_compiler(const kernel::Manifest& manifest) {
    if (!manifest.fetched || manifest.config.empty()) return true;
    try {
        static_cast<void>(kernel::find_compiler(kernel::Kernel(manifest)));
        return true;
    } catch (const kernel::NoCompiler&) {
        return false;
    }
}

kernel::Manifest with_compiler(Apt& apt, kernel::Manifest manifest, const Progress& progress) {
    if (has_compiler(manifest)) return manifest;
    progress(fmt::format("kernel {} has lost its compiler: getting it again", manifest.name));
    manifest.toolchain = with_lists(apt, progress, [&] { return toolchain_for(apt, manifest, progress); });
    kernel::store_manifest(manifest);
    return manifest;
}

Apt apt_for(const std::optional<Archive>& archive, const Progress& progress) {
    if (!archive) return Apt();
    Apt apt(*archive);
    apt.use_own_lists(progress);
    return apt;
}

}  // namespace

kernel::Manifest fetch(std::string_view wanted, const std::optional<Archive>& archive, const Progress& progress) {
    kernel::discard_abandoned_kernels();
    if (archive) check_suite_name(archive->suite);
    const bool is_release = !asks_for_newest(wanted);
    if (is_release) {
        auto manifest = known_kernel(wanted, progress);
        if (manifest && has_compiler(*manifest)) return std::move(*manifest);
    }
    Apt apt = apt_for(archive, progress);
    const std::string release =
        is_release ? std::string(wanted) : newest_release_or_known(apt, wanted, archive.has_value(), progress);
    if (auto manifest = known_kernel(release, progress)) return with_compiler(apt, std::move(*manifest), progress);
    const KernelPackages found = with_lists(apt, progress, [&] { return packages_of(apt, release); });
    if (!found.kbuild) check_prepare_tools();
    const FileLock lock = kernel::lock_kernel(release);
    if (auto manifest = known_kernel(release, progress)) return std::move(*manifest);  // another process was faster
    return Fetcher(apt, release, progress).run(found);
}

}  // namespace klp::packages
