/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SYS_CHANNEL_TLS_H
#define BATON_SYS_CHANNEL_TLS_H

/* TLS of the sync channel: who may be at the other end, and how that is shown (channel.h, traps).
 */
#include <openssl/types.h>

#include "ref/sys/channel.h"

struct channel_tls {
	const struct channel_cfg *cfg; /* borrowed */
	bool client;
	char identity[80]; /* of the key: the group, and both ends */
	SSL_CTX *ctx;	   /* for the caller to free */
};

bool channel_tls_init(struct channel_tls *t, const struct channel_cfg *cfg, bool client);
/* For one connection; NULL if memory is out. t is borrowed as long as it lives. */
SSL *channel_tls_new(struct channel_tls *t);

#endif
