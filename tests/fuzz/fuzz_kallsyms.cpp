// SPDX-License-Identifier: GPL-2.0-or-later
// The search for kallsyms tables: the input is the read-only data of an image; its first byte tells the byte order.
#include "fuzz.hpp"
#include "support/kallsyms_image.hpp"

namespace klp::fuzz {

void run(Bytes input) {
    if (input.empty()) return;
    const ByteOrder order = (input[0] & std::byte{1}) == std::byte{0} ? ByteOrder::little : ByteOrder::big;
    const elf::Object image = test::image_with(copy_of(input.subspan(1)), order);
    const kernel::SymbolTable symbols = kernel::read_kallsyms(image);
    for (std::size_t i = 0; i < symbols.symbols().size(); ++i) {
        const auto same = symbols.find(symbols.symbols()[i].name);
        require(std::find(same.begin(), same.end(), i) != same.end());
    }
}

}  // namespace klp::fuzz
