/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_PEER_PEER_H
#define BATON_PEER_PEER_H

/*
 * The harness's own remote VPN gateway: IKEv1 (RFC 2409: Main Mode with a pre-shared key, Quick
 * Mode with and without PFS, Informational), DPD (RFC 3706), ESP in tunnel mode (RFC 4303), both
 * roles, on one Ethernet interface; and one host behind it. It is written from the RFCs and shares
 * nothing with the reference router.
 *
 * A pure object: frames and time go in; frames come out through the callback, within the call;
 * peer_deadline says when it wants peer_tick. All randomness comes from the seed.
 *
 * It behaves unless told otherwise, and does wrong whatever a case asks for (struct peer_wrong).
 * It shows all that it has seen: SAs ever negotiated, events, counters, numbers received.
 *
 * Not here: Aggressive Mode, certificates, transport mode, IKEv2, more than one remote gateway.
 */
#include "harness/keys/keyring.h"
#include "harness/peer/netif.h"
#include "harness/peer/stream.h"
#include "ref/base/time.h"

#define PEER_PROPOSALS 8
#define PEER_PSK_MAX 64

struct peer_ike_prop {
	enum keyprim_cipher cipher;
	uint16_t key_bits;
	enum keyprim_hash hash;
	uint16_t group; /* 2, 5, 14, 15, 16, 19, 20 */
};

struct peer_esp_prop {
	enum keyesp_suite suite;
	uint16_t key_bits;
};

struct peer_proxy {
	struct ip4_net net;
	uint8_t proto; /* 0 any */
	uint16_t port; /* 0 any */
};

/* NAT traversal (RFC 3947, RFC 3948). All zero: we do not know it, and do not say that we do. */
struct peer_natt {
	bool on;
	/* Say falsely that we are behind a NAT, so that both use UDP: what strongSwan does where
	 * its kernel has no ESP. */
	bool fake;
	bool from_4500; /* begin on port 4500 (4: "MUST support negotiations that begin" there) */
	uint8_t locals; /* NAT-D payloads with addresses of our own, the right one last; 0: 1 */
	uint16_t port;	/* the other's port 500, as we see it; 0: 500 */
	uint16_t port_natt; /* the same of its port 4500 */
	ns_t keepalive;	    /* behind a NAT, when nothing was sent for so long; 0: 20 s; NS_NEVER */
};

struct peer_cfg {
	struct netif_cfg net; /* outside: MAC, address, prefix, gateway */
	ip4_t remote;	      /* the other gateway: the pair's virtual address, as we see it */
	ip4_t remote_id;      /* 0: the same; behind a NAT it calls itself otherwise */
	struct peer_natt natt;
	uint8_t psk[PEER_PSK_MAX];
	uint8_t psk_len;
	/* In order of preference. None: AES-128, SHA-1, group 2 / aes-cbc-sha1. */
	struct peer_ike_prop ike[PEER_PROPOSALS];
	uint8_t ike_cnt;
	struct peer_esp_prop esp[PEER_PROPOSALS];
	uint8_t esp_cnt;
	bool esp_one_proposal; /* transforms of one proposal; else a proposal each */
	uint16_t pfs_group;    /* 0: no PFS, and PFS refused; else wanted of the other, too */
	struct peer_proxy local, far; /* protected here, protected there */
	ip4_t inner;		      /* the host behind this peer, inside local */
	uint32_t ike_life_s;	      /* 0: 86400 */
	uint32_t esp_life_s;	      /* 0: 3600 */
	uint32_t esp_life_kb;	      /* 0: not sent; the smaller of both sides' counts */
	/* Rekeying by itself, so long or so many kB before the end; 0: never. When the new SA
	 * carries, the old one is kept for `linger` (0: 1 s), then deleted; NS_NEVER: it is left to
	 * expire. */
	uint32_t ike_rekey_s, esp_rekey_s, esp_rekey_kb;
	ns_t linger;
	/* RFC 2408 3.1: we set the Commit Bit in Quick Mode, and send CONNECTED so long after its
	 * last message (NS_NEVER: we break the promise). Whether the other's is heeded. */
	bool commit;
	ns_t connected_after;
	bool ignore_commit;
	uint16_t pad;	   /* octets of vendor ids that mean nothing, in each of Main Mode 1 to 4 */
	ns_t retry;	   /* 0: 500 ms, doubled each time */
	uint8_t tries;	   /* 0: 6 sendings, then the exchange is given up */
	ns_t dpd_every;	   /* probe each time that long nothing came; 0: only when told */
	ns_t dpd_retry;	   /* 0: 1 s */
	uint8_t dpd_tries; /* 0: 5; then the other is dead: SAs go, an event is noted */
	uint16_t window;   /* replay window, 0: 64 */
	bool no_dpd_vid;   /* do not say that we can DPD */
	bool no_initial_contact;
	bool passive;	  /* never starts an exchange of its own accord */
	bool dead_to_ike; /* ignores IKE altogether: for silence */
};

/* Kinds of messages, also as bits of the masks below: PEER_BIT(PEER_MM5). */
enum peer_kind {
	PEER_MM1,
	PEER_MM2,
	PEER_MM3,
	PEER_MM4,
	PEER_MM5,
	PEER_MM6,
	PEER_QM1,
	PEER_QM2,
	PEER_QM3,
	PEER_INFO_NOTIFY,
	PEER_INFO_DELETE_ESP,
	PEER_INFO_DELETE_IKE,
	PEER_DPD_ASK,
	PEER_DPD_ACK,
	PEER_CONNECTED,
	PEER_ESP,
	PEER_KIND_CNT
};
#define PEER_BIT(k) (1u << (k))
#define PEER_ALL_KINDS ((1u << PEER_KIND_CNT) - 1)
const char *peer_kind_name(enum peer_kind k);

/* What a responder makes of an offer (both SA payloads). */
enum peer_choice {
	PEER_CHOOSE_RIGHT,  /* the first that is acceptable, as it was offered */
	PEER_CHOOSE_LAST,   /* the last that is: allowed */
	PEER_CHOOSE_TWO,    /* the transform, and once more with another number */
	PEER_CHOOSE_NUMBER, /* with numbers of a proposal and a transform that were not offered */
	PEER_CHOOSE_CHANGED /* with the value of its last attribute changed */
};

/*
 * What the peer shall do wrong. All zero: nothing. Masks are of PEER_BIT(kind); `count` limits how
 * many messages are spoilt (0: all), then the masks are cleared.
 */
struct peer_wrong {
	uint32_t bad_hash;     /* one bit of the HASH payload's data flipped (MM5, MM6, phase 2) */
	uint32_t no_hash;      /* HASH payload left out */
	uint32_t bad_body;     /* last payload claims more octets than there are */
	uint32_t bad_proposal; /* an encryption algorithm that nobody has (MM1, QM1; MM2, QM2: not
				  offered) */
	uint32_t bad_msgid;    /* message id that belongs to no exchange (phase 2 answers) */
	uint32_t bad_cookie;   /* responder's (or in MM1 initiator's: zero) cookie changed */
	uint32_t bad_length;   /* header length 4 too large */
	uint32_t bad_flags;    /* encrypted, but the flag says not; or the other way round */
	uint32_t bad_iv;       /* encrypted with another IV */
	uint32_t bad_id;       /* identity of somebody else (MM5, MM6), other proxies (QM1, QM2) */
	uint32_t drop;	       /* made, and not sent: as if lost */
	uint32_t repeat;       /* each sent (repeat_cnt + 1) times */
	uint8_t repeat_cnt;    /* 0: 1 */
	uint32_t count;

	uint32_t ignore;     /* came, authentic, and is not heeded, as if lost */
	uint32_t ignore_cnt; /* 0: all; else so many, then the mask is cleared */
	/* When the other's MM1 or QM1 comes: begin our own first, then answer. Once each. */
	uint32_t collide;
	enum peer_choice choose_ike, choose_esp;
	bool keep_expired;    /* an SA at its end stays, and is used on */
	bool connected_msgid; /* CONNECTED with a message id of its own */
	bool connected_chain; /* CONNECTED with Quick Mode's next IV, not one of its own exchange */

	bool esp_bad_icv;
	uint32_t esp_fixed_seq; /* not 0: all packets carry it */
	uint32_t esp_seq_add;	/* added to the next number, once */
	uint32_t esp_spi;	/* not 0: instead of the right one */
	bool esp_bad_pad;	/* padding octets not 1, 2, 3 */
	bool esp_clear;		/* inner packets leave unprotected, to the other gateway */
	bool dpd_wrong_number;	/* ACKs carry number + 1 */
	bool dpd_wrong_cookies; /* R-U-THERE and ACK name another SA */
	uint32_t dpd_force;	/* not 0: number of the next R-U-THERE */
	bool spi_zero;		/* offers SPI 0 */
	bool psk_wrong;		/* uses another secret */
	bool natd_none;		/* no NAT-D payloads, though the vendor ids were exchanged */
	bool natd_here;		/* hash of our own address wrong: as if we were behind a NAT */
	bool natd_there;	/* hash of the other's address wrong: as if it were */
	bool natd_short;	/* hashes one octet short */
	bool no_float;		/* stays on port 500 */
	bool no_marker;		/* IKE on port 4500 without the non-ESP marker */
	bool esp_udp_sum;	/* UDP-encapsulated ESP with a checksum: allowed, "SHOULD NOT" */
	uint16_t mode;		/* not 0: encapsulation mode of every ESP offer */

	void *ctx;
	/* Payloads in clear, before hash and encryption (behind the HASH payload in phase 2), or an
	 * inner packet before ESP. Returns the new length. */
	size_t (*edit_plain)(
		void *ctx, enum peer_kind kind, uint8_t *bytes, size_t len, size_t cap);
	/* The whole ISAKMP message or ESP packet. Returns the new length; 0: not sent. */
	size_t (*edit_wire)(void *ctx, enum peer_kind kind, uint8_t *bytes, size_t len, size_t cap);
};

/* Every phase 1 ever begun. Ended SAs stay in the list. */
enum peer_sa_state { PEER_SA_LARVAL, PEER_SA_UP, PEER_SA_GONE };
enum peer_end {
	PEER_END_NONE,
	PEER_END_DELETED,  /* the other sent a Delete */
	PEER_END_WITHDREW, /* we did */
	PEER_END_DPD,	   /* the other was found dead */
	PEER_END_TIMEOUT,  /* exchange given up */
	PEER_END_REFUSED,  /* authentication or proposal failed */
	PEER_END_REPLACED, /* INITIAL-CONTACT, or a newer one took its place */
	PEER_END_LIFETIME
};

struct peer_phase1 {
	ns_t begun, up, ended; /* up, ended: NS_NEVER if not */
	enum peer_sa_state state;
	enum peer_end end;
	bool initiator; /* our role */
	bool dpd;	/* the other can DPD */
	struct peer_ike_prop prop;
	uint8_t icookie[8], rcookie[8];
	uint32_t life_s;
	bool natt;		  /* both know RFC 3947 */
	bool nat_here, nat_there; /* we are, the other is behind a NAT */
};

struct peer_seqs {		  /* numbers of one inbound SA, as they came with a good ICV */
	uint32_t lowest, highest; /* 0: none yet */
	uint64_t received;	  /* different numbers */
	uint64_t missing;	  /* between lowest and highest, not received */
	uint32_t jumps;		  /* times that highest grew by more than 1 */
	uint32_t jump_max;	  /* the largest such step */
	uint32_t jump_from;	  /* number before the largest step */
	uint64_t replays;	  /* refused: seen before */
	uint64_t late;		  /* refused: left of the window */
	uint64_t bad_icv;
};

struct peer_phase2 {
	ns_t begun, up, ended;
	enum peer_sa_state state;
	enum peer_end end;
	bool initiator;
	uint32_t msgid;
	uint32_t spi_in, spi_out; /* ours, theirs */
	uint8_t icookie[8];	  /* of its phase 1 */
	struct peer_esp_prop prop;
	uint16_t pfs_group;
	bool udp; /* UDP-encapsulated */
	uint32_t life_s, life_kb;
	bool committed;	  /* the other set the Commit Bit, and we waited */
	uint32_t seq_out; /* last number used */
	struct peer_seqs in;
	uint64_t bytes_in, bytes_out, packets_in, packets_out;
};

enum peer_event_kind {
	PEER_EV_PHASE1_UP,
	PEER_EV_PHASE1_GONE,
	PEER_EV_PHASE2_UP,
	PEER_EV_PHASE2_GONE,
	PEER_EV_NOTIFY, /* value: notify type; spi if of ESP */
	PEER_EV_INITIAL_CONTACT,
	PEER_EV_DELETE_ESP, /* value: SPI */
	PEER_EV_DELETE_IKE,
	PEER_EV_DPD_ASKED, /* value: number of the R-U-THERE that came */
	PEER_EV_DPD_ACKED, /* value: number of the ACK that came */
	PEER_EV_DPD_SENT,  /* value: number that we sent */
	PEER_EV_DPD_DEAD,
	PEER_EV_RETRANSMIT,  /* we sent again; value: peer_kind */
	PEER_EV_DUPLICATE,   /* a message came again; value: message id */
	PEER_EV_GIVEN_UP,    /* an exchange; value: message id, 0 phase 1 */
	PEER_EV_UNKNOWN_SPI, /* ESP on no SA; value: SPI */
	PEER_EV_IGNORED,     /* told to (value: peer_kind) */
	PEER_EV_COMMIT,	     /* the other set the Commit Bit; value: message id */
	PEER_EV_CONNECTED,   /* and sent CONNECTED; what says with which IV */
	PEER_EV_MAPPING,     /* the other moved: addr and value (UDP port) */
	PEER_EV_REFUSED,     /* dropped; what and clause say why */
	PEER_EVENT_KIND_CNT
};
const char *peer_event_name(enum peer_event_kind k);

struct peer_event {
	ns_t at;
	enum peer_event_kind kind;
	uint32_t value;
	uint32_t spi;
	ip4_t addr;
	const char *what; /* a literal, or NULL */
};

struct peer_counters {
	uint64_t ike_in, ike_out, ike_refused, ike_retransmits, ike_duplicates;
	uint64_t phase1_up, phase2_up;
	uint64_t esp_in, esp_out, esp_unknown_spi, esp_bad_icv, esp_replays, esp_late,
		esp_malformed;
	uint64_t esp_wrong_encap; /* in UDP on an SA without, or the other way round */
	uint64_t esp_wrong_inner; /* opened, but not within the proxies */
	uint64_t esp_no_sa;	  /* inner packets that found no SA */
	uint64_t inner_in;	  /* packets that came out of the tunnel */
	uint64_t clear_in;	  /* protected addresses, in clear, from outside */
	uint64_t dpd_asked, dpd_acked, dpd_sent, dpd_repeats, dpd_bad;
	uint64_t keepalives_in, keepalives_out, mappings;
	uint64_t deletes_in, notifies_in, initial_contact_in;
	uint64_t echo_in, echo_replies_in, stream_in, udp_in;
};

struct peer;

/* cfg is copied; ring (may be NULL), send, ctx are borrowed. */
struct peer *peer_new(const struct peer_cfg *cfg, uint64_t seed, struct keyring *ring,
	netif_send *send, void *ctx);
void peer_free(struct peer *p); /* wipes */
void peer_frame(struct peer *p, ns_t now, const uint8_t *frame, size_t len);
void peer_tick(struct peer *p, ns_t now);
ns_t peer_deadline(const struct peer *p);
/* May be changed at any time; the change counts from the next message on. */
struct peer_wrong *peer_wrong(struct peer *p);
struct peer_cfg *peer_cfg(struct peer *p);

/* -- operations -- */
/* Phase 1 if there is none, then a Quick Mode. A second call negotiates another pair. */
void peer_initiate(struct peer *p, ns_t now);
/* Phase 1 alone, even if one is up. */
void peer_initiate_phase1(struct peer *p, ns_t now);
/*
 * The same as a rekey: what was newest is deleted when the new SA carries (peer_cfg.linger).
 * Without an IKE SA the second begins with one.
 */
void peer_rekey_phase1(struct peer *p, ns_t now);
void peer_rekey_child(struct peer *p, ns_t now);
/* Delete the pair with that inbound SPI; the IKE SA that is the n-th of peer_phase1s. */
void peer_delete_spi(struct peer *p, ns_t now, uint32_t spi_in, bool silent);
void peer_delete_phase1(struct peer *p, ns_t now, size_t n, bool silent);
/* Delete the newest pair, or the newest IKE SA, and tell the other (silent: do not tell). */
void peer_delete_child(struct peer *p, ns_t now, bool silent);
void peer_delete_ike(struct peer *p, ns_t now, bool silent);
/* Forget everything, say nothing: a restart. */
void peer_reset(struct peer *p, ns_t now);
/* One R-U-THERE now (retried as configured). */
void peer_dpd_probe(struct peer *p, ns_t now);
/* A NAT keepalive now (RFC 3948 2.3), whether one is due or not. */
void peer_keepalive(struct peer *p, ns_t now);
/* A protected notification of the given type with the other's SPI of the newest pair. */
void peer_notify(struct peer *p, ns_t now, uint16_t type);
/* UDP through the tunnel. src 0: the inner host. */
void peer_send_inner(struct peer *p, ns_t now, ip4_t src, ip4_t dst, uint16_t dport,
	const void *bytes, size_t len);
/* Any IPv4 packet through the tunnel. */
void peer_send_inner_ip(struct peer *p, ns_t now, const uint8_t *ip, size_t len);
void peer_ping(struct peer *p, ns_t now, ip4_t dst, uint16_t id, uint16_t seq, size_t payload_len);
/* Send the ESP packet again that was sent n packets ago (0: the last; 63 at most kept). */
bool peer_replay(struct peer *p, ns_t now, size_t n);
/* Bytes of the case's own: a frame; an ISAKMP message to the other gateway; an ESP packet. */
void peer_send_raw(struct peer *p, ns_t now, const uint8_t *frame, size_t len);
void peer_send_ike(struct peer *p, ns_t now, const uint8_t *msg, size_t len);
void peer_send_esp(struct peer *p, ns_t now, const uint8_t *esp, size_t len);
/* A protected informational exchange with any payloads behind the HASH. */
bool peer_send_info(struct peer *p, ns_t now, uint8_t first, const uint8_t *payloads, size_t len);

bool peer_stream_start(struct peer *p, ns_t now, uint16_t id, ip4_t dst, uint32_t per_s,
	size_t size, uint32_t limit);
void peer_stream_stop(struct peer *p, uint16_t id);
const struct stream_tx *peer_stream_tx(const struct peer *p, uint16_t id);
const struct stream_rx *peer_stream_rx(const struct peer *p, uint16_t id);

/* -- the view; all borrowed, valid until the next call that changes the peer -- */
const struct peer_phase1 *peer_phase1s(const struct peer *p, size_t *cnt); /* oldest first */
const struct peer_phase2 *peer_phase2s(const struct peer *p, size_t *cnt);
const struct peer_phase1 *peer_phase1(const struct peer *p); /* newest that is up, or NULL */
const struct peer_phase2 *peer_phase2(const struct peer *p);
bool peer_is_up(const struct peer *p); /* an IKE SA and a pair */
const struct peer_event *peer_events(const struct peer *p, size_t *cnt);
/* Events of that kind at or after `since`; the last of them in *last (may be NULL). */
size_t peer_event_cnt(
	const struct peer *p, enum peer_event_kind kind, ns_t since, struct peer_event *last);
const struct peer_counters *peer_counters(const struct peer *p);
const struct netif *peer_netif(const struct peer *p);
/* Numbers of the next R-U-THERE to be sent and of the last that came (0: none). */
uint32_t peer_dpd_next(const struct peer *p);
uint32_t peer_dpd_heard(const struct peer *p);

#endif
