# SPDX-License-Identifier: LGPL-2.1 OR MIT
#
# make bench-latency: latency as users see it, what it costs to wait, bursts, LMAX's topologies with LMAX beside them.
# The programs are as tests/bench/bench.h has it.

LATENCY := $(B)/bench/latency
LATENCY_CELLS := $(LATENCY)/burst $(LATENCY)/topology $(LATENCY)/lmax
LATENCY_RAW := $(B)/bench/latency.raw
LATENCY_ROUNDS ?= 9

LMAX_JAR := /usr/share/java/disruptor.jar
LMAX_SRCS := $(wildcard tests/bench/lmax/*.java)

$(LATENCY)/open_loop: $(B)/bench/latency.o $(B)/bench/latency_channels.o $(B)/bench/hist.o $(BENCH_COMMON) $(LIB)
	$(call link)
$(LATENCY)/idle: $(B)/bench/latency_idle.o $(B)/bench/latency_channels.o $(BENCH_COMMON) $(LIB)
	$(call link)
$(LATENCY)/burst: $(B)/bench/latency_burst.o $(BENCH_COMMON) $(LIB)
	$(call link)
$(LATENCY)/topology: $(B)/bench/topology.o $(BENCH_COMMON) $(LIB)
	$(call link)
$(LATENCY)/report: $(B)/bench/latency_report.o $(B)/bench/hist.o
	$(call link)

# The wrapper is newer than the classes beside it.
$(LATENCY)/lmax: tests/bench/lmax/lmax $(LMAX_SRCS)
	$(call say,JAVAC,$@) mkdir -p $(@D) && javac -Xlint:all -cp $(LMAX_JAR) -d $(@D)/classes $(LMAX_SRCS) && cp $< $@
$(LATENCY)/lmax_producers: $(LATENCY)/lmax
	@cp $< $@

.PHONY: bench-latency bench-latency-build
bench-latency: ## latency under load, waiting, LMAX's topologies: build/bench/latency.*
	$(setup) build bench lmax
	@$(MAKE) -s bench-latency-build
	@rm -rf $(LATENCY)/histograms $(LATENCY_RAW)* && mkdir -p $(LATENCY)/histograms
	@setsid -w tests/bench/latency_rounds 1 $(LATENCY_RAW) $(LATENCY)/idle
	@BENCH_HISTOGRAMS=$(LATENCY)/histograms setsid -w \
		tests/bench/latency_rounds $(LATENCY_ROUNDS) $(LATENCY_RAW) $(LATENCY)/open_loop
	@$(B)/bench/run -r $(LATENCY_ROUNDS) -o $(LATENCY_RAW).more $(LATENCY_CELLS)
	@cat $(LATENCY_RAW).more >>$(LATENCY_RAW) && rm $(LATENCY_RAW).more
	@tests/bench/latency_report $(B)
bench-latency-build: $(B)/bench/run $(LATENCY_CELLS) $(LATENCY)/open_loop $(LATENCY)/idle $(LATENCY)/report
