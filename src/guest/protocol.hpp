// SPDX-License-Identifier: GPL-2.0-or-later
// The guest's report: lines among whatever else may come over a serial port.
//
// A record is a line `NONCE KEY WORD…`. The nonce is random and new in each guest, so that no output of a command
// or of the kernel can pass for a record. Output is a word too: gzip in base64, which is binary-safe, small (the
// port is slow), and has a checksum over the content. A record that lacks its newline is not counted.
//
//   step NUMBER                  begun
//   output PHASE STATUS CONTENT  of the command
//   transition MICROSECONDS      of one livepatch, from before insmod until no task is in transition
//   hooks CONTENT                what is patched, and what ftrace redirects (hooks.hpp)
//   reverted                     all livepatches are disabled
//   unloaded                     all their modules are unloaded
//   fail MESSAGE                 the step begun last failed
//   end                          nothing follows
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace klp::guest {

struct Record {
    std::string key;
    std::vector<std::string> words;  // between key and content
    std::string content;             // unpacked; of keys that have one
};

struct Transcript {
    std::vector<Record> records;
    std::vector<std::string> damage;  // what was wrong with records that are not in `records`
    std::string rest;                 // all else that came over the port, without carriage returns
};

[[nodiscard]] Transcript parse_transcript(std::string_view text, std::string_view nonce);

// 32 hexadecimal digits.
[[nodiscard]] std::string make_nonce();

// Strict: no white space, padded. nullopt for anything else.
[[nodiscard]] std::optional<std::vector<std::byte>> decode_base64(std::string_view text);

// A decimal number; nullopt for anything else.
[[nodiscard]] std::optional<std::int64_t> parse_number(std::string_view text);

}  // namespace klp::guest
