// SPDX-License-Identifier: GPL-2.0-or-later
// Small kernel images with kallsyms tables, written as scripts/kallsyms.c would, in each layout.
#pragma once

#include <elf.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "elf/object.hpp"
#include "kernel/kallsyms.hpp"

namespace klp::test {

enum class TableLayout {
    early,      // up to 4.19: as `old`, with markers of 8 bytes
    old,        // up to 6.1: offsets relative_base num_syms names markers token_table token_index
    with_seqs,  // 6.2 and 6.3: as `old`, with seqs_of_names before token_table
    late,       // from 6.4: offsets and relative_base behind token_index
    latest,     // from 7.0: 4-byte alignment, each offset relative to its own place
};

enum class AddressForm { base_relative, absolute_percpu, absolute };

struct Line {
    std::uint64_t address = 0;
    char type = 't';
    std::string name;
};

inline constexpr std::uint64_t text_address = 0xffffffff81000000;
inline constexpr std::uint64_t rodata_address = 0xffffffff82000000;

class TableWriter {
public:
    TableWriter(std::vector<Line> lines, TableLayout layout, AddressForm form, ByteOrder order)
        : lines_(std::move(lines)), layout_(layout), form_(form), order_(order) {
        for (int c = '!'; c <= '~'; ++c) tokens_[static_cast<std::size_t>(c)] = std::string(1, static_cast<char>(c));
        tokens_[1] = "tfunction_";
        tokens_[2] = "number_";
        tokens_[0xff] = "sys_";
    }

    std::vector<std::byte> write() {
        out_.assign(0x123, std::byte{0x5a});  // other read-only data
        const bool late = layout_ == TableLayout::late || layout_ == TableLayout::latest;
        if (!late) addresses();
        label();
        number<std::uint32_t>(static_cast<std::uint32_t>(lines_.size()));
        names_and_markers();
        if (layout_ == TableLayout::with_seqs) seqs_of_names();
        token_tables();
        if (late) addresses();
        if (late) seqs_of_names();
        label();
        out_.insert(out_.end(), 64, std::byte{0xa5});
        return out_;
    }

    std::size_t markers_at = 0;  // known once written
    std::size_t names_at = 0;

private:
    void label() {
        const std::size_t alignment = layout_ == TableLayout::latest ? 4 : 8;
        while (out_.size() % alignment != 0) out_.push_back(std::byte{0});
    }
    template <typename T>
    void number(T value) {
        std::array<std::byte, sizeof(T)> bytes{};
        store<T>(bytes, value, order_);
        out_.insert(out_.end(), bytes.begin(), bytes.end());
    }

    void addresses() {
        label();
        std::uint64_t base = text_address;
        for (const Line& line : lines_) {
            const bool percpu = line.address < 0x10000000;
            if (form_ == AddressForm::absolute)
                number<std::uint64_t>(line.address);
            else if (layout_ == TableLayout::latest)
                number<std::uint32_t>(static_cast<std::uint32_t>(line.address - rodata_address - out_.size()));
            else if (form_ == AddressForm::absolute_percpu)
                number<std::uint32_t>(static_cast<std::uint32_t>(percpu ? line.address : base - line.address - 1));
            else
                number<std::uint32_t>(static_cast<std::uint32_t>(line.address - base));
        }
        if (form_ == AddressForm::absolute || layout_ == TableLayout::latest) return;
        label();
        number<std::uint64_t>(base);
    }

    std::string compressed(std::string text) const {
        for (const std::size_t code : {std::size_t{1}, std::size_t{2}, std::size_t{0xff}}) {
            for (std::size_t at = 0; (at = text.find(tokens_[code])) != std::string::npos;) {
                text.replace(at, tokens_[code].size(), 1, static_cast<char>(code));
            }
        }
        return text;
    }

    void names_and_markers() {
        label();
        names_at = out_.size();
        std::vector<std::uint64_t> markers;
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            if (i % 256 == 0) markers.push_back(out_.size() - names_at);
            const std::string name = compressed(lines_[i].type + lines_[i].name);
            if (name.size() <= 0x7f) {
                out_.push_back(std::byte(name.size()));
            } else {
                out_.push_back(std::byte(name.size() & 0x7f) | std::byte{0x80});
                out_.push_back(std::byte(name.size() >> 7));
            }
            for (const char c : name) out_.push_back(std::byte(c));
        }
        label();
        markers_at = out_.size();
        for (const std::uint64_t marker : markers) {
            if (layout_ == TableLayout::early)
                number<std::uint64_t>(marker);
            else
                number<std::uint32_t>(static_cast<std::uint32_t>(marker));
        }
    }

    void seqs_of_names() {
        label();
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            const std::size_t seq = (i * 7919) % lines_.size();
            for (const std::size_t shift : {16U, 8U, 0U}) out_.push_back(std::byte(seq >> shift & 0xff));
        }
    }

    void token_tables() {
        label();
        std::vector<std::uint16_t> index;
        const std::size_t begin = out_.size();
        for (const std::string& token : tokens_) {
            index.push_back(static_cast<std::uint16_t>(out_.size() - begin));
            for (const char c : token) out_.push_back(std::byte(c));
            out_.push_back(std::byte{0});
        }
        label();
        for (const std::uint16_t offset : index) number<std::uint16_t>(offset);
    }

    std::vector<Line> lines_;
    TableLayout layout_;
    AddressForm form_;
    ByteOrder order_;
    std::array<std::string, 256> tokens_;
    std::vector<std::byte> out_;
};

// `count` symbols with _stext among them; duplicate names, long names, and per-CPU ones where wanted.
inline std::vector<Line> example_lines(std::size_t count, bool percpu) {
    std::vector<Line> lines;
    if (percpu) {
        lines.push_back({0, 'A', "fixed_percpu_data"});
        lines.push_back({0x1000, 'A', "cpu_number"});
    }
    lines.push_back({text_address, 'T', "_stext"});
    for (std::size_t i = 0; lines.size() < count; ++i) {
        std::string name = i % 50 == 7 ? "show" : "function_number_" + std::to_string(i);
        if (i % 100 == 9) name += std::string(300, 'x');
        lines.push_back({text_address + 16 * i, i % 3 == 0 ? 'T' : 't', std::move(name)});
    }
    return lines;
}

inline elf::Object image_with(std::vector<std::byte> rodata, ByteOrder order) {
    elf::Object object(EM_X86_64, order);
    elf::Section& text = object.add_section(".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 16);
    text.address = text_address;
    text.set_content(std::vector<std::byte>(0x100000));
    elf::Section& tables = object.add_section(".rodata", SHT_PROGBITS, SHF_ALLOC, 16);
    tables.address = rodata_address;
    tables.set_content(std::move(rodata));
    return object;
}

}  // namespace klp::test
