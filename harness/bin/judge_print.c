/* SPDX-License-Identifier: BSD-2-Clause */
/* baton judge: its words. Text for people; JSON with the same facts, for programs. */
#include "harness/bin/judge_print.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static double
seconds(ns_t span)
{
	return (double)span / (double)NS_PER_S;
}

/* A JSON value on the way; it is freed. */
static void
put_json(json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

	fputs(text ? text : "null", stdout);
	free(text);
	json_decref(o);
}

void
judge_print_begin(struct judge_print *p)
{
	if (!p->json) {
		printf("What happened, in order\n");
		return;
	}
	printf("{\"files\":[");
	for (unsigned i = 0; i < p->file_cnt; i++) {
		printf("%s", i ? "," : "");
		put_json(json_stringn_nocheck(p->files[i], strlen(p->files[i])));
	}
	printf("],\n\"events\":[");
}

void
judge_print_event(void *print, const struct story_event *e)
{
	struct judge_print *p = print;
	char place[48];

	if (p->json) {
		printf("%s", p->begun ? ",\n" : "\n");
		put_json(json_pack("{s:f, s:I, s:i, s:s, s:s}", "at", seconds(e->at - p->zero),
			"frame", (json_int_t)e->frame, "file", (int)e->file, "kind", e->kind,
			"text", e->text));
	} else {
		if (p->file_cnt > 1)
			snprintf(place, sizeof(place), "%u:%" PRIu64, e->file + 1, e->frame);
		else
			snprintf(place, sizeof(place), "%" PRIu64, e->frame);
		printf("%11.3f s  frame %-7s %s\n", seconds(e->at - p->zero), place, e->text);
	}
	p->begun = true;
}

static json_t *
stream_json(const struct judge_print *p, const struct story_esp *e)
{
	char src[IP4_TEXT], dst[IP4_TEXT], spi[12];

	snprintf(spi, sizeof(spi), "0x%08" PRIx32, e->spi);
	return json_pack(
		"{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I,"
		" s:I, s:f, s:f, s:f}",
		"spi", spi, "src", ip4_put(src, e->src), "dst", ip4_put(dst, e->dst), "udp",
		(int)e->natt, "first", (json_int_t)e->first, "last", (json_int_t)e->last, "highest",
		(json_int_t)e->highest, "packets", (json_int_t)e->packets, "missing",
		(json_int_t)e->missing, "repeated_same", (json_int_t)e->same, "repeated_different",
		(json_int_t)e->different, "reordered", (json_int_t)e->reordered, "too_old",
		(json_int_t)e->old, "opened", (json_int_t)e->opened, "not_opened",
		(json_int_t)e->spoilt, "largest_jump", (json_int_t)e->largest_jump,
		"senders_changed", (json_int_t)e->senders, "first_at",
		seconds(e->first_at - p->zero), "last_at", seconds(e->last_at - p->zero),
		"longest_gap_s", seconds(e->longest_gap));
}

static void
stream_text(const struct judge_print *p, const struct story_esp *e)
{
	char src[IP4_TEXT], dst[IP4_TEXT];

	printf("  0x%08" PRIx32 "  %s > %s%s\n", e->spi, ip4_put(src, e->src), ip4_put(dst, e->dst),
		e->natt ? ", in UDP" : "");
	printf("      first %" PRIu32 " (%.3f s), last %" PRIu32 " (%.3f s), highest %" PRIu32
	       ", %" PRIu64 " packets, %" PRIu64 " missing (at once at most %" PRIu32 ")\n",
		e->first, seconds(e->first_at - p->zero), e->last, seconds(e->last_at - p->zero),
		e->highest, e->packets, e->missing, e->largest_jump);
	printf("      %" PRIu64 " repeated with the same octets, %" PRIu64 " with others, %" PRIu64
	       " reordered, %" PRIu64 " too old to tell\n",
		e->same, e->different, e->reordered, e->old);
	printf("      %" PRIu64 " opened", e->opened);
	if (e->spoilt)
		printf(", %" PRIu64 " not opened by the key that is there", e->spoilt);
	printf("; longest silence %.3f s, from %.3f s", seconds(e->longest_gap),
		seconds((e->longest_gap ? e->gap_at : e->first_at) - p->zero));
	if (e->life_s)
		printf("; life %" PRIu32 " s", e->life_s);
	printf("\n");
}

void
judge_print_streams(struct judge_print *p, const struct story *s)
{
	size_t cnt = story_esp_count(s);

	if (p->json)
		printf("\n],\n\"esp\":[");
	else if (cnt)
		printf("\nESP streams\n");
	for (size_t i = 0; i < cnt; i++) {
		if (!p->json) {
			stream_text(p, story_esp_nth(s, i));
			continue;
		}
		printf("%s", i ? ",\n" : "\n");
		put_json(stream_json(p, story_esp_nth(s, i)));
	}
}

/* ---- laws and notes ---- */

static const char *
word(enum law_verdict v)
{
	static const char *const words[] = {[LAW_HELD] = "held",
		[LAW_BROKEN] = "broken",
		[LAW_NOTHING] = "inconclusive",
		[LAW_SUSPENDED] = "suspended"};

	return words[v];
}

static void
law_text(const struct law_result *r)
{
	printf("  %d %-13s %-13s", r->law, r->name, word(r->verdict));
	if (r->judged)
		printf(" %" PRIu64 " judged", r->judged);
	if (r->frame != TRACE_NONE)
		printf("%s frame %zu", r->judged ? ";" : "", r->frame + 1);
	if (r->text[0])
		printf("%s %s", r->judged || r->frame != TRACE_NONE ? ":" : "", r->text);
	printf("\n");
}

static json_t *
law_json(const struct law_result *r)
{
	json_t *o = json_pack("{s:i, s:s, s:s, s:I, s:s}", "law", r->law, "name", r->name,
		"verdict", word(r->verdict), "judged", (json_int_t)r->judged, "text", r->text);

	if (r->frame != TRACE_NONE)
		json_object_set_new(o, "frame", json_integer((json_int_t)r->frame + 1));
	return o;
}

static const struct {
	size_t offset;
	const char *key, *text;
} sums[] = {
#define SUM(field, text)                                                                           \
	{                                                                                          \
		offsetof(struct story_sum, field), #field, text                                    \
	}
	SUM(malformed, "malformed frames"),
	SUM(cut, "frames of which the capture kept only the beginning"),
	SUM(twice, "frames seen on two segments, and counted once"),
	SUM(backwards, "frames older than the one before"),
	SUM(fragments, "fragments, not put together"),
	SUM(ip6, "frames of IPv6, not read"),
	SUM(lost_esp,
		"ESP streams that the table had no room for: those quiet longest were let go"),
	SUM(lost_ike, "IKE SAs let go for the same reason"),
	SUM(lost_exchanges, "IKE exchanges let go for the same reason"),
	SUM(lost_groups, "HSRP groups or speakers let go for the same reason"),
	SUM(lost_ssp, "SSP connections let go for the same reason"),
	SUM(lost_segments, "frames of interfaces beyond the bound, taken for one"),
	SUM(lost_opened, "IKE messages not opened: beyond the bound"),
#undef SUM
};

static uint64_t
sum_of(const struct story_sum *s, size_t i)
{
	uint64_t v;

	memcpy(&v, (const char *)s + sums[i].offset, sizeof(v));
	return v;
}

static void
notes_text(const struct story_sum *s)
{
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
		if (sum_of(s, i))
			printf("  %" PRIu64 " %s\n", sum_of(s, i), sums[i].text);
	if (s->bad)
		printf("  most often malformed: %s, %" PRIu64 " frames%s\n", s->bad, s->bad_frames,
			strcmp(s->bad, "udp.checksum") == 0 ? " (a capture on the sender's own "
							      "machine sees checksums not yet made)"
							    : "");
}

static void
end_text(struct judge_print *p, const struct story_sum *s, const char *const *errors,
	const struct law_result *laws, size_t cnt, const char *by)
{
	unsigned held = 0, broken = 0, open = 0;

	printf("\nThe laws, %s\n", by);
	for (size_t i = 0; i < cnt; i++) {
		law_text(&laws[i]);
		held += laws[i].verdict == LAW_HELD;
		broken += laws[i].verdict == LAW_BROKEN;
		open += laws[i].verdict == LAW_NOTHING || laws[i].verdict == LAW_SUSPENDED;
	}
	printf("\n%" PRIu64 " frames in %.3f s: %" PRIu64 " HSRP, %" PRIu64 " ARP, %" PRIu64
	       " ISAKMP, %" PRIu64 " ESP, %" PRIu64 " SSP, %" PRIu64 " other\n",
		s->frames, seconds(s->last - s->first), s->hsrp, s->arp, s->isakmp, s->esp, s->ssp,
		s->other);
	notes_text(s);
	for (unsigned i = 0; i < p->file_cnt; i++)
		if (errors[i][0])
			printf("  broken off: %s\n", errors[i]);
	printf("%u held, %u broken, %u not decided: law 5 has two results\n", held, broken, open);
}

static void
end_json(struct judge_print *p, const struct story_sum *s, const char *const *errors,
	const struct law_result *laws, size_t cnt, const char *by)
{
	json_t *o = json_pack("{s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:I}", "frames",
		(json_int_t)s->frames, "seconds", seconds(s->last - s->first), "hsrp",
		(json_int_t)s->hsrp, "arp", (json_int_t)s->arp, "isakmp", (json_int_t)s->isakmp,
		"esp", (json_int_t)s->esp, "ssp", (json_int_t)s->ssp, "other",
		(json_int_t)s->other);
	json_t *broken = json_array();

	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
		json_object_set_new(o, sums[i].key, json_integer((json_int_t)sum_of(s, i)));
	if (s->bad)
		json_object_set_new(o, "most_malformed", json_string(s->bad));
	for (unsigned i = 0; i < p->file_cnt; i++)
		if (errors[i][0])
			json_array_append_new(broken, json_string(errors[i]));
	printf("\n],\n\"laws\":[");
	for (size_t i = 0; i < cnt; i++) {
		printf("%s", i ? ",\n" : "\n");
		put_json(law_json(&laws[i]));
	}
	printf("\n],\n\"judged\":");
	put_json(json_string(by));
	printf(",\n\"sums\":");
	put_json(o);
	printf(",\n\"errors\":");
	put_json(broken);
	printf("}\n");
}

void
judge_print_end(struct judge_print *p, const struct story *s, const char *const *errors,
	const struct law_result *laws, size_t law_cnt, const char *by)
{
	if (p->json)
		end_json(p, story_sums(s), errors, laws, law_cnt, by);
	else
		end_text(p, story_sums(s), errors, laws, law_cnt, by);
}
