// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* page.c: GET /: the page that a person can look at: the files of tools/page, as they are, in this program */
#include <errno.h>

#include "export.h"

/* The file's bytes, and what is to be said of them as a route. */
#define PAGE_FILE(name, file, kind)                                                                        \
	__asm__(".pushsection .rodata\n" #name "_begin: .incbin \"tools/page/" file "\"\n" #name "_end:\n" \
		".popsection");                                                                            \
	extern const char name##_begin[], name##_end[];                                                    \
	static const char *name##_type(const char *accept)                                                 \
	{                                                                                                  \
		(void)accept;                                                                              \
		return kind "; charset=utf-8";                                                             \
	}                                                                                                  \
	static int write_##name(FILE *to, const char *type, const struct view *view)                       \
	{                                                                                                  \
		size_t size = (size_t)(name##_end - name##_begin);                                         \
                                                                                                           \
		(void)type;                                                                                \
		(void)view;                                                                                \
		return fwrite(name##_begin, 1, size, to) == size ? 0 : -ENOMEM;                            \
	}

PAGE_FILE(html, "page.html", "text/html")
PAGE_FILE(css, "page.css", "text/css")
PAGE_FILE(script, "page.js", "text/javascript")
PAGE_FILE(model, "model.js", "text/javascript")
PAGE_FILE(rings, "rings.js", "text/javascript")
PAGE_FILE(detail, "detail.js", "text/javascript")
PAGE_FILE(plot, "plot.js", "text/javascript")
PAGE_FILE(dom, "dom.js", "text/javascript")

const struct route page_routes[] = {
	{ "/", html_type, write_html, true },
	{ "/page.css", css_type, write_css, true },
	{ "/page.js", script_type, write_script, true },
	{ "/model.js", model_type, write_model, true },
	{ "/rings.js", rings_type, write_rings, true },
	{ "/detail.js", detail_type, write_detail, true },
	{ "/plot.js", plot_type, write_plot, true },
	{ "/dom.js", dom_type, write_dom, true },
	{ "/survey.json", survey_json_type, write_survey_json, false },
	{ 0 },
};
