/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scripted member: its TLS (docs/spec/ssp.md 1; RFC 8446 with an external PSK, 4.2.11), by memory
 * BIOs over stcp. Each connection has a context of its own, made as the knobs then say.
 *
 * What OpenSSL does by default and a PSK channel must not: cipher suites whose hash is not the
 * key's, tickets, and a handshake that quietly goes on without the PSK. The last is looked for by
 * SSL_session_reused, which is how OpenSSL shows that the external PSK was used.
 */
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "harness/sync/mate_in.h"

#define SUITE "TLS_AES_128_GCM_SHA256"

static bool
is_tls(const struct conn *c)
{
	return c->mode != MATE_TLS_CLEAR && c->mode != MATE_TLS_SILENT;
}

/* -- the pre-shared key -- */

static SSL_SESSION *
key_as_session(SSL *tls, const struct mate_cfg *cfg)
{
	static const unsigned char aes_128_gcm_sha256[2] = {0x13, 0x01}; /* RFC 8446 B.4 */
	const SSL_CIPHER *suite = SSL_CIPHER_find(tls, aes_128_gcm_sha256);
	SSL_SESSION *s = SSL_SESSION_new();

	if (s && suite && SSL_SESSION_set_cipher(s, suite) == 1 &&
		SSL_SESSION_set_protocol_version(s, TLS1_3_VERSION) == 1 &&
		SSL_SESSION_set1_master_key(s, cfg->key, cfg->key_len) == 1)
		return s;
	SSL_SESSION_free(s);
	return NULL;
}

static int
offer_key(SSL *tls, const EVP_MD *md, const unsigned char **id, size_t *id_len, SSL_SESSION **sess)
{
	struct conn *c = SSL_get_app_data(tls);
	const struct mate *m = c->mate;
	const char *name = m->wrong.identity ? m->wrong.identity : m->identity;

	*sess = NULL;
	if (md && EVP_MD_get_type(md) != NID_sha256)
		return 1;
	*id = (const unsigned char *)name;
	*id_len = strlen(name);
	*sess = key_as_session(tls, &m->cfg);
	return *sess != NULL;
}

static int
find_key(SSL *tls, const unsigned char *id, size_t id_len, SSL_SESSION **sess)
{
	struct conn *c = SSL_get_app_data(tls);
	const struct mate *m = c->mate;
	struct mate_conn_note *n = mate_note(c);
	size_t kept = id_len < sizeof n->identity - 1 ? id_len : sizeof n->identity - 1;

	memcpy(n->identity, id, kept);
	n->identity[kept] = '\0';
	*sess = NULL;
	if (!m->wrong.any_identity &&
		(id_len != strlen(m->identity) || memcmp(id, m->identity, id_len) != 0))
		return 1; /* unknown: the handshake goes on without, and has nothing to go on with */
	*sess = key_as_session(tls, &m->cfg);
	return *sess != NULL;
}

/* -- a server that ignores the key -- */

static bool
certify(SSL_CTX *ctx)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *name = x ? X509_get_subject_name(x) : NULL;
	bool ok = key && name &&
		  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
			  (const unsigned char *)"baton mate", -1, -1, 0) == 1 &&
		  X509_set_issuer_name(x, name) == 1 && X509_set_version(x, X509_VERSION_3) == 1 &&
		  ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
		  X509_gmtime_adj(X509_getm_notBefore(x), -86400) &&
		  X509_gmtime_adj(X509_getm_notAfter(x), 86400) && X509_set_pubkey(x, key) == 1 &&
		  X509_sign(x, key, EVP_sha256()) > 0 && SSL_CTX_use_certificate(ctx, x) == 1 &&
		  SSL_CTX_use_PrivateKey(ctx, key) == 1;

	X509_free(x);
	EVP_PKEY_free(key);
	return ok;
}

/* -- a connection -- */

static void
note_secret(const SSL *tls, const char *line)
{
	const struct conn *c = SSL_get_app_data(tls);
	const char *what;

	if (c->mate->ring)
		(void)keyring_line(c->mate->ring, line, &what);
}

static bool
by_psk(SSL_CTX *ctx)
{
	SSL_CTX_set_psk_use_session_callback(ctx, offer_key);
	SSL_CTX_set_psk_find_session_callback(ctx, find_key);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_ciphersuites(ctx, SUITE) == 1;
}

static bool
by_certificate(SSL_CTX *ctx, bool old)
{
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	return certify(ctx) &&
	       SSL_CTX_set_max_proto_version(ctx, old ? TLS1_2_VERSION : TLS1_3_VERSION) == 1;
}

bool
mate_tls_begin(struct conn *c)
{
	if (!is_tls(c))
		return true;
	c->tls_ctx = SSL_CTX_new(c->client ? TLS_client_method() : TLS_server_method());
	if (!c->tls_ctx || !(c->mode == MATE_TLS_PSK
				   ? by_psk(c->tls_ctx)
				   : by_certificate(c->tls_ctx, c->mode == MATE_TLS_12)) ||
		SSL_CTX_set1_groups_list(c->tls_ctx, "X25519:P-256") != 1)
		return false;
	(void)SSL_CTX_set_num_tickets(c->tls_ctx, 0);
	SSL_CTX_set_keylog_callback(c->tls_ctx, note_secret);
	c->tls = SSL_new(c->tls_ctx);
	c->tls_in = BIO_new(BIO_s_mem());
	c->tls_out = BIO_new(BIO_s_mem());
	if (!c->tls || !c->tls_in || !c->tls_out)
		return false;
	SSL_set_bio(c->tls, c->tls_in, c->tls_out);
	SSL_set_app_data(c->tls, c);
	if (c->client)
		SSL_set_connect_state(c->tls);
	else
		SSL_set_accept_state(c->tls);
	return true;
}

void
mate_tls_free(struct conn *c)
{
	SSL_free(c->tls); /* and both BIOs */
	SSL_CTX_free(c->tls_ctx);
	c->tls = NULL;
	c->tls_ctx = NULL;
}

/* What TLS wants to say goes out, or to who has tapped it. */
static void
flush(struct conn *c, ns_t now)
{
	const struct mate_wrong *w = &c->mate->wrong;
	uint8_t out[16384 + 512];
	int n;

	while ((n = BIO_read(c->tls_out, out, sizeof out)) > 0) {
		if (w->tap)
			w->tap(w->tap_ctx, c->mate, now, c->no, out, (size_t)n);
		else
			stcp_write(&c->tcp, now, out, (size_t)n);
	}
}

static void
fail(struct conn *c)
{
	mate_note(c)->tls_failed = true;
	c->broken = true;
	ERR_clear_error();
}

static void
shake(struct conn *c, ns_t now)
{
	int rc = SSL_do_handshake(c->tls);
	bool wait = rc != 1 && SSL_get_error(c->tls, rc) == SSL_ERROR_WANT_READ;

	flush(c, now);
	if (wait)
		return;
	if (rc != 1 || (c->mode == MATE_TLS_PSK && !SSL_session_reused(c->tls)))
		fail(c);
	else
		mate_ssp_up(c, now);
}

static void
open_records(struct conn *c, ns_t now)
{
	uint8_t plain[4096];
	int n = 0;

	while (!c->broken && (n = SSL_read(c->tls, plain, sizeof plain)) > 0)
		mate_ssp_bytes(c, now, plain, (size_t)n);
	if (c->broken)
		return;
	switch (SSL_get_error(c->tls, n)) {
	case SSL_ERROR_WANT_READ:
		break;
	case SSL_ERROR_ZERO_RETURN: /* close_notify: answered by our FIN */
		c->broken = true;
		break;
	default:
		fail(c);
	}
	flush(c, now);
}

/* Octets under no TLS of ours: an alert or a ClientHello is TLS, all else was said in clear. */
static void
in_clear(struct conn *c, ns_t now, const uint8_t *bytes, size_t len)
{
	struct mate_conn_note *n = mate_note(c);

	if (!n->clear && bytes[0] >= 20 && bytes[0] <= 23)
		return;
	n->clear += len;
	if (c->mode == MATE_TLS_CLEAR)
		mate_ssp_bytes(c, now, bytes, len);
}

void
mate_tls_in(struct conn *c, ns_t now, const uint8_t *bytes, size_t len)
{
	if (!is_tls(c)) {
		in_clear(c, now, bytes, len);
		return;
	}
	if (c->broken || BIO_write(c->tls_in, bytes, (int)len) != (int)len)
		return;
	if (!c->up)
		shake(c, now);
	if (c->up)
		open_records(c, now);
}

void
mate_tls_start(struct conn *c, ns_t now)
{
	if (c->mode == MATE_TLS_CLEAR)
		mate_ssp_up(c, now);
	else if (is_tls(c))
		shake(c, now);
}

static void
one_record(struct conn *c, ns_t now, const uint8_t *bytes, size_t len)
{
	if (SSL_write(c->tls, bytes, (int)len) <= 0)
		ERR_clear_error();
	flush(c, now);
}

void
mate_tls_write(struct conn *c, ns_t now, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	bool drip = c->mate->wrong.drip;

	c->tcp.piece = drip ? 7 : STCP_MSS;
	if (!is_tls(c)) {
		stcp_write(&c->tcp, now, bytes, len);
		return;
	}
	for (size_t i = 0; drip && c->up && i < len; i++)
		one_record(c, now, at + i, 1);
	if (!drip && c->up && len)
		one_record(c, now, at, len);
}

void
mate_tls_close(struct conn *c, ns_t now)
{
	if (!c->up || !c->tls)
		return;
	(void)SSL_shutdown(c->tls);
	flush(c, now);
}
