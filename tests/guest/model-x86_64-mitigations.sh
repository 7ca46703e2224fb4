# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/../model.sh"

use_small_kernel x86_64 mitigations
everything_in_the_model fails
