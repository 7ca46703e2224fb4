# SPDX-License-Identifier: GPL-2.0-or-later
"""Where text can be put into a C file."""
import re

# What a line can be inside of at its end; the rest of a line after a backslash belongs to the next.
TOKEN = re.compile(r"""//.*|/\*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|.""", re.DOTALL)


class Line:
    def __init__(self, text):
        self.text = text
        self.starts_inside = False  # of a comment, or goes on from a line that ends with a backslash
        self.is_directive = False
        self.gaps = []  # offsets of white space between tokens
        self.has_line_comment = False
        self.ends_inside = False
        self.text_before = self.text_behind = ""  # what is put there
        self.gap = 0, ""


def lines_of(text):
    """The lines of a C file with what is known of each."""
    lines, in_comment, continued, directive = [], False, False, False
    for raw in text.split("\n"):
        line = Line(raw)
        line.starts_inside = in_comment or continued
        if not line.starts_inside:
            directive = raw.lstrip().startswith("#")
        line.is_directive = directive
        in_comment = scan(line, in_comment)
        continued = raw.endswith("\\")
        line.ends_inside = in_comment or continued
        lines.append(line)
    return lines


def scan(line, in_comment):
    place = 0
    text = line.text
    while place < len(text):
        if in_comment:
            end = text.find("*/", place)
            if end < 0:
                return True
            place, in_comment = end + 2, False
            continue
        token = TOKEN.match(text, place).group()
        if token == "/*":
            in_comment = True
        elif token.startswith("//"):
            line.has_line_comment = True
            return False
        elif token in " \t" and 0 < place and text[place - 1] not in " \t":
            line.gaps.append(place)
        place += len(token)
    return in_comment


FUNCTION_HEAD = re.compile(r"^[A-Za-z_][^;={}\"#]*\)\s*$")
NAME = re.compile(r"([A-Za-z_]\w*)\s*\(")
RETURN = re.compile(r"^\treturn\b[^;]*;$")


class Function:
    def __init__(self, name, begin, end):
        self.name = name
        self.begin = begin  # index of the line with the opening brace
        self.end = end      # of the one with the closing brace


def functions_of(lines):
    """Function definitions in the kernel's style: `{` and `}` alone in the first column."""
    functions = []
    for begin, line in enumerate(lines):
        if line.text != "{" or line.starts_inside or begin == 0:
            continue
        end = next((i for i in range(begin, len(lines)) if lines[i].text.startswith("}")), None)
        head = begin - 1
        while head > 0 and lines[head].text[:1] in (" ", "\t"):
            head -= 1
        text = " ".join(one.text for one in lines[head:begin])
        if end is None or lines[end].text != "}" or not FUNCTION_HEAD.match(text):
            continue
        name = NAME.search(text)
        if name:
            functions.append(Function(name.group(1), begin, end))
    return functions
