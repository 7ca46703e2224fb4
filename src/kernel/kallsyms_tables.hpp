// SPDX-License-Identifier: GPL-2.0-or-later
// Where the kallsyms tables are in a kernel image that has no symbols to say so.
//
// scripts/kallsyms.c:write_src puts them one after the other into .rodata, aligned to 8 or (from 7.0 on) 4 bytes:
//
//   up to 6.3   offsets relative_base num_syms names markers [seqs_of_names] token_table token_index
//   from 6.4    num_syms names markers token_table token_index offsets relative_base seqs_of_names
//   from 7.0    num_syms names markers token_table token_index offsets seqs_of_names
//
// (where the config has no CONFIG_KALLSYMS_BASE_RELATIVE: addresses instead of offsets and relative_base).
// token_index is found first: 256 increasing 16-bit numbers, each of which says where a string of token_table
// begins. Then markers: the offset of each 256th name. All else follows from these. Each step is checked against
// the others, for nothing else says that these are the tables.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace klp::kernel {

struct TokenTable {
    std::uint64_t begin = 0;  // of token_table, in the section
    std::uint64_t end = 0;    // of token_index
    std::array<std::string_view, 256> tokens;
};

struct NamesTable {
    std::uint64_t num_syms_at = 0;      // position of num_syms itself
    std::uint32_t count = 0;            // num_syms
    std::vector<std::uint32_t> starts;  // of each name's compressed bytes, in the section
    std::vector<std::uint16_t> sizes;   // of the same
};

// The first token table at or after `from`.
[[nodiscard]] std::optional<TokenTable> find_tokens(Bytes section, ByteOrder order, std::uint64_t from);

// The names and markers that precede a token table.
[[nodiscard]] std::optional<NamesTable> find_names(Bytes section, ByteOrder order, const TokenTable& tokens);

// Each way in which the addresses may be stored, of those that give ascending addresses (the table is sorted).
[[nodiscard]] std::vector<std::vector<std::uint64_t>> find_addresses(Bytes section, std::uint64_t section_address,
                                                                     ByteOrder order, const TokenTable& tokens,
                                                                     const NamesTable& names);

}  // namespace klp::kernel
