/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_JUDGE_JUDGE_IN_H
#define BATON_JUDGE_JUDGE_IN_H

/*
 * The laws, a file each. Each function gets the scene, borrowed, and a result that says "nothing
 * judged"; it counts what it judges, and says the first breach (scene_broken) or remarks
 * (scene_note). Verdicts other than "broken" are made of the count, in judge.c.
 */
#include "harness/judge/scene.h"

/*
 * True if a fault of the table in judge.c keeps r's law from being judged over that time, on those
 * segments (bits): it lasts then, or ended so lately that its effects do. Counts it, and names it.
 */
bool judge_sets_aside(const struct scene *s, struct law_result *r, unsigned segments, ns_t from,
	ns_t to);
/* The first instant from `at` on behind which so long nothing suspends that law; or NS_NEVER. */
ns_t judge_clear_from(const struct scene *s, int law, unsigned segments, ns_t at, ns_t len);
/* When a fault that suspends that law ended last before `at`; 0 if none did. */
ns_t judge_last_end(const struct scene *s, int law, unsigned segments, ns_t at);
enum { HSRP_LINES = 1u << SEG_OUTSIDE | 1u << SEG_INSIDE, SYNC_LINE = 1u << SEG_SYNC };
#define ANYWHERE (HSRP_LINES | SYNC_LINE)

/* Each inbound packet that a member accepted: it was seen inside, in that frame. */
typedef void accepted_take(void *ctx, const struct scene_esp *e, size_t inside);
void replay_accepted(const struct scene *s, accepted_take *take, void *ctx);

void uniqueness_judge(const struct scene *s, struct law_result *r);
void continuity_judge(const struct scene *s, struct law_result *r);
void replay_judge(const struct scene *s, struct law_result *r);
void owner_judge(const struct scene *s, struct law_result *r);
void outage_judge(const struct scene *s, struct law_result *r);
void anew_judge(const struct scene *s, struct law_result *r);
void dpd_judge(const struct scene *s, struct law_result *r);
void routes_judge(const struct scene *s, struct law_result *r);
void lifetimes_judge(const struct scene *s, struct law_result *r);
void leak_judge(const struct scene *s, struct law_result *r);

#endif
