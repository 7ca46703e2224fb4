/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Annotations for livepatches that are written by hand and converted by `klp convert`.
 *
 * A livepatch may use symbols that the kernel does not export: it declares them and refers to them, and
 * klp convert makes livepatch relocations of the references. Where a name is unique among vmlinux and the patched
 * objects, that is all. Where it is not, the source says which symbol is meant, in one of two ways.
 *
 * For all references to a name in the module:
 *
 *	extern int m_show(struct seq_file *m, void *v);
 *	KLP_MODULE_RELOC(vmlinux) vmlinux_relocs[] = {
 *		KLP_SYMPOS(m_show, 2),
 *	};
 *
 * For one declaration, which may have another name in the source:
 *
 *	extern int other_m_show(struct seq_file *m, void *v)
 *		KLP_RELOC_SYMBOL_POS(vmlinux, vmlinux, m_show, 2);
 *
 * The position is that of /proc/kallsyms among the symbols of the same name in the same object, counted from 1, as
 * `klp kernel symbols` and the messages of klp convert show it; 0 says that the name is unique there. Names of modules
 * are written as the kernel knows them, with '_' for '-'.
 *
 * Both forms are those of klp-convert as it was posted for the kernel, so that sources for either fit both.
 */
#ifndef KLPKIT_LIVEPATCH_H
#define KLPKIT_LIVEPATCH_H

#include <linux/compiler.h>
#include <linux/types.h>

#ifndef KLP_SYMPOS

/* One entry of .klp.module_relocs.OBJECT, 12 bytes on every architecture. The address is never used: its relocation
 * names the symbol.
 */
struct klp_module_reloc {
	union {
		void *sym;
		__u64 sym64;
	};
	__u32 sympos;
} __attribute__((__packed__));

/*
 * KLP_MODULE_RELOC - begin an array that says where symbols are
 * @obj: object that has the symbols: vmlinux, or a module
 */
#define KLP_MODULE_RELOC(obj)								\
	struct klp_module_reloc								\
	__attribute__((__used__, __aligned__(4), __section__(".klp.module_relocs." #obj)))

/*
 * KLP_SYMPOS - one entry of the array
 * @symbol: as it is declared in the source
 * @pos: its position in the object, 0 where it is unique there
 */
#define KLP_SYMPOS(symbol, pos) { { .sym = (void *)&(symbol) }, .sympos = (pos) }

#endif /* KLP_SYMPOS */

#ifndef KLP_RELOC_SYMBOL_POS

/*
 * KLP_RELOC_SYMBOL_POS - say which symbol a declaration means
 * @lp_obj: patched object whose new functions use the symbol
 * @sym_obj: object that has the symbol: vmlinux, the patched module, or a module that it depends on
 * @symbol: its name there
 * @pos: its position there, 0 where it is unique
 */
#define KLP_RELOC_SYMBOL_POS(lp_obj, sym_obj, symbol, pos)				\
	asm("\".klp.sym.rela." #lp_obj "." #sym_obj "." #symbol "," #pos "\"")

/* KLP_RELOC_SYMBOL - the same for a symbol that is unique in its object */
#define KLP_RELOC_SYMBOL(lp_obj, sym_obj, symbol)					\
	KLP_RELOC_SYMBOL_POS(lp_obj, sym_obj, symbol, 0)

#endif /* KLP_RELOC_SYMBOL_POS */

#endif /* KLPKIT_LIVEPATCH_H */
