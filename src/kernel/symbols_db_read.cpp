// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <charconv>
#include <mutex>
#include <unordered_map>

#include "arch/registry.hpp"
#include "base/decompress.hpp"
#include "base/json.hpp"
#include "base/lazy.hpp"
#include "base/text.hpp"
#include "kernel/symbols_db.hpp"

namespace klp::kernel {

namespace {

constexpr std::size_t header_size = 16;
constexpr std::size_t largest_frame = std::size_t{1} << 28;

struct Part {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

// An object's symbols, and the sections that they name.
struct Table {
    std::string text;
    std::unordered_map<std::string_view, std::unique_ptr<elf::Section>> sections;
    std::vector<std::string> files;
    std::optional<SymbolTable> symbols;
};

struct ObjectPart {
    Part part;
    std::vector<std::string> depends;
    std::unique_ptr<Table> table;  // once it was asked for
};

std::string text_of(std::vector<std::byte> bytes) {
    return std::string(as_text(bytes));
}

class TableReader {
public:
    TableReader(std::string object, const Location& where, std::string text)
        : object_(std::move(object)), where_(where) {
        table_->text = std::move(text);
    }

    std::unique_ptr<Table> read() {
        std::uint64_t line_number = 0;
        for (const std::string_view line : lines_of(table_->text)) {
            ++line_number;
            if (!read_line(line))
                throw Error(where_, fmt::format("symbols of '{}': line {} is none of a symbol", object_, line_number));
        }
        table_->symbols.emplace(object_, std::move(symbols_));
        return std::move(table_);
    }

private:
    bool read_line(std::string_view line) {
        const auto fields = split(line, '\t');
        const bool is_module = object_ != "vmlinux";
        if (fields.size() < 3 || fields.size() > 5 || fields[1].size() != 1 || fields[2].empty()) return false;
        KernelSymbol symbol;
        const char* end = fields[0].data() + fields[0].size();
        const auto [stop, problem] = std::from_chars(fields[0].data(), end, symbol.address, 16);
        if (fields[0].empty() || problem != std::errc() || stop != end) return false;
        symbol.type = fields[1].front();
        symbol.name = fields[2];
        if (is_module && fields.size() > 3 && !fields[3].empty()) symbol.section = section(fields[3]);
        symbol.init_only = is_module && fields.size() > 4 && fields[4] == "i";
        symbols_.push_back(symbol);
        if (!is_module) table_->files.emplace_back(fields.size() > 3 ? fields[3] : std::string_view());
        return true;
    }

    const elf::Section* section(std::string_view name) {
        auto& entry = table_->sections[name];
        if (!entry) {
            entry = std::make_unique<elf::Section>();
            entry->name = name;
        }
        return entry.get();
    }

    std::string object_;
    const Location& where_;
    std::unique_ptr<Table> table_ = std::make_unique<Table>();
    std::vector<KernelSymbol> symbols_;
};

class Database final : public SymbolSource {
public:
    explicit Database(const fs::path& path) : file_(path), where_{path.string(), {}, {}} {
        Cursor cursor(file_.bytes(), ByteOrder::little, where_);
        if (file_.bytes().size() < header_size || as_text(cursor.take(symbols_db_magic.size())) != symbols_db_magic)
            throw Error(where_, "not a list of symbols made by klp symbols-db");
        const std::uint32_t version = cursor.u32();
        if (version != symbols_db_version)
            throw Error(where_, fmt::format("version {} of the format, expected {}", version, symbols_db_version))
                .hint("make it anew with klp symbols-db");
        const std::uint64_t index_size = cursor.u32();
        base_ = header_size + index_size;
        read_index(text_of(unpack({0, index_size}, header_size)));
    }

    std::string release() const override { return release_; }
    const arch::Arch& arch() const override { return arch::for_name(arch_); }
    const SymbolTable& vmlinux() const override { return *table("vmlinux")->symbols; }
    const SymbolTable* module(std::string_view name) const override {
        const Table* found = name == "vmlinux" ? nullptr : table(name);
        return found == nullptr ? nullptr : &*found->symbols;
    }
    std::vector<std::string> dependencies(std::string_view module) const override {
        return all_dependencies(module, [this](std::string_view name) {
            const auto found = objects_.find(name);
            return found == objects_.end() ? std::vector<std::string>{} : found->second.depends;
        });
    }
    const Export* find_export(std::string_view symbol) const override {
        const auto read = [this] {
            return Exports::parse(text_of(unpack(exports_part_, base_)), where_.file + " (exports)");
        };
        return exports_.get(read).find(symbol);
    }
    std::string_view source_file(std::size_t index) const override {
        const Table& table = *this->table("vmlinux");
        return index < table.files.size() ? std::string_view(table.files[index]) : std::string_view();
    }
    std::optional<std::string> config(std::string_view option) const override {
        const auto found = config_.find(option);
        return found == config_.end() ? std::nullopt : std::optional(found->second);
    }

private:
    std::vector<std::byte> unpack(Part part, std::uint64_t base) const {
        const Location at{where_.file, {}, base};
        if (base > file_.bytes().size()) throw Error(where_, "the file ends within its index");
        const Bytes frame = slice(file_.bytes().subspan(base), part.offset, part.size, at);
        if (detect_compression(frame) != Compression::zstd)
            throw Error(at, "damaged: no zstd frame where one should be");
        return decompress(Compression::zstd, frame, at, largest_frame);
    }

    void read_index(const std::string& text) {
        try {
            const Json index = Json::parse(text);
            release_ = index.at("release").get<std::string>();
            arch_ = index.at("arch").get<std::string>();
            for (const auto& [option, value] : index.at("config").items()) config_[option] = value.get<std::string>();
            for (const Json& each : index.at("objects")) {
                ObjectPart object{part_of(each), each.at("depends").get<std::vector<std::string>>(), nullptr};
                objects_.emplace(each.at("name").get<std::string>(), std::move(object));
            }
            exports_part_ = part_of(index.at("exports"));
        } catch (const Json::exception& problem) {
            throw Error(where_, fmt::format("the index is damaged: {}", problem.what()));
        }
        (void)arch::for_name(arch_);
        if (!objects_.contains("vmlinux")) throw Error(where_, "no symbols of vmlinux in it");
    }

    static Part part_of(const Json& json) {
        return {json.at("offset").get<std::uint64_t>(), json.at("size").get<std::uint64_t>()};
    }

    const Table* table(std::string_view name) const {
        const std::lock_guard lock(tables_lock_);
        const auto found = objects_.find(name);
        if (found == objects_.end()) return nullptr;
        ObjectPart& object = found->second;
        if (!object.table) object.table = TableReader(found->first, where_, text_of(unpack(object.part, base_))).read();
        return object.table.get();
    }

    MappedFile file_;
    Location where_;
    std::uint64_t base_ = 0;  // of the parts' offsets
    std::string release_;
    std::string arch_;
    std::map<std::string, std::string, std::less<>> config_;
    Part exports_part_;
    mutable Lazy<Exports> exports_;
    mutable std::mutex tables_lock_;
    mutable std::map<std::string, ObjectPart, std::less<>> objects_;
};

}  // namespace

std::unique_ptr<SymbolSource> read_symbols_db(const fs::path& path) {
    return std::make_unique<Database>(path);
}

}  // namespace klp::kernel
