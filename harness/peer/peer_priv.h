/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_PEER_PEER_PRIV_H
#define BATON_PEER_PEER_PRIV_H

/*
 * The inside of a peer: its SAs, exchanges and records, and one prototype a line of what the files
 * of the peer offer each other. Nobody else includes this.
 */
#include "harness/field/pkt.h"
#include "harness/keys/keyring.h"
#include "harness/peer/peer.h"
#include "harness/peer/peer_chain.h"

#define IKE_MAX 8
#define QM_MAX 16
#define CHILD_MAX 32
#define SENT_MAX 64  /* ESP packets kept for replay */
#define MSG_MAX 3840 /* an ISAKMP message; in UDP it must fit NETIF_PACKET_MAX */
#define NONCE_LEN 16
#define NONCE_MAX 256
#define PRIV_LEN 40
#define WINDOW_MAX 1024
#define PEER_STREAMS 8

enum { XCHG_MAIN = 2, XCHG_INFO = 5, XCHG_QUICK = 32 };
enum { FLAG_ENC = 1, FLAG_COMMIT = 2 };
enum { PORT_IKE = 500, PORT_NATT = 4500 };
enum { MODE_TUNNEL = 1, MODE_UDP_TUNNEL = 3 }; /* RFC 2407 4.5, RFC 3947 5.1 */
enum {
	NOTIFY_NO_PROPOSAL = 14,
	NOTIFY_INVALID_ID = 18,
	NOTIFY_CONNECTED = 16384,
	NOTIFY_INITIAL_CONTACT = 24578,
	NOTIFY_R_U_THERE = 36136,
	NOTIFY_R_U_THERE_ACK = 36137
};

/* The way to the other gateway: its address and UDP ports. local 4500: the NAT-T port. */
struct endpoint {
	ip4_t addr;
	uint16_t local, remote;
};

/* One message that may have to be sent again, and the digest of the one that it answers. */
struct again {
	uint8_t out[MSG_MAX];
	size_t out_len;
	enum peer_kind kind;
	bool pending; /* an answer is awaited */
	ns_t at;      /* send again then */
	uint8_t sendings;
	uint8_t in[KEYPRIM_SHA256_LEN]; /* digest of the message last taken */
	bool have_in;
	bool timer_only; /* a repetition is not answered: the other would answer that */
};

struct dh {
	uint16_t group;
	uint8_t priv[PRIV_LEN], pub[KEYPRIM_DH_MAX], other[KEYPRIM_DH_MAX], shared[KEYPRIM_DH_MAX];
	size_t len, shared_len; /* of a public value, of the secret */
};

struct nonces {
	uint8_t i[NONCE_MAX], r[NONCE_MAX];
	size_t i_len, r_len;
};

struct ike {
	bool used, up, initiator, dpd;
	struct endpoint at;
	bool natt;		  /* both know RFC 3947 */
	bool nat_here, nat_there; /* who is behind a NAT (3.2) */
	bool encap;		  /* so ESP goes over UDP */
	uint8_t step;		  /* the next message number that is awaited (2 .. 6) */
	size_t record;		  /* in phase1s */
	struct keyike k;
	uint8_t iv[KEYPRIM_BLOCK_MAX]; /* of the next phase 1 message */
	struct peer_ike_prop prop;
	struct dh dh;
	struct nonces n;
	uint8_t sa_b[1024];
	size_t sa_b_len;
	struct again again;
	unsigned want_children;
	ns_t expires, soft, retire; /* the end; time to rekey; time to go, replaced */
	bool rekeys;		    /* when it is up, the older ones go */
	size_t rekeys_child;	    /* 1 + record of the pair that its first Quick Mode replaces */
	/* DPD */
	uint32_t dpd_next, dpd_heard, dpd_asked;
	bool dpd_started, dpd_heard_any, dpd_waiting;
	ns_t dpd_at; /* ask again then */
	uint8_t dpd_sendings;
	ns_t heard;	  /* something authentic came */
	uint32_t ids[32]; /* message ids used of late */
	size_t id_cnt;
};

struct life {
	uint32_t s, kb; /* 0: not said */
};

struct qm {
	bool used, initiator, done;
	uint8_t step;
	size_t ike;    /* index into ikes */
	size_t record; /* in phase2s */
	uint32_t msgid;
	uint8_t iv[KEYPRIM_BLOCK_MAX];
	struct dh dh;
	struct nonces n;
	uint32_t spi_in, spi_out;
	struct peer_esp_prop prop;
	bool udp;
	struct life life;
	bool commit_theirs; /* they set the Commit Bit */
	bool waits;	    /* for CONNECTED */
	ns_t connected_at;  /* we send it then */
	size_t rekeys;	    /* 1 + record of the pair that it replaces */
	struct again again;
	ns_t forget; /* done: kept for repeats until then */
};

struct child {
	bool used, out_ready, rekeyed;
	bool udp, nat_here, nat_there; /* as its IKE SA had it */
	struct endpoint at;
	size_t record;
	size_t ike_record;
	struct keyesp in, out;
	uint32_t seq;
	uint64_t gcm_iv;
	uint32_t top;
	uint8_t map[WINDOW_MAX / 8]; /* bit n % WINDOW_MAX: number n came */
	uint32_t life_kb;
	ns_t expires, soft, retire;
};

struct sent {
	uint16_t len;
	uint8_t bytes[NETIF_PACKET_MAX];
};

struct peer {
	struct peer_cfg cfg;
	struct peer_wrong wrong;
	bool spoilt; /* the message being made was spoilt by a mask */
	uint64_t rng;
	struct keyring *ring;
	struct netif net;
	struct ike ikes[IKE_MAX];
	struct qm qms[QM_MAX];
	struct child children[CHILD_MAX];
	size_t ike_cnt, qm_cnt, child_cnt; /* places that have been used; those after them never */
	struct peer_phase1 *p1;
	struct peer_phase2 *p2;
	struct peer_event *ev;
	size_t p1_cnt, p1_cap, p2_cnt, p2_cap, ev_cnt, ev_cap;
	struct peer_counters n;
	struct sent sent[SENT_MAX];
	size_t sent_cnt;
	ns_t natt_sent; /* the last packet from port 4500 */
	ns_t unknown_at;
	uint32_t unknown_spi;
	struct stream_tx tx[PEER_STREAMS];
	ip4_t tx_dst[PEER_STREAMS];
	size_t tx_cnt;
	struct stream_rx rx[PEER_STREAMS];
	size_t rx_cnt;
	uint16_t inner_id;
};

/* A message that came, taken apart. */
struct in {
	ns_t now;
	struct endpoint from;
	uint8_t icookie[8], rcookie[8];
	uint8_t first, exchange, flags;
	uint32_t msgid;
	const uint8_t *raw;
	size_t raw_len;
	uint8_t body[MSG_MAX]; /* payloads in clear */
	size_t body_len;
	uint8_t iv[KEYPRIM_BLOCK_MAX]; /* for the message that answers this one */
	struct chain c;
};

/* peer.c: records and chance */
uint64_t peer_rand(struct peer *p);
void peer_random(struct peer *p, void *out, size_t len);
uint32_t peer_random_u32(struct peer *p); /* never 0 */
struct peer_event *peer_note(
	struct peer *p, ns_t now, enum peer_event_kind kind, uint32_t value, const char *what);
void peer_refuse(struct peer *p, ns_t now, const char *what);
bool peer_spoil(struct peer *p, uint32_t mask, enum peer_kind kind);
bool peer_ignores(struct peer *p, ns_t now, enum peer_kind kind);
void peer_spoilt_done(struct peer *p);
size_t peer_new_phase1(struct peer *p);
size_t peer_new_phase2(struct peer *p);
void peer_initiate_once(struct peer *p, ns_t now); /* unless something is under way already */

/* peer_sa.c: the SAs that live */
struct ike *peer_ike_new(struct peer *p, ns_t now, bool initiator);
struct ike *peer_ike_up(struct peer *p); /* newest, or NULL */
struct ike *peer_ike_find(struct peer *p, const uint8_t *icookie, const uint8_t *rcookie);
void peer_ike_drop(struct peer *p, ns_t now, struct ike *s, enum peer_end end);
void peer_ike_is_up(struct peer *p, ns_t now, struct ike *s);
struct qm *peer_qm_new(struct peer *p, ns_t now, struct ike *s, bool initiator, uint32_t msgid);
struct qm *peer_qm_find(struct peer *p, const struct ike *s, uint32_t msgid);
void peer_qm_drop(struct peer *p, ns_t now, struct qm *q, enum peer_end end);
struct child *peer_child_new(struct peer *p, ns_t now, struct qm *q);
void peer_child_ready(struct peer *p, ns_t now, size_t record);
struct child *peer_child_out(struct peer *p); /* newest that may send, or NULL */
struct child *peer_child_in(struct peer *p, uint32_t spi);
void peer_child_drop(struct peer *p, ns_t now, struct child *c, enum peer_end end);
void peer_drop_all(struct peer *p, ns_t now, const struct ike *but, enum peer_end end);

/* peer_natt.c: RFC 3947 and RFC 3948 */
struct endpoint peer_first_endpoint(const struct peer *p); /* where a new phase 1 starts */
/* May a packet of nobody's SA come from there? */
bool peer_endpoint_good(const struct peer *p, const struct endpoint *from);
void peer_natt_put_vid(struct peer *p, struct chain_out *o);
void peer_natt_read_vid(const struct peer *p, const struct in *m, struct ike *s);
void peer_natt_put_natd(struct peer *p, const struct ike *s, struct chain_out *o);
void peer_natt_read_natd(const struct peer *p, const struct in *m, struct ike *s);
/* Something authentic, and new, came from there: follow a mapping that changed (RFC 3947 7). */
void peer_natt_heard_ike(struct peer *p, ns_t now, struct ike *s, const struct endpoint *from);
void peer_natt_heard_esp(struct peer *p, ns_t now, struct child *c, const struct endpoint *from);
void peer_natt_tick(struct peer *p, ns_t now);
ns_t peer_natt_deadline(const struct peer *p);

/* peer_ike.c: messages that came */
void peer_ike_in(
	struct peer *p, ns_t now, const struct endpoint *from, const uint8_t *msg, size_t len);
/* peer_send.c: messages that go */
void peer_udp_out(struct peer *p, ns_t now, const struct endpoint *to, const uint8_t *data,
	size_t len, bool sum);
void peer_ike_send(struct peer *p, ns_t now, struct ike *s, enum peer_kind kind, uint32_t msgid,
	uint8_t *iv, struct chain_out *o, struct again *a);
/* Phase 2: HASH in front of the payloads; which = 1, 2, 3. */
void peer_ike_send_hashed(struct peer *p, ns_t now, struct ike *s, enum peer_kind kind,
	uint32_t msgid, uint8_t *iv, struct chain_out *o, const struct nonces *n, int which,
	struct again *a);
void peer_ike_resend(struct peer *p, ns_t now, const struct ike *s, struct again *a);
void peer_ike_plain_notify(struct peer *p, ns_t now, const struct in *m, uint16_t type);
/* The body taken apart; iv NULL: it must be in clear; else moved on when it is good. */
bool peer_ike_open(struct peer *p, struct in *m, const struct ike *s, uint8_t *iv);
/* True if the HASH payload, first of the chain, is right. */
bool peer_ike_check_hash(
	const struct ike *s, const struct in *m, const struct nonces *n, int which);
uint32_t peer_new_msgid(struct peer *p, struct ike *s);
bool peer_used_msgid(const struct ike *s, uint32_t id);
void peer_keep_msgid(struct ike *s, uint32_t id);

/* peer_mm.c */
void peer_mm_start(struct peer *p, ns_t now, unsigned children);
void peer_mm_first(struct peer *p, struct in *m);
void peer_mm_in(struct peer *p, struct in *m, struct ike *s);
bool peer_dh_start(struct peer *p, struct dh *d, uint16_t group);
bool peer_dh_finish(struct dh *d, const struct chain_item *ke);

/* peer_qm.c, peer_offer.c */
void peer_qm_start(struct peer *p, ns_t now, struct ike *s, size_t rekeys);
void peer_qm_in(struct peer *p, struct in *m, struct ike *s, struct qm *q);
void peer_put_ike_sa(struct peer *p, struct chain_out *o, const struct offer *chosen, bool spoilt);
bool peer_match_ike(
	const struct peer *p, const struct offer *o, struct peer_ike_prop *out, uint32_t *life);
void peer_put_esp_sa(struct peer *p, struct chain_out *o, const struct qm *q,
	const struct offer *chosen, bool spoilt);
bool peer_match_esp(const struct peer *p, const struct offer *o, bool udp,
	struct peer_esp_prop *out, struct life *life);

/* peer_commit.c: the Commit Bit (RFC 2408 3.1) */
bool peer_commit_waits(
	const struct peer *p, const struct qm *q);	       /* must we, once QM3 is through? */
void peer_commit_done(struct peer *p, ns_t now, struct qm *q); /* QM3 is through */
void peer_commit_in(struct peer *p, struct in *m, struct ike *s, struct qm *q); /* CONNECTED? */
void peer_commit_traffic(struct peer *p, ns_t now, const struct child *c);
void peer_commit_tick(struct peer *p, ns_t now);
ns_t peer_commit_deadline(const struct peer *p);

/* peer_rekey.c: SAs grow old */
void peer_rekey_ike_up(struct peer *p, ns_t now, struct ike *s);
void peer_rekey_child_up(struct peer *p, ns_t now, size_t record);
void peer_rekey_count(struct peer *p, ns_t now, struct child *c); /* its octets have changed */
void peer_rekey_tick(struct peer *p, ns_t now);
ns_t peer_rekey_deadline(const struct peer *p);

/* peer_info.c */
void peer_info_in(struct peer *p, struct in *m, struct ike *s);
void peer_info_plain(struct peer *p, struct in *m);
void peer_send_notify(struct peer *p, ns_t now, struct ike *s, uint16_t type, uint8_t protocol,
	const uint8_t *spi, size_t spi_len);
void peer_send_delete_esp(struct peer *p, ns_t now, struct ike *s, uint32_t spi);
void peer_send_delete_ike(struct peer *p, ns_t now, struct ike *s);
void peer_dpd_ask(struct peer *p, ns_t now, struct ike *s);
void peer_dpd_tick(struct peer *p, ns_t now);
ns_t peer_dpd_deadline(const struct peer *p);
void peer_info_chain(
	struct peer *p, ns_t now, struct ike *s, enum peer_kind kind, struct chain_out *o);
void peer_put_notify(struct chain_out *o, uint8_t protocol, uint16_t type, const void *spi,
	size_t spi_len, const void *data, size_t len);
void peer_initial_contact(struct peer *p, ns_t now, const struct ike *s, const struct chain *c);

/* peer_esp.c */
void peer_esp_in(struct peer *p, ns_t now, const struct endpoint *from, const struct pkt *k);
void peer_esp_out(struct peer *p, ns_t now, const uint8_t *ip, size_t len);
void peer_esp_wire(struct peer *p, ns_t now, const uint8_t *esp, size_t len);
/* peer_inner.c */
void peer_inner_in(struct peer *p, ns_t now, const uint8_t *ip, size_t len);
void peer_inner_tick(struct peer *p, ns_t now);
ns_t peer_inner_deadline(const struct peer *p);

#endif
