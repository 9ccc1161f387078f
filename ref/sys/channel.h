/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SYS_CHANNEL_H
#define BATON_SYS_CHANNEL_H

/*
 * The sync channel: one TCP connection to the other member, TLS 1.3 with an external pre-shared key
 * (docs/spec/ssp.md 1). Both listen; the lower address connects, and tries again for ever.
 *
 * Traps of OpenSSL 3.0 that are closed here: the default suite does not match a SHA-256 PSK; the
 * default verify mode lets a server that ignores the PSK in. So: one suite, psk_dhe_ke only, SSL_VERIFY_PEER with
 * an empty store, SSL_session_reused demanded of both sides, no tickets.
 *
 * All calls are non-blocking. What happens comes out of channel_poll as events, one a call.
 */
#include "ref/base/ip4.h"
#include "ref/base/secret.h"
#include "ref/base/time.h"
#include "ref/node/node.h"

struct channel;

struct channel_cfg {
	ip4_t local, remote;
	uint16_t port;
	uint16_t group;
	struct secret key; /* copied; wiped by channel_close */
	struct channel_rules rules; /* all false */
	void (*keylog)(void *ctx, const char *line); /* NULL: none */
	void *ctx;
};

enum channel_event { CHANNEL_NOTHING, CHANNEL_UP, CHANNEL_BYTES, CHANNEL_DOWN };

/* epfd: descriptors are added to it with `tag`. NULL with errno; owned by the caller. */
struct channel *channel_open(const struct channel_cfg *cfg, int epfd, uint64_t tag);
void channel_close(struct channel *c);
/* Deal with what is there; call again until CHANNEL_NOTHING. BYTES: *bytes is borrowed until the next call. */
enum channel_event channel_poll(struct channel *c, ns_t now, const uint8_t **bytes, size_t *len);
/* Queue bytes; they are sent as the socket takes them. Dropped when there is no connection. */
void channel_send(struct channel *c, const uint8_t *bytes, size_t len);
/* Drop the connection at once (reset: nothing of it arrives later). DOWN is not said. */
void channel_drop(struct channel *c, ns_t now);
/* When channel_poll wants to be called without an event (another try to connect). */
ns_t channel_deadline(const struct channel *c);
/* For `show`: is TLS up; ports of the connection. */
bool channel_up(const struct channel *c, uint16_t *local_port, uint16_t *remote_port);

#endif
