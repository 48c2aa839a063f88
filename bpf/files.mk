# SPDX-License-Identifier: LGPL-2.1 OR MIT
#
# The eBPF programs: bpf/NAME.bpf.c. They take clang, bpftool and libbpf; without them there are none, and nothing else
# needs them.

BPF_CLANG ?= $(shell command -v clang)
BPFTOOL ?= $(firstword $(wildcard $(addsuffix /bpftool,$(subst :, ,$(PATH)) /usr/sbin)))
HAVE_BPF := $(and $(BPF_CLANG),$(BPFTOOL),$(wildcard /usr/include/bpf/libbpf.h))

BPF_NAMES := $(if $(HAVE_BPF),$(patsubst bpf/%.bpf.c,%,$(wildcard bpf/*.bpf.c)))
BPF_OBJECTS := $(BPF_NAMES:%=$(B)/bpf/%.bpf.o)
BPF_SKELETONS := $(BPF_NAMES:%=$(B)/bpf/%.skel.h)
