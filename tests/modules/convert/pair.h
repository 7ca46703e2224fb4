/* SPDX-License-Identifier: GPL-2.0-or-later */
int pair_first(int number);
int pair_second(int number);
