// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/patch.hpp"

#include <fmt/core.h>

#include "base/error.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "source/patch_words.hpp"

namespace klp::source {
namespace {

class Parser {
public:
    Parser(std::string_view text, std::string name) : lines_(lines_with_ends(text)) {
        patch_.name = std::move(name);
        strip_carriage_returns();
    }

    Patch parse() {
        while (at_ < lines_.size()) parse_line();
        if (patch_.files.empty()) {
            throw Error({patch_.name, {}, {}}, "no unified diff in this file")
                .hint("make one with `git diff` or `diff -up`");
        }
        return std::move(patch_);
    }

private:
    [[noreturn]] void fail(std::size_t line, const std::string& message) const {
        throw Error({fmt::format("{}:{}", patch_.name, line), {}, {}}, message);
    }

    // A patch that went through a program which writes CRLF has it on the header lines too; without that, a
    // carriage return belongs to the file's own text.
    void strip_carriage_returns() {
        bool strip = false;
        for (const auto line : lines_) strip = strip || (line.starts_with("+++ ") && line.ends_with("\r\n"));
        if (!strip) return;
        owned_.reserve(lines_.size());
        for (auto& line : lines_) {
            if (!line.ends_with("\r\n")) continue;
            owned_.push_back(std::string(line.substr(0, line.size() - 2)) + "\n");
            line = owned_.back();
        }
    }

    // Line `index` without its newline; empty past the end.
    [[nodiscard]] std::string_view line(std::size_t index) const {
        return index < lines_.size() ? without_newline(lines_[index]) : std::string_view();
    }
    [[nodiscard]] std::size_t number() const { return at_ + 1; }

    FilePatch& begin_file() {
        patch_.files.emplace_back().patch_line = number();
        return patch_.files.back();
    }

    void parse_line() {
        check_interrupted();
        std::string_view rest = line(at_);
        if (take(rest, "diff --git ")) {
            parse_git_header(rest);
        } else if (rest.starts_with("--- ") && line(at_ + 1).starts_with("+++ ")) {
            parse_file(begin_file());
        } else if (rest.starts_with("*** ") && line(at_ + 1).starts_with("--- ")) {
            fail(number(), "a context diff: only unified diffs (diff -u) are understood");
        } else if (rest.starts_with("@@ -")) {
            fail(number(), "a hunk without a file header (--- and +++) before it");
        } else if (take(rest, "Binary files ") && rest.ends_with(" differ")) {
            parse_binary(begin_file(), rest);
        } else {
            ++at_;
        }
    }

    // diff's words for two files that are not text: `Binary files a/x and b/x differ`.
    void parse_binary(FilePatch& file, std::string_view rest) {
        rest.remove_suffix(std::string_view(" differ").size());
        const std::size_t middle = rest.find(" and ");
        file.is_binary = true;
        if (middle != std::string_view::npos) {
            file.old_path = header_path(rest.substr(0, middle));
            file.new_path = header_path(rest.substr(middle + 5));
        }
        ++at_;
    }

    // `a/PATH b/PATH`: both halves are the same path where nothing is renamed.
    static void set_git_names(FilePatch& file, std::string_view names) {
        const std::size_t half = names.size() / 2;
        if (names.size() < 3 || names[half] != ' ') return;
        file.old_path = unquote(names.substr(0, half));
        file.new_path = unquote(names.substr(half + 1));
    }

    void parse_git_header(std::string_view names) {
        FilePatch& file = begin_file();
        set_git_names(file, names);
        for (++at_; at_ < lines_.size(); ++at_) {
            std::string_view rest = line(at_);
            if (rest.starts_with("--- ") && line(at_ + 1).starts_with("+++ ")) return parse_file(file);
            if (rest.starts_with("GIT binary patch") || rest.starts_with("Binary files ")) {
                file.is_binary = true;
            } else if (!parse_extended_header(file, rest)) {
                return;
            }
        }
    }

    // git-diff(1), "generating patch text with -p". False: not such a line.
    static bool parse_extended_header(FilePatch& file, std::string_view rest) {
        if (take(rest, "rename from ") || take(rest, "copy from ")) {
            file.is_renamed = true;
            file.old_path = "a/" + unquote(rest);
        } else if (take(rest, "rename to ") || take(rest, "copy to ")) {
            file.is_renamed = true;
            file.new_path = "b/" + unquote(rest);
        } else if (rest.starts_with("new file mode ")) {
            file.is_created = true;
        } else if (rest.starts_with("deleted file mode ")) {
            file.is_deleted = true;
        } else if (rest.starts_with("old mode ") || rest.starts_with("new mode ")) {
            file.mode_changed = true;
        } else {
            return rest.starts_with("index ") || rest.starts_with("similarity index ") ||
                   rest.starts_with("dissimilarity index ");
        }
        return true;
    }

    // The `---` and `+++` lines, at which the position is, and the hunks under them.
    void parse_file(FilePatch& file) {
        const std::string old_path = header_path(line(at_).substr(4));
        const std::string new_path = header_path(line(at_ + 1).substr(4));
        if (old_path.empty() && new_path.empty()) fail(number(), "both sides of the diff are /dev/null");
        file.is_created |= old_path.empty();
        file.is_deleted |= new_path.empty();
        file.old_path = old_path;
        file.new_path = new_path;
        at_ += 2;
        if (!line(at_).starts_with("@@ -")) fail(number(), "no hunk (@@ …) follows the file header");
        while (line(at_).starts_with("@@ -")) parse_hunk(file);
    }

    void parse_hunk(FilePatch& file) {
        check_interrupted();
        Hunk hunk;
        hunk.number = file.hunks.size() + 1;
        hunk.patch_line = number();
        std::string_view rest = line(at_);
        rest.remove_prefix(3);
        if (!take_range(rest, "-", hunk.old_start, hunk.old_count) || !take(rest, " ") ||
            !take_range(rest, "+", hunk.new_start, hunk.new_count) || !take(rest, " @@")) {
            fail(number(), fmt::format("damaged hunk header '{}'", line(at_)));
        }
        if (hunk.old_count == 0 && hunk.new_count == 0)
            fail(number(), fmt::format("the hunk header '{}' tells of no line", line(at_)));
        ++at_;
        std::size_t old_left = hunk.old_count;
        std::size_t new_left = hunk.new_count;
        while (old_left > 0 || new_left > 0) parse_hunk_line(hunk, old_left, new_left);
        parse_no_newline(hunk);
        check_hunk_end(hunk);
        file.hunks.push_back(std::move(hunk));
    }

    void parse_hunk_line(Hunk& hunk, std::size_t& old_left, std::size_t& new_left) {
        parse_no_newline(hunk);
        if (at_ == lines_.size()) {
            fail(number(), fmt::format("the patch ends within hunk {} of line {}", hunk.number, hunk.patch_line));
        }
        std::string_view text = lines_[at_];
        // Mail programs strip the one blank of an empty context line.
        if (without_newline(text).empty()) return add_line(hunk, HunkLine::Kind::context, "\n", old_left, new_left);
        const char mark = text.front();
        text.remove_prefix(1);
        if (mark == ' ') {
            add_line(hunk, HunkLine::Kind::context, text, old_left, new_left);
        } else if (mark == '-') {
            add_line(hunk, HunkLine::Kind::removed, text, old_left, new_left);
        } else if (mark == '+') {
            add_line(hunk, HunkLine::Kind::added, text, old_left, new_left);
        } else {
            fail(number(),
                 fmt::format(
                     "hunk {} of line {} is damaged: a line of it begins with ' ', '+' or '-', this one with '{}'",
                     hunk.number, hunk.patch_line, mark));
        }
    }

    void add_line(Hunk& hunk, HunkLine::Kind kind, std::string_view text, std::size_t& old_left,
                  std::size_t& new_left) {
        const std::size_t uses_old = kind == HunkLine::Kind::added ? 0 : 1;
        const std::size_t uses_new = kind == HunkLine::Kind::removed ? 0 : 1;
        if (old_left < uses_old || new_left < uses_new) {
            fail(number(),
                 fmt::format("hunk {} of line {} has other lines than its header -{},{} +{},{} says", hunk.number,
                             hunk.patch_line, hunk.old_start, hunk.old_count, hunk.new_start, hunk.new_count));
        }
        old_left -= uses_old;
        new_left -= uses_new;
        hunk.lines.push_back({kind, std::string(without_newline(text)) + "\n"});
        ++at_;
    }

    // `\ No newline at end of file` speaks of the line before it.
    void parse_no_newline(Hunk& hunk) {
        if (!line(at_).starts_with("\\ ") || hunk.lines.empty()) return;
        hunk.lines.back().text.pop_back();
        ++at_;
        if (line(at_).starts_with("\\ ")) fail(number(), "two lines '\\ No newline at end of file' in a row");
    }

    // More '+' or '-' lines than the header counts: edited by hand. Applying a part would be a guess. `-- ` opens
    // the signature that git format-patch writes.
    void check_hunk_end(const Hunk& hunk) const {
        const std::string_view next = line(at_);
        const bool is_header = next.starts_with("--- ") || next == "-- " || next == "--" || next == "---";
        if (is_header || (!next.starts_with("+") && !next.starts_with("-"))) return;
        fail(number(),
             fmt::format("hunk {} of line {} goes on after the -{},{} +{},{} lines that its header says", hunk.number,
                         hunk.patch_line, hunk.old_start, hunk.old_count, hunk.new_start, hunk.new_count));
    }

    std::vector<std::string_view> lines_;
    std::vector<std::string> owned_;  // reserved at once: lines_ points into its strings
    std::size_t at_ = 0;
    Patch patch_;
};

}  // namespace

Patch parse_patch(std::string_view text, std::string name) {
    return Parser(text, std::move(name)).parse();
}

}  // namespace klp::source
