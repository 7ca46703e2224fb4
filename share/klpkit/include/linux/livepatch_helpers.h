/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The macros of the kernel's header of this name, which klp-build's patches use, for kernels that have none, and for
 * architectures that the kernel's does not know.
 */
#ifndef KLPKIT_LIVEPATCH_HELPERS_H
#define KLPKIT_LIVEPATCH_HELPERS_H

#include <linux/syscalls.h>

#include "../klpkit-macros.h"

#ifdef MODULE
#define KLP_OBJNAME __KBUILD_MODNAME
#else
#define KLP_OBJNAME vmlinux
#endif

#define KLP_PRE_PATCH_CALLBACK(function) KLPKIT_CALLBACK(pre_patch, int, function)
#define KLP_POST_PATCH_CALLBACK(function) KLPKIT_CALLBACK(post_patch, void, function)
#define KLP_PRE_UNPATCH_CALLBACK(function) KLPKIT_CALLBACK(pre_unpatch, void, function)
#define KLP_POST_UNPATCH_CALLBACK(function) KLPKIT_CALLBACK(post_unpatch, void, function)

#define KLP_STATIC_CALL(name) KLPKIT_STATIC_CALL(name)

#define KLP_SYSCALL_DEFINE1(name, ...) KLP_SYSCALL_DEFINEx(1, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE2(name, ...) KLP_SYSCALL_DEFINEx(2, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE3(name, ...) KLP_SYSCALL_DEFINEx(3, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE4(name, ...) KLP_SYSCALL_DEFINEx(4, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE5(name, ...) KLP_SYSCALL_DEFINEx(5, _##name, __VA_ARGS__)
#define KLP_SYSCALL_DEFINE6(name, ...) KLP_SYSCALL_DEFINEx(6, _##name, __VA_ARGS__)

#define KLP_SYSCALL_DEFINEx(count, name, ...) KLPKIT_SYSCALL_DEFINEx(count, name, __VA_ARGS__)

#endif
