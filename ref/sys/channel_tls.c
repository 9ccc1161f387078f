/* SPDX-License-Identifier: BSD-2-Clause */
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "ref/sys/channel_tls.h"

static struct channel_tls *
of(SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

static SSL_SESSION *
session(struct channel_tls *t, SSL *ssl)
{
	static const unsigned char suite[] = {0x13, 0x01}; /* TLS_AES_128_GCM_SHA256 */
	const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, suite);
	SSL_SESSION *s = SSL_SESSION_new();

	if (s && cipher && SSL_SESSION_set1_master_key(s, t->cfg->key.b, t->cfg->key.len) &&
		SSL_SESSION_set_cipher(s, cipher) &&
		SSL_SESSION_set_protocol_version(s, TLS1_3_VERSION))
		return s;
	SSL_SESSION_free(s);
	return NULL;
}

static int
psk_use(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *id_len, SSL_SESSION **s)
{
	struct channel_tls *t = of(ssl);

	if (md && md != EVP_sha256() && EVP_MD_get_type(md) != NID_sha256)
		return 0;
	*s = session(t, ssl);
	*id = (const unsigned char *)t->identity;
	*id_len = strlen(t->identity);
	return *s != NULL;
}

static int
psk_find(SSL *ssl, const unsigned char *id, size_t id_len, SSL_SESSION **s)
{
	struct channel_tls *t = of(ssl);

	*s = NULL;
	if (t->cfg->rules.any_identity ||
		(id_len == strlen(t->identity) && equal_ct(id, t->identity, id_len)))
		*s = session(t, ssl);
	return 1; /* without a session the handshake goes on, and fails for want of a certificate */
}

static void
keylog(const SSL *ssl, const char *line)
{
	struct channel_tls *t = of((SSL *)(uintptr_t)ssl);

	if (t->cfg->keylog)
		t->cfg->keylog(t->cfg->ctx, line);
}

bool
channel_tls_init(struct channel_tls *t, const struct channel_cfg *cfg, bool client)
{
	char lo[IP4_TEXT], hi[IP4_TEXT];

	t->cfg = cfg;
	t->client = client;
	ip4_put(lo, client ? cfg->local : cfg->remote);
	ip4_put(hi, client ? cfg->remote : cfg->local);
	(void)snprintf(t->identity, sizeof t->identity, "baton-ssp/1 group %u from %s to %s",
		cfg->group, lo, hi);
	t->ctx = SSL_CTX_new(TLS_method());
	if (!t->ctx)
		return false;
	if (!SSL_CTX_set_min_proto_version(
		    t->ctx, t->cfg->rules.old_tls ? TLS1_2_VERSION : TLS1_3_VERSION) ||
		!SSL_CTX_set_max_proto_version(t->ctx, TLS1_3_VERSION) ||
		!SSL_CTX_set_ciphersuites(t->ctx, "TLS_AES_128_GCM_SHA256") ||
		!SSL_CTX_set1_groups_list(t->ctx, "X25519:P-256"))
		return false;
	(void)SSL_CTX_set_options(t->ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_num_tickets(t->ctx, 0);
	(void)SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_mode(
		t->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* a server that verifies its peer refuses sessions without a context; a client must have
	 * none */
	if (!t->client &&
		!SSL_CTX_set_session_id_context(t->ctx, (const unsigned char *)"baton-ssp", 9))
		return false;
	SSL_CTX_set_verify(
		t->ctx, t->cfg->rules.without_psk ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_psk_use_session_callback(t->ctx, psk_use);
	SSL_CTX_set_psk_find_session_callback(t->ctx, psk_find);
	SSL_CTX_set_keylog_callback(t->ctx, keylog);
	return true;
}

SSL *
channel_tls_new(struct channel_tls *t)
{
	SSL *ssl = SSL_new(t->ctx);

	if (ssl)
		SSL_set_app_data(ssl, t);
	return ssl;
}
