# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/../scenarios.sh"

use_small_kernel x86_64 clearing
same_in_the_model
