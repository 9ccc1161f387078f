/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of one case, in its own process: its function, its loose ends, the keys, the laws over
 * the frozen trace, the capture, the members' own end, and the verdict. A case that breaks off
 * (no lab, out of time) still leaves all that was seen up to then.
 */
#include "harness/run/case_in.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MARGIN (20 * NS_PER_MS) /* on instants, for laws: a loaded machine of two processors */

/* The kernel changes routes of all namespaces under one lock, which other labs hold as they come
 * and go. */
#define KERNEL_LOCK (250 * NS_PER_MS)
#define DARK_MARGIN (250 * NS_PER_MS) /* over hold: one hello, two groups, ARP */

static laws_judge *judge;

void
laws_set(laws_judge *j)
{
	judge = j;
}

laws_judge *
laws_get(void)
{
	return judge;
}

static FILE *
open_in(const char *dir, const char *name, const char *mode)
{
	char path[CASE_PATH];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, mode);
	if (!f)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return f;
}

/* The key logs of the members, into the ring. A missing one is a member that had no keys. */
static void
read_keylogs(struct case_run *c)
{
	for (int m = 0; m < LAB_MEMBERS; m++) {
		const char *path = lab_keylog_path(c->lab, (enum lab_member)m), *what;
		FILE *f = fopen(path, "r");
		unsigned line;

		if (!f)
			continue;
		if (keyring_read(&c->ring, f, &line, &what) < 0)
			case_note(c, "%s:%u: %s", path, line, what);
		fclose(f);
	}
}

static void
write_keys(struct case_run *c)
{
	static const struct {
		const char *name;
		void (*write)(const struct keyring *r, FILE *to);
	} files[] = {
		{"ikev1_decryption_table", keyring_write_ikev1},
		{"esp_sa", keyring_write_esp},
		{"tls_keylog", keyring_write_tls},
		{"keys", keyring_write}, /* all of it, for `baton fields` */
	};
	char *text = NULL;
	size_t len = 0;
	FILE *mem;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		FILE *f = open_in(c->env->dir, files[i].name, "w");

		if (!f)
			continue;
		files[i].write(&c->ring, f);
		if (fclose(f) != 0)
			case_note(c, "%s: could not be written", files[i].name);
	}
	mem = open_memstream(&text, &len);
	if (!mem)
		return;
	keyring_write_tls(&c->ring, mem);
	if (fclose(mem) == 0 && len)
		trace_secrets(lab_trace(c->lab), text);
	free(text);
}

static const char *
law_word(enum law_verdict v)
{
	static const char *const words[] = {
		[LAW_HELD] = "pass",
		[LAW_BROKEN] = "fail",
		[LAW_NOTHING] = "inconclusive",
		[LAW_SUSPENDED] = "suspended",
	};

	return words[v];
}

/* One law's result into the facts, the report and the capture. */
static void
take_law(struct case_run *c, json_t *laws, const struct law_result *r)
{
	char text[LAW_TEXT + 64];

	json_array_append_new(laws,
		json_pack("{s:i, s:s, s:I, s:s, s:s}", "law", r->law, "name", r->name, "judged",
			(json_int_t)r->judged, "verdict", law_word(r->verdict), "text", r->text));
	if (r->verdict == LAW_NOTHING && c->def->needs_laws & 1u << r->law)
		c->facts.law_missing = true;
	if (r->verdict != LAW_BROKEN)
		return;
	if (case_stalled(c) && (r->law == 4 || r->law == 5 || r->law == 7)) {
		case_inconclusive(c, "the lab stood still for %lld ms; law %d (%s): %s",
			(long long)ns_to_ms(lab_late_ns(c->lab)), r->law, r->name, r->text);
		return;
	}
	c->facts.laws_failed++;
	snprintf(text, sizeof(text), "law %d (%s) broken: %s", r->law, r->name, r->text);
	if (!c->over && c->facts.laws_failed == 1)
		snprintf(c->reason, sizeof(c->reason), "%s", text);
	case_decided_by(c, r->frame, "%s", text);
}

/* What the members were told, whatever line a case put in place of the standard one. */
static void
take_description(const struct lab_text *k, struct laws_in *in)
{
	static const char replay[] = "ha replay-interval", timers[] = "standby 1 timers";
	char *text = lab_text(k, LAB_A), *at;
	unsigned a = 0, b = 0;

	in->replay_in = 1000; /* as the feature's own defaults are */
	in->replay_out = 100000;
	at = strstr(text, replay);
	if (at && sscanf(at + strlen(replay), " inbound %u outbound %u", &a, &b) == 2) {
		in->replay_in = a;
		in->replay_out = b;
	}
	at = strstr(text, timers);
	if (at && sscanf(at + strlen(timers), " msec %u msec %u", &a, &b) == 2) {
		in->hello = ns_from_ms(a);
		in->hold = ns_from_ms(b);
	} else if (at && sscanf(at + strlen(timers), " %u %u", &a, &b) == 2) {
		in->hello = ns_from_s(a);
		in->hold = ns_from_s(b);
	}
	in->max_jump = 2 * in->replay_out; /* docs/spec/ssp.md 4 */
	in->dynamic_map = !k->static_map;
	free(text);
}

static json_t *
laws_outcome(struct case_run *c)
{
	struct law_result out[LAWS_MAX];
	json_t *laws = json_array();
	struct laws_in in = {
		.trace = lab_trace(c->lab),
		.keys = &c->ring,
		.hello = LAB_HELLO_MS * NS_PER_MS,
		.hold = LAB_HOLD_MS * NS_PER_MS,
		.margin = MARGIN + case_excusable(c),
		.dark_margin = DARK_MARGIN + case_excusable(c),
		.route_margin = KERNEL_LOCK + 2 * lab_kernel_late_ns(c->lab),
		.near = {IP4(10, 0, 0, 0), 24},
		.far = {LAB_REMOTE_NET, 24},
		.plain_sync = lab_plain_sync(c->lab),
		.skip = c->def->skips_laws,
	};
	char said[JUDGE_SETTINGS], note[JUDGE_SETTINGS + 8];
	size_t cnt;

	take_description(&c->knobs, &in);
	judge_settings_put(&in, said, sizeof(said));
	snprintf(note, sizeof(note), "laws %s", said);
	trace_note(lab_trace(c->lab), note);
	snprintf(note, sizeof(note), "case %.200s", c->def->id);
	trace_note(lab_trace(c->lab), note);
	cnt = judge ? judge(&in, out) : 0;
	for (size_t i = 0; i < cnt; i++)
		take_law(c, laws, &out[i]);
	return laws;
}

static void
write_trace(struct case_run *c)
{
	char path[CASE_PATH], err[TRACE_ERR];

	snprintf(path, sizeof(path), "%s/trace.pcapng", c->env->dir);
	if (!trace_write(lab_trace(c->lab), path, lab_epoch(c->lab), err))
		case_error(c, "%s", err);
}

static bool
may_go_on(void *ctx)
{
	char octet;
	ssize_t got = recv(*(const int *)ctx, &octet, 1, MSG_DONTWAIT);

	return got >= 0 || (errno != EAGAIN && errno != EINTR);
}

/*
 * A case that failed, while its lab is up: somebody may want to look. The peer and the host are
 * still there if the case itself said so, and the members alone if a law did.
 */
static void
pause_if_failed(struct case_run *c)
{
	enum verdict v = verdict_decide(&c->facts).verdict;
	int fd = c->env->pause;

	if (fd < 0 || c->paused || !c->lab || (v != VERDICT_FAIL && v != VERDICT_ERROR))
		return;
	c->paused = true;
	lab_limit(c->lab, NS_NEVER, NULL, NULL);
	if (send(fd, c->reason[0] ? c->reason : "?", strlen(c->reason) + !c->reason[0],
		    MSG_NOSIGNAL) > 0)
		lab_until(c->lab, "whoever looks at it", NS_NEVER / 2, may_go_on, &fd);
}

/* With the world at rest: keys, laws, capture; then the members are asked to end. */
static json_t *
settle_up(struct case_run *c)
{
	json_t *laws;

	if (!c->lab)
		return json_array();
	lab_limit(c->lab, NS_NEVER, NULL, NULL);
	read_keylogs(c);
	write_keys(c);
	c->facts.frames_dropped = lab_dropped(c->lab) > 0;
	laws = laws_outcome(c);
	write_trace(c);
	pause_if_failed(c);
	lab_wind_down(c->lab);
	for (int m = 0; m < LAB_MEMBERS; m++) {
		int status = 0;

		if (!lab_died(c->lab, (enum lab_member)m))
			continue;
		c->facts.member_died = true;
		lab_exit(c->lab, (enum lab_member)m, &status);
		case_note(c, "%s ended by itself, wait status 0x%x: see %s and its .stderr",
			lab_member_name((enum lab_member)m), (unsigned)status,
			lab_log_path(c->lab, (enum lab_member)m));
	}
	return laws;
}

json_t *
case_result(const struct case_def *def, enum verdict v, const char *reason)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:f, s:[], s:[], s:[], s:s, s:s, s:s, s:s, s:s}",
		"id", def->id, "verdict", verdict_name(v), "by", "", "reason", reason, "seconds",
		0.0, "laws", "figures", "artifacts", "requirement", def->requirement, "level",
		case_level_name(def->level), "class", case_class_name(def->class_), "says",
		def->says, "mutant", def->mutant ? def->mutant : "");
}

static json_t *
result_of(struct case_run *c, json_t *laws)
{
	struct verdict_sum sum = verdict_decide(&c->facts);
	bool own_text = c->reason[0] && (!sum.why[0] || sum.by == BY_LAW);
	json_t *r = case_result(c->def, sum.verdict,
		sum.verdict == VERDICT_PASS ? ""
		: own_text		    ? c->reason
					    : sum.why);

	json_object_set_new(r, "by", json_string(verdict_by_name(sum.by)));
	json_object_set_new(r, "laws", laws);
	json_object_set(r, "figures", c->figures);
	json_object_set(r, "fields", c->fields);
	json_object_set(r, "frames", c->frames);
	json_object_set(r, "notes", c->notes);
	json_object_set_new(r, "checks", json_integer(c->facts.checks));
	json_object_set_new(r, "seed", json_integer((json_int_t)c->env->seed));
	if (c->lab) {
		json_object_set_new(
			r, "late_ms", json_real((double)lab_late_ns(c->lab) / (double)NS_PER_MS));
		json_object_set_new(
			r, "frames_seen", json_integer((json_int_t)trace_len(lab_trace(c->lab))));
	}
	return r;
}

json_t *
case_execute(const struct case_def *def, const struct case_env *env)
{
	struct case_run *c = calloc(1, sizeof(*c));
	json_t *r, *laws;

	if (!c)
		abort();
	*c = (struct case_run){.def = def,
		.env = env,
		.fields = json_array(),
		.frames = json_array(),
		.figures = json_array(),
		.notes = json_array()};
	keyring_init(&c->ring);
	if (setjmp(c->leave) == 0)
		def->run(c);
	c->facts.finished = true;
	pause_if_failed(c);
	while (c->at_end_cnt > 0) {
		c->at_end_cnt--;
		c->at_end[c->at_end_cnt].fn(c, c->at_end[c->at_end_cnt].ctx);
	}
	laws = settle_up(c);
	r = result_of(c, laws);
	lab_close(c->lab);
	keyring_free(&c->ring);
	json_decref(c->fields);
	json_decref(c->frames);
	json_decref(c->figures);
	json_decref(c->notes);
	free(c);
	return r;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
is_artifact(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

void
case_save(json_t *result, const char *dir)
{
	json_t *artifacts = json_array();
	struct dirent **found = NULL;
	FILE *f = open_in(dir, "verdict.json", "w");
	int cnt = scandir(dir, &found, is_artifact, by_name);

	for (int i = 0; i < cnt; i++) {
		char path[CASE_PATH];

		snprintf(path, sizeof(path), "%.250s/%.250s", dir, found[i]->d_name);
		json_array_append_new(artifacts, json_string(path));
		free(found[i]);
	}
	free(found);
	json_object_set_new(result, "artifacts", artifacts);
	if (!f)
		return;
	if (json_dumpf(result, f, JSON_INDENT(2)) != 0 || fputc('\n', f) == EOF)
		fprintf(stderr, "%s/verdict.json: could not be written\n", dir);
	fclose(f);
}
