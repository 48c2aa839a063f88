# SPDX-License-Identifier: LGPL-2.1 OR MIT
#
# make cost: tests/cost/cost says how it works.

COST := $(B)/cost/cost
COST_OBJS := $(patsubst tests/%.c,$(B)/%.o,$(wildcard tests/cost/*.c))

$(B)/cost/%.o: tests/cost/%.c $(B)/flags
	$(call compile,-DCOST_FLAGS='"$(strip $(CFLAGS) $(CPPFLAGS))"')
# Valgrind cannot read every compiler's debugging information, and need not.
$(COST): $(COST_OBJS) $(LIB)
	$(call link,-Wl$(,)--strip-debug)

.PHONY: cost cost-check cost-accept cost-build
cost: ## what each operation costs: instructions, data references, by valgrind
	$(setup) build check
	@$(MAKE) -s cost-build && tests/cost/cost print $(B)/cost
cost-check: ## is that what tests/cost/table.txt says?
	$(setup) build check
	@$(MAKE) -s cost-build && tests/cost/cost check $(B)/cost
cost-accept: ## yes, and that is meant: rewrites tests/cost/table.txt
	$(setup) build check
	@$(MAKE) -s cost-build && tests/cost/cost accept $(B)/cost
cost-build: $(COST)
