// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/c_names.hpp"

#include <algorithm>
#include <array>

namespace klp::source {
namespace {

template <std::size_t size>
bool is_one_of(const std::array<std::string_view, size>& words, std::string_view word) {
    return std::ranges::find(words, word) != words.end();
}

bool is_tag_keyword(std::string_view word) {
    return word == "struct" || word == "union" || word == "enum";
}

bool is_type_keyword(std::string_view word) {
    static constexpr std::array<std::string_view, 14> words = {
        "void",   "char",     "short", "int",        "long",     "float",    "double",
        "signed", "unsigned", "_Bool", "__signed__", "__int128", "__signed", "_Complex"};
    return is_one_of(words, word);
}

bool is_typeof(std::string_view word) {
    return word == "typeof" || word == "__typeof__" || word == "__typeof" || word == "_Alignas";
}

bool is_qualifier(std::string_view word) {
    static constexpr std::array<std::string_view, 21> words = {
        "const",      "__const", "__const__",     "volatile",      "__volatile", "__volatile__", "restrict",
        "__restrict", "static",  "__restrict__",  "extern",        "inline",     "__inline",     "__inline__",
        "register",   "auto",    "__extension__", "_Thread_local", "__thread",   "_Noreturn",    "typedef"};
    return is_one_of(words, word);
}

// The kernel's macros for attributes (include/linux/compiler*.h, linkage.h, init.h, cache.h). One that
// is missing here is taken for a name: that costs time, and is not wrong.
bool is_macro_decoration(std::string_view word) {
    static constexpr std::array<std::string_view, 59> words = {"__always_inline",
                                                               "noinline",
                                                               "noinline_for_stack",
                                                               "__user",
                                                               "__kernel",
                                                               "__iomem",
                                                               "__percpu",
                                                               "__rcu",
                                                               "__force",
                                                               "__private",
                                                               "__nocast",
                                                               "__safe",
                                                               "__bitwise",
                                                               "__must_check",
                                                               "__maybe_unused",
                                                               "__always_unused",
                                                               "__weak",
                                                               "__cold",
                                                               "__pure",
                                                               "__attribute_const__",
                                                               "__deprecated",
                                                               "__noreturn",
                                                               "__init",
                                                               "__exit",
                                                               "__initdata",
                                                               "__initconst",
                                                               "__ref",
                                                               "__refdata",
                                                               "__read_mostly",
                                                               "__ro_after_init",
                                                               "__cacheline_aligned",
                                                               "__cacheline_aligned_in_smp",
                                                               "____cacheline_aligned",
                                                               "____cacheline_aligned_in_smp",
                                                               "____cacheline_internodealigned_in_smp",
                                                               "__packed",
                                                               "__page_aligned_bss",
                                                               "__page_aligned_data",
                                                               "asmlinkage",
                                                               "__visible",
                                                               "notrace",
                                                               "noinstr",
                                                               "__cpuidle",
                                                               "nokprobe_inline",
                                                               "__sched",
                                                               "__lockfunc",
                                                               "__no_sanitize_address",
                                                               "__nocfi",
                                                               "__latent_entropy",
                                                               "__randomize_layout",
                                                               "__no_randomize_layout",
                                                               "__designated_init",
                                                               "__meminit",
                                                               "__net_init",
                                                               "__net_exit",
                                                               "__noclone",
                                                               "__flatten",
                                                               "fastcall",
                                                               "__mustcheck"};
    return is_one_of(words, word);
}

// With arguments in parentheses.
bool is_macro_attribute(std::string_view word) {
    static constexpr std::array<std::string_view, 23> words = {"__printf",
                                                               "__scanf",
                                                               "__acquires",
                                                               "__releases",
                                                               "__must_hold",
                                                               "__acquire",
                                                               "__aligned",
                                                               "__assume_aligned",
                                                               "__alloc_size",
                                                               "__cond_acquires",
                                                               "__cond_lock",
                                                               "__malloc",
                                                               "__no_sanitize",
                                                               "__compiletime_error",
                                                               "__compiletime_warning",
                                                               "__nonnull",
                                                               "__realloc_size",
                                                               "__copy",
                                                               "__mode",
                                                               "__format_arg",
                                                               "__error",
                                                               "__release",
                                                               "__must_hold_shared"};
    return is_one_of(words, word);
}

bool is_decoration(std::string_view word, CText text) {
    return is_qualifier(word) || (text == CText::file && is_macro_decoration(word));
}

bool is_attribute(std::string_view word, CText text) {
    return word == "__attribute__" || word == "__attribute" || (text == CText::file && is_macro_attribute(word));
}

// What keeps or places code that nobody mentions.
bool keeps_unused(std::string_view word) {
    static constexpr std::array<std::string_view, 25> words = {"__used",
                                                               "used",
                                                               "__section",
                                                               "section",
                                                               "__section__",
                                                               "constructor",
                                                               "__constructor__",
                                                               "destructor",
                                                               "retain",
                                                               "__used__",
                                                               "asm",
                                                               "__asm__",
                                                               "__asm",
                                                               "__retain__",
                                                               "alias",
                                                               "__alias",
                                                               "__alias__",
                                                               "ifunc",
                                                               "__ifunc__",
                                                               "weakref",
                                                               "__weakref__",
                                                               "externally_visible",
                                                               "__externally_visible__",
                                                               "symver",
                                                               "__symver__"};
    return is_one_of(words, word);
}

// `struct_group_tagged(TAG, …)` defines a tag.
bool defines_tag_by_macro(std::string_view word) {
    return word.find("group_tagged") != std::string_view::npos || word == "__struct_group";
}

// Thrown within this file where a declaration is not plain C.
struct NotPlain {};

// Walks over one declaration.
class DeclarationReader {
public:
    DeclarationReader(const CTokens& tokens, CText text) : tokens_(tokens), text_(text) {}

    std::vector<std::string> read() {
        if (text_ == CText::file && std::ranges::any_of(tokens_, defines_tag_by_macro)) throw NotPlain();
        add_tags();
        specifiers();
        while (at_ < tokens_.size() && !is(";")) {
            declarator();
            if (is(",")) ++at_;
        }
        if (has_declarator_ && !is_typedef_ && !is_static_ && makes_something_) throw NotPlain();
        return std::move(names_);
    }

private:
    [[nodiscard]] bool is(std::string_view text) const { return at_ < tokens_.size() && tokens_[at_] == text; }
    [[nodiscard]] std::string_view token(std::size_t i) const {
        return i < tokens_.size() ? tokens_[i] : std::string_view();
    }

    // Behind decorations and attributes.
    [[nodiscard]] std::size_t behind_decorations(std::size_t i) const {
        for (;;) {
            if (is_decoration(token(i), text_)) {
                ++i;
            } else if (is_attribute(token(i), text_) && token(i + 1) == "(") {
                i = behind_group(tokens_, i + 1);
            } else {
                return i;
            }
        }
    }

    // At any depth: a tag or an enumerator in a struct is one of the file.
    void add_tags() {
        for (std::size_t i = 0; i < tokens_.size(); ++i) {
            if (!is_tag_keyword(tokens_[i])) continue;
            std::size_t at = behind_decorations(i + 1);
            if (is_c_identifier(token(at))) {
                const std::string_view tag = token(at);
                at = behind_decorations(at + 1);
                if (token(at) == "{") names_.emplace_back(tag);
            }
            if (tokens_[i] == "enum" && token(at) == "{") add_enumerators(at);
        }
    }

    void add_enumerators(std::size_t open) {
        const std::size_t end = behind_group(tokens_, open) - 1;
        for (std::size_t i = open + 1; i < end;) {
            if (!is_c_identifier(token(i))) throw NotPlain();
            names_.emplace_back(token(i));
            if (token(++i) != "," && token(i) != "=" && i != end) throw NotPlain();
            while (i < end && token(i) != ",") i = token(i) == "(" ? behind_group(tokens_, i) : i + 1;
            ++i;
        }
    }

    void note(std::string_view word) {
        is_typedef_ |= word == "typedef";
        is_static_ |= word == "static";
        is_extern_ |= word == "extern";
    }

    void skip_decorations() {
        const std::size_t end = behind_decorations(at_);
        for (; at_ < end; ++at_) note(tokens_[at_]);
    }

    // Up to the first declarator.
    void specifiers() {
        bool has_type = false;
        for (skip_decorations(); at_ < tokens_.size(); skip_decorations()) {
            const std::string_view word = tokens_[at_];
            if (is_type_keyword(word)) {
                ++at_;
            } else if (is_tag_keyword(word)) {
                aggregate();
            } else if (is_typeof(word)) {
                at_ = behind_group(tokens_, at_ + 1);
            } else if (!has_type && is_c_identifier(word) && (token(at_ + 1) != "(" || token(at_ + 2) == "*")) {
                ++at_;
                // An attribute that is not known as one.
                skip_decorations();
                const std::string_view next = token(at_);
                if (is_type_keyword(next) || is_tag_keyword(next) || is_typeof(next)) continue;
            } else {
                break;
            }
            has_type = true;
        }
        if (!has_type) throw NotPlain();
    }

    void aggregate() {
        at_ = behind_decorations(at_ + 1);
        if (is_c_identifier(token(at_))) ++at_;
        at_ = behind_decorations(at_);
        if (is("(")) throw NotPlain();
        if (is("{")) at_ = behind_group(tokens_, at_);
    }

    void declarator() {
        has_declarator_ = true;
        bool has_name = false;
        bool is_function = false;
        bool is_pointer = false;
        while (at_ < tokens_.size() && !is(",") && !is(";")) {
            skip_decorations();
            if (at_ >= tokens_.size() || is(",") || is(";")) break;
            const std::string_view word = tokens_[at_];
            if (word == "*" && !has_name) {
                ++at_;
            } else if (is_c_identifier(word)) {
                // More than one: attributes that are not known as such, or a type behind one.
                names_.emplace_back(word);
                has_name = true;
                ++at_;
            } else if (word == "(") {
                if (has_name && is_function) throw NotPlain();
                if (has_name)
                    is_function = true;
                else
                    has_name = is_pointer = inner_declarator();
                if (!has_name) throw NotPlain();
                at_ = behind_group(tokens_, at_);
            } else if (word == "[" && has_name) {
                at_ = behind_group(tokens_, at_);
            } else if (word == "=" && has_name) {
                makes_something_ = true;
                skip_initializer();
            } else if (word == "{" && is_function) {
                makes_something_ = true;
                if (behind_group(tokens_, at_) != tokens_.size()) throw NotPlain();
                at_ = tokens_.size();
            } else {
                throw NotPlain();
            }
        }
        if (!has_name) throw NotPlain();
        // `int x;` defines it.
        if ((!is_function || is_pointer) && !is_extern_) makes_something_ = true;
    }

    // `(*name[…])(…)`: the parenthesis is at `at_`.
    bool inner_declarator() {
        const std::size_t end = behind_group(tokens_, at_);
        bool has_star = false;
        for (std::size_t i = at_ + 1; i + 1 < end; ++i) {
            has_star |= token(i) == "*";
            if (!is_c_identifier(token(i)) || is_decoration(token(i), text_)) continue;
            if (!has_star) return false;
            names_.emplace_back(token(i));
            return true;
        }
        return false;
    }

    void skip_initializer() {
        while (at_ < tokens_.size() && !is(",") && !is(";"))
            at_ = is("(") || is("{") || is("[") ? behind_group(tokens_, at_) : at_ + 1;
    }

    const CTokens& tokens_;
    CText text_;
    std::size_t at_ = 0;
    std::vector<std::string> names_;
    bool is_typedef_ = false;
    bool is_static_ = false;
    bool is_extern_ = false;
    bool has_declarator_ = false;
    bool makes_something_ = false;  // code or data, unless it is static and unused
};

}  // namespace

bool opens_function(const CTokens& declaration, CText text) {
    bool has_group = false;
    bool is_aggregate = false;
    int plain_words = 0;
    for (std::size_t i = 0; i < declaration.size(); ++i) {
        const std::string_view token = declaration[i];
        if (token == "=") return false;
        if (token == "*") is_aggregate = false;
        if (is_tag_keyword(token)) {
            is_aggregate = true;
            plain_words = 0;
        } else if (is_attribute(token, text) && i + 1 < declaration.size() && declaration[i + 1] == "(") {
            i = behind_group(declaration, i + 1) - 1;
        } else if (token == "(" || token == "[" || token == "{") {
            has_group |= token == "(";
            i = behind_group(declaration, i) - 1;
        } else if (is_c_identifier(token) && !is_decoration(token, text)) {
            ++plain_words;
        }
    }
    return has_group && (!is_aggregate || plain_words > 1);
}

std::optional<std::vector<std::string>> declared_names(const CTokens& declaration, CText text) {
    // What is in the body of a function that is not kept is not kept either.
    auto end = std::ranges::find(declaration, "{");
    if (end != declaration.end() && !opens_function({declaration.begin(), end}, text)) end = declaration.end();
    if (std::any_of(declaration.begin(), end, keeps_unused)) return std::nullopt;
    try {
        return DeclarationReader(declaration, text).read();
    } catch (const NotPlain&) {
        return std::nullopt;
    }
}

}  // namespace klp::source
