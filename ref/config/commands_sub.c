/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands of the other sub-modes: policy (numbers of RFC 2409 Appendix A, RFC 3526),
 * transform-set, map, ssp. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref/base/hex.h"
#include "ref/config/commands_int.h"

/* RFC 2409 Appendix A: 3DES 5, AES 7. */
void
command_policy_aes(struct parse *p, const struct arg *a)
{
	p->policy->cipher = 7;
	p->policy->key_bits = config_key_bits(&a[0]);
}

void
command_policy_3des(struct parse *p, const struct arg *a)
{
	(void)a;
	p->policy->cipher = 5;
	p->policy->key_bits = 0;
}

void
command_policy_hash(struct parse *p, const struct arg *a)
{
	static const struct {
		const char *word;
		uint16_t number;
	} hashes[] = {{"md5", 1}, {"sha", 2}, {"sha256", 4}, {"sha384", 5}, {"sha512", 6}};

	for (unsigned i = 0; i < sizeof hashes / sizeof hashes[0]; i++)
		if (!strcmp(a[0].text, hashes[i].word))
			p->policy->hash = hashes[i].number;
}

void
command_policy_psk(struct parse *p, const struct arg *a)
{
	(void)a;
	p->policy->pre_share = true;
}

void
command_policy_group(struct parse *p, const struct arg *a)
{
	p->policy->group = (uint16_t)strtoul(a[0].text, NULL, 10);
}

void
command_policy_lifetime(struct parse *p, const struct arg *a)
{
	p->policy->lifetime_s = a[0].num;
}

/* transform-set, crypto map, ssp ------------------------------------------------------------- */

void
command_mode_tunnel(struct parse *p, const struct arg *a)
{
	(void)p;
	(void)a;
}

void
command_set_peer(struct parse *p, const struct arg *a)
{
	p->map->peer = a[0].ip;
}

void
command_set_tsets(struct parse *p, const struct arg *a)
{
	p->map->tset_cnt = 0;
	for (unsigned i = 0; i < CFG_MAP_TSETS && a[i].has; i++)
		config_name(p->map->tset[p->map->tset_cnt++], a[i].text);
}

void
command_set_pfs(struct parse *p, const struct arg *a)
{
	p->map->pfs = (uint16_t)strtoul(a[0].text + strlen("group"), NULL, 10);
}

void
command_set_seconds(struct parse *p, const struct arg *a)
{
	p->map->lifetime_s = a[0].num;
}

void
command_set_kilobytes(struct parse *p, const struct arg *a)
{
	p->map->lifetime_kb = a[0].num;
}

void
command_match_address(struct parse *p, const struct arg *a)
{
	config_name(p->map->acl, a[0].text);
}

void
command_reverse_route(struct parse *p, const struct arg *a)
{
	(void)a;
	p->map->reverse_route = true;
}

void
command_ssp_remote(struct parse *p, const struct arg *a)
{
	p->ssp->remote = a[0].ip;
}

void
command_ssp_redundancy(struct parse *p, const struct arg *a)
{
	for (unsigned i = 0; i < p->ssp->redundancy_cnt; i++)
		if (!strcmp(p->ssp->redundancy[i], a[0].text))
			return;
	if (p->ssp->redundancy_cnt == CFG_REDUNDANCIES) {
		p->wrong = "too many redundancy names";
		return;
	}
	config_name(p->ssp->redundancy[p->ssp->redundancy_cnt++], a[0].text);
}

void
command_ssp_port(struct parse *p, const struct arg *a)
{
	p->ssp->port = (uint16_t)a[0].num;
}

void
command_ssp_key(struct parse *p, const struct arg *a)
{
	uint8_t b[SECRET_MAX];
	long n = hex_get(b, sizeof b, a[0].text);

	if (n < 16)
		p->wrong = "16 to 64 octets in hexadecimal (at least 128 random bits)";
	else
		secret_set(&p->ssp->key, b, (size_t)n);
	wipe(b, sizeof b);
}
