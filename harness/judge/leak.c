/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Law 9, no leak: no packet that the crypto ACL protects leaves an outside port of a member in
 * clear, in any state: no SA, no peer, starting, standby, dying. Both directions count: what goes
 * to the peer's side, and what came from there and would be sent back.
 */
#include "harness/judge/judge_in.h"

#include "ref/base/cursor.h"

#define IP_SRC_AT 12

/* Source and destination by position alone: a packet with a bad checksum leaks as well. */
static bool
addresses(const struct frame *f, const struct pkt *p, ip4_t *src, ip4_t *dst)
{
	struct rd r;

	if (p->ethertype != PKT_ETH_IP4)
		return false;
	rd_init(&r, f->bytes, f->len);
	rd_skip(&r, PKT_ETH_LEN + IP_SRC_AT, "ip");
	*src = rd_u32(&r, "ip.src");
	*dst = rd_u32(&r, "ip.dst");
	return !r.bad;
}

void
leak_judge(const struct scene *s, struct law_result *r)
{
	const struct laws_in *in = s->in;

	for (size_t i = 0; i < s->cnt; i++) {
		char a[IP4_TEXT], b[IP4_TEXT];
		ip4_t src, dst;

		if (scene_sender(s, i) < 0 || scene_segment(s, i) != SEG_OUTSIDE ||
			!addresses(trace_frame(s->t, i), &s->pkt[i], &src, &dst))
			continue;
		r->judged++;
		if ((ip4_in(in->near, src) && ip4_in(in->far, dst)) ||
			(ip4_in(in->far, src) && ip4_in(in->near, dst)))
			scene_broken(r, i,
				"no protected packet leaves an outside port in clear: "
				"expected ESP or "
				"nothing for %s to %s, saw it in clear in frame %zu, from %c",
				ip4_put(a, src), ip4_put(b, dst), i + 1,
				scene_letter(scene_sender(s, i)));
	}
}
