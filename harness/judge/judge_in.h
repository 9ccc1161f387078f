/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_JUDGE_JUDGE_IN_H
#define BATON_JUDGE_JUDGE_IN_H

/*
 * The laws, a file each. Each function gets the scene, borrowed, and a result that says "nothing
 * judged"; it counts what it judges, and says the first breach (scene_broken) or remarks
 * (scene_note). Verdicts other than "broken" are made of the count, in judge.c.
 */
#include "harness/judge/scene.h"

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
