# SPDX-License-Identifier: LGPL-2.1 OR MIT
#
# eBPF programs: bpf/NAME.bpf.c becomes build/bpf/NAME.bpf.o, for bpftool, and build/bpf/NAME.skel.h, for the programs that
# load it.

# What linux/types.h includes, Debian has in a folder for each architecture.
BPF_CFLAGS = -target bpf -mcpu=v3 -g -O2 -Wall -Wextra -Wno-unused-parameter $(if $(WERROR),-Werror) -Iinclude -Iinclude/uapi \
	$(firstword $(patsubst %/asm/types.h,-idirafter%,$(wildcard /usr/include/*-linux-gnu/asm/types.h))) -fdebug-prefix-map=$(CURDIR)=. -MMD -MP

$(B)/bpf/%.o: bpf/%.bpf.c bpf/rules.mk
	$(call say,BPF,$<) mkdir -p $(@D) && $(BPF_CLANG) $(BPF_CFLAGS) -c -o $@ $<
# Without what only debuggers read.
$(B)/bpf/%.bpf.o: $(B)/bpf/%.o
	$(call say,BPF,$@) $(BPFTOOL) gen object $@ $<
$(B)/bpf/%.skel.h: $(B)/bpf/%.bpf.o
	$(call say,SKEL,$@) $(BPFTOOL) gen skeleton $< >$@

# What loads them: its objects, and with what it is linked.
define bpf_user # OBJECT PROGRAM
$(1): CPPFLAGS += -I$(B) -I.
$(1): $(BPF_SKELETONS)
$(2): bpf_libs := -lbpf
endef

$(foreach test,$(BPF_TESTS),$(eval $(call bpf_user,$(B)/tests/device/$(test).o,$(B)/tests/bin/$(test))))
ifneq ($(HAVE_BPF),)
$(foreach source,trace trace_pin trace_live,$(eval $(call bpf_user,$(B)/tools/$(source).o,$(B)/tools/dmp)))
endif
