// SPDX-License-Identifier: GPL-2.0-or-later
// What .modinfo decides: version magic, license, taints (kernel/module/main.c: check_modinfo, and of later kernels
// module_augment_kernel_taints).
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "loader/exports.hpp"
#include "loader/module_loader.hpp"
#include "loader/signature.hpp"

namespace klp::loader {

namespace {

// include/linux/license.h:license_is_gpl_compatible
constexpr std::array<std::string_view, 6> gpl_compatible{"GPL",          "GPL v2",       "GPL and additional rights",
                                                         "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};

// kernel/module/version.c:same_magic. With CRCs in the module, the release may be another.
bool same_magic(std::string_view module, std::string_view kernel, bool has_crcs) {
    if (has_crcs) {
        module.remove_prefix(std::min(module.find(' '), module.size()));
        kernel.remove_prefix(std::min(kernel.find(' '), kernel.size()));
    }
    return module == kernel;
}

// What module_sig_check() lets pass in a kernel that does not insist on signatures.
struct ToleratedSignature {
    int error = 0;
    std::string_view reason;
};
constexpr std::array<ToleratedSignature, 3> tolerated_signatures{{{ENODATA, "unsigned module"},
                                                                  {ENOPKG, "module with unsupported crypto"},
                                                                  {ENOKEY, "module with unavailable key"}}};

// The certificates that the kernel was built with are in its image.
bool has_key(const kernel::Kernel& kernel, const Signature& signature) {
    return std::ranges::any_of(kernel.vmlinux().sections(), [&](const auto& section) {
        const Bytes content = section->is_alloc() && !section->is_code() ? Bytes(section->content()) : Bytes{};
        return find(content, signature.serial).has_value() && find(content, signature.issuer).has_value();
    });
}

}  // namespace

void ModuleLoader::check_modinfo(Module& module, Journal& journal) {
    const Features& features = system_.features;
    const auto magic = module.file.modinfo(module.index.modinfo, "vermagic");
    if (!magic) {
        if (!try_to_force_load(system_, module, "bad vermagic", journal)) throw Refused{ENOEXEC};
    } else if (features.vermagic &&
               !same_magic(*magic, *features.vermagic, features.modversions && module.index.versions != 0)) {
        journal.refuse(ENOEXEC, fmt::format("{}: version magic '{}' should be '{}'", module.info_name, *magic,
                                            *features.vermagic));
    }
    module.is_livepatch = module.file.modinfo(module.index.modinfo, "livepatch").has_value();
    if (!features.separate_memories) taint(module, journal);
    if (module.is_livepatch && !features.livepatch) {
        journal.refuse(
            ENOEXEC,
            fmt::format("{}: module is marked as livepatch module, but livepatch support is disabled", module.name));
    }
    if (!features.separate_memories) set_license(module, journal);
}

void ModuleLoader::taint(Module& module, Journal& journal) {
    const auto info = [&](std::string_view tag) { return module.file.modinfo(module.index.modinfo, tag).has_value(); };
    Taints& taints = system_.taints;
    if (!info("intree")) {
        if (!taints.out_of_tree) journal.warning(module.name + ": loading out-of-tree module taints kernel.");
        taints.out_of_tree = true;
    }
    if (system_.features.needs_retpoline && !info("retpoline")) {  // arch/x86/kernel/cpu/bugs.c:retpoline_module_ok
        journal.error("Spectre V2 : System may be vulnerable to spectre v2");
        journal.warning(module.name + ": loading module not compiled with retpoline compiler.");
    }
    if (info("staging")) {
        taints.staging = true;
        journal.warning(module.name +
                        ": module is from the staging directory, the quality is unknown, you have been warned.");
    }
    if (module.is_livepatch && system_.features.livepatch && !taints.told_livepatch) {
        taints.told_livepatch = true;
        journal.notice(module.name + ": tainting kernel with TAINT_LIVEPATCH");
    }
}

// set_license(), module_license_taint_check(); and what both kernels do about modules made for tests.
void ModuleLoader::set_license(Module& module, Journal& journal) {
    const auto license = module.file.modinfo(module.index.modinfo, "license").value_or("unspecified");
    if (std::ranges::find(gpl_compatible, license) == gpl_compatible.end()) {
        if (!system_.taints.proprietary)
            journal.warning(fmt::format("{}: module license '{}' taints kernel.", module.name, license));
        system_.taints.proprietary = module.proprietary = true;
    }
    if (module.file.modinfo(module.index.modinfo, "test")) {
        if (!system_.taints.test) journal.warning(module.name + ": loading test module taints kernel.");
        system_.taints.test = true;
    }
}

// module_sig_check(). Whether the signature is of what it stands behind is not asked: it is taken for sound where the
// kernel has the key that made it.
void ModuleLoader::check_signature(Module& module, Journal& journal) const {
    if (!system_.features.module_sig) return;
    Signature signature = read_signature(module.file.bytes());
    module.file.cut_off(signature.remaining);
    if (!signature.message.empty()) journal.error(signature.message);
    if (signature.error == 0 && !has_key(system_.kernel, signature)) signature.error = ENOKEY;
    const auto tolerated = std::ranges::find(tolerated_signatures, signature.error, &ToleratedSignature::error);
    module.is_signed = signature.error == 0;
    if (module.is_signed) return;
    if (tolerated == tolerated_signatures.end()) throw Refused{signature.error};
    if (!system_.features.module_sig_force) return;
    journal.notice(fmt::format("Loading of {} is rejected", tolerated->reason));
    throw Refused{EKEYREJECTED};
}

void ModuleLoader::taint_as_unsigned(const Module& module, Journal& journal) {
    if (!system_.features.module_sig || module.is_signed || system_.taints.told_unsigned) return;
    system_.taints.told_unsigned = true;
    journal.notice(module.name +
                   ": module verification failed: signature and/or required key missing - tainting kernel");
}

// setup_modinfo(): namespaces for certain modules are not imported (since 6.16).
void ModuleLoader::check_imports(const Module& module, Journal& journal) {
    if (!system_.features.export_flags) return;
    for (const std::string_view imported : module.file.modinfo_values(module.index.modinfo, "import_ns")) {
        if (!imported.starts_with("module:")) continue;
        journal.refuse(EPERM, fmt::format("{}: module tries to import module namespace: {}", module.name, imported));
    }
}

}  // namespace klp::loader
