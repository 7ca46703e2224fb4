/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kpatch's shadow variables, which have texts for names, as the kernel's, which have numbers. One name is one number in
 * every livepatch, so that the next one finds what this one has left. Unlike kpatch's they start as zeros, and a second
 * one of the same name for the same object is refused.
 */
#ifndef KLPKIT_KPATCH_SHADOW_H
#define KLPKIT_KPATCH_SHADOW_H

#include <linux/gfp.h>
#include <linux/livepatch.h>
#include <linux/types.h>

/* FNV-1a of 64 bits. */
static inline unsigned long klpkit_shadow_id(const char *name)
{
	unsigned long id = 0xcbf29ce484222325UL;

	for (; *name; name++)
		id = (id ^ (unsigned char)*name) * 0x100000001b3UL;
	return id;
}

static inline void *kpatch_shadow_alloc(void *obj, const char *var, size_t size, gfp_t gfp)
{
	return klp_shadow_alloc(obj, klpkit_shadow_id(var), size, gfp, NULL, NULL);
}

static inline void *kpatch_shadow_get(void *obj, const char *var)
{
	return klp_shadow_get(obj, klpkit_shadow_id(var));
}

static inline void kpatch_shadow_free(void *obj, const char *var)
{
	klp_shadow_free(obj, klpkit_shadow_id(var), NULL);
}

#endif
