/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_NODE_RULES_H
#define BATON_NODE_RULES_H

#include "ref/node/node.h"

/* Fill *r with the rules of a correct router: every core's standard ones, and the node's own. */
void node_rules_join(struct node_rules *r);

#endif
