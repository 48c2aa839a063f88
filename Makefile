# SPDX-License-Identifier: LGPL-2.1 OR MIT
#
# The rules. What is built is listed elsewhere: Kbuild (the module),
# lib/files.mk, tools/files.mk and tests/files.mk. Everything generated is in
# build/. V=1 shows the commands, QUIET=1 only what goes wrong.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

B ?= build
Q := $(if $(V),,@)
say = $(if $(V),,@$(if $(QUIET),:,printf) '  %-7s %s\n' $(1) $(2);)

-include lib/files.mk bpf/files.mk tools/files.mk tests/files.mk
include bpf/rules.mk

## Userspace

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra $(if $(WERROR),-Werror)
ALL_CFLAGS = -std=gnu11 $(WARNINGS) -fPIC -fvisibility=hidden -pthread \
	-Iinclude -Iinclude/uapi -MMD -MP $(CFLAGS) $(CPPFLAGS)
ALL_LDFLAGS = -pthread $(LDFLAGS)

LIB_SRCS ?= $(wildcard lib/*.c)
TOOL_SRCS ?= $(wildcard tools/*.c)

objs = $(patsubst %.c,$(B)/$(1)/%.o,$(notdir $(2)))

LIB := $(B)/lib/libdmp.a
LIB_TP := $(B)/lib-tp/libdmp.a
SONAME := libdmp.so.0
SHARED := $(if $(LIB_SRCS),$(B)/lib/$(SONAME))
TOOL := $(if $(TOOL_SRCS),$(B)/tools/dmp)

LIB_OBJS := $(call objs,lib,$(LIB_SRCS))
LIB_TP_OBJS := $(call objs,lib-tp,$(LIB_SRCS))
TOOL_OBJS := $(call objs,tools,$(TOOL_SRCS))
HELPER_OBJS := $(patsubst %.c,$(B)/%.o,$(TEST_HELPERS))
NATIVE_HELPER_OBJS := $(patsubst %.c,$(B)/%.o,$(NATIVE_HELPERS))

UNIT_PROGRAMS := $(UNIT_TESTS:%=$(B)/tests/unit/%)
DEVICE_PROGRAMS := $(patsubst %,$(B)/tests/bin/%,$(DEVICE_TESTS) $(if $(HAVE_BPF),$(BPF_TESTS)))
NATIVE_PROGRAMS := $(NATIVE_TESTS:%=$(B)/tests/native/%)
PROMISE_PROGRAMS := $(patsubst %,$(B)/tests/bin/%,$(PROMISE_TESTS) $(USER_TESTS))
SURVEY_PROGRAMS := $(filter %/test_survey %/test_survey_rights,$(NATIVE_PROGRAMS) $(PROMISE_PROGRAMS))
STRESS_PROGRAMS := $(STRESS_TESTS:%=$(B)/tests/bin/%)
TOOL_PROGRAMS := $(TEST_TOOLS:%=$(B)/tests/bin/%)
EXAMPLES := $(patsubst lib/examples/%.c,$(B)/tests/bin/%,$(wildcard lib/examples/*.c))
PROGRAMS := $(UNIT_PROGRAMS) $(DEVICE_PROGRAMS) $(NATIVE_PROGRAMS) $(PROMISE_PROGRAMS) $(STRESS_PROGRAMS) $(TOOL_PROGRAMS) \
	$(EXAMPLES)

.PHONY: all
all: $(LIB) $(SHARED:.0=) $(TOOL) $(PROGRAMS) $(BPF_OBJECTS) ## library, tools and tests (the default)

# Other flags or another compiler: everything is compiled again.
flags := $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)
$(B)/flags: FORCE
	@mkdir -p $(@D); echo '$(flags)' | cmp -s - $@ || echo '$(flags)' >$@

compile = $(call say,CC,$<) mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(1) -c -o $@ $<
link = $(call say,LD,$@) mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(1)
archive = $(call say,AR,$@) mkdir -p $(@D) && rm -f $@ && ar rcs $@ $(filter %.o,$^)

$(B)/lib/%.o: lib/%.c $(B)/flags
	$(call compile)
$(B)/lib-tp/%.o: lib/%.c $(B)/flags
	$(call compile,-DDMP_TEST_POINTS)
$(B)/tools/%.o: tools/%.c $(B)/flags
	$(call compile)
$(B)/tests/%.o: tests/%.c $(B)/flags
	$(call compile,-DDMP_TEST_POINTS -Ilib -Itests)

$(LIB): $(LIB_OBJS)
	$(call archive)
$(LIB_TP): $(LIB_TP_OBJS)
	$(call archive)
$(B)/lib/$(SONAME): $(LIB_OBJS) lib/libdmp.map
	$(call link,-shared -Wl$(,)-soname=$(SONAME) -Wl$(,)--version-script=lib/libdmp.map)
$(B)/lib/libdmp.so: $(B)/lib/$(SONAME)
	$(Q)ln -sf $(SONAME) $@
, := ,

$(B)/tools/dmp: $(TOOL_OBJS) $(LIB)
	$(call link,$(bpf_libs) $(TOOL_LIBS))

$(UNIT_PROGRAMS): $(B)/tests/unit/%: $(B)/tests/unit/%.o $(LIB_TP)
	$(call link,-lcmocka)
$(DEVICE_PROGRAMS): $(B)/tests/bin/%: $(B)/tests/device/%.o $(HELPER_OBJS) $(LIB_TP)
	$(call link,-lcmocka $(bpf_libs))
$(NATIVE_PROGRAMS): $(B)/tests/native/%: $(B)/tests/native/%.o $(NATIVE_HELPER_OBJS) $(HELPER_OBJS) $(LIB_TP)
	$(call link,-lcmocka)
$(PROMISE_PROGRAMS): $(B)/tests/bin/%: $(B)/tests/native/%.o $(NATIVE_HELPER_OBJS) $(HELPER_OBJS) $(LIB_TP)
	$(call link,-lcmocka)
$(SURVEY_PROGRAMS): $(call objs,tools,$(SURVEY_SRCS))
$(B)/tests/native/test_top: | $(TOOL)
$(STRESS_PROGRAMS): $(B)/tests/bin/%: $(B)/tests/stress/%.o $(HELPER_OBJS) $(LIB_TP)
	$(call link,-lcmocka)
$(TOOL_PROGRAMS): $(B)/tests/bin/%: $(B)/tests/demo/%.o $(LIB_TP)
	$(call link)
$(B)/tests/vm/tsc: $(B)/tests/vm/tsc.o
	$(call link)
$(EXAMPLES): $(B)/tests/bin/%: $(B)/lib/examples/%.o $(LIB)
	$(call link)

include tests/cost/rules.mk tests/bench/rules.mk tests/bench/latency.mk tests/bench/vm.mk

.SECONDARY:
FORCE:
-include $(wildcard $(B)/*/*.d $(B)/*/*/*.d)

## The module. It is built in a copy, build/kmod/RELEASE, so that several kernels
## have theirs side by side and the tree stays clean. KERNEL_FOLDER is a folder
## that tests/vm/kernel made.

KDIR ?= $(if $(KERNEL_FOLDER),$(KERNEL_FOLDER)/build,/lib/modules/$(shell uname -r)/build)
for_module := $(filter kmod load vm-files sparse-module,$(MAKECMDGOALS))
RELEASE := $(if $(for_module),$(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null))
KMOD := build/kmod/$(RELEASE)
KMOD_SRCS := Kbuild $(wildcard kmod/*.[ch] include/dmp/*.h include/uapi/linux/*.h)
# 6.1's headers cannot make BTF and say so; the next step does it.
KMOD_NOISE := ^Skipping BTF generation|^make\[[0-9]*\]: (Entering|Leaving)
kbuild = $(MAKE) $(if $(V),V=1,-s) -C $(KDIR) M=$(CURDIR)/$(KMOD) W=1 $(1) 2>&1 | \
	{ grep -vE '$(KMOD_NOISE)' >&2 || :; }

.PHONY: kmod
kmod: $(KMOD)/dmp.ko ## the module, for the running kernel or for KDIR=...

$(KMOD)/dmp.ko: $(KMOD_SRCS)
	$(if $(RELEASE),,$(error no kernel headers in $(KDIR): install linux-headers-$(shell uname -r) or give KDIR=))
	$(call say,KMOD,$@) mkdir -p $(@D) && cp -u --parents $(KMOD_SRCS) $(@D) && rm -f $@
	$(Q)$(call kbuild,modules)
	$(Q)kmod/module-btf $@ $(RELEASE) $(KERNEL_FOLDER:%=%/vmlinux) || [ -z "$(KERNEL_FOLDER)" ]

.PHONY: load unload
load: kmod ## load the module into the running kernel (as root)
	@kmod/load $(KMOD)/dmp.ko
unload: ## take it out again
	@kmod/load --unload

## Checks. What they need is installed first (tests/vm/packages).

setup = @tests/vm/setup

.PHONY: check soak
check: ## every build and test there is, on four kernels in virtual machines
	$(setup) build kmod vm debug check bpf
	@$(lists) tests/check
soak: ## the stress tests, for hours, on the same kernels
	$(setup) build kmod vm debug bpf
	@$(lists) tests/check --soak
lists = UNIT_TESTS='$(UNIT_TESTS)' NATIVE_TESTS='$(NATIVE_TESTS)' PROMISE_TESTS='$(PROMISE_TESTS)' \
	ASAN_TESTS='$(ASAN_TESTS)' USER_TESTS='$(USER_TESTS)' DEVICE_TESTS='$(DEVICE_TESTS) $(BPF_TESTS)' STRESS_TESTS='$(STRESS_TESTS)'

.PHONY: asan
asan: # the programs of ASAN_TESTS in build/asan
	$(Q)$(MAKE) -s B=build/asan CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address' LDFLAGS=-fsanitize=address \
		$(ASAN_TESTS:%=build/asan/tests/%)

.PHONY: sparse sparse-module
sparse: ## sparse over the module
	$(setup) kmod check
	@folder=$$(tests/vm/kernel 6.12) && $(MAKE) -s sparse-module KERNEL_FOLDER="$$folder"
sparse-module: $(KMOD)/dmp.ko
	@log=$(KMOD)/sparse.log; $(call kbuild,C=2 CHECK=sparse modules) 2>$$log && \
		! grep -qE '(warning|error):' $$log || { cat $$log >&2; exit 1; }

FORMATTED = $(wildcard kmod/*.[ch] bpf/*.[ch] lib/*.[ch] tools/*.[ch] tests/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch] tests/*/*/*.cc lib/examples/*.c include/*.h \
	include/dmp/*.h include/uapi/linux/*.h)
.PHONY: format check-format
format: ## clang-format on every C file
	$(setup) check
	@clang-format -i $(FORMATTED)
check-format: ## is there a C file it would change?
	$(setup) check
	@clang-format --dry-run -Werror $(FORMATTED)

.PHONY: vm-files
vm-files: all $(KMOD)/dmp.ko $(B)/tests/vm/tsc # what tests/vm/run packs

## Demonstrations

.PHONY: demo demo-native
demo: ## see it work, in a virtual machine: changes nothing here
	$(setup) build kmod vm
	@$(MAKE) -s all && tests/demo/demo
demo-native: ## the same on this machine: loads the module
	$(setup) build kmod
	@kmod/load --check && $(MAKE) -s all load && tests/demo/demo --native

.PHONY: clean help
clean: ## remove build/
	rm -rf build
help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' Makefile tests/*/*.mk | expand -t 18
