# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/../small-kernel.sh"

use_small_kernel arm64
samples_at_work
