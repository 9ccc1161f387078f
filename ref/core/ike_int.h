/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_CORE_IKE_INT_H
#define BATON_CORE_IKE_INT_H

/*
 * What the files of the IKE core share. Nobody else includes this.
 *
 *   ike.c         init, step, timers, commands, getters
 *   ike_in.c      a packet: header, whose it is, duplicates, decryption, payload sets, dispatch
 *   ike_table.c   the transitions, and all names
 *   ike_main.c    Main Mode          ike_quick.c   Quick Mode         ike_info.c  Informational
 *   ike_offer*.c  proposals          ike_keys.c    hashes, keys, IVs  ike_out.c   messages out,
 * HOLD
 *   ike_state.c   the tables: find, make, end    ike_ids.c   proxies    ike_copy.c  import, export
 *   ike_nat.c     NAT traversal     ike_rekey.c  replacing an IKE SA    ike_commit.c  Commit Bit
 */
#include "ref/core/ike.h"

#define IKE_NO_SA UINT32_MAX

/* One step: what every function may touch. */
struct ike_ctx {
	struct ike *k;
	ns_t now;
	struct entropy *e;
	struct ike_acts *acts;
};

/* A received message on its way through. */
struct ike_msg {
	const struct ike_in *in;
	struct isakmp_hdr h;
	struct isakmp_payloads p;
	struct ike_sa *sa; /* whose it is, NULL for MM1 */
	struct ike_embryo *embryo; /* of MM3, before there is an SA */
	uint8_t digest[CRYPTO_HASH_MAX];
	uint8_t iv[CRYPTO_BLOCK];      /* that opened it */
	uint8_t next_iv[CRYPTO_BLOCK]; /* its last ciphertext block */
	bool encrypted;
	struct why why;
	uint8_t plain[ISAKMP_MSG_MAX];
};

typedef enum ike_reason ike_handler(struct ike_ctx *c, struct ike_xchg *x, struct ike_msg *m);

/* What follows a transition, when its handler found nothing wrong. */
enum ike_then {
	IKE_THEN_NOTHING, /* nothing is sent */
	IKE_THEN_SEND,	  /* x->sent leaves once */
	IKE_THEN_ASK,	  /* x->sent leaves, and again until it is answered */
	IKE_THEN_HOLD,	  /* x->sent waits for RELEASE */
};

/*
 * A handler checks everything, then changes its exchange, then acts. It returns why the message is
 * refused; then the dispatcher undoes the little that it did itself. x is NULL in Informational.
 */
struct ike_trans {
	enum ike_state from, to;
	enum ike_then then;
	uint8_t exchange;
	bool encrypted;
	uint8_t first;	    /* this payload comes first (0: any) */
	uint32_t must, may; /* bits 1 << type */
	ike_handler *handler;
};
extern const struct ike_trans ike_table[];
extern const unsigned ike_table_cnt;

/* Something is due then: the deadline is not later. */
static inline void
ike_due(struct ike *k, ns_t t)
{
	k->due = ns_min(k->due, t);
}

/* ---- ike_in.c ---- */
void ike_packet(struct ike_ctx *c, const struct ike_in *in);
/* The notify that tells the peer about a refusal, 0 if none does. */
uint16_t ike_notify_for(enum ike_reason r);

/* ---- handlers ---- */
ike_handler ike_mm1_in, ike_mm2_in, ike_mm3_in, ike_mm4_in, ike_mm5_in, ike_mm6_in;
ike_handler ike_qm1_in, ike_qm2_in, ike_qm3_in;
ike_handler ike_info_in, ike_info_clear_in;

/* ---- ike_main.c, ike_quick.c: as initiator ---- */
enum ike_reason ike_main_start(struct ike_ctx *c, struct ike_end local, struct ike_end remote);
/* What the peer has chosen, or we; vendor ids; a cookie of our own. */
struct ike_p1_choice;
void ike_sa_agree(struct ike_sa *sa, const struct ike_p1_choice *ch);
void ike_vids_in(const struct ike *k, struct ike_sa *sa, const struct ike_msg *m);
bool ike_cookie_new(struct ike_ctx *c, uint8_t cookie[ISAKMP_COOKIE_LEN]) MUST_CHECK;
/* Have we begun one with this peer that is not up yet? */
bool ike_main_under_way(const struct ike *k, struct ike_end peer);
enum ike_reason ike_quick_start(struct ike_ctx *c, struct ike_xchg *x, struct ike_sa *sa);
/* Begin all Quick Modes that waited for an IKE SA with this peer. */
void ike_quick_start_waiting(struct ike_ctx *c, struct ike_sa *sa);

/* Traffic on this pair: its exchange is as good as finished. */
void ike_quick_proven(struct ike_ctx *c, uint32_t spi_in);

/* ---- ike_info.c ---- */
void ike_send_delete(struct ike_ctx *c, struct ike_sa *sa, uint8_t protocol, const void *spi,
	size_t spi_len);
void ike_send_delete_spi(struct ike_ctx *c, struct ike_sa *sa, uint32_t spi);
void ike_info_cmd_unknown_spi(struct ike_ctx *c, const struct ike_in *in);
void ike_send_notify(struct ike_ctx *c, struct ike_sa *sa, uint8_t protocol, uint16_t type,
	const void *spi, size_t spi_len, const void *data, size_t len);
void ike_send_dpd(struct ike_ctx *c, struct ike_sa *sa, uint16_t type, uint32_t seq);
void ike_send_clear_notify(struct ike_ctx *c, const struct ike_msg *m, uint16_t type);
/* Act on INITIAL-CONTACT in an authenticated message of sa. */
void ike_initial_contact(struct ike_ctx *c, struct ike_sa *sa, const struct ike_msg *m);

/* ---- ike_offer.c ---- */

/* Life type and duration, as they come in a list of attributes. */
struct ike_life {
	uint32_t type; /* the last one said */
	uint32_t s, kb;
};

/* What both phases share; `chain` is a proposal or a transform under construction. */
bool ike_offer_life_take(struct ike_life *l, uint32_t value);
void ike_offer_chain_end(struct wr *w, size_t at);
size_t ike_offer_proposal_begin(struct wr *w, uint8_t number, uint8_t protocol, uint32_t spi,
	uint8_t transforms);
void ike_offer_transform_again(struct wr *w, const uint8_t *raw, size_t len);
size_t ike_offer_transform_begin(struct wr *w, uint8_t number, uint8_t id, bool last);
/* An SA payload: the parts of its head are known, and all behind it is sound. */
enum ike_reason ike_offer_open_sa(const struct ike *k, const struct isakmp_payload *p,
	struct isakmp_sa *sa, struct why *why);
unsigned ike_offer_bound(const struct isakmp_sa *sa, uint8_t number);
/* The same, of one proposal with one transform. */
enum ike_reason ike_offer_single(const struct ike *k, const struct isakmp_payload *p,
	struct isakmp_proposal *pr, struct isakmp_transform *t, struct why *why);

/* ---- ike_offer1.c, ike_offer2.c ---- */
struct ike_p1_choice {
	uint16_t cipher, key_bits, hash, auth, group;
	uint32_t life_s; /* 0: not said */
	uint8_t proposal, transform;
	const uint8_t *raw; /* the transform as it was offered */
	size_t raw_len;
};
struct ike_p2_choice {
	enum esp_transform transform;
	uint16_t group;
	uint32_t life_s, life_kb; /* 0: not said */
	uint32_t spi;
	uint8_t proposal, number;
	uint16_t must_mode; /* set by the caller: what the encapsulation must be */
	uint16_t mode;
	const uint8_t *raw;
	size_t raw_len;
};
/* SA bodies (DOI on). */
void ike_p1_offer(const struct ike *k, struct wr *w);
enum ike_reason ike_p1_choose(const struct ike *k, const struct isakmp_payload *sa,
	struct ike_p1_choice *out, struct why *why);
enum ike_reason ike_p1_check(const struct ike *k, const struct isakmp_payload *sa,
	struct ike_p1_choice *out, struct why *why);
void ike_p1_answer(struct wr *w, const struct ike_p1_choice *ch);
void ike_p2_offer(const struct ike *k, struct wr *w, const struct ike_map *map, uint32_t spi,
	uint16_t mode);
enum ike_reason ike_p2_choose(const struct ike *k, const struct isakmp_payload *sa,
	const struct ike_map *map, bool ke, struct ike_p2_choice *out, struct why *why);
enum ike_reason ike_p2_check(const struct ike *k, const struct isakmp_payload *sa,
	const struct ike_map *map, struct ike_p2_choice *out, struct why *why);
void ike_p2_answer(struct wr *w, const struct ike_p2_choice *ch, uint32_t spi);
/* Attributes "life type, life" of phase 2, for offers and RESPONDER-LIFETIME. */
void ike_p2_life(struct wr *w, uint32_t life_s, uint32_t life_kb);
/* Read such a list into the two numbers; false if it contradicts itself or is cut. */
bool ike_p2_life_read(struct rd *r, uint32_t *life_s, uint32_t *life_kb);

/* ---- ike_ids.c ---- */
void ike_id_write(struct isakmp_build *b, const struct ike_proxy *p);
bool ike_same_proxy(const struct ike_proxy *a, const struct ike_proxy *b);
enum ike_reason ike_read_ids(struct ike_msg *m, struct ike_proxy *ci, struct ike_proxy *cr,
	bool *given);

/* ---- ike_embryo.c ---- */
/* What message 3 answers; NULL. */
struct ike_embryo *ike_embryo_find(const struct ike_ctx *c, const struct ike_msg *m);
/* Room for one more exchange of this message's sender, made if need be. */
enum ike_reason ike_embryo_room(struct ike_ctx *c, const struct ike_msg *m);
/* An SA and x from it; the embryo stays until message 3 has turned out to be good. */
enum ike_reason ike_embryo_hatch(struct ike_ctx *c, struct ike_xchg *x, struct ike_msg *m);
void ike_embryo_free(struct ike *k, struct ike_embryo *e);
ns_t ike_embryo_deadline(const struct ike *k);
void ike_embryo_tick(struct ike_ctx *c);

/* ---- ike_index.c ---- */
void ike_index_init(struct ike *k, const uint64_t key[2]);
/* Its initiator's cookie and remote end are there: it can be found from now on. */
void ike_sa_named(struct ike *k, const struct ike_sa *sa);
void ike_sa_at(struct ike *k, struct ike_sa *sa, struct ike_end to); /* its peer is there now */
void ike_sa_wipe(struct ike *k, struct ike_sa *sa);
void ike_child_named(struct ike *k, const struct ike_child *ch);
void ike_child_at(struct ike *k, struct ike_child *ch, struct ike_end to);
void ike_child_wipe(struct ike *k, struct ike_child *ch);
void ike_xchg_bind(struct ike *k, struct ike_xchg *x, unsigned sa); /* or IKE_NO_SA */
/* One after the other; after: NULL, or the one before, which must still be there. */
struct ike_sa *ike_sa_by_icookie(const struct ike *k, const uint8_t *i, const struct ike_sa *after);
struct ike_sa *ike_sa_of(const struct ike *k, ip4_t peer, const struct ike_sa *after);
struct ike_child *ike_child_of(const struct ike *k, ip4_t peer, const struct ike_child *after);
struct ike_xchg *ike_xchg_of(const struct ike *k, const struct ike_sa *sa,
	const struct ike_xchg *after);

/* ---- ike_commit.c ---- */
/* Must we wait for CONNECTED before the outbound SA of this Quick Mode is used? */
bool ike_commit_waits(const struct ike *k, const struct ike_xchg *x);
/* Say CONNECTED, if the bit was ours. */
void ike_commit_tell(struct ike_ctx *c, struct ike_xchg *x);
bool ike_commit_awaited(const struct ike *k, const struct ike_sa *sa, uint32_t msgid);
enum ike_reason ike_commit_in(struct ike_ctx *c, const struct ike_sa *sa, uint32_t msgid);

/* ---- ike_rekey.c ---- */
/* When is it to be replaced? Asked when its lifetime is known. */
void ike_rekey_plan(const struct ike *k, struct ike_sa *sa);
void ike_rekey_tick(struct ike_ctx *c, struct ike_sa *sa);
ns_t ike_rekey_deadline(const struct ike_sa *sa);
bool ike_sa_newer(const struct ike_sa *a, const struct ike_sa *b);
/* It is up (or imported): the others of its peer are superseded, or it is. */
void ike_rekey_up(struct ike_ctx *c, struct ike_sa *sa);
/* One of this peer is gone: its pairs go with another, if there is one. */
void ike_rekey_gone(struct ike_ctx *c, struct ike_end peer);

/* ---- ike_nat.c ---- */
void ike_nat_vid_in(const struct ike *k, struct ike_sa *sa, const struct ike_msg *m);
/* The NAT-D payloads of message 3 or 4; and those of the peer. */
void ike_nat_d(const struct ike *k, const struct ike_sa *sa, struct isakmp_build *b);
enum ike_reason ike_nat_d_in(struct ike_ctx *c, struct ike_sa *sa, const struct ike_msg *m);
/* To port 4500, as initiator with message 5; as responder to where an authentic message 5 came from. */
void ike_nat_float(const struct ike *k, struct ike_sa *sa);
enum ike_reason ike_nat_follow(struct ike *k, const struct ike_xchg *x, struct ike_sa *sa,
	const struct ike_msg *m);
/* May this message of the SA come from where it does? */
bool ike_nat_from(const struct ike *k, const struct ike_sa *sa, const struct ike_msg *m);
/* It was authentic and answers something fresh: the SA goes where it came from. */
void ike_nat_fresh(struct ike_ctx *c, const struct ike_sa *sa, const struct ike_msg *m);
/* All that was at `was` is at `to` now. */
void ike_nat_moved(struct ike_ctx *c, struct ike_end was, struct ike_end to);
void ike_nat_cmd_moved(struct ike_ctx *c, const struct ike_in *in);
/* The same address; and the same port, where both are told (500, 0: not told). */
bool ike_end_near(struct ike_end a, struct ike_end b);
/* Is this the SA's peer? The port counts if it is behind a NAT. */
bool ike_peer_is(const struct ike_sa *sa, struct ike_end peer);

/* ---- ike_copy.c ---- */
void ike_import(struct ike_ctx *c, const struct ike_export *x);
void ike_forget(struct ike_ctx *c, const struct ike_cookies *cookies);

/* ---- ike_keys.c ---- */
void ike_prf(const struct ike *k, const struct ike_sa *sa, const struct secret *key,
	const struct crypto_part *part, size_t cnt, uint8_t *out);
/* Octets of a block of its cipher. */
size_t ike_block(const struct ike_sa *sa);
/* SKEYID and its three children, the cipher key, and the IV of MM5. */
void ike_keys_phase1(const struct ike *k, struct ike_sa *sa, struct ike_xchg *x);
/* HASH_I or HASH_R; id is the body of that side's ID payload. */
void ike_hash_phase1(const struct ike *k, const struct ike_sa *sa, const struct ike_xchg *x,
	bool of_initiator, const uint8_t *id, size_t id_len, uint8_t *out);
/* HASH(1), HASH(2) and the one of Informational: M-ID | nonce | rest. */
void ike_hash_rest(const struct ike *k, const struct ike_sa *sa, uint32_t msgid,
	const uint8_t *nonce, size_t nonce_len, const uint8_t *rest, size_t rest_len, uint8_t *out);
void ike_hash3(
	const struct ike *k, const struct ike_sa *sa, const struct ike_xchg *x, uint8_t *out);
void ike_iv_phase2(const struct ike *k, const struct ike_sa *sa, uint32_t msgid,
	uint8_t iv[CRYPTO_BLOCK]);
/* Fill the child's four keys. */
void ike_keymat(const struct ike *k, const struct ike_sa *sa, const struct ike_xchg *x,
	struct ike_child *ch);
/* Does the HASH payload, first in m, match what ike_hash_rest says? */
bool ike_check_rest(const struct ike *k, const struct ike_msg *m, uint32_t msgid,
	const uint8_t *nonce, size_t nonce_len);

/* ---- ike_out.c ---- */
struct ike_act *ike_act(struct ike_ctx *c, enum ike_act_kind kind);
/* Count, and tell by NOTE. */
void ike_note(struct ike_ctx *c, enum ike_reason r, struct ike_end remote, const struct why *why);
void ike_send_bytes(struct ike_ctx *c, const struct ike_sa *sa, struct ike_end to, const uint8_t *bytes,
	size_t len);
/* Begin a message of x in x->sent. */
void ike_out_begin(struct ike_xchg *x, const struct ike_sa *sa, struct wr *w,
	struct isakmp_build *b, uint8_t exchange, bool encrypted);
/* Finish it in clear, or padded and encrypted with x->iv, which moves on. False if too long. */
bool ike_out_clear(struct ike_xchg *x, struct wr *w, struct isakmp_build *b);
bool ike_out_encrypt(const struct ike *k, struct ike_xchg *x, const struct ike_sa *sa, struct wr *w,
	struct isakmp_build *b);
/* Pad and encrypt the message at buf in place; its new length, 0 if cap is too small. */
size_t ike_encrypt(const struct ike *k, const struct ike_sa *sa, uint8_t iv[CRYPTO_BLOCK],
	uint8_t *buf, size_t len, size_t cap);
/* Send what x holds ready, and wait for the answer (retransmitting if told so). */
void ike_out_send(struct ike_ctx *c, struct ike_xchg *x, bool retransmit);
/* The same once more. */
void ike_out_again(struct ike_ctx *c, struct ike_xchg *x);
/*
 * Announce the message that x->state (one of *_HELD) keeps back; or send it, without
 * write-ahead.
 */
void ike_hold(struct ike_ctx *c, struct ike_xchg *x);
void ike_release(struct ike_ctx *c, struct ike_xchg *x);
/* The outbound SA of this pair may be used from now on. */
void ike_use_out(struct ike_ctx *c, uint32_t spi_in);
void ike_retransmit(struct ike_ctx *c, struct ike_xchg *x);
void ike_vid(const struct ike *k, struct isakmp_build *b);

/* ---- ike_state.c ---- */
struct ike_sa *ike_sa_new(struct ike_ctx *c);
struct ike_xchg *ike_xchg_new(struct ike_ctx *c);
void ike_xchg_free(struct ike *k, struct ike_xchg *x);
void ike_xchg_done(struct ike_ctx *c, struct ike_xchg *x, enum ike_state s);
struct ike_sa *ike_xchg_sa(const struct ike *k, const struct ike_xchg *x);
struct ike_sa *ike_sa_by_cookies(const struct ike *k, const uint8_t *i, const uint8_t *r);
struct ike_sa *ike_sa_any(const struct ike *k, struct ike_end peer); /* up, soft or not */
struct ike_child *ike_child_by_spi(const struct ike *k, uint32_t spi_in);
const struct ike_psk *ike_psk_for(const struct ike *k, ip4_t peer);
bool ike_unfinished(enum ike_state s);
ns_t ike_soft_at(const struct ike *k, const struct ike_sa *sa);
/* Its limits are known, or it is up now. */
void ike_sa_due(struct ike *k, const struct ike_sa *sa);
void ike_know(struct ike *k, ip4_t peer);
bool ike_first_contact(const struct ike *k, const struct ike_sa *sa);
bool ike_msgid_used(const struct ike_sa *sa, uint32_t msgid);
void ike_msgid_record(struct ike_ctx *c, struct ike_sa *sa, uint32_t msgid);
bool ike_msgid_new(struct ike_ctx *c, uint32_t *msgid);
/* Everything of this SA ends; DOWN actions as they are due. Children stay. */
void ike_sa_end(struct ike_ctx *c, struct ike_sa *sa, enum ike_reason r);
void ike_xchg_fail(struct ike_ctx *c, struct ike_xchg *x, enum ike_reason r);
void ike_sa_up(struct ike_ctx *c, struct ike_sa *sa);
struct ike_child *ike_child_add(struct ike_ctx *c, const struct ike_child *ch);
void ike_child_end(struct ike_ctx *c, struct ike_child *ch, enum ike_reason r);
void ike_drain_dying(struct ike_ctx *c);

#endif
