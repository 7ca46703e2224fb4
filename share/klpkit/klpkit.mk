# SPDX-License-Identifier: GPL-2.0-or-later
# Livepatches outside of the kernel's tree, by the kernel's own build and klp convert. With this Makefile beside it,
# `make` turns livepatch-foo.c into a livepatch-foo.ko that is ready to be loaded:
#
#	obj-m := livepatch-foo.o
#	include $(KLPKIT)/klpkit.mk
#
# KLPKIT is the folder of this file, in the environment or as `make KLPKIT=...`. What obj-m names are livepatches, of one
# or more files each; references to symbols that no kernel exports need no more than a declaration. Goals: all, clean.
#
# KERNEL	kernel of klp's catalogue that the livepatch is for (default: the newest); brings its prepared source,
#		architecture and compiler
# KDIR		prepared source, or build folder, of a kernel that is not in the catalogue; ARCH, CROSS_COMPILE and CC are
#		then as for the kernel's own make
# SYMBOLS	that kernel's symbols, made by klp symbols-db
# CONVERTFLAGS	more options of klp convert, such as --module or --sign
# CHECKFLAGS	more options of klp check, such as --object for what is neither the kernel's nor among CONVERTFLAGS
# KLP		the program (default: that of this installation or source tree, else the one in PATH)

klpkit-folder := $(realpath $(dir $(lastword $(MAKEFILE_LIST))))

ifdef KBUILD_EXTMOD
# The kernel's build reads the Makefile.
ccflags-y += -I$(realpath $(klpkit-folder)/../../include)

else
KLP ?= $(or $(firstword $(wildcard $(addprefix $(klpkit-folder)/../../,bin/klp build/release/klp))),klp)

ifneq ($(and $(KERNEL),$(SYMBOLS)),)
$(error SYMBOLS are those of a kernel that is not in the catalogue: name it with KDIR, and no KERNEL)
endif
ifneq ($(if $(KDIR),defined),$(if $(SYMBOLS),defined))
$(error KDIR and SYMBOLS are to be given together: a kernel that is not in the catalogue needs both)
endif

klpkit-modules := $(obj-m:.o=.ko)
klpkit-stamps := $(klpkit-modules:%.ko=.%.ko.converted)
klpkit-symbols = $(if $(SYMBOLS),--symbols $(SYMBOLS),$(if $(KERNEL),--kernel $(KERNEL)))
# Modules that convert knows from their files are the same for check. Of a kernel that is not in the catalogue there is
# nothing to check against but the format.
klpkit-space := $(subst ,, )
klpkit-objects = $(patsubst --module=%,--object=%,$(filter --module=%,$(subst --module$(klpkit-space),--module=,$(CONVERTFLAGS))))
klpkit-checked = $(if $(SYMBOLS),--kernel none,$(if $(KERNEL),--kernel $(KERNEL)) $(klpkit-objects)) $(CHECKFLAGS)

# Expanded where it is used: klp answers in some 10 ms, but for a wrong KERNEL with an error.
klpkit-arguments = $(or $(if $(KDIR),-C $(KDIR),$(shell $(KLP) kernel info --kbuild $(KERNEL))),\
		   $(error there is no kernel to build for))
klpkit-kbuild = --no-print-directory $(klpkit-arguments) M=$(CURDIR) KLPKIT=$(klpkit-folder)

# What modpost says of symbols that klp convert is there for, or of BTF for which a prepared tree has no vmlinux.
klpkit-not-ours := ^WARNING: modpost: ".*" \[.*\] undefined!$$|^WARNING: modpost: suppressed .* unresolved symbol
klpkit-not-ours := $(klpkit-not-ours)|^WARNING: modpost: .*: symbol '.*' undefined!$$
klpkit-not-ours := $(klpkit-not-ours)|^Skipping BTF generation for

.PHONY: all clean klpkit-kbuild
all: $(klpkit-stamps)

# Objects of another kernel look up to date to kbuild, whose compile commands hold relative paths. The file descriptor is
# one that make does not use for its job server.
klpkit-kbuild:
	@kernel='$(klpkit-arguments)'; \
	[ ! -e .klpkit-kernel ] || [ "$$(cat .klpkit-kernel)" = "$$kernel" ] || $(MAKE) $(klpkit-kbuild) clean; \
	echo "$$kernel" >.klpkit-kernel
	@{ errors=$$($(MAKE) $(klpkit-kbuild) KBUILD_MODPOST_WARN=1 modules 2>&1 >&9); } 9>&1; status=$$?; \
	printf '%s\n' "$$errors" | grep -vE '$(klpkit-not-ours)|^$$' >&2; exit $$status

$(klpkit-modules): klpkit-kbuild ;

# A module that was not converted, or is not sound, must not be there to be loaded. What check finds is told; that all is
# well need not be.
$(klpkit-stamps): .%.ko.converted: %.ko
	@printf '  CONVERT %s\n' $(CURDIR)/$<; rm -f $@; \
	{ $(KLP) convert $(klpkit-symbols) $(CONVERTFLAGS) -o $@.ko $< && mv -f $@.ko $< && \
		$(KLP) check $(klpkit-checked) $< >/dev/null; } || { status=$$?; rm -f $< $@.ko; exit $$status; }
	@touch $@

clean:
	$(MAKE) $(klpkit-kbuild) clean
	rm -f $(klpkit-stamps) .klpkit-kernel
endif
