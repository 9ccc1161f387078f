/* SPDX-License-Identifier: BSD-2-Clause */
/* twind: the reference router, one process a member. */
#include "ref/bin/twind.h"
#include "ref/node/rules.h"

int
main(int argc, char **argv)
{
	static struct node_rules rules;

	node_rules_join(&rules);
	return twind_main(argc, argv, &rules);
}
