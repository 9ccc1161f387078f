/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_CORE_IKE_H
#define BATON_CORE_IKE_H

/*
 * IKEv1 (RFC 2407, 2408, 2409), one router: all its IKE SAs and exchanges.
 *
 * Main Mode and Quick Mode as initiator and responder, pre-shared keys, with and without PFS;
 * Informational (Notify, Delete, DPD); retransmission, duplicates answered by the same bytes;
 * INITIAL-CONTACT. One fixed-size struct whose tables the caller places; only _init, _step,
 * _deadline and _wipe act. Time, packets, randomness and commands are inputs; what is to be done
 * comes out as actions, in the order in which it must be done.
 *
 * Write ahead: a message that lets the peer use an SA (MM5, MM6, QM2 as responder, QM3 as
 * initiator) is not sent but announced by HOLD{token}; RELEASE{token} sends it. At the HOLD the SA
 * is complete: ike_export, or the CHILD_NEW before it, can be given to the standby.
 *
 * What cannot be parsed, authenticated or matched is dropped, counted by reason, told by NOTE, and
 * changes no state. Unprotected notifies never act.
 *
 * Names of SAs: an IKE SA goes by its cookies, a child by its inbound SPI. Pointers in actions are
 * borrowed until the next step. All numbers are in host order, times in ns.
 *
 * NAT traversal (RFC 3947): the caller takes the non-ESP marker off and puts it on, by the local
 * port. A peer whose mapping changes is followed on what is authentic and fresh: an answer in
 * Quick Mode here, ESP and DPD by the caller's MOVED.
 *
 * Commit Bit (RFC 2408 3.1): honoured in Quick Mode, from either role; ignored in Main Mode.
 *
 * Not here: Aggressive and New Group Mode, certificates, IKE fragmentation. A child's lifetime is the node's: it asks
 * for a rekey by INITIATE with `replaces`, and ends a pair by DELETE_CHILD.
 */
#include "ref/base/index.h"
#include "ref/base/ip4.h"
#include "ref/base/secret.h"
#include "ref/base/time.h"
#include "ref/core/esp.h"
#include "ref/crypto/crypto.h"
#include "ref/wire/isakmp.h"

/* ---- configuration (arrays borrowed for as long as the core lives) ---- */

struct ike_policy {
	unsigned prio;	   /* lower is tried first; the array is in this order */
	uint16_t cipher;   /* ISAKMP_CIPHER_AES, or _3DES */
	uint16_t key_bits; /* 128, 192 or 256; 0 for 3DES */
	uint16_t hash;	   /* enum crypto_hash */
	uint16_t group;	   /* enum crypto_group */
	uint32_t lifetime_s;
};

struct ike_psk {
	ip4_t addr, mask;
	struct secret secret;
};

/* One end of a child SA, or of an ACL entry: what may pass. */
struct ike_proxy {
	struct ip4_net net;
	uint8_t proto; /* 0: any */
	uint16_t port; /* 0: any */
};

struct ike_acl {
	struct ike_proxy local, remote; /* proto is the same in both */
};

#define IKE_TRANSFORMS_MAX 6
struct ike_map {
	uint32_t id;	 /* sequence number of the entry */
	bool is_dynamic; /* answers any peer that holds a key */
	ip4_t peer;	 /* static: its only peer */
	enum esp_transform transform[IKE_TRANSFORMS_MAX]; /* in order of preference */
	unsigned transform_cnt;
	uint16_t pfs_group; /* 0: none asked for, any of ours accepted */
	uint32_t lifetime_s;
	uint32_t lifetime_kb; /* 0: no limit */
	const struct ike_acl *acl;
	unsigned acl_cnt; /* 0: any proxies (dynamic only) */
};

struct ike_cfg {
	ip4_t local; /* the virtual address; also our identity */
	const struct ike_policy *policy;
	unsigned policy_cnt;
	const struct ike_psk *psk; /* the longest mask that matches is taken */
	unsigned psk_cnt;
	const struct ike_map *map; /* in order of id */
	unsigned map_cnt;
	bool dpd; /* send the vendor id of RFC 3706 */
	bool commit; /* set the Commit Bit in Quick Mode (RFC 2408 3.1) */
	bool natt; /* NAT traversal: look for NATs, and encapsulate behind one */
};

/* ---- rules: by what it judges; a test or a mutant hands in a patched copy ---- */

struct ike_rules {
	/* timing */
	ns_t retry_first;	  /* before the first retransmission; doubles */
	ns_t retry_max;
	unsigned retries;	  /* 0: none at all */
	ns_t half_open_time;	  /* an unfinished Main Mode lives no longer */
	unsigned half_open_max;	  /* as responder, from message 3 on, all peers together */
	unsigned half_open_each;  /* and of one address */
	ns_t half_open_chance;	  /* it yields to others only after that long */
	ns_t embryo_sure;	  /* the same before message 3 */
	ns_t linger;		  /* a finished exchange is kept to answer duplicates */
	ns_t soft_before;	  /* an IKE SA begins no exchange this long before its end */
	bool rekey_phase1;	  /* about then, a new one is made */
	ns_t rekey_again;	  /* and again, if that came to nothing */
	bool rekey_delete_old;	  /* then the old one is deleted */
	ns_t rekey_linger;	  /* after that long */
	bool children_outlive_sa; /* pairs do not end with the IKE SA that made them */
	bool rekey_adopt;	  /* pairs go with the newest IKE SA of their peer */
	ns_t notify_every;	  /* unprotected notifies: one each, on average */
	unsigned notify_burst;
	ns_t unknown_spi_every;	  /* Deletes for unknown SPIs, for each IKE SA */
	/* authentication */
	bool check_hash;	  /* HASH(1), (2), (3) of Quick Mode and Informational */
	bool check_psk_hash;	  /* HASH_I, HASH_R */
	bool check_id;		  /* the peer's identity is its address */
	bool act_unauthenticated; /* false; an unprotected Delete or Notify acts */
	bool answer_unauthenticated; /* true: errors are answered by notifies, rate limited */
	/* keys */
	bool iv_from_msgid; /* phase 2: hash(last block | M-ID); else the phase 1 block as it is */
	bool keymat_standard;	  /* protocol | SPI | Ni | Nr; else Nr before Ni */
	bool keymat_own_spi;	  /* inbound keys from our SPI; else the two are swapped */
	bool zero_shared_pfs;	  /* false; forget g(qm)^xy in KEYMAT */
	bool skeyid_order;	  /* prf(psk, Ni | Nr); else Nr | Ni */
	bool answer_inactive;	  /* false; answers even before ACTIVATE */
	/* exchanges */
	bool traffic_proves;	  /* a pair that awaits message 3 is finished by traffic on it */
	bool honour_commit;	  /* wait for CONNECTED if the peer set the Commit Bit */
	bool send_connected;	  /* if we did */
	bool connected_msgid;	  /* with the Quick Mode's message id */
	bool answer_duplicates;	  /* with the same bytes; else not at all */
	bool redo_duplicates;	  /* false; a duplicate MM1 is worked on afresh */
	bool check_cookie;	  /* unknown cookies are dropped */
	bool check_msgid;	  /* used message ids are dropped */
	bool info_msgid_zero;	  /* false; our Informationals carry message id 0 */
	bool send_vid;
	bool require_peer_vid;	  /* true: DPD only if the peer sent its vendor id */
	bool initial_contact;	  /* send it at the first contact */
	bool initial_contact_always; /* false; also while we hold SAs of that peer */
	bool honour_initial_contact;
	bool honour_delete;
	bool send_delete;
	bool write_ahead;	  /* HOLD before messages that let the peer use an SA */
	/* negotiation */
	bool send_lifetime;	  /* the attributes are there */
	bool responder_lifetime;  /* tell it when ours is shorter (RFC 2407 4.5.4) */
	bool check_proxies;	  /* inside an entry of the ACL */
	bool check_choice;	  /* initiator: the answer is one of our offers */
	bool check_proposal;	  /* responder: the choice is one that we allow */
	bool check_pfs;		  /* what the map asks for */
	bool check_version;	  /* 1.0, and no other (RFC 2408 5.2) */
	bool need_key;		  /* no answer to whom we have no key with */
	bool responder_insists;	  /* false; answers are sent again unasked, too */
	bool check_reserved;	  /* reserved octets are 0 (RFC 2408 5.3) */
	bool check_payloads;	  /* unexpected payloads refuse the message */
	bool check_dpd_cookies;	  /* of an R-U-THERE and its ACK (RFC 3706 6.1) */
	bool check_nonce;	  /* 8 to 256 octets (RFC 2409 5) */
	bool padding_zero_only;	  /* false; refuse any other padding of an encrypted message */
	/* NAT traversal (RFC 3947) */
	bool natt_send_nat_d;	  /* 3.2 */
	bool natt_hash_port;	  /* 3.2: the port is in the hash */
	bool natt_remote_first;	  /* 3.2: the first NAT-D is of the remote end */
	bool natt_all_hashes;	  /* 3.2: any of the peer's own hashes may match; else the first only */
	bool natt_check_length;	  /* a hash is as long as the hash function's */
	bool natt_detect;	  /* a NAT is seen */
	bool natt_float;	  /* 4: the initiator goes to port 4500 with message 5 */
	bool natt_float_follow;	  /* 4: and the responder follows */
	bool natt_offer_mode;	  /* 5.1: UDP-encapsulated tunnel if there is a NAT, tunnel if not */
	bool natt_check_mode;	  /* and the peer's choice must be that */
	bool natt_draft_mode;	  /* false; 61443 of the drafts is taken for 3 */
	bool natt_follow;	  /* 7: a peer whose mapping changes is followed */
	bool natt_follow_any;	  /* false; by any authentic message, fresh or not */
	bool natt_follow_behind;  /* false; also if we are the side behind the NAT */
};
extern const struct ike_rules ike_rules_standard;

/* ---- names ---- */

struct ike_cookies {
	uint8_t i[ISAKMP_COOKIE_LEN], r[ISAKMP_COOKIE_LEN];
};

struct ike_end {
	ip4_t addr;
	uint16_t port;
};

/* NAT traversal of an IKE SA and of the pairs under it, as the NATT TLV of SSP has it; 0: none. */
enum {
	IKE_NATT_ON = 1,   /* in use: there is a NAT */
	IKE_NATT_US = 2,   /* we are behind it */
	IKE_NATT_PEER = 4, /* the peer is */
	IKE_NATT_BITS = 7,
	IKE_NATT_ABLE = 8, /* the peer's vendor id was there; not told to others */
};

enum ike_state {
	IKE_FREE = 0,
	/* Main Mode, initiator: the message that was sent last */
	IKE_MM_I1, IKE_MM_I3, IKE_MM_I5_HELD, IKE_MM_I5,
	/* responder */
	IKE_MM_R2, IKE_MM_R4, IKE_MM_R6_HELD,
	IKE_MM_DONE, /* kept for duplicates */
	/* Quick Mode, initiator */
	IKE_QM_WAIT, /* for an IKE SA */
	IKE_QM_I1, IKE_QM_I3_HELD, IKE_QM_I3, /* CONNECTED is awaited */
	/* responder */
	IKE_QM_R2_HELD, IKE_QM_R2, IKE_QM_R3, /* message 3 is here, CONNECTED is awaited */
	IKE_QM_DONE,
	IKE_NEW, /* not an exchange: where MM1 and QM1 begin */
	IKE_STATE_CNT
};
extern const char *const ike_state_names[IKE_STATE_CNT];

/* Why something was dropped, or what is worth a line in a log. */
enum ike_reason {
	IKE_R_NONE = 0,
	/* the message */
	IKE_R_INACTIVE,
	IKE_R_NOT_LOCAL,
	IKE_R_HEADER,
	IKE_R_TOO_LONG,
	IKE_R_VERSION,
	IKE_R_FLAGS,
	IKE_R_EXCHANGE,
	IKE_R_ZERO_COOKIE,
	IKE_R_UNKNOWN_COOKIE,
	IKE_R_OTHER_ADDRESS,
	IKE_R_MSGID_MAIN,
	IKE_R_MSGID_ZERO,
	IKE_R_MSGID_USED,
	IKE_R_CLEAR,
	IKE_R_ENCRYPTED,
	IKE_R_BLOCKS,
	IKE_R_PADDING,
	IKE_R_MALFORMED,
	IKE_R_RESERVED,
	IKE_R_PAYLOAD_TYPE,
	IKE_R_PAYLOAD_UNEXPECTED,
	IKE_R_PAYLOAD_MISSING,
	IKE_R_PAYLOAD_ORDER,
	IKE_R_STATE,
	IKE_R_DUPLICATE,
	IKE_R_DUPLICATE_HELD,
	/* its contents */
	IKE_R_NO_KEY,
	IKE_R_DOI,
	IKE_R_SITUATION,
	IKE_R_NO_PROPOSAL,
	IKE_R_CHOICE,
	IKE_R_SA_SIZE,
	IKE_R_KE,
	IKE_R_NAT_D,
	IKE_R_NONCE,
	IKE_R_ID,
	IKE_R_PSK_HASH,
	IKE_R_HASH,
	IKE_R_UNCONFIRMED,
	IKE_R_PFS,
	IKE_R_PROXY,
	IKE_R_NO_MAP,
	IKE_R_SPI,
	IKE_R_UNPROTECTED,
	IKE_R_NOTIFY_SPI,
	IKE_R_DPD_NOT_AGREED,
	IKE_R_DELETE_UNKNOWN,
	IKE_R_DELETE_IGNORED,
	IKE_R_NOTIFY_IGNORED,
	/* our own limits */
	IKE_R_HALF_OPEN,
	IKE_R_TABLE_FULL,
	IKE_R_ENTROPY,
	IKE_R_ACTS_FULL,
	IKE_R_NOTIFY_RATE,
	IKE_R_NO_SA,
	IKE_R_NO_CHILD,
	IKE_R_ALREADY,
	IKE_R_TOKEN,
	/* events, also the reasons of *_DOWN */
	IKE_R_RETRANSMIT,
	IKE_R_TIMEOUT,
	IKE_R_SOFT,
	IKE_R_EXPIRED,
	IKE_R_DELETED,
	IKE_R_DELETED_BY_PEER,
	IKE_R_INITIAL_CONTACT,
	IKE_R_REPLACED,
	IKE_R_PEER_NOTIFY,
	IKE_R_CLEARED,
	IKE_R_REKEY,
	IKE_R_PROVEN,
	IKE_R_CROWDED_OUT,
	IKE_R_NAT_FOUND,
	IKE_R_MOVED,
	IKE_R_CNT
};
extern const char *const ike_reason_names[IKE_R_CNT];

/* ---- what it holds ---- */

#define IKE_MSGIDS 32
#define IKE_NONCE_MAX 256
#define IKE_NONCE_LEN 32  /* of ours */
#define IKE_SA_BODY_MAX 1024 /* longest SA payload that we remember or offer */
#define IKE_SENT_MAX 2048 /* longest message that we send */

/* An IKE SA that is up, or (at MM5 as initiator, confirmed false) about to be. */
struct ike_sa {
	bool used;
	bool visible;	/* complete: can be exported (from the HOLD on) */
	bool up;	/* IKE_UP was said */
	bool initiator; /* of Main Mode */
	bool confirmed; /* the peer is authenticated */
	bool imported;
	bool dpd;	/* both sides sent the vendor id */
	bool soft_told;
	bool superseded; /* another one of this peer is used */
	uint8_t natt; /* IKE_NATT_* */
	struct ike_cookies cookies;
	struct ike_end local, remote;
	uint16_t cipher, key_bits, hash, group;
	uint32_t lifetime_s;
	struct secret skeyid_d, skeyid_a, skeyid_e, key;
	uint8_t last_block[CRYPTO_BLOCK]; /* last ciphertext block of phase 1 */
	uint8_t peer_id_type;
	uint8_t peer_id_len;
	uint8_t peer_id[64];
	ns_t begun; /* its first message */
	ns_t created, hard_at;
	ns_t rekey_at, dies_at; /* NS_NEVER: not */
	ns_t unknown_spi_at; /* earliest next Delete for an unknown SPI */
	uint32_t msgid[IKE_MSGIDS]; /* oldest first */
	unsigned msgid_cnt;
};

/* A pair of ESP SAs. In the core's table the keys are empty; in CHILD_NEW they are there. */
struct ike_child {
	bool used;
	bool initiator;	   /* of Quick Mode */
	bool use_out;	   /* the outbound SA may be used */
	uint8_t natt;	   /* IKE_NATT_*; ON: encapsulated in UDP between the two ends */
	struct ike_cookies cookies; /* of the IKE SA that made it */
	struct ike_end local, remote;
	uint32_t spi_in, spi_out;
	enum esp_transform transform;
	uint16_t pfs_group; /* that was used, 0 none */
	struct secret enc_in, auth_in, enc_out, auth_out; /* GCM salt at the end of enc */
	struct ike_proxy proxy_local, proxy_remote;
	uint32_t map_id;
	uint32_t lifetime_s; /* agreed */
	uint32_t lifetime_kb; /* 0: no limit */
	uint32_t replaces;   /* inbound SPI of the pair it takes over from, 0 none */
	ns_t made; /* set by the core */
	ns_t begun; /* its first message; the time of the core that made it */
	enum ike_reason dying; /* to be told down when there is room in the list */
};

/* An exchange under way, or just finished and kept for duplicates. */
struct ike_xchg {
	enum ike_state state;
	bool initiator;
	bool bound;	/* sa is one */
	unsigned sa;	/* index of its IKE SA */
	unsigned map;	/* Quick Mode: index of its map entry */
	uint32_t msgid;
	uint32_t token; /* while held */
	uint8_t iv[CRYPTO_BLOCK]; /* of the next message */
	struct secret psk, skeyid;
	bool commit_own, commit_peer; /* who has set the Commit Bit */
	bool have_priv;
	uint8_t priv[CRYPTO_DH_PRIVATE];
	uint8_t gx_own[CRYPTO_DH_MAX], gx_peer[CRYPTO_DH_MAX], shared[CRYPTO_DH_MAX];
	uint16_t pfs_group;
	uint8_t nonce_i[IKE_NONCE_MAX], nonce_r[IKE_NONCE_MAX];
	size_t nonce_i_len, nonce_r_len;
	uint8_t sa_i[IKE_SA_BODY_MAX]; /* SAi_b */
	size_t sa_i_len;
	struct ike_child child; /* Quick Mode: in the making */
	uint8_t sent[IKE_SENT_MAX];
	size_t sent_len;
	uint8_t seen[CRYPTO_HASH_MAX]; /* digest of the last message accepted */
	bool have_seen;
	unsigned tries;
	ns_t retry_at, expires;
};

/* What a responder keeps of message 1 until message 3 comes. */
struct ike_embryo {
	bool used;
	bool dpd;
	bool insisted; /* rules.responder_insists */
	uint8_t natt;
	uint16_t sa_len;
	struct ike_cookies cookies;
	struct ike_end local, remote;
	ns_t at;
	uint8_t sa[IKE_SA_BODY_MAX];
};

struct ike_known {
	ip4_t addr; /* a peer with which an SA was set up since CLEAR */
};

/* What a standby needs of an IKE SA (SSP record IKE_SA). */
struct ike_export {
	struct ike_cookies cookies;
	bool initiator;
	struct ike_end local, remote;
	uint16_t cipher, key_bits, hash, group;
	struct secret skeyid_d, skeyid_a, skeyid_e, key;
	uint8_t last_block[CRYPTO_BLOCK];
	uint8_t peer_id_type;
	uint8_t peer_id_len;
	uint8_t peer_id[64];
	bool dpd;
	bool confirmed;
	uint8_t natt; /* IKE_NATT_BITS of it */
	uint32_t left_s; /* remaining lifetime at `now`, rounded down */
	uint32_t msgid[IKE_MSGIDS];
	unsigned msgid_cnt;
};

/* ---- inputs ---- */

enum ike_in_kind {
	IKE_IN_TICK,
	IKE_IN_PACKET,	 /* local, remote, bytes, len (non-ESP marker already off) */
	IKE_IN_INITIATE, /* map_id, proxy_local, proxy_remote, replaces; remote (of a dynamic entry, or
			  * where a peer behind a NAT was last; port 500 or 0: not known) */
	IKE_IN_RELEASE,	 /* token */
	IKE_IN_DPD_SEND, /* cookies, notify, seq */
	IKE_IN_DELETE_CHILD, /* spi (inbound), send */
	IKE_IN_DELETE_SA,    /* cookies, send, children */
	IKE_IN_IMPORT,	     /* export: creates or replaces */
	IKE_IN_IMPORT_CHILD, /* child: keys are not kept */
	IKE_IN_FORGET, /* cookies: an SA that a standby is told to drop; silent, children stay */
	IKE_IN_FORGET_CHILD, /* spi: silent */
	IKE_IN_KNOWN_PEER, /* remote.addr: mirrored SAs of this peer exist; no INITIAL-CONTACT to it
			    */
	IKE_IN_UNKNOWN_SPI, /* remote, spi: ESP came for an SPI that is not here */
	IKE_IN_PROVEN, /* spi (inbound): an authentic packet came in on it: the peer has all of it */
	IKE_IN_MOVED, /* was, remote: fresh and authentic, it came from there */
	IKE_IN_ACTIVATE,    /* answer and initiate from now on */
	IKE_IN_CLEAR,	    /* all gone, no Delete sent; silent until ACTIVATE */
};

struct ike_in {
	enum ike_in_kind kind;
	struct ike_end local, remote, was;
	const uint8_t *bytes; /* borrowed for the step */
	size_t len;
	uint32_t map_id;
	struct ike_proxy proxy_local, proxy_remote;
	uint32_t token;
	struct ike_cookies cookies;
	uint16_t notify; /* ISAKMP_N_R_U_THERE or _ACK */
	uint32_t seq;
	uint32_t spi;
	uint32_t replaces;
	bool send;
	bool children;
	const struct ike_export *export;
	const struct ike_child *child;
};

/* ---- actions ---- */

enum ike_act_kind {
	IKE_ACT_SEND,	       /* local, remote, bytes, len; in the list's buffer */
	IKE_ACT_HOLD,	       /* token, what, cookies, spi (QM): RELEASE it when recorded */
	IKE_ACT_IKE_UP,	       /* sa */
	IKE_ACT_IKE_CHANGED,   /* sa: its message ids */
	IKE_ACT_IKE_DOWN,      /* cookies, remote, reason */
	IKE_ACT_CHILD_NEW,     /* child, with keys; comes before the HOLD of its message */
	IKE_ACT_CHILD_USE_OUT, /* spi (inbound): the outbound SA may be used */
	IKE_ACT_CHILD_DOWN,    /* spi (inbound), remote, reason */
	IKE_ACT_DPD_IN,	       /* cookies, sa, is_ack, seq, remote: where it came from */
	IKE_ACT_ADOPTED,       /* sa, cookies: all pairs of its peer go with that IKE SA now */
	IKE_ACT_MOVED,	       /* was, remote: SAs and children of that end are at another now */
	IKE_ACT_FAILED,	       /* map_id, remote, reason: an INITIATE came to nothing */
	IKE_ACT_NOTE,	       /* reason, remote, why */
};

enum ike_held { IKE_HELD_MM5 = 1, IKE_HELD_MM6, IKE_HELD_QM2, IKE_HELD_QM3 };

struct ike_act {
	enum ike_act_kind kind;
	struct ike_end local, remote, was;
	const uint8_t *bytes;
	size_t len;
	uint32_t token;
	enum ike_held what;
	struct ike_cookies cookies;
	const struct ike_sa *sa;
	const struct ike_child *child;
	uint32_t spi;
	uint32_t map_id;
	bool is_ack;
	uint32_t seq;
	enum ike_reason reason;
	struct why why; /* NOTE: the field that was refused, where one was */
};

#define IKE_ACTS_MAX 64
struct ike_acts {
	struct ike_act v[IKE_ACTS_MAX];
	unsigned cnt;
	uint8_t buf[16384];
	size_t used;
	struct ike_child child[4]; /* of CHILD_NEW; ike_acts_wipe when done */
	unsigned child_cnt;
};

/* Wipe the keys that a step put into the list. */
void ike_acts_wipe(struct ike_acts *acts);

/* ---- the machine ---- */

/* Tables are not longer than these (asserted). */
#ifndef IKE_SA_MAX /* a program for more is compiled with other sizes: powers of two */
#define IKE_SA_MAX 2048
#define IKE_CHILD_MAX 4096
#endif
#define IKE_XCHG_MAX 1024
#define IKE_EMBRYO_MAX 4096

struct ike_index {
	uint32_t sa_head[IKE_SA_MAX], sa_next[IKE_SA_MAX];
	uint32_t peer_head[IKE_SA_MAX], peer_next[IKE_SA_MAX];
	uint32_t child_head[IKE_CHILD_MAX], child_next[IKE_CHILD_MAX];
	uint32_t far_head[IKE_CHILD_MAX], far_next[IKE_CHILD_MAX];
	uint32_t xchg_head[IKE_XCHG_MAX], xchg_next[IKE_XCHG_MAX];
	uint32_t embryo_head[IKE_EMBRYO_MAX], embryo_next[IKE_EMBRYO_MAX];
};

struct ike {
	const struct ike_cfg *cfg;     /* borrowed */
	const struct ike_rules *rules; /* borrowed */
	const struct crypto *crypto;   /* borrowed */
	struct ike_sa *sa;
	unsigned sa_cnt;
	struct ike_child *child;
	unsigned child_cnt;
	unsigned sa_at, child_at; /* where the last free places were found */
	/* One beyond the last place ever taken since CLEAR: nothing else is looked at, or wiped. */
	unsigned sa_used, child_used, xchg_used, embryo_used;
	bool some_dying; /* children are to be told down */
	struct ike_xchg *xchg;
	unsigned xchg_cnt;
	struct ike_known *known;
	unsigned known_cnt, known_used;
	struct ike_embryo *embryo; /* a ring */
	unsigned embryo_cnt, embryo_next;
	struct index sas, sa_peers, children, child_peers, xchgs, embryos;
	struct ike_index index;
	bool keyed; /* the hash of the indexes is */
	bool known_full; /* a peer did not fit: INITIAL-CONTACT is not sent any more */
	bool active;
	ns_t due; /* nothing is due before that */
	uint32_t next_token;
	ns_t notify_credit_at; /* rate limit of unprotected notifies */
	uint64_t count[IKE_R_CNT];
};

/* The tables, placed by the caller, wiped by ike_wipe. All counts at least 1. */
struct ike_tables {
	struct ike_sa *sa;
	unsigned sa_cnt;
	struct ike_child *child;
	unsigned child_cnt;
	struct ike_xchg *xchg; /* unfinished and lingering exchanges: about 2 an IKE SA */
	unsigned xchg_cnt;
	struct ike_known *known;
	unsigned known_cnt;
	struct ike_embryo *embryo; /* those who have sent message 1 alone */
	unsigned embryo_cnt;
};

/* Starts inactive. The tables are zeroed memory: most of it is not touched before it is needed. */
void ike_init(struct ike *k, const struct ike_cfg *cfg, const struct ike_rules *rules,
	const struct crypto *crypto, const struct ike_tables *tables);
/* Feed one input; acts is reset first. e must hold fresh bytes (1 KB is enough for any step). */
void ike_step(struct ike *k, ns_t now, const struct ike_in *in, struct entropy *e,
	struct ike_acts *acts);
/* When to TICK; it may come to nothing. Kept, not searched for: asking is free. */
ns_t ike_deadline(const struct ike *k);
/* The exact moment, by looking at everything: for tests. Never before ike_deadline. */
ns_t ike_deadline_exact(const struct ike *k);
void ike_wipe(struct ike *k);

/*
 * The cipher that the two numbers of RFC 2409 Appendix A name (3DES has no key length);
 * CRYPTO_CIPHER_NONE if we do not have it.
 */
enum crypto_cipher ike_cipher(unsigned cipher, unsigned key_bits);
/* The SA with these cookies, if it can be exported; NULL otherwise. */
const struct ike_sa *ike_sa_find(const struct ike *k, const struct ike_cookies *c);
/* The newest confirmed SA with this peer that may begin exchanges now; NULL if there is none. Of
 * peers behind one NAT the port tells which (500, 0: any). */
const struct ike_sa *ike_sa_for_peer(const struct ike *k, struct ike_end peer, ns_t now);
/* The newest confirmed SA with this peer, whether or not it may begin exchanges. */
const struct ike_sa *ike_sa_newest(const struct ike *k, struct ike_end peer);
/* The children of a peer's address, one after the other; after: NULL, or the one before. */
const struct ike_child *ike_child_next(const struct ike *k, ip4_t peer, const struct ike_child *after);
/* The same of its IKE SAs. */
const struct ike_sa *ike_sa_next(const struct ike *k, ip4_t peer, const struct ike_sa *after);
const struct ike_child *ike_child_find(const struct ike *k, uint32_t spi_in);
/* Fill *out (which the caller wipes) from an SA of this core. */
void ike_export(const struct ike *k, const struct ike_sa *sa, ns_t now, struct ike_export *out);
/*
 * The map of the configuration has been rewritten in place: the entry that stood at index i stands at
 * to[i] now, or is gone or another (>= map_cnt). Children of those must have been deleted; their
 * exchanges end here, silently.
 */
void ike_remap(struct ike *k, const unsigned *to, unsigned cnt);
/* Is there an unfinished exchange with this peer? */
bool ike_busy(const struct ike *k, ip4_t peer);

#endif
