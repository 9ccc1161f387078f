/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_CONSOLE_SHOW_H
#define BATON_CONSOLE_SHOW_H

/* What the console shows, as JSON values; and JSON values as text. All are new references. */
#include <jansson.h>

#include "ref/console/console.h"

json_t *show_standby(const struct console *con);
json_t *show_ssp_client(const struct console *con);
json_t *show_ssp_packet(const struct console *con);
json_t *show_ssp_peers(const struct console *con);
json_t *show_ssp_redundancy(const struct console *con);
json_t *show_isakmp_sa(const struct console *con);
json_t *show_isakmp_ha_standby(const struct console *con);
json_t *show_ipsec_sa(const struct console *con);
json_t *show_ipsec_sa_standby(const struct console *con);
json_t *show_ipsec_ha(const struct console *con);
json_t *show_engine(const struct console *con);
json_t *show_counters(const struct console *con);
json_t *show_running(const struct console *con);
json_t *show_version(const struct console *con);

/* Objects as indented "label: value" lines, lists of words as lines; malloc'd, NULL without memory. */
char *show_text(const json_t *v);

#endif
