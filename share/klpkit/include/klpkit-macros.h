/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the headers of kpatch-build's and klp-build's names are made of. `klp build` puts this folder on the include path
 * of patched source files; docs/patch-authors.md has the macros and what klp makes of them.
 *
 * Callbacks are data of the form that kpatch has for them: a function and a name that is left empty. All else is a text
 * in a section that is not loaded: a macro that took the address of a function would keep the compiler from inlining it.
 */
#ifndef KLPKIT_MACROS_H
#define KLPKIT_MACROS_H

#include <linux/compiler.h>
#include <linux/livepatch.h>
#include <linux/stringify.h>

/* No name that depends on __COUNTER__: that would rename what comes after it. */
#define KLPKIT_NAME_(prefix, line) prefix##line
#define KLPKIT_NAME(prefix, line) KLPKIT_NAME_(prefix, line)

#define KLPKIT_CALLBACK(event, type, function)						\
	static type (*KLPKIT_NAME(klpkit_##event##_, __LINE__)[2])(struct klp_object *)	\
		__attribute__((__used__, __section__(".kpatch.callbacks." #event))) = {	\
			function							\
		}

#define KLPKIT_TEXT(section, text)							\
	asm(".pushsection " section ", \"\", %progbits\n\t"				\
	    ".asciz " text "\n\t"							\
	    ".popsection")

/* The size asks for a function that is there, without using it. */
#define KLPKIT_FUNCTION(section, function)						\
	_Static_assert(sizeof(&(function)) == sizeof(void (*)(void)), "a function");	\
	KLPKIT_TEXT(section, "\"" __stringify(function) "\"")

/*
 * The kernel's own macro makes what is entered from outside, which ftrace can hook on any architecture, and what it is
 * followed by is a new function: the compiler inlines into its callers what calls it.
 */
#define KLPKIT_SYSCALL_DEFINEx(count, name, ...)					\
	static long klpkit_do_sys##name(__MAP(count, __SC_DECL, __VA_ARGS__));		\
	SYSCALL_DEFINEx(count, name, __VA_ARGS__)					\
	{										\
		return klpkit_do_sys##name(__MAP(count, __SC_ARGS, __VA_ARGS__));	\
	}										\
	static long klpkit_do_sys##name(__MAP(count, __SC_DECL, __VA_ARGS__))

/* A call by way of the pointer that the kernel updates: it needs no place that the kernel would rewrite. */
#define KLPKIT_STATIC_CALL(name)							\
	((typeof(&STATIC_CALL_TRAMP(name)))READ_ONCE(STATIC_CALL_KEY(name).func))

#endif
