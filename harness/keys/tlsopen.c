/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening a TLS 1.3 connection from outside (tlsopen.h). Three storeys, each direction its own:
 * segments are put in order (a bounded list of those that came early); the ordered bytes are cut
 * into records (RFC 8446 5.1); a protected record is opened with the traffic keys of its epoch
 * (5.2, 5.3, 7.3), handshake first, then application, whose keys change at each KeyUpdate
 * (4.6.3, 7.2).
 *
 * Only TLS_AES_128_GCM_SHA256; no 0-RTT; a HelloRetryRequest does no harm.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/keys/tlsopen.h"

#define EARLY_MAX 256	       /* segments kept that came before their turn */
#define RECORD_MAX (5 + 16640) /* RFC 8446 5.2: 2^14 + 256 */

enum { TYPE_ALERT = 21, TYPE_HANDSHAKE = 22, TYPE_DATA = 23 };
enum { MSG_CLIENT_HELLO = 1, MSG_FINISHED = 20, MSG_KEY_UPDATE = 24 };
enum epoch { EPOCH_CLEAR, EPOCH_HANDSHAKE, EPOCH_DATA };

struct early {
	uint32_t seq;
	size_t len;
	uint8_t *bytes;
};

struct way { /* one direction */
	bool started;
	uint32_t next; /* sequence number of the next octet */
	struct early early[EARLY_MAX];
	size_t early_cnt;
	uint8_t record[RECORD_MAX];
	size_t have;
	enum epoch epoch;
	bool have_key, lost;
	uint8_t secret[32];
	uint8_t key[16], iv[12];
	uint64_t number;     /* of the next record under this key */
	uint8_t shake[4096]; /* handshake octets of this epoch that make no whole message yet */
	size_t shake_len;
	struct tlsopen_stat stat;
};

struct tlsopen {
	const struct keyring *ring;
	tlsopen_data *data;
	void *ctx;
	bool plain;
	struct way way[2];
};

struct tlsopen *
tlsopen_new(const struct keyring *ring, tlsopen_data *data, void *ctx)
{
	struct tlsopen *t = calloc(1, sizeof *t);

	if (!t) {
		fprintf(stderr, "tlsopen: out of memory\n");
		abort();
	}
	t->ring = ring;
	t->data = data;
	t->ctx = ctx;
	return t;
}

void
tlsopen_free(struct tlsopen *t)
{
	if (!t)
		return;
	for (int d = 0; d < 2; d++)
		for (size_t i = 0; i < t->way[d].early_cnt; i++)
			free(t->way[d].early[i].bytes);
	wipe(t, sizeof *t);
	free(t);
}

void
tlsopen_plain(struct tlsopen *t)
{
	t->plain = true;
}

const struct tlsopen_stat *
tlsopen_stat(const struct tlsopen *t, int dir)
{
	return &t->way[dir].stat;
}

/* -- keys -- */

static void
use_secret(struct way *w, const uint8_t *secret)
{
	memmove(w->secret, secret, 32);
	keyprim_hkdf_label(w->secret, 32, "key", w->key, 16);
	keyprim_hkdf_label(w->secret, 32, "iv", w->iv, 12);
	w->number = 0;
	w->have_key = true;
}

static void
enter(struct tlsopen *t, int dir, enum epoch e)
{
	static const char *const label[3][2] = {
		[EPOCH_HANDSHAKE] = {"CLIENT_HANDSHAKE_TRAFFIC_SECRET",
			"SERVER_HANDSHAKE_TRAFFIC_SECRET"},
		[EPOCH_DATA] = {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"}};
	struct way *w = &t->way[dir];
	const struct secret *s = keyring_tls(t->ring, label[e][dir], t->way[0].stat.random);

	w->epoch = e;
	w->number = 0;
	w->shake_len = 0;
	w->have_key = false;
	if (s && s->len == 32)
		use_secret(w, s->b);
}

static void
key_update(struct way *w)
{
	uint8_t next[32];

	keyprim_hkdf_label(w->secret, 32, "traffic upd", next, 32);
	use_secret(w, next);
	wipe(next, sizeof next);
	w->stat.updates++;
}

/* -- handshake messages -- */

static void
handshake_msg(struct tlsopen *t, int dir, uint8_t type, const uint8_t *body, size_t len)
{
	struct way *w = &t->way[dir];

	if (type == MSG_CLIENT_HELLO && len >= 34 && !dir) {
		memcpy(w->stat.random, body + 2, 32);
		w->stat.have_random = true;
	} else if (type == MSG_FINISHED && w->epoch == EPOCH_HANDSHAKE) {
		enter(t, dir, EPOCH_DATA);
	} else if (type == MSG_KEY_UPDATE && w->epoch == EPOCH_DATA) {
		key_update(w);
	}
}

/* A message may span records, and a record hold several (RFC 8446 5.1). */
static void
handshake(struct tlsopen *t, int dir, const uint8_t *p, size_t len)
{
	struct way *w = &t->way[dir];

	if (len > sizeof w->shake - w->shake_len) {
		w->shake_len = 0;
		return;
	}
	memcpy(w->shake + w->shake_len, p, len);
	w->shake_len += len;
	while (w->shake_len >= 4) {
		uint8_t msg[sizeof w->shake];
		size_t size =
			4 + ((size_t)w->shake[1] << 16 | (size_t)w->shake[2] << 8 | w->shake[3]);

		if (size > w->shake_len)
			return;
		memcpy(msg, w->shake, size);
		w->shake_len -= size;
		memmove(w->shake, w->shake + size, w->shake_len);
		handshake_msg(t, dir, msg[0], msg + 4, size - 4);
	}
}

/* -- records -- */

static void
nonce_of(const struct way *w, uint8_t *nonce)
{
	memcpy(nonce, w->iv, 12);
	for (int i = 0; i < 8; i++)
		nonce[4 + i] ^= (uint8_t)(w->number >> (56 - 8 * i));
}

static bool
unseal(struct way *w, const uint8_t *r, size_t len, uint8_t *out, size_t *out_len, uint8_t *type)
{
	uint8_t nonce[12];
	size_t body = len - 5 - 16;

	nonce_of(w, nonce);
	if (!keyprim_gcm_open(w->key, 16, nonce, SPAN(r, 5), r + 5, body, out, r + len - 16))
		return false;
	w->number++;
	while (body && !out[body - 1])
		body--; /* RFC 8446 5.4: padding */
	if (!body)
		return false;
	*type = out[body - 1];
	*out_len = body - 1;
	return true;
}

/* The handshake secret may be missing; its records are then passed over, and the first that opens
 * with the application secret begins that epoch. */
static bool
try_data_epoch(struct tlsopen *t, int dir, const uint8_t *r, size_t len, uint8_t *out, size_t *n,
	uint8_t *type)
{
	struct way *w = &t->way[dir];

	enter(t, dir, EPOCH_DATA);
	if (w->have_key && unseal(w, r, len, out, n, type))
		return true;
	w->epoch = EPOCH_HANDSHAKE;
	w->have_key = false;
	return false;
}

static void
protected_record(struct tlsopen *t, ns_t at, int dir, const uint8_t *r, size_t len)
{
	struct way *w = &t->way[dir];
	uint8_t out[RECORD_MAX], type = 0;
	size_t n = 0;
	bool ok;

	if (len < 5 + 17)
		return;
	if (w->epoch == EPOCH_CLEAR)
		enter(t, dir, EPOCH_HANDSHAKE);
	if (w->epoch == EPOCH_DATA && !w->have_key)
		enter(t, dir, EPOCH_DATA); /* the secret may have come meanwhile */
	ok = w->have_key && unseal(w, r, len, out, &n, &type);
	if (!ok && w->epoch == EPOCH_HANDSHAKE)
		ok = try_data_epoch(t, dir, r, len, out, &n, &type);
	if (!ok) {
		w->stat.failed += w->have_key;
		w->stat.locked += !w->have_key;
		return;
	}
	if (type == TYPE_HANDSHAKE)
		handshake(t, dir, out, n);
	if (type != TYPE_DATA)
		return;
	w->stat.records++;
	t->data(t->ctx, at, dir, out, n);
}

static void
record(struct tlsopen *t, ns_t at, int dir)
{
	struct way *w = &t->way[dir];

	if (w->record[0] == TYPE_DATA)
		protected_record(t, at, dir, w->record, w->have);
	else if (w->record[0] == TYPE_HANDSHAKE && w->epoch == EPOCH_CLEAR)
		handshake(t, dir, w->record + 5, w->have - 5);
}

static void
ordered(struct tlsopen *t, ns_t at, int dir, const uint8_t *p, size_t len)
{
	struct way *w = &t->way[dir];

	if (t->plain) {
		t->data(t->ctx, at, dir, p, len);
		return;
	}
	while (len && !w->lost) {
		size_t want = 5, take;

		if (w->have >= 5)
			want = 5 + ((size_t)w->record[3] << 8 | w->record[4]);
		if (want > RECORD_MAX || (w->have && (w->record[0] < 20 || w->record[0] > 23))) {
			w->lost = true; /* no TLS, or out of step: nothing more can be read */
			w->stat.gaps += (uint32_t)len;
			return;
		}
		take = want - w->have < len ? want - w->have : len;
		memcpy(w->record + w->have, p, take);
		w->have += take;
		p += take;
		len -= take;
		if (w->have < 5 || w->have < 5 + ((size_t)w->record[3] << 8 | w->record[4]))
			continue;
		record(t, at, dir);
		w->have = 0;
	}
}

/* -- segments -- */

static void
keep(struct way *w, uint32_t seq, const uint8_t *p, size_t len)
{
	struct early *e = &w->early[w->early_cnt];

	if (w->early_cnt == EARLY_MAX) {
		w->stat.gaps += (uint32_t)len;
		return;
	}
	e->bytes = malloc(len);
	if (!e->bytes)
		return;
	memcpy(e->bytes, p, len);
	e->seq = seq;
	e->len = len;
	w->early_cnt++;
}

/* Take what is next out of [seq, seq + len); false if there is a gap before it. */
static bool
take(struct tlsopen *t, ns_t at, int dir, uint32_t seq, const uint8_t *p, size_t len)
{
	struct way *w = &t->way[dir];
	uint32_t old = w->next - seq; /* octets already seen, if it starts to the left */

	if ((int32_t)old < 0)
		return false;
	if (old >= len)
		return true;
	w->next += (uint32_t)len - old;
	ordered(t, at, dir, p + old, len - old);
	return true;
}

static void
take_early(struct tlsopen *t, ns_t at, int dir)
{
	struct way *w = &t->way[dir];

	for (size_t i = 0; i < w->early_cnt;) {
		struct early e = w->early[i];

		if (!take(t, at, dir, e.seq, e.bytes, e.len)) {
			i++;
			continue;
		}
		free(e.bytes);
		w->early[i] = w->early[--w->early_cnt];
		i = 0;
	}
}

void
tlsopen_segment(struct tlsopen *t, ns_t at, int dir, uint32_t seq, uint8_t flags,
	const uint8_t *bytes, size_t len)
{
	struct way *w = &t->way[dir];

	if (flags & TLSOPEN_SYN) {
		w->started = true;
		w->next = seq + 1;
		seq++;
	}
	if (!len)
		return;
	if (!w->started) { /* a trace that starts in the middle */
		w->started = true;
		w->next = seq;
	}
	if (!take(t, at, dir, seq, bytes, len))
		keep(w, seq, bytes, len);
	else
		take_early(t, at, dir);
}
