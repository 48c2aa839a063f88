# SPDX-License-Identifier: LGPL-2.1 OR MIT
#
# make bench: tests/bench/bench.h says how it works.

BENCH_FLAGS = -O3 -march=native -g -Wall -Wextra $(if $(WERROR),-Werror) -Iinclude -Iinclude/uapi -MMD -MP -pthread
BENCH_CC = $(CC) -std=gnu11 $(BENCH_FLAGS)
BENCH_CXX = $(CXX) -std=gnu++20 -Wno-missing-field-initializers $(BENCH_FLAGS)
BENCH_COMMON := $(B)/bench/bench.o $(B)/bench/pair.o
BENCH_PROGRAMS := $(B)/bench/cells/limits

# One program per peer and size of message, cells/NAME.SIZE: name, sizes, flags of the compiler, libraries.
define bench_peer
BENCH_PROGRAMS += $(patsubst %,$(B)/bench/cells/$(1).%,$(2))
$(patsubst %,$(B)/bench/cells/$(1).%,$(2)): $(B)/bench/cells/$(1).%: $(wildcard tests/bench/peers/$(1).c \
		tests/bench/peers/$(1).cc) $(BENCH_COMMON) $(if $(filter dmp% %_dmp,$(1)),$(LIB))
	$$(call say,CC,$$@) mkdir -p $$(@D) && $$(if $$(filter %.cc,$$<),$$(BENCH_CXX),$$(BENCH_CC)) \
		-DSIZE=$$* $(3) -MF $$@.d -o $$@ $$< $$(filter %.o %.a,$$^) $(4)
endef

RTE_FLAGS = $(filter-out -march=%,$(shell pkg-config --cflags libdpdk))
IOX_FLAGS = -isystem $(lastword $(wildcard /usr/include/iceoryx/v*)) -Wno-stringop-overread

$(eval $(call bench_peer,dmp,8 56 64 248 256))
$(eval $(call bench_peer,dmp_unchecked,56 64))
$(eval $(call bench_peer,two_lines,8))
$(eval $(call bench_peer,ref_inplace,8 64 256))
$(eval $(call bench_peer,ref_cursor,8 56 64 256))
$(eval $(call bench_peer,ref_slotseq,8 56))
$(eval $(call bench_peer,ck,8 56 64 256))
$(eval $(call bench_peer,rte,8 56 64 256,$$(RTE_FLAGS),-lrte_ring -lrte_eal))
$(eval $(call bench_peer,boost_spsc,8 56 64 256))
$(eval $(call bench_peer,boost_mq,8 56 64 256))
$(eval $(call bench_peer,moodycamel,8 56 64 256))
$(eval $(call bench_peer,zmq,8 56 64 256,,-lzmq))
$(eval $(call bench_peer,condvar,8 56 64 256))
$(eval $(call bench_peer,descriptor,8 56 64 256))
$(eval $(call bench_peer,mqueue,8 56 64 256))
$(eval $(call bench_peer,producers_dmp,8 56,-Ilib))
$(eval $(call bench_peer,producers_ck,8 56))
$(eval $(call bench_peer,producers_rte,8 56,$$(RTE_FLAGS),-lrte_ring -lrte_eal))
$(eval $(call bench_peer,iceoryx,8 64 256,$$(IOX_FLAGS),-liceoryx_posh -liceoryx_hoofs -liceoryx_platform))

$(B)/bench/%.o: tests/bench/%.c $(B)/flags
	$(call say,CC,$<) mkdir -p $(@D) && $(BENCH_CC) -c -o $@ $<
$(B)/bench/run: $(B)/bench/run.o $(B)/bench/probe.o $(BENCH_COMMON)
	$(call link)
$(B)/bench/cells/limits: $(B)/bench/limits.o $(BENCH_COMMON)
	@mkdir -p $(@D)
	$(call link)
-include $(wildcard $(B)/bench/cells/*.d)

.PHONY: bench bench-memory bench-build bench-own
# Apart: 2 MiB pages are the machine's to allow, /sys/kernel/mm/transparent_hugepage/shmem_enabled must be advise or more.
BENCH_MEMORY := $(B)/bench/cells/ref_memory.64
$(BENCH_MEMORY): tests/bench/peers/ref_memory.c $(BENCH_COMMON)
	$(call say,CC,$@) mkdir -p $(@D) && $(BENCH_CC) -DSIZE=64 -MF $@.d -o $@ $< $(filter %.o,$^)
bench-memory: ## a ring by hand on pages of 4 KiB and 2 MiB, there beforehand and not
	$(setup) build bench
	@$(MAKE) -s $(B)/bench/run $(BENCH_MEMORY)
	@tests/bench/bench $(B) "" $(BENCH_MEMORY)
bench: ## throughput and round trips against the rivals: build/bench.json, plots; BENCH=quick takes a minute
	$(setup) build bench lmax
	@$(MAKE) -s bench-build
	@tests/bench/bench $(B) "$(BENCH)" $(BENCH_PROGRAMS) $(BENCH_LMAX)
BENCH_LMAX := $(B)/bench/latency/lmax_producers
bench-build: $(B)/bench/run $(BENCH_PROGRAMS) $(BENCH_LMAX)
# What needs nobody else's library: make check builds it.
bench-own: $(B)/bench/run $(BENCH_MEMORY) $(filter $(B)/bench/cells/limits $(B)/bench/cells/dmp% $(B)/bench/cells/producers_dmp% $(B)/bench/cells/ref%,$(BENCH_PROGRAMS))
