/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is who in the story: a packet's sender is known by its port where the trace is ours, else by
 * a member's own address or MAC; what comes from the virtual address under another MAC is the
 * Active's. And ARP for virtual addresses (RFC 826): who claims them.
 */
#include "harness/story/story_in.h"

#include <stdio.h>

bool
story_is_virtual(const struct mac *m)
{
	static const uint8_t head[5] = {0, 0, 0x0c, 7, 0xac};

	return memcmp(m->b, head, sizeof(head)) == 0;
}

static bool
is_zero(const struct mac *m)
{
	static const struct mac none;

	return memcmp(m->b, none.b, sizeof(none.b)) == 0;
}

const char *
story_member_name(const struct story *s, int member, char *text)
{
	if (member == 'A' || member == 'B')
		snprintf(text, IP4_TEXT, "%c", member);
	else if (member < 256)
		snprintf(text, IP4_TEXT, "somebody");
	else
		ip4_put(text, s->group[(member - 256) / STORY_SPEAKERS]
				      .sp[(member - 256) % STORY_SPEAKERS]
				      .ip);
	return text;
}

int
story_member(const struct story *s, size_t g, unsigned i)
{
	if (s->group[g].sp[i].letter)
		return s->group[g].sp[i].letter;
	return 256 + (int)(g * STORY_SPEAKERS + i);
}

int
story_sender(const struct story *s)
{
	if (s->letter)
		return s->letter;
	for (size_t g = 0; g < s->group_cnt && !s->in.ours; g++) {
		const struct group *gr = &s->group[g];

		for (unsigned i = 0; i < gr->cnt; i++)
			if (s->p.src == gr->sp[i].ip ||
				(!is_zero(&gr->sp[i].mac) &&
					!memcmp(&s->p.src_mac, &gr->sp[i].mac, sizeof(struct mac))))
				return story_member(s, g, i);
		if (s->p.src == gr->vip && gr->active >= 0)
			return story_member(s, g, (unsigned)gr->active);
	}
	return -1;
}

enum pair
story_pair(const struct story *s)
{
	if (s->in.ours)
		return s->letter ? PAIR_YES : PAIR_NO;
	if (!s->group_cnt)
		return PAIR_UNKNOWN;
	for (unsigned i = 0; i < s->group_cnt; i++)
		if (s->group[i].vip && s->group[i].vip == s->p.src)
			return PAIR_YES;
	return story_sender(s) >= 0 ? PAIR_YES : PAIR_NO;
}

void
story_arp(struct story *s)
{
	const struct pkt *p = &s->p;
	char who[IP4_TEXT], vip[IP4_TEXT], mac[MAC_TEXT];
	int sender = story_sender(s);

	if (p->arp_op != 2 && !pkt_is_garp(p))
		return;
	for (unsigned i = 0; i < s->group_cnt; i++) {
		struct group *g = &s->group[i];

		if (!g->vip || g->vip != p->arp_spa)
			continue;
		if (g->claimed && !memcmp(&g->owner, &p->arp_sha, sizeof(g->owner)))
			continue;
		if (sender < 0 && story_is_virtual(&p->src_mac) && g->active >= 0)
			sender = story_member(s, i, (unsigned)g->active);
		story_say(s, "arp.owner", "ARP: %s is at %s, says %s%s", ip4_put(vip, g->vip),
			mac_put(mac, &p->arp_sha), story_member_name(s, sender, who),
			pkt_is_garp(p) ? " (gratuitous)" : "");
		g->claimed = true;
		g->owner = p->arp_sha;
	}
}
