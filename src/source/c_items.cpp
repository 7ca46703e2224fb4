// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/c_items.hpp"

#include <algorithm>

#include "source/c_names.hpp"
#include "source/c_tokens.hpp"

namespace klp::source {
namespace {

// How deep in brackets a text is.
struct Depth {
    int braces = 0;
    int others = 0;
    bool operator==(const Depth&) const = default;
    [[nodiscard]] bool is_top() const { return braces == 0 && others == 0; }
};

class ItemReader {
public:
    std::vector<CItem> read(std::string_view header) {
        for (const std::string& line : code_lines(header)) {
            if (line.front() == '#')
                directive(line);
            else
                code(line);
        }
        if (!code_.empty()) {
            is_broken_ = true;
            end_item();
        }
        return std::move(items_);
    }

private:
    struct Condition {
        std::string text;
        Depth begin;
    };

    void directive(const std::string& line) {
        const CTokens tokens = c_tokens(line);
        const std::string_view word = tokens.size() > 1 ? tokens[1] : std::string_view();
        if (word == "define" || word == "undef") {
            const bool has_name = tokens.size() > 2 && is_c_identifier(tokens[2]);
            if (has_name) add({CItem::Kind::macro, {}, line, {std::string(tokens[2])}});
            if (!has_name) add({CItem::Kind::unknown, {}, line, {}});
        } else if (word.starts_with("if")) {
            conditions_.push_back({line, depth_});
            mark(line);
        } else if (word == "elif" || word == "else") {
            end_branch();
            if (!conditions_.empty()) {
                conditions_.back().text += " " + line;
                depth_ = conditions_.back().begin;
            }
            mark(line);
        } else if (word == "endif") {
            end_branch();
            if (!conditions_.empty()) conditions_.pop_back();
            mark(line);
        } else if (word == "error" || word == "warning" || word.empty()) {
            add({CItem::Kind::inert, {}, line, {}});
        } else {
            // What is included within an item is a part of it that is not seen here.
            is_broken_ |= !code_.empty();
            const bool is_include = word == "include" || word == "include_next" || word == "import";
            add({is_include ? CItem::Kind::include : CItem::Kind::unknown, {}, line, {}});
        }
    }

    // Of branches that leave brackets open, nobody knows here which is taken.
    void end_branch() {
        if (conditions_.empty()) return;
        if (depth_ != conditions_.back().begin) is_broken_ = true;
    }

    void mark(const std::string& line) {
        if (!code_.empty()) text_ += " " + line + "\n";
    }

    void add(CItem item) {
        for (const auto& condition : conditions_) item.conditions += condition.text + "\n";
        items_.push_back(std::move(item));
    }

    void code(const std::string& line) {
        if (code_.empty()) {
            conditions_at_start_.clear();
            for (const auto& condition : conditions_) conditions_at_start_ += condition.text + "\n";
        }
        for (const std::string_view token : c_tokens(line)) {
            const bool is_function = token == "{" && depth_.is_top() && opens_function(c_tokens(code_));
            if (token == "{" && depth_.is_top()) in_function_ = is_function;
            // Blanks between characters of operators do not matter: they are never parted in both texts at once.
            append(line, token);
            if (token == "{") ++depth_.braces;
            if (token == "}") --depth_.braces;
            if (token == "(" || token == "[") ++depth_.others;
            if (token == ")" || token == "]") --depth_.others;
            if (depth_.braces < 0 || depth_.others < 0) {
                is_broken_ = true;
                depth_ = {};
            }
            if (depth_.is_top() && (token == ";" || (token == "}" && in_function_))) end_item();
        }
    }

    void append(const std::string& line, std::string_view token) {
        const auto at = static_cast<std::size_t>(token.data() - line.data());
        const bool is_apart = at == 0 || line[at - 1] == ' ';
        const std::string_view gap = is_apart && !code_.empty() ? " " : "";
        code_ += gap;
        code_ += token;
        text_ += gap;
        text_ += token;
    }

    void end_item() {
        CItem item;
        item.conditions = std::move(conditions_at_start_);
        item.text = std::move(text_);
        const CTokens tokens = c_tokens(code_);
        const bool is_assertion = tokens.front() == "static_assert" || tokens.front() == "_Static_assert";
        if (tokens.size() > 1) {  // not the semicolon behind a function
            if (is_assertion && !is_broken_) {
                item.kind = CItem::Kind::inert;
            } else if (auto names = is_broken_ ? std::nullopt : declared_names(tokens)) {
                item.kind = CItem::Kind::declaration;
                item.names = *std::move(names);
            }
            items_.push_back(std::move(item));
        }
        code_.clear();
        text_.clear();
        conditions_at_start_.clear();
        for (const auto& condition : conditions_) conditions_at_start_ += condition.text + "\n";
        is_broken_ = in_function_ = false;
    }

    std::vector<CItem> items_;
    std::vector<Condition> conditions_;
    Depth depth_;
    bool in_function_ = false;
    bool is_broken_ = false;
    std::string conditions_at_start_;
    std::string code_;  // of the item so far
    std::string text_;  // the same with the conditions in it
};

}  // namespace

std::vector<CItem> c_items(std::string_view header) {
    return ItemReader().read(header);
}

}  // namespace klp::source
