/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_CORE_ESP_H
#define BATON_CORE_ESP_H

/*
 * ESP, tunnel mode over IPv4 (RFC 4303): one SA of one direction, its replay window, its counters
 * and its lifetimes.
 *
 * esp_seal and esp_open turn an inner packet into an ESP packet and back. The sequence number to
 * send is the caller's (sequence reservation decides it, not this file); esp_seal only refuses 0
 * and what does not go up. The caller also finds the SA by its SPI, checks the inner addresses
 * against the proxies (RFC 4301 5.2), decrements the inner TTL as any forwarder, and fragments.
 * esp_open is given what follows the IP header, or the UDP header if there is one.
 *
 * Not here: transport mode, AH, 64-bit sequence numbers, IPv6, traffic flow padding.
 */
#include "ref/base/ip4.h"
#include "ref/base/secret.h"
#include "ref/base/time.h"
#include "ref/crypto/crypto.h"
#include "ref/wire/esp.h"

/* Numbered as the SSP transform TLV does. */
enum esp_transform {
	ESP_TRANSFORM_NONE = 0,
	ESP_CBC128_SHA1 = 1,   /* AES-CBC-128 (RFC 3602), HMAC-SHA1-96 (RFC 2404) */
	ESP_CBC128_SHA256 = 2, /* AES-CBC-128, HMAC-SHA2-256-128 (RFC 4868) */
	ESP_GCM128 = 3,	       /* AES-GCM-128, 16-octet ICV (RFC 4106) */
	ESP_CBC128_MD5 = 4,    /* AES-CBC-128, HMAC-MD5-96 (RFC 2403) */
	ESP_CBC192_SHA1 = 5,
	ESP_CBC192_SHA256 = 6,
	ESP_CBC192_MD5 = 7,
	ESP_CBC256_SHA1 = 8,
	ESP_CBC256_SHA256 = 9,
	ESP_CBC256_MD5 = 10,
	ESP_3DES_SHA1 = 11, /* 3DES-CBC (RFC 2451) */
	ESP_3DES_SHA256 = 12,
	ESP_3DES_MD5 = 13,
	ESP_NULL_SHA1 = 14, /* NULL (RFC 2410): integrity alone */
	ESP_NULL_SHA256 = 15,
	ESP_NULL_MD5 = 16,
	ESP_GCM192 = 17,
	ESP_GCM256 = 18,
	ESP_TRANSFORM_CNT
};

/* What a transform is made of, in bytes. */
struct esp_alg {
	const char *name;  /* as `show` prints it: "esp-aes esp-sha-hmac" */
	const char *label; /* as key logs name it: "aes-cbc-sha1" */
	uint16_t cipher;   /* enum crypto_cipher, CRYPTO_CIPHER_NONE for NULL */
	uint8_t enc_len;   /* cipher key, with the GCM salt at its end (RFC 4106 8.1) */
	uint8_t auth_len; /* 0 for a combined mode */
	uint8_t iv_len;
	uint8_t icv_len;
	uint8_t align; /* padding makes payload, pad length, next header a multiple of this */
	uint16_t hash;		 /* enum crypto_hash, 0 for a combined mode */
	uint8_t ike_transform;	 /* RFC 2407 4.4.4: 3DES 3, NULL 11, AES-CBC 12, AES-GCM_16 20 */
	uint16_t ike_key_bits;	 /* RFC 2407 4.5: key length attribute, 0 none (fixed) */
	uint16_t ike_auth;	 /* RFC 2407 4.5: authentication algorithm attribute, 0 none */
};
/* NULL for a transform that is not here. */
const struct esp_alg *esp_alg(unsigned transform);

#define ESP_WINDOW_MAX 1024
#define ESP_WINDOW_WORDS (ESP_WINDOW_MAX / 64)
#define ESP_WINDOW_OCTETS (ESP_WINDOW_MAX / 8)

/* The receiver's window (RFC 4303 3.4.3). Bit n of the map, from 0, stands for top - n. */
struct esp_window {
	uint32_t top;  /* highest number accepted, 0 none */
	uint16_t size; /* bits in use: 32 to 1024, a multiple of 8 */
	uint64_t map[ESP_WINDOW_WORDS];
};

/* Size is bounded to 32 .. ESP_WINDOW_MAX and rounded up to a multiple of 8. */
void esp_window_init(struct esp_window *w, unsigned size);
/* Would seq be accepted now? ERR_OK, or ERR_REPLAY (0, left of the window, or seen). */
enum err esp_window_check(const struct esp_window *w, uint32_t seq) MUST_CHECK;
/* Mark seq, sliding the window if it is right of it. Only after a good ICV. */
void esp_window_mark(struct esp_window *w, uint32_t seq);
/* The map as octets, bit 0 of the last octet the highest number; octets written (size / 8). */
size_t esp_window_export(const struct esp_window *w, uint8_t out[ESP_WINDOW_OCTETS]);
/* The reverse. ERR_LENGTH if len is not size / 8, ERR_VALUE if size is out of bounds. */
enum err esp_window_import(struct esp_window *w, uint32_t top, unsigned size, const uint8_t *map,
	size_t len) MUST_CHECK;

enum esp_df { ESP_DF_CLEAR = 0, ESP_DF_COPY, ESP_DF_SET, ESP_DF_SA };

/* By what ESP judges; a test or a mutant hands in a patched copy. */
struct esp_rules {
	uint32_t first_seq;	  /* 1 (RFC 4303 3.3.3); for whoever counts */
	bool check_replay;	  /* 3.4.3 */
	bool mark_after_icv;	  /* 3.4.3: the window moves only after a good ICV */
	bool check_icv;		  /* 3.4.4 */
	bool check_padding;	  /* 2.4: 1, 2, 3... */
	bool check_next_header;	  /* tunnel mode: 4 */
	bool check_inner;	  /* version, header length and total length of the inner packet */
	bool replay_counts_life;  /* false: what is dropped as replay costs no lifetime */
	bool bad_icv_counts_life; /* false */
	bool count_bytes;	  /* true: accepted packets do */
	bool iv_from_seq;	  /* true: the GCM IV is the sequence number; else it stays zero */
	bool copy_tos;		  /* RFC 4301 5.1.2.1 */
	bool decrement_ttl;	  /* RFC 4301 5.1.2.1 note 2: the forwarder's, asked for here */
	uint8_t outer_ttl;	  /* 64 */
	enum esp_df df;		  /* RFC 4301 8.1; SA: as the SA has it */
	bool ecn_in;		  /* RFC 4301 5.1.2.1: congestion outside is told inside */
	uint8_t icv_compared;	  /* 255: all octets of the ICV */
	ns_t soft_before;	  /* rekey this long before the hard limit in time */
	uint64_t soft_kb_before;  /* and so many kilobytes before that in volume */
	bool honour_kb;		  /* the volume limit counts */
};
extern const struct esp_rules esp_rules_standard;

enum esp_count {
	ESP_CNT_SEALED, ESP_CNT_OPENED, ESP_CNT_REPLAY, ESP_CNT_BAD_ICV, ESP_CNT_BAD_PADDING,
	ESP_CNT_BAD_NEXT, ESP_CNT_BAD_INNER, ESP_CNT_MALFORMED, ESP_CNT_DUMMY, ESP_CNT_EXPIRED,
	ESP_CNT_SEQ_REFUSED, ESP_CNT_CNT
};
extern const char *const esp_count_names[ESP_CNT_CNT];

/* One SA, one direction. The caller places it and may copy it; whoever holds a copy wipes it. */
struct esp_sa {
	uint32_t spi;	 /* host order */
	ip4_t src, dst;	 /* outer addresses */
	uint16_t sport, dport; /* outbound: UDP ports that it is encapsulated in, 0 none (RFC 3948) */
	bool inbound;
	enum esp_df df; /* outbound: of the outer header */
	enum esp_transform transform;
	struct secret enc, auth;
	uint32_t seq;		   /* outbound: the highest number sealed */
	struct esp_window window;  /* inbound */
	uint64_t bytes, packets;   /* as the lifetime counts them: octets of inner packets */
	ns_t created;
	ns_t hard_at;		   /* NS_NEVER: none */
	uint64_t hard_kb;	   /* 0: none */
	uint64_t count[ESP_CNT_CNT];
};

/* Zero all but what is given. Keys must have the transform's lengths (asserted). */
void esp_sa_init(struct esp_sa *sa, bool inbound, enum esp_transform t, uint32_t spi, ip4_t src,
	ip4_t dst, const struct secret *enc, const struct secret *auth);
void esp_sa_wipe(struct esp_sa *sa);

/* The inner packet's room on top of its own length, at most: outer header, ESP, padding, ICV. */
#define ESP_OVERHEAD_MAX (20 + 8 + 8 + 16 + 17 + 16)

/* Exact length of the sealed packet for an inner one of len bytes, outer IP header included. */
size_t esp_sealed_len(const struct esp_sa *sa, size_t len);
/* The largest inner packet whose sealed form fits in mtu, 0 if none does. */
size_t esp_inner_mtu(const struct esp_sa *sa, size_t mtu);

/*
 * Seal an inner IPv4 packet with number seq into out, outer IPv4 header first, and count it.
 * ip_id is the outer header's identification. ERR_FULL: cap is too small; ERR_VALUE: not an
 * IPv4 packet, or seq is 0; ERR_REPLAY: seq is not above the last one. On refusal nothing changes
 * but a counter.
 */
enum err esp_seal(const struct crypto *c, const struct esp_rules *rules, struct esp_sa *sa,
	uint32_t seq, uint16_t ip_id, const uint8_t *inner, size_t len, uint8_t *out, size_t cap,
	size_t *out_len, struct why *why) MUST_CHECK;

/*
 * Open an ESP packet (from its SPI on) into out. Window checked, ICV checked, only then window
 * moved, decrypted, trailer and inner header checked, and bytes counted. ERR_REPLAY, ERR_AUTH,
 * ERR_SHORT, ERR_LENGTH, ERR_VALUE. A dummy packet (next header 59, RFC 4303 2.6) is ERR_OK with
 * *out_len 0. *seq is the number it carried, if it was long enough to carry one.
 */
enum err esp_open(const struct crypto *c, const struct esp_rules *rules, struct esp_sa *sa,
	const uint8_t *esp, size_t len, uint8_t *out, size_t cap, size_t *out_len, uint32_t *seq,
	struct why *why) MUST_CHECK;

/* Congestion that the outer header tells (RFC 3168) goes into an inner one that can say it. */
void esp_ecn(const struct esp_rules *rules, uint8_t outer_tos, uint8_t *inner, size_t len);

enum esp_life { ESP_LIFE_OK = 0, ESP_LIFE_SOFT, ESP_LIFE_HARD };
/* Soft: rekey now. Hard: do not use it any more. */
enum esp_life esp_life(const struct esp_sa *sa, const struct esp_rules *rules, ns_t now);
/* When esp_life may next change by time alone; NS_NEVER if it does not. */
ns_t esp_life_deadline(const struct esp_sa *sa, const struct esp_rules *rules, ns_t now);
/* Whole seconds left, UINT32_MAX without a limit. */
uint32_t esp_life_left_s(const struct esp_sa *sa, ns_t now);

#endif
