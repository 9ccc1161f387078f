/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SYS_SHOW_H
#define BATON_SYS_SHOW_H

/* What the console shows, as JSON values; and JSON values as text. All are new references. */
#include <jansson.h>

#include "ref/sys/router.h"

json_t *show_standby(struct router *r);
json_t *show_ssp_client(struct router *r);
json_t *show_ssp_packet(struct router *r);
json_t *show_ssp_peers(struct router *r);
json_t *show_ssp_redundancy(struct router *r);
json_t *show_isakmp_sa(struct router *r);
json_t *show_isakmp_ha_standby(struct router *r);
json_t *show_ipsec_sa(struct router *r);
json_t *show_ipsec_sa_standby(struct router *r);
json_t *show_ipsec_ha(struct router *r);
json_t *show_engine(struct router *r);
json_t *show_counters(struct router *r);
json_t *show_running(struct router *r);
json_t *show_version(struct router *r);

/* Objects as indented "label: value" lines, lists of words as lines; malloc'd, NULL without memory. */
char *show_text(const json_t *v);

#endif
