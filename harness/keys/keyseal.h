/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_KEYS_KEYSEAL_H
#define BATON_KEYS_KEYSEAL_H

/*
 * Sealing what words (harness/field/words.h) put in seal{...}: ESP with the key of its SPI and
 * destination, ISAKMP with the key of its cookies. The message in the braces is built, padded,
 * encrypted and authenticated, and takes the braces' place. Right by default; to be wrong, or to
 * say what is not known, the message in the braces begins with the layer `seal` and its words:
 *
 *	seal.iv       the initialization vector. Default: ESP, from SPI and number; ISAKMP, by RFC
 *	              2409 5.5 from the last block of Phase 1 and the message id
 *	seal.last     that last block, if the key file does not tell it (last=)
 *	seal.padding  ESP: instead of 1, 2, 3...; ISAKMP: instead of zeros
 *	seal.padlen, seal.next   ESP's trailer, instead of what they are (4 for IPv4)
 *	seal.icv      ESP: instead of the right one
 *	seal.hash     ISAKMP: 1, 2 or 3: isakmp.hash.data becomes HASH(1), (2), (3) of RFC 2409 5.5
 *	              (needs skeyid_a= in the key file); seal.ni, seal.nr: the nonces for 2 and 3
 *
 *	esp esp.spi=0x1000 esp.seq=9 esp.data=seal{ seal/ipv4/icmp seal.icv=00*12 ip.dst=10.1.0.1 }
 *
 * ISAKMP's encryption bit and first payload are set, if the words do not. It follows no exchange:
 * an IV that is some earlier message's last block must be said.
 */
#include "harness/field/words.h"
#include "harness/keys/keyring.h"

/*
 * Seal w, if something in it is to be sealed; `text` is what w was read from. False and *why (place
 * in the text) if a key, an IV or a length is missing or wrong.
 */
bool keyseal_words(
	struct keyring *ring, struct words *w, const char *text, struct words_why *why) MUST_CHECK;

/* What was opened in a message. */
struct keyseal_opened {
	const struct msg *inner; /* decoded, without padding */
	const uint8_t *iv;
	uint8_t next; /* ESP: next header */
};
/*
 * The other way round: w, made by words_of(w, m), says what is encrypted in it as seal{...}, if
 * that seals to the very same octets again; else it stays as it is, and false is returned (padding
 * of another kind, a wrong ICV, a key that is not the one).
 */
bool keyseal_say(struct keyring *ring, struct words *w, const struct msg *m,
	const struct keyseal_opened *o);

#endif
