/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A real TLS 1.3 connection with an external PSK (libssl on both sides, through memory), cut into
 * TCP segments, given to tlsopen in order, out of order, twice, and in single octets.
 */
#include <check.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "harness/keys/tlsopen.h"

struct seg {
	int dir;
	uint32_t seq;
	size_t len;
	uint8_t bytes[4096];
};

static struct seg segs[64];
static size_t seg_cnt;
static uint32_t seq_of[2];
static struct keyring ring;
static char got[2][8192];
static size_t got_len[2];
static ns_t got_at[2];

static SSL_SESSION *
psk_session(SSL *ssl)
{
	static const uint8_t key[32] = {7, 7, 7}, suite[2] = {0x13, 0x01};
	SSL_SESSION *s = SSL_SESSION_new();

	ck_assert(SSL_SESSION_set1_master_key(s, key, sizeof key));
	ck_assert(SSL_SESSION_set_cipher(s, SSL_CIPHER_find(ssl, suite)));
	ck_assert(SSL_SESSION_set_protocol_version(s, TLS1_3_VERSION));
	return s;
}

static int
use_psk(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *len, SSL_SESSION **s)
{
	(void)md;
	*id = (const unsigned char *)"pair";
	*len = 4;
	*s = psk_session(ssl);
	return 1;
}

static int
find_psk(SSL *ssl, const unsigned char *id, size_t len, SSL_SESSION **s)
{
	(void)id;
	(void)len;
	*s = psk_session(ssl);
	return 1;
}

static void
keylog(const SSL *ssl, const char *line)
{
	const char *what;

	(void)ssl;
	ck_assert_msg(keyring_line(&ring, line, &what), "%s", what);
}

static SSL *
end(const SSL_METHOD *method, bool server)
{
	SSL_CTX *c = SSL_CTX_new(method);
	SSL *s;

	SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION);
	SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256");
	SSL_CTX_set_num_tickets(c, 0);
	SSL_CTX_set_keylog_callback(c, keylog);
	if (server)
		SSL_CTX_set_psk_find_session_callback(c, find_psk);
	else
		SSL_CTX_set_psk_use_session_callback(c, use_psk);
	s = SSL_new(c);
	SSL_CTX_free(c);
	SSL_set_bio(s, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	if (server)
		SSL_set_accept_state(s);
	else
		SSL_set_connect_state(s);
	return s;
}

/* What one side has written becomes a segment, and the other side's input. */
static void
carry(SSL *from, SSL *to, int dir)
{
	struct seg *g = &segs[seg_cnt];
	int n = BIO_read(SSL_get_wbio(from), g->bytes, sizeof g->bytes);

	if (n <= 0)
		return;
	g->dir = dir;
	g->seq = seq_of[dir];
	g->len = (size_t)n;
	seq_of[dir] += (uint32_t)n;
	seg_cnt++;
	BIO_write(SSL_get_rbio(to), g->bytes, n);
}

static void
pump(SSL *c, SSL *s)
{
	char b[4096];

	for (int i = 0; i < 6; i++) {
		SSL_read(c, b, sizeof b);
		carry(c, s, 0);
		SSL_read(s, b, sizeof b);
		carry(s, c, 1);
	}
}

static void
talk(void)
{
	SSL *c = end(TLS_client_method(), false), *s = end(TLS_server_method(), true);

	seg_cnt = 0;
	seq_of[0] = 0xfffffff0; /* wraps in mid-stream */
	seq_of[1] = 1000;
	keyring_init(&ring);
	pump(c, s);
	ck_assert_int_eq(SSL_write(c, "hello from the client;", 22), 22);
	pump(c, s);
	ck_assert_int_eq(SSL_write(s, "hello from the server;", 22), 22);
	pump(c, s);
	ck_assert_int_eq(SSL_key_update(c, SSL_KEY_UPDATE_REQUESTED), 1);
	ck_assert_int_eq(SSL_write(c, "after the update", 16), 16);
	pump(c, s);
	ck_assert_int_eq(SSL_write(s, "and back", 8), 8);
	pump(c, s);
	SSL_free(c);
	SSL_free(s);
}

static void
data(void *ctx, ns_t at, int dir, const uint8_t *bytes, size_t len)
{
	(void)ctx;
	memcpy(got[dir] + got_len[dir], bytes, len);
	got_len[dir] += len;
	got[dir][got_len[dir]] = 0;
	got_at[dir] = at;
}

static struct tlsopen *
fresh(void)
{
	struct tlsopen *t = tlsopen_new(&ring, data, NULL);

	memset(got, 0, sizeof got);
	got_len[0] = got_len[1] = 0;
	tlsopen_segment(t, 0, 0, 0xfffffff0u - 1, TLSOPEN_SYN, NULL, 0);
	tlsopen_segment(t, 0, 1, 999, TLSOPEN_SYN, NULL, 0);
	return t;
}

static void
check_all(struct tlsopen *t)
{
	ck_assert_str_eq(got[0], "hello from the client;after the update");
	ck_assert_str_eq(got[1], "hello from the server;and back");
	ck_assert_uint_eq(tlsopen_stat(t, 0)->updates, 1);
	ck_assert_uint_eq(tlsopen_stat(t, 1)->updates, 1);
	ck_assert_uint_eq(tlsopen_stat(t, 0)->failed + tlsopen_stat(t, 1)->failed, 0);
	ck_assert_uint_eq(tlsopen_stat(t, 0)->records, 2);
	tlsopen_free(t);
	keyring_free(&ring);
}

START_TEST(in_order)
{
	struct tlsopen *t;

	talk();
	t = fresh();
	for (size_t i = 0; i < seg_cnt; i++)
		tlsopen_segment(
			t, (ns_t)i, segs[i].dir, segs[i].seq, 0x10, segs[i].bytes, segs[i].len);
	check_all(t);
	ck_assert_int_eq(got_at[0] > 3, 1);
}
END_TEST

START_TEST(octet_by_octet_and_twice)
{
	struct tlsopen *t;

	talk();
	t = fresh();
	for (size_t i = 0; i < seg_cnt; i++)
		for (size_t k = 0; k < segs[i].len; k++)
			for (int twice = 0; twice < 2; twice++)
				tlsopen_segment(t, 0, segs[i].dir, segs[i].seq + (uint32_t)k, 0x10,
					segs[i].bytes + k,
					segs[i].len - k < 3 ? segs[i].len - k : 3);
	check_all(t);
}
END_TEST

/* Within a flight pieces come backwards. */
START_TEST(reordered)
{
	struct tlsopen *t;

	talk();
	t = fresh();
	for (size_t i = 0; i < seg_cnt; i++)
		for (size_t end_at = segs[i].len; end_at;) {
			size_t n = end_at < 40 ? end_at : 40;

			end_at -= n;
			tlsopen_segment(t, 0, segs[i].dir, segs[i].seq + (uint32_t)end_at, 0x10,
				segs[i].bytes + end_at, n);
		}
	check_all(t);
}
END_TEST

START_TEST(without_handshake_secrets)
{
	struct tlsopen *t;
	size_t kept = 0;

	talk();
	for (size_t i = 0; i < ring.tls_cnt; i++)
		if (!strstr(ring.tls[i].label, "HANDSHAKE"))
			ring.tls[kept++] = ring.tls[i];
	ck_assert_uint_lt(kept, ring.tls_cnt);
	ring.tls_cnt = kept;
	t = fresh();
	for (size_t i = 0; i < seg_cnt; i++)
		tlsopen_segment(t, 0, segs[i].dir, segs[i].seq, 0x10, segs[i].bytes, segs[i].len);
	check_all(t);
}
END_TEST

START_TEST(without_secrets_or_corrupt)
{
	struct keyring none;
	struct tlsopen *t;

	talk();
	t = fresh();
	segs[seg_cnt - 1].bytes[segs[seg_cnt - 1].len - 1] ^= 1;
	for (size_t i = 0; i < seg_cnt; i++)
		tlsopen_segment(t, 0, segs[i].dir, segs[i].seq, 0x10, segs[i].bytes, segs[i].len);
	ck_assert_uint_eq(tlsopen_stat(t, 0)->failed + tlsopen_stat(t, 1)->failed, 1);
	tlsopen_free(t);
	keyring_init(&none);
	t = tlsopen_new(&none, data, NULL);
	got_len[0] = got_len[1] = 0;
	for (size_t i = 0; i < seg_cnt; i++)
		tlsopen_segment(t, 0, segs[i].dir, segs[i].seq, 0x10, segs[i].bytes, segs[i].len);
	ck_assert_uint_eq(got_len[0] + got_len[1], 0);
	ck_assert_uint_gt(tlsopen_stat(t, 0)->locked, 0);
	tlsopen_free(t);
	keyring_free(&ring);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tlsopen");
	TCase *t = tcase_create("tlsopen");
	SRunner *r;
	int failed;

	tcase_add_test(t, in_order);
	tcase_add_test(t, octet_by_octet_and_twice);
	tcase_add_test(t, reordered);
	tcase_add_test(t, without_handshake_secrets);
	tcase_add_test(t, without_secrets_or_corrupt);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
