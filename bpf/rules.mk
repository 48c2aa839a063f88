# SPDX-License-Identifier: LGPL-2.1 OR MIT
#
# eBPF programs: bpf/NAME.bpf.c becomes build/bpf/NAME.bpf.o, for bpftool, and build/bpf/NAME.skel.h, for the programs that
# load it. That takes clang, bpftool and libbpf; without them there are none, and nothing else needs them.

BPF_CLANG ?= $(shell command -v clang)
BPFTOOL ?= $(firstword $(wildcard $(addsuffix /bpftool,$(subst :, ,$(PATH)) /usr/sbin)))
HAVE_BPF := $(and $(BPF_CLANG),$(BPFTOOL),$(wildcard /usr/include/bpf/libbpf.h))

BPF_NAMES := $(if $(HAVE_BPF),$(patsubst bpf/%.bpf.c,%,$(wildcard bpf/*.bpf.c)))
BPF_OBJECTS := $(BPF_NAMES:%=$(B)/bpf/%.bpf.o)
BPF_SKELETONS := $(BPF_NAMES:%=$(B)/bpf/%.skel.h)

# linux/types.h is where it is for this machine's own programs.
BPF_CFLAGS = -target bpf -mcpu=v3 -g -O2 -Wall -Wextra -Wno-unused-parameter $(if $(WERROR),-Werror) -Iinclude -Iinclude/uapi \
	-idirafter /usr/include/$(shell $(CC) -dumpmachine) -fdebug-prefix-map=$(CURDIR)=. -MMD -MP

$(B)/bpf/%.o: bpf/%.bpf.c bpf/rules.mk
	$(call say,BPF,$<) mkdir -p $(@D) && $(BPF_CLANG) $(BPF_CFLAGS) -c -o $@ $<
# Without what only debuggers read.
$(B)/bpf/%.bpf.o: $(B)/bpf/%.o
	$(call say,BPF,$@) $(BPFTOOL) gen object $@ $<
$(B)/bpf/%.skel.h: $(B)/bpf/%.bpf.o
	$(call say,SKEL,$@) $(BPFTOOL) gen skeleton $< name $* >$@

# What loads them: its objects, and with what it is linked.
define bpf_user # OBJECT PROGRAM
$(1): CPPFLAGS += -I$(B) -I.
$(1): $(BPF_SKELETONS)
$(2): bpf_libs := -lbpf
endef

$(foreach test,$(BPF_TESTS),$(eval $(call bpf_user,$(B)/tests/device/$(test).o,$(B)/tests/bin/$(test))))
