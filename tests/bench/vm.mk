# SPDX-License-Identifier: LGPL-2.1 OR MIT
#
# make bench-vm: what sleeping and waking cost through dmp.ko, and being seen by eBPF, in a virtual machine of tests/vm; see
# tests/bench/vm/run for KERNEL=, ROUNDS= and INSTRUCTIONS=1.

BENCH_VM := round_trip wake life attached idle
BENCH_VM_PROGRAMS := $(BENCH_VM:%=$(B)/bench-vm/bin/%)
bench_vm_objs = $(1:%=$(B)/bench-vm/%.o)

# As users have it: no test points.
$(B)/bench-vm/%.o: tests/bench/vm/%.c $(B)/flags
	$(call compile)
$(B)/bench-vm/%.o: tests/bench/%.c $(B)/flags
	$(call compile)

$(B)/bench-vm/bin/round_trip: $(call bench_vm_objs,round_trip peers calls bench pair) $(LIB)
$(B)/bench-vm/bin/wake: $(call bench_vm_objs,wake bench pair) $(LIB)
$(B)/bench-vm/bin/life: $(call bench_vm_objs,life bench pair) $(LIB)
$(B)/bench-vm/bin/attached: $(call bench_vm_objs,attached bench pair) $(LIB)
$(B)/bench-vm/bin/idle: $(call bench_vm_objs,idle calls bench) $(LIB)
$(BENCH_VM_PROGRAMS):
	$(call link)

.PHONY: bench-vm-programs
bench-vm-programs: $(BENCH_VM_PROGRAMS)

.PHONY: bench-vm
bench-vm: ## sleep and wake through the module against futex and others, in a virtual machine
	$(setup) build kmod vm
	@$(MAKE) -s B=build bench-vm-programs && KERNEL='$(KERNEL)' ROUNDS='$(ROUNDS)' INSTRUCTIONS='$(INSTRUCTIONS)' \
		tests/bench/vm/run
