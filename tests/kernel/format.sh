# SPDX-License-Identifier: GPL-2.0-or-later
# readelf sees what the kernel's Documentation/livepatch/module-elf-format.rst asks for.
. "$(dirname "$0")/../lib.sh"

modules=$(path_of modules)
shipped_vermagic=$(grep -az '^vermagic=' "$modules/kernel/net/core/pktgen.ko" | tr -d '\0')
# CRC and name of every export.
awk '{ print $1 "\t" $2 }' "$(path_of symvers)" | sort >exports

# sections FILE: number, name, type, flags, link and info of each, a line.
sections() {
    readelf -SW "$1" | sed -n 's/^ *\[ *\([0-9]\+\)\] \([^ ]\+\) \+\([A-Z_0-9]\+\) .* \([0-9a-f]\{2\}\) \+\([A-Za-z]*\) \+\([0-9]\+\) \+\([0-9]\+\) \+[0-9]\+$/\1 \2 \3 \5 \6 \7/p'
}

# Each .klp.rela.OBJECT.SECTION is SHF_RELA_LIVEPATCH and SHF_ALLOC, refers to .symtab, and names its target.
check_sections() {
    sections "$1" >sections
    awk '
        { name[$1] = $2; type[$1] = $3; flags[$1] = $4; link[$1] = $5; info[$1] = $6 }
        END {
            for (i in name) {
                if (name[i] !~ /^\.klp\.rela\./) continue
                ++count
                target = name[i]; sub(/^\.klp\.rela\.[^.]+\./, "", target)
                if (type[i] != "RELA") print name[i] " is of type " type[i]
                if (flags[i] !~ /A/ || flags[i] !~ /o/) print name[i] " has the flags " flags[i]
                if (name[link[i]] != ".symtab") print name[i] " links to " name[link[i]]
                if (name[info[i]] != target) print name[i] " is for " name[info[i]]
            }
            if (!count) print "no .klp.rela section"
        }' sections >complaints
    [ ! -s complaints ] || fail "$1: $(cat complaints)"
}

# Livepatch symbols and klp relocations belong to each other, and vmlinux' to vmlinux' alone.
check_relocations() {
    readelf -sW "$1" | awk '$7 == "OS" && $8 == "[0xff20]" { print $9 }' | sort >symbols
    ! grep -qvE '^\.klp\.sym\.[^.]+\.[^,]+,[0-9]+$' symbols || fail "$1: symbols $(cat symbols)"
    readelf -rW "$1" | awk '
        /^Relocation section/ { section = $3; gsub(/\x27/, "", section) }
        /^[0-9a-f]+ / { print section, $5 }' >relocations
    awk '$1 ~ /^\.klp\.rela\./ { print $2 }' relocations | sort -u | cmp - symbols || fail "$1: other symbols than klp relocations"
    ! grep -E '^\.rela\S* \.klp\.sym' relocations || fail "$1: an ordinary relocation refers to a livepatch symbol"
    ! grep -E '^\.klp\.rela\.vmlinux\.' relocations | grep -v ' \.klp\.sym\.vmlinux\.' || fail "$1: vmlinux refers to a module"
}

# .modinfo, and __versions: each undefined symbol and module_layout, with the CRC of the export.
check_versions() {
    readelf -p .modinfo "$1" >modinfo
    grep -q '\]  livepatch=Y$' modinfo || fail "$1: $(cat modinfo)"
    [ "$(grep -az '^vermagic=' "$1" | tr -d '\0')" = "$shipped_vermagic" ] || fail "$1: $(cat modinfo)"
    objcopy --dump-section __versions=versions "$1" copy.ko
    perl -e '$/ = \64; printf "0x%08x\t%s\n", unpack("Q<Z*", $_) while <>' versions | sort >imports
    [ -z "$(comm -23 imports exports)" ] || fail "$1: not in Module.symvers: $(comm -23 imports exports)"
    { readelf -sW "$1" | awk '$7 == "UND" && $8 { print $8 }'; echo module_layout; } | sort >undefined
    cut -f 2 imports | sort | cmp - undefined || fail "$1: versions are not those of the undefined symbols"
}

for example in meminfo two-objects module-late duplicate-name static-local; do
    build_example "$example"
    check_sections "$example.ko"
    check_relocations "$example.ko"
    check_versions "$example.ko"
done
grep -q ' \.klp\.rela\.binfmt_misc\.' <(sections two-objects.ko) || fail "two-objects.ko: $(sections two-objects.ko)"
"$KLP" inspect duplicate-name.ko >inspected
