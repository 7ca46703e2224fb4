// SPDX-License-Identifier: GPL-2.0-or-later
int second_twin(void);

static __attribute__((__noipa__)) int twin(void)
{
	return 5;
}

int second_twin(void)
{
	return twin();
}
