#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "suites/ssp/mate_kit.h"

static void
shows(struct mate_kit *x)
{
	static const char *const all[] = {"show ssp packet --json", "show ssp peers --json", "show ssp redundancy --json",
		"show ssp client --json", "show counters --json", "show crypto ipsec sa standby --json"};
	for (size_t i = 0; i < 6; i++) {
		char *t = lab_ask_text(x->w.lab, x->real, all[i]);
		fprintf(stderr, "%s: %s\n", all[i], t ? t : "(none)");
		free(t);
	}
}

static void
msgs(struct mate_kit *x)
{
	for (size_t i = 0; i < mate_msgs(x->mate) && i < 40; i++) {
		const struct mate_msg *m = mate_msg(x->mate, i);
		fprintf(stderr, "conn %zu at %.3f type %u number %u epoch %u len %zu\n", m->conn, (double)m->at / 1e9, m->type, m->number, m->epoch, m->len);
		if (m->type == MATE_IPSEC_SA || m->type == MATE_IKE_SA || m->type == MATE_HELLO || m->type == MATE_ERROR || m->type == MATE_RESYNC || m->type == MATE_REFUSE)
			field_print(mate_open(x->mate, i), stderr);
	}
}

static void
explore(struct case_run *c, enum lab_member real, bool alone)
{
	struct mate_kit x;
	if (!(alone ? mate_kit_alone(&x, c, real) : mate_kit_behind(&x, c, real)))
		return;
	if (mate_kit_ready(&x) != MATE_NONE)
		lab_run(x.w.lab, NS_PER_S);
	msgs(&x);
	shows(&x);
	(void)mate_kit_unharmed(&x);
}
static void e1(struct case_run *c) { explore(c, LAB_A, true); }
static void e2(struct case_run *c) { explore(c, LAB_B, true); }
static void e3(struct case_run *c) { explore(c, LAB_A, false); }
static void e4(struct case_run *c) { explore(c, LAB_B, false); }
#define E(i, f) {.id = "explore/x-x/" #i, .requirement = "x", .says = "x", .mutant = "ssp-no-bulk", .run = f}
static const struct case_def cases[] = {E(1, e1), E(2, e2), E(3, e3), E(4, e4)};
CASE_SUITE(cases)
