#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An architecture made by the checklist of src/arch/registry.hpp compiles, and without any one of its answers it does not.
# The answers are all the pure virtual functions and columns that src/arch declares.
set -euo pipefail
cd "${KLPKIT_ROOT:-$(dirname "$0")/../..}"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
source=tests/arch/dummy_architecture.cpp
fail() { echo "FAIL: $*"; exit 1; }

# What there is to answer, from the headers: CLASS::NAME of `virtual … NAME(…) … = 0;`, the members of Identity, the
# members of SpecialSection.
declared() {
    local header
    for header in arch module_loading module_relocator kernel_probe kernel_features; do
        # Whole declarations, and the class at the start of a line that they are in.
        awk 'BEGIN { RS = ";" }
            match($0, /\n(class|struct) [A-Za-z]+ (: public [A-Za-z]+ )?\{/) { split(substr($0, RSTART), word, " "); class = word[2] }
            /virtual .*= 0$/ { gsub(/\n/, " "); sub(/^.*virtual /, ""); print class "::" $0 }' "src/arch/$header.hpp" |
            sed -E 's/^([A-Za-z]+::)[^(]*[ *&]([a-z_0-9]+)\(.*/\1\2/'
    done
    sed -n '/^struct Identity {/,/^};/s/^    Required<.*> \([a-z_]*\);.*/Identity::\1/p' src/arch/arch.hpp
    sed -n '/^struct SpecialSection {/,/^};/s/^    [A-Za-z_:0-9]* \([a-z_]*\);$/SpecialSection::\1/p' src/arch/special_sections.hpp
}
answers() { sed -n 's,^ *// answer ,,p' "$source"; }

diff <(declared | sort) <(answers | grep :: | sort) >"$scratch/difference" ||
    fail "$source does not have just the answers that src/arch asks for:
$(cat "$scratch/difference")"
[ "$(answers | wc -l)" -ge 60 ] || fail "only $(answers | wc -l) answers were found"

# The whole, and a copy without each answer, in one compilation: each copy has a namespace of its own, and for the
# compiler's messages a file of its own.
copy_without() {  # ANSWER NAMESPACE
    echo "#line 1 \"without $1\""
    awk -v answer="$1" -v name="$2" '/^#include/ { print ""; next }
        /^ *\/\/ answer / { left_out = ($3 == answer) } /^ *\/\/ end/ { left_out = 0 }
        { gsub(/arch::dummy/, "arch::" name); sub(/ dummy_row/, " row_of_" name); print left_out ? "" : $0 }' "$source"
}
mapfile -t all < <(answers)
{
    grep '^#include' "$source"
    copy_without nothing whole
    for ((i = 0; i < ${#all[@]}; i++)); do copy_without "${all[i]}" "copy$i"; done
} >"$scratch/copies.cpp"
compiler=${CXX:-$(command -v g++-14 || command -v g++-12)} || fail "no compiler"
LC_ALL=C "$compiler" -std=c++20 -Isrc -fsyntax-only "$scratch/copies.cpp" 2>"$scratch/messages" && fail "all copies compile"

# about ANSWER: what the compiler says of that copy.
about() {
    awk -v mark="without $1:" 'index($0, "without ") { ours = index($0, mark) } ours' "$scratch/messages"
}
! grep -E '^ *without nothing:[0-9:]+ *(error|required)' "$scratch/messages" || fail "the dummy architecture does not compile"
for answer in "${all[@]}"; do
    about "$answer" >"$scratch/about"
    grep -q 'error:' "$scratch/about" || fail "without $answer it compiles all the same"
    [[ ! $answer =~ ^(Arch|Module|Kernel) ]] || grep -qE "\b${answer#*::}\(" "$scratch/about" ||
        fail "without $answer the compiler complains of something else: $(head -n 1 "$scratch/about")"
done
echo "each of ${#all[@]} answers is asked for"
