/* SPDX-License-Identifier: BSD-2-Clause */
/* Lifetimes of an SA, in seconds and in kilobytes (esp.h). */
#include "ref/core/esp.h"

/* Ahead of the hard limit, but never in the first half of a short life. */
static ns_t
soft_at(const struct esp_sa *sa, const struct esp_rules *rules)
{
	return sa->hard_at - ns_min(rules->soft_before, (sa->hard_at - sa->created) / 2);
}

enum esp_life
esp_life(const struct esp_sa *sa, const struct esp_rules *rules, ns_t now)
{
	uint64_t kb = rules->honour_kb ? sa->hard_kb : 0, used = sa->bytes / 1024;
	uint64_t soft_kb = kb > 2 * rules->soft_kb_before ? kb - rules->soft_kb_before : kb / 2;

	if ((sa->hard_at != NS_NEVER && now >= sa->hard_at) || (kb && used >= kb))
		return ESP_LIFE_HARD;
	if ((sa->hard_at != NS_NEVER && now >= soft_at(sa, rules)) || (kb && used >= soft_kb))
		return ESP_LIFE_SOFT;
	return ESP_LIFE_OK;
}

ns_t
esp_life_deadline(const struct esp_sa *sa, const struct esp_rules *rules, ns_t now)
{
	if (sa->hard_at == NS_NEVER)
		return NS_NEVER;
	return now < soft_at(sa, rules) ? soft_at(sa, rules) : sa->hard_at;
}

uint32_t
esp_life_left_s(const struct esp_sa *sa, ns_t now)
{
	if (sa->hard_at == NS_NEVER)
		return UINT32_MAX;
	if (now >= sa->hard_at)
		return 0;
	return (uint32_t)((sa->hard_at - now) / NS_PER_S);
}
