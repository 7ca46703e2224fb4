# SPDX-License-Identifier: GPL-2.0-or-later
# Livepatches written by hand, converted and at work on the small s390x kernel.
. "$(dirname "$0")/../convert.sh"

use_small_kernel s390x
by_hand_at_work
