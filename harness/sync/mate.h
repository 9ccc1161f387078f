/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SYNC_MATE_H
#define BATON_SYNC_MATE_H

/*
 * A scripted member of the pair, as far as the sync channel shows it: docs/spec/ssp.md from the
 * side of a third party, either role, either end, and wrong on demand.
 *
 * By itself it behaves: TLS 1.3 with the pair's key, HELLO, KEEPALIVE; as receiver (standby or
 * neither) it takes the records and acknowledges; as holder (active or suspended) it feeds a
 * receiver what it was given (mate_offer), sends increments when told, and feeds again on RESYNC.
 * All that came is kept and can be asked for; all else is a knob (struct mate_wrong, read whenever
 * it matters) or is done by hand (mate_send, mate_plain, mate_wire).
 *
 * It knows no HSRP: its role is what the case says (so a suspended one does not become neither by
 * itself when the router is active), and it holds what it was sent without using it.
 *
 * Pure as the other stations: frames and time go in, frames come out through the callback, within
 * the call (and the callback must not call the member again); OpenSSL draws its own random numbers. Allocates; mate_free frees. One thread.
 * Connections are numbered from 0 in the order in which they came; the numbers are never used
 * again, and what became of each can be asked for ever.
 */
#include "harness/field/field.h"
#include "harness/keys/keyring.h"
#include "harness/peer/netif.h"
#include "harness/sync/stcp.h"

#define MATE_PORT 3249
#define MATE_BODY_MAX 4096 /* docs/spec/ssp.md 1 */
#define MATE_CONNS 8	   /* that live at once; more are refused */
#define MATE_NONE SIZE_MAX

/* docs/spec/ssp.md 2 */
enum mate_type {
	MATE_HELLO = 1,
	MATE_ROLE,
	MATE_BULK_BEGIN,
	MATE_BULK_END,
	MATE_IKE_SA,
	MATE_IKE_SA_DEL,
	MATE_IPSEC_SA,
	MATE_IPSEC_SA_DEL,
	MATE_RESERVE,
	MATE_REPLAY,
	MATE_VOLUME,
	MATE_DPD,
	MATE_ACK,
	MATE_KEEPALIVE,
	MATE_RESYNC,
	MATE_REFUSE,
	MATE_HIGHEST,
	MATE_ERROR
};
enum mate_role { MATE_NEITHER, MATE_ACTIVE, MATE_STANDBY, MATE_SUSPENDED };

enum mate_reason {
	MATE_GAP = 1,
	MATE_UNKNOWN_SA,
	MATE_OPERATOR,
	MATE_I_AM_ACTIVE,
	MATE_STALE_EPOCH,
	MATE_MALFORMED,
	MATE_VERSION,
	MATE_GROUP,
	MATE_NO_ROOM,
	MATE_UNEXPECTED
};

/* How a connection is secured; read when it begins. */
enum mate_tls {
	MATE_TLS_PSK,	      /* as it has to be */
	MATE_TLS_CLEAR,	      /* SSP without TLS */
	MATE_TLS_SILENT,      /* TCP, and nothing more is said */
	MATE_TLS_CERTIFICATE, /* TLS 1.3 with a certificate of its own; the key is not used */
	MATE_TLS_12	      /* the same, and nothing newer than TLS 1.2 */
};

struct mate_cfg {
	struct netif_cfg net; /* as whom */
	ip4_t remote;	      /* the router's sync address (host order) */
	uint16_t port;	      /* 0: 3249 */
	uint16_t group;
	uint8_t key[64];
	size_t key_len;
	enum mate_role role;
	uint32_t keepalive_ms; /* 0: 200 */
	uint32_t lease_ms;     /* 0: 1600 */
	bool calls;	       /* it is the TCP client; else it listens, from the start */
};

struct mate;
/* An outgoing piece of the TLS stream (as a rule one record), in place of sending it. */
typedef void mate_tap(
	void *ctx, struct mate *m, ns_t now, size_t conn, const uint8_t *bytes, size_t len);

struct mate_wrong {
	enum mate_tls tls;
	const char *identity; /* the PSK identity to offer, instead of the right one; borrowed */
	bool any_identity;    /* as server: take whatever is offered */
	bool no_hello, no_keepalive, no_ack, no_bulk, no_resync;
	bool takes_as_active; /* acknowledges records although it says that it holds */
	bool deaf;	      /* reads nothing from TCP any more */
	bool drip;	      /* an octet of SSP a record, and no more than 7 octets a segment */
	uint32_t client_version; /* in HELLO, instead of 0x0100 */
	mate_tap *tap;
	void *tap_ctx;
};

/* What became of a connection. 0: it did not come. */
struct mate_conn_note {
	ns_t began, up, hello, ready, over;
	/* up: TLS stands (clear: TCP); hello: the router's came; ready: a bulk was acknowledged to
	 * its end, by whoever received */
	enum stcp_end end;
	bool tls_failed;
	ns_t router_fin; /* the router closed its side */
	char identity[96]; /* that the client offered */
	uint32_t bulks;	   /* BULK_BEGIN that came */
	uint32_t acked;	   /* the router's last ACK */
	enum mate_role router_role;
	size_t clear; /* octets that came before TLS stood, and were not TLS */
};

/* A message that came. */
struct mate_msg {
	ns_t at;
	size_t conn;
	unsigned type; /* enum mate_type, or what was there */
	uint32_t number, epoch;
	const uint8_t *bytes; /* of the mate: whole, header included */
	size_t len;
};

/* cfg copied; ring (NULL: none) gets the TLS secrets; send, ctx, ring borrowed. NULL: no memory. */
struct mate *mate_new(
	const struct mate_cfg *cfg, uint64_t seed, struct keyring *ring, netif_send *send, void *ctx);
void mate_free(struct mate *m);
void mate_frame(struct mate *m, ns_t now, const uint8_t *frame, size_t len);
void mate_tick(struct mate *m, ns_t now);
ns_t mate_deadline(const struct mate *m);

struct mate_wrong *mate_wrong(struct mate *m); /* change it at any time */
/* The same key, another key; used by connections to come. */
void mate_set_key(struct mate *m, const void *key, size_t len);
void mate_set_group(struct mate *m, uint16_t group);
/* From now on it has that address (a stranger's); connections that live keep theirs. */
void mate_set_address(struct mate *m, ip4_t addr);
/* As server: take calls, or refuse them (RST). */
void mate_listen(struct mate *m, bool on);
/* As client: a new connection; its number, MATE_NONE if there is no room. */
size_t mate_call(struct mate *m, ns_t now);
/* From now on it has this role, and says so (ROLE) where HELLO is out; active is a new epoch. */
void mate_become(struct mate *m, ns_t now, enum mate_role role);
void mate_set_epoch(struct mate *m, uint32_t epoch);

/*
 * A record for the bulks to come: a whole message as built by mate_build or as it came; copied. Its
 * number and epoch are set when it is sent. mate_forget: none any more.
 */
void mate_offer(struct mate *m, const uint8_t *bytes, size_t len);
void mate_forget(struct mate *m);
/* Feed all of it now: BULK_BEGIN, records, BULK_END. */
void mate_bulk(struct mate *m, ns_t now, size_t conn);

/* ---- by hand ---- */

/* Build a message; layers as for field_build ("ssp/ssp.spis/ssp.reserve"). 0: it does not fit. */
size_t mate_build(uint8_t *out, size_t cap, unsigned type, const char *layers,
	const struct field_set *sets, size_t cnt);
/* Build and send it with the next number; ssp.number and ssp.epoch among the sets win. Returns the
 * number that it got. */
uint32_t mate_send(struct mate *m, ns_t now, size_t conn, unsigned type, const char *layers,
	const struct field_set *sets, size_t cnt);
/* A message as it is, but for number and epoch. */
uint32_t mate_send_msg(struct mate *m, ns_t now, size_t conn, const uint8_t *bytes, size_t len);
/* Octets into the TLS stream (clear: into TCP), which are not looked at. */
void mate_plain(struct mate *m, ns_t now, size_t conn, const void *bytes, size_t len);
/* Octets into the TCP stream. */
void mate_wire(struct mate *m, ns_t now, size_t conn, const void *bytes, size_t len);
/* The number that the next message will have; may be changed. */
uint32_t *mate_number(struct mate *m, size_t conn);
/* Close with close_notify and FIN; with FIN alone; with RST; all three at once are errors. */
enum mate_how { MATE_PROPERLY, MATE_FIN, MATE_RST };
void mate_end(struct mate *m, ns_t now, size_t conn, enum mate_how how);

/* ---- what was seen ---- */

size_t mate_conns(const struct mate *m);
const struct mate_conn_note *mate_conn(const struct mate *m, size_t conn); /* NULL: none such */
bool mate_alive(const struct mate *m, size_t conn); /* it lives, and TLS stands */
/* The newest connection that lives and is up; MATE_NONE. */
size_t mate_live(const struct mate *m);
size_t mate_msgs(const struct mate *m);
/* Borrowed until another message comes. */
const struct mate_msg *mate_msg(const struct mate *m, size_t i);
/* The first message of that type at or behind index `from` on that connection (MATE_NONE: any);
 * MATE_NONE. */
size_t mate_find(const struct mate *m, size_t from, size_t conn, unsigned type);
/* Take message i apart; one at a time. A field of it; 0 if it is not there. */
const struct msg *mate_open(const struct mate *m, size_t i);
uint64_t mate_field(const struct mate *m, size_t i, const char *field);
/* Octets that are still to be taken from us. */
size_t mate_waiting(const struct mate *m, size_t conn);

#endif
