# SPDX-License-Identifier: GPL-2.0-or-later
# The stock kernel and modules from klp build: one over vmlinux, one for a module that comes later.
. "$(dirname "$0")/../model.sh"

build_example meminfo
build_example module-late
module=$(sample pktgen)
guest_memory guest '[ "$phase" != after ] || snapshot' --late-module "$module" meminfo.ko module-late.ko

names=(livepatch_meminfo livepatch_module_late pktgen)
for name in "${names[@]}"; do addresses guest/after "$name"; done >places
simulate 0 loaded meminfo.ko module-late.ko --event load:pktgen
expect_model loaded guest/after "${names[@]}"
