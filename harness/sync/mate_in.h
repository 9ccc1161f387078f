/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_SYNC_MATE_IN_H
#define BATON_SYNC_MATE_IN_H

/* What the files of harness/sync share, grouped by file, and nobody else sees. */
#include <openssl/ssl.h>

#include "harness/sync/mate.h"

#define MATE_STREAM 65536 /* SSP octets that wait for the rest of their message */

struct record {
	uint8_t *bytes;
	size_t len;
};

struct conn {
	size_t no;
	struct mate *mate;
	struct stcp tcp;
	bool client; /* we called */
	enum mate_tls mode;
	SSL_CTX *tls_ctx;
	SSL *tls;
	BIO *tls_in, *tls_out; /* of tls */
	bool started, up, broken;
	uint8_t stream[MATE_STREAM];
	size_t stream_len;
	/* SSP */
	uint32_t next, seen; /* the number of our next message; of the router's last */
	bool said_hello, heard_hello;
	bool heard_all; /* a KEEPALIVE after the HELLO: the router's statements are complete */
	bool filling;	/* as receiver: a bulk began, and nothing is missing since */
	bool owes_ack;
	bool fed;	     /* as holder: the bulk is out */
	bool refused;	     /* as holder: by a router that holds; until its next ROLE */
	uint32_t bulk_end;   /* its number; 0 none */
	uint64_t heard_time; /* the newest TIME of the router */
	ns_t alive_at;	     /* next KEEPALIVE */
};

struct mate {
	struct mate_cfg cfg;
	struct netif net;
	struct keyring *ring;
	uint64_t seed;
	uint16_t next_port;
	bool listens;
	struct mate_wrong wrong;
	enum mate_role role;
	uint32_t epoch;
	struct conn *conn[MATE_CONNS];
	struct mate_conn_note *notes;
	size_t conn_cnt, note_cap;
	struct mate_msg *msgs;
	size_t msg_cnt, msg_cap;
	struct record *offered;
	size_t offered_cnt, offered_cap;
	char identity[96]; /* the right one */
};

/* mate.c */
void *mate_grow(void *v, size_t cnt, size_t *cap, size_t size); /* room for one more */
struct mate_conn_note *mate_note(struct conn *c);

/* mate_tls.c */
bool mate_tls_begin(struct conn *c); /* false: TLS could not be set up; a mistake here */
void mate_tls_free(struct conn *c);
/* Octets that came from TCP; plaintext goes to mate_ssp_bytes. */
void mate_tls_in(struct conn *c, ns_t now, const uint8_t *bytes, size_t len);
void mate_tls_start(struct conn *c, ns_t now); /* TCP stands */
void mate_tls_write(struct conn *c, ns_t now, const void *bytes, size_t len);
void mate_tls_close(struct conn *c, ns_t now); /* close_notify */

/* mate_ssp.c */
void mate_ssp_up(struct conn *c, ns_t now);
void mate_ssp_bytes(struct conn *c, ns_t now, const uint8_t *bytes, size_t len);
void mate_ssp_flush(struct conn *c, ns_t now); /* the acknowledgement that is owed */
void mate_ssp_tick(struct conn *c, ns_t now);
void mate_ssp_role(struct conn *c, ns_t now);
void mate_ssp_bulk(struct conn *c, ns_t now);
uint32_t mate_ssp_send(struct conn *c, ns_t now, unsigned type, const char *layers,
	const struct field_set *sets, size_t cnt);
uint32_t mate_ssp_again(struct conn *c, ns_t now, const uint8_t *bytes, size_t len);

#endif
