# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/../model.sh"

use_small_kernel arm64
everything_in_the_model works
