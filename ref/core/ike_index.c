/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is found by what: SAs by the initiator's cookie and by the peer's address, children by
 * inbound SPI and by the peer's address, exchanges by their SA, embryos by cookie and end.
 */
#include <assert.h>
#include <string.h>

#include "ref/core/ike_int.h"

void
ike_index_init(struct ike *k, const uint64_t key[2])
{
	struct ike_index *x = &k->index;

	assert(k->sa_cnt <= IKE_SA_MAX && k->child_cnt <= IKE_CHILD_MAX &&
		k->xchg_cnt <= IKE_XCHG_MAX && k->embryo_cnt <= IKE_EMBRYO_MAX);
	index_init(&k->sas, x->sa_head, IKE_SA_MAX, x->sa_next, IKE_SA_MAX, key);
	index_init(&k->sa_peers, x->peer_head, IKE_SA_MAX, x->peer_next, IKE_SA_MAX, key);
	index_init(&k->children, x->child_head, IKE_CHILD_MAX, x->child_next, IKE_CHILD_MAX, key);
	index_init(&k->child_peers, x->far_head, IKE_CHILD_MAX, x->far_next, IKE_CHILD_MAX, key);
	index_init(&k->xchgs, x->xchg_head, IKE_XCHG_MAX, x->xchg_next, IKE_XCHG_MAX, key);
	index_init(
		&k->embryos, x->embryo_head, IKE_EMBRYO_MAX, x->embryo_next, IKE_EMBRYO_MAX, key);
}

static uint32_t
by_addr(const struct index *x, ip4_t addr)
{
	return index_hash(x, &addr, sizeof(addr));
}

/* ---- SAs ---- */

static uint32_t
number(const struct ike *k, const struct ike_sa *sa)
{
	return (uint32_t)(sa - k->sa);
}

void
ike_sa_named(struct ike *k, const struct ike_sa *sa)
{
	index_add(&k->sas, index_hash(&k->sas, sa->cookies.i, ISAKMP_COOKIE_LEN), number(k, sa));
	index_add(&k->sa_peers, by_addr(&k->sa_peers, sa->remote.addr), number(k, sa));
}

void
ike_sa_at(struct ike *k, struct ike_sa *sa, struct ike_end to)
{
	if (sa->remote.addr != to.addr) {
		index_del(&k->sa_peers, by_addr(&k->sa_peers, sa->remote.addr), number(k, sa));
		index_add(&k->sa_peers, by_addr(&k->sa_peers, to.addr), number(k, sa));
	}
	sa->remote = to;
}

void
ike_sa_wipe(struct ike *k, struct ike_sa *sa)
{
	index_del(&k->sas, index_hash(&k->sas, sa->cookies.i, ISAKMP_COOKIE_LEN), number(k, sa));
	index_del(&k->sa_peers, by_addr(&k->sa_peers, sa->remote.addr), number(k, sa));
	wipe(sa, sizeof(*sa));
}

struct ike_sa *
ike_sa_by_cookies(const struct ike *k, const uint8_t *i, const uint8_t *r)
{
	uint32_t n = index_first(&k->sas, index_hash(&k->sas, i, ISAKMP_COOKIE_LEN));

	for (; n != INDEX_END; n = index_next(&k->sas, n)) {
		struct ike_sa *sa = &k->sa[n];

		if (memcmp(sa->cookies.i, i, ISAKMP_COOKIE_LEN) == 0 &&
			memcmp(sa->cookies.r, r, ISAKMP_COOKIE_LEN) == 0)
			return sa;
	}
	return NULL;
}

struct ike_sa *
ike_sa_by_icookie(const struct ike *k, const uint8_t *i, const struct ike_sa *after)
{
	uint32_t n = after ? index_next(&k->sas, number(k, after))
			   : index_first(&k->sas, index_hash(&k->sas, i, ISAKMP_COOKIE_LEN));

	while (n != INDEX_END && memcmp(k->sa[n].cookies.i, i, ISAKMP_COOKIE_LEN) != 0)
		n = index_next(&k->sas, n);
	return n == INDEX_END ? NULL : &k->sa[n];
}

struct ike_sa *
ike_sa_of(const struct ike *k, ip4_t peer, const struct ike_sa *after)
{
	uint32_t n = after ? index_next(&k->sa_peers, number(k, after))
			   : index_first(&k->sa_peers, by_addr(&k->sa_peers, peer));

	while (n != INDEX_END && k->sa[n].remote.addr != peer)
		n = index_next(&k->sa_peers, n);
	return n == INDEX_END ? NULL : &k->sa[n];
}

/* ---- children ---- */

static uint32_t
slot(const struct ike *k, const struct ike_child *ch)
{
	return (uint32_t)(ch - k->child);
}

void
ike_child_named(struct ike *k, const struct ike_child *ch)
{
	uint32_t spi = ch->spi_in;

	index_add(&k->children, index_hash(&k->children, &spi, sizeof(spi)), slot(k, ch));
	index_add(&k->child_peers, by_addr(&k->child_peers, ch->remote.addr), slot(k, ch));
}

void
ike_child_at(struct ike *k, struct ike_child *ch, struct ike_end to)
{
	if (ch->remote.addr != to.addr) {
		index_del(&k->child_peers, by_addr(&k->child_peers, ch->remote.addr), slot(k, ch));
		index_add(&k->child_peers, by_addr(&k->child_peers, to.addr), slot(k, ch));
	}
	ch->remote = to;
}

void
ike_child_wipe(struct ike *k, struct ike_child *ch)
{
	uint32_t spi = ch->spi_in;

	index_del(&k->children, index_hash(&k->children, &spi, sizeof(spi)), slot(k, ch));
	index_del(&k->child_peers, by_addr(&k->child_peers, ch->remote.addr), slot(k, ch));
	memset(ch, 0, sizeof(*ch));
}

struct ike_child *
ike_child_by_spi(const struct ike *k, uint32_t spi_in)
{
	uint32_t n = index_first(&k->children, index_hash(&k->children, &spi_in, sizeof(spi_in)));

	for (; n != INDEX_END; n = index_next(&k->children, n))
		if (!k->child[n].dying && k->child[n].spi_in == spi_in)
			return &k->child[n];
	return NULL;
}

struct ike_child *
ike_child_of(const struct ike *k, ip4_t peer, const struct ike_child *after)
{
	uint32_t n = after ? index_next(&k->child_peers, slot(k, after))
			   : index_first(&k->child_peers, by_addr(&k->child_peers, peer));

	while (n != INDEX_END && (k->child[n].dying || k->child[n].remote.addr != peer))
		n = index_next(&k->child_peers, n);
	return n == INDEX_END ? NULL : &k->child[n];
}

/* ---- exchanges ---- */

static uint32_t
by_sa(const struct ike *k, unsigned sa)
{
	return index_hash(&k->xchgs, &sa, sizeof(sa));
}

void
ike_xchg_bind(struct ike *k, struct ike_xchg *x, unsigned sa)
{
	uint32_t n = (uint32_t)(x - k->xchg);

	if (x->bound)
		index_del(&k->xchgs, by_sa(k, x->sa), n);
	x->sa = sa;
	x->bound = sa != IKE_NO_SA;
	if (x->bound)
		index_add(&k->xchgs, by_sa(k, sa), n);
}

struct ike_xchg *
ike_xchg_of(const struct ike *k, const struct ike_sa *sa, const struct ike_xchg *after)
{
	unsigned of = number(k, sa);
	uint32_t n = after ? index_next(&k->xchgs, (uint32_t)(after - k->xchg))
			   : index_first(&k->xchgs, by_sa(k, of));

	while (n != INDEX_END && k->xchg[n].sa != of)
		n = index_next(&k->xchgs, n);
	return n == INDEX_END ? NULL : &k->xchg[n];
}
