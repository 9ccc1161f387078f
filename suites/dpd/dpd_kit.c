/* SPDX-License-Identifier: BSD-2-Clause */
#include "suites/dpd/dpd_kit.h"

size_t
dpd_kit_acked(const struct world *w, uint32_t number, ns_t since)
{
	size_t cnt, n = 0;
	const struct peer_event *e = peer_events(w->peer, &cnt);

	for (size_t i = 0; i < cnt; i++)
		n += e[i].kind == PEER_EV_DPD_ACKED && e[i].at >= since && e[i].value == number;
	return n;
}

bool
dpd_kit_ask(struct world *w, uint32_t number, ns_t limit)
{
	size_t had = peer_event_cnt(w->peer, PEER_EV_DPD_ACKED, 0, NULL);

	if (number)
		peer_wrong(w->peer)->dpd_force = number;
	peer_dpd_probe(w->peer, lab_now(w->lab));
	return ike_kit_event(w, PEER_EV_DPD_ACKED, 0, had + 1, limit);
}

size_t
dpd_kit_asked(const struct world *w, ns_t since, uint32_t *v, size_t cap)
{
	size_t cnt, n = 0;
	const struct peer_event *e = peer_events(w->peer, &cnt);

	for (size_t i = 0; i < cnt; i++) {
		if (e[i].kind != PEER_EV_DPD_ASKED || e[i].at < since)
			continue;
		if (n < cap)
			v[n] = e[i].value;
		n++;
	}
	return n;
}
