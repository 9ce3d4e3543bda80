/* SPDX-License-Identifier: BSD-3-Clause */
/* The diagram in ARCHITECTURE.md is what the stage table says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hither/resolve.h>

#include "support.h"

static char *
read_page(char *buf, size_t size)
{
	const char *top = getenv("TOP_SRC");
	char path[512];
	size_t len;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/ARCHITECTURE.md",
	    top == NULL ? "." : top);
	f = fopen(path, "r");
	assert_non_null(f);
	len = fread(buf, 1, size - 1, f);
	buf[len] = '\0';
	(void)fclose(f);
	return buf;
}

static void
the_stage_diagram_is_the_stage_table(void **state)
{
	static char page[64 * 1024], table[2048];

	(void)state;
	assert_in_range(resolver_stage_lines(table, sizeof(table)), 1,
	    sizeof(table) - 1);
	if (strstr(read_page(page, sizeof(page)), table) == NULL)
		fail_msg("ARCHITECTURE.md should say:\n%s", table);
}

int
main(void)
{
	const struct CMUnitTest claims[] = {
		cmocka_unit_test(the_stage_diagram_is_the_stage_table),
	};

	return cmocka_run_group_tests_name("stages", claims, NULL, NULL);
}
