// SPDX-License-Identifier: GPL-2.0-or-later
// Writes the inputs that the fuzz targets start from: make_seeds FOLDER makes FOLDER/TARGET/*.
#include <array>
#include <cstdio>

#include "base/process.hpp"
#include "support/kallsyms_image.hpp"
#include "support/livepatch_module.hpp"
#include "support/machine_kernels.hpp"

namespace klp::fuzz {
namespace {

void write_seed(const fs::path& folder, std::string_view target, std::string_view name, Bytes bytes) {
    const fs::path place = folder / target;
    fs::create_directories(place);
    write_file(place / name, bytes);
}

void write_objects(const fs::path& folder) {
    const std::vector<std::byte> module = test::livepatch_module().write();
    write_seed(folder, "elf", "livepatch", module);
    write_seed(folder, "livepatch", "livepatch", module);
    const std::vector<std::byte> plain = test::assemble(".text\nf: call g\nret\n.data\n.quad f\n").write();
    write_seed(folder, "elf", "object", plain);
    const elf::Object big_endian(EM_S390, ByteOrder::big);
    write_seed(folder, "elf", "big-endian", big_endian.write());
}

// Those of the foreign machines only where their assemblers are.
void write_modules(const fs::path& folder) {
    const std::vector<std::byte> sound = test::sound_livepatch().write();
    for (const auto* target : {"elf", "livepatch", "loader"}) write_seed(folder, target, "sound", sound);
    for (const test::Machine& machine : test::machines) {
        if (!test::has_assembler(machine)) continue;
        const std::string name(machine.arch);
        const std::vector<std::byte> livepatch = test::livepatch_for(machine).write();
        for (const auto* target : {"elf", "livepatch", "loader"}) write_seed(folder, target, name, livepatch);
        write_seed(folder, "loader", name + "-plain", test::late_module_for(machine).write());
    }
}

void write_kallsyms(const fs::path& folder) {
    using enum test::TableLayout;
    using enum test::AddressForm;
    for (const auto layout : {early, old, with_seqs, late, latest}) {
        for (const auto form : {base_relative, absolute}) {
            for (const auto order : {ByteOrder::little, ByteOrder::big}) {
                const auto lines = test::example_lines(300, false);
                auto bytes = test::TableWriter(lines, layout, form, order).write();
                bytes.insert(bytes.begin(), order == ByteOrder::big ? std::byte{1} : std::byte{0});
                write_seed(folder, "kallsyms",
                           std::to_string(static_cast<int>(layout)) + std::to_string(static_cast<int>(form)) +
                               std::to_string(static_cast<int>(order)),
                           bytes);
            }
        }
    }
}

std::string bzimage(const std::string& payload) {
    std::string image(3 * 512, '\0');
    image[0x1f1] = 2;
    image.replace(0x202, 4, "HdrS");
    image.replace(0x206, 2, "\x0f\x02");
    image.replace(0x20e, 2, std::string("\0\3", 2));
    image.replace(0x500, 10, "6.1.0-seed");
    for (std::size_t i = 0; i < 4; ++i) image[0x24c + i] = static_cast<char>(payload.size() >> (8 * i));
    return image + payload;
}

void write_images(const fs::path& folder) {
    std::string kernel = "\177ELF\2\1\1";
    for (int i = 0; i < 300; ++i) kernel += std::to_string(i * 7919 % 101) + "Linux version 6.1.0-seed (x) ";
    const std::array<std::vector<std::string>, 6> compressors = {
        {{"gzip", "-9"}, {"xz", "--check=crc32"}, {"zstd", "-q"}, {"lz4", "-l", "-q"}, {"bzip2"}, {"lzop", "-q"}}};
    for (const auto& compressor : compressors) {
        const std::string packed = run_checked({.argv = compressor, .input = kernel}, "making a seed").output;
        write_seed(folder, "image", compressor[0], as_bytes(packed));
        write_seed(folder, "image", "bzimage-" + compressor[0], as_bytes(bzimage(packed)));
    }
    write_seed(folder, "image", "elf", as_bytes(kernel));
}

void write_symvers(const fs::path& folder) {
    constexpr std::string_view text =
        "0x12345678\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n"
        "0xdeadbeef\tsnd_card_new\tsound/core/snd-core\tEXPORT_SYMBOL_GPL\tSOUND\n"
        "0x00000000\told_form\tfs/btrfs/btrfs\tEXPORT_SYMBOL\n";
    write_seed(folder, "symvers", "lines", as_bytes(text));
}

}  // namespace
}  // namespace klp::fuzz

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: make_seeds FOLDER\n", stderr);
        return 64;
    }
    klp::fuzz::write_objects(argv[1]);
    klp::fuzz::write_modules(argv[1]);
    klp::fuzz::write_kallsyms(argv[1]);
    klp::fuzz::write_images(argv[1]);
    klp::fuzz::write_symvers(argv[1]);
}
