# SPDX-License-Identifier: GPL-2.0-or-later
# The documents' links lead somewhere, and their table of libraries is that of the sources; both are noticed where it is not so.
. "$(dirname "$0")/../lib.sh"

mkdir tree
cp -r "$KLPKIT_ROOT"/{docs,src,scripts,share,examples,include,CMakeLists.txt,LICENSE,*.md} tree
cd tree
expect_status 0 scripts/check-links
expect_status 0 scripts/library-table --check

# breaks SCRIPT TEXT FILE SED: after that edit the script says so.
breaks() {
    local script=$1 text=$2 file=$3
    sed -i.kept "$4" "$file"
    ! cmp -s "$file" "$file.kept" || fail "$file is as before: $4"
    # shellcheck disable=SC2086  # the script has an option
    expect_status 1 $script
    expect_in "$text" out
    mv "$file.kept" "$file"
}
links=scripts/check-links
breaks $links 'README.md:' README.md 's,(docs/index.md),(docs/contents.md),'
breaks $links '#no-such-part has no such heading' CONTRIBUTING.md '$s,$, [x](#no-such-part),'
breaks $links 'docs/index.md does not list json.md' docs/index.md '/json.md/d'

table='scripts/library-table --check'
breaks "$table" 'elf may include base, not base arch' docs/developing.md '/^| `elf`/s/| base |/| base arch |/'
breaks "$table" 'elf may include base diff, not base' CMakeLists.txt 's/^klp_library(elf base)/klp_library(elf base diff)/'
breaks "$table" 'guest is there 0 times' docs/developing.md '/^| `guest`/d'
breaks "$table" 'odd is no library' docs/developing.md 's/^| `guest`/| `odd`/'
breaks "$table" 'elf has' docs/developing.md '/^| `elf`/s/| [0-9]* |/| 90 |/'
breaks "$table" 'nothing says what lives in elf' docs/developing.md '/^| `elf`/s/ [^|]* |$/ |/'

# And it is mended.
sed -i '/^| `elf`/s/| [0-9]* | base |/| 0 | - |/' docs/developing.md
expect_status 1 $table
scripts/library-table --write
expect_status 0 $table
