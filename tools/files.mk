# SPDX-License-Identifier: LGPL-2.1 OR MIT
# The program dmp: what all subcommands share, then the subcommands with what is theirs.
TOOL_SRCS := tools/dmp.c tools/options.c tools/numbers.c tools/errors.c tools/open.c tools/words.c tools/members.c \
	tools/table.c tools/json.c tools/create.c tools/ls.c tools/info.c tools/info_json.c tools/rm.c tools/evict.c tools/signals.c \
	tools/stats.c tools/publish.c tools/output.c tools/drain.c tools/observe.c tools/consume.c \
	tools/stat.c tools/stat_read.c tools/stat_show.c tools/stat_json.c tools/survey.c
TOOL_SRCS += $(if $(HAVE_BPF),tools/trace.c tools/trace_pin.c tools/trace_live.c,tools/trace_none.c)
# What draws on terminals.
HAVE_NCURSES := $(wildcard /usr/include/ncurses.h)
TOOL_SRCS += $(if $(HAVE_NCURSES),tools/top.c tools/top_view.c tools/top_cells.c tools/top_screen.c,tools/top_none.c)

# Of these, what reads all rings: tests link it.
SURVEY_SRCS := tools/survey.c tools/stat_read.c tools/members.c tools/errors.c tools/words.c

# HTTP takes libmicrohttpd.
HAVE_HTTP := $(wildcard /usr/include/microhttpd.h)
EXPORT_SRCS := tools/export.c tools/export_http.c tools/export_listen.c tools/export_clients.c tools/export_accept.c \
	tools/export_pins.c tools/export_label.c tools/export_shown.c tools/export_text.c tools/export_rings.c \
	tools/export_members.c tools/export_application.c tools/export_host.c tools/page.c tools/survey_json.c
TOOL_SRCS += $(if $(HAVE_HTTP),$(EXPORT_SRCS),tools/export_none.c)
TOOL_LIBS := $(if $(HAVE_HTTP),-lmicrohttpd) $(if $(HAVE_NCURSES),-lncurses) # The page's files are in page.c as \
	they are. $(B)/tools/page.o: $(wildcard tools/page/*)
