/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results as JUnit XML, in the form that CI servers read (testsuites, testsuite, testcase): a suite
 * per area, failure for fail and xpass, error for error and inconclusive (its type says which),
 * skipped for the rest. libxml2 does the writing and the escaping.
 */
#include <errno.h>
#include <libxml/xmlwriter.h>
#include <string.h>

#include "harness/report/report.h"
#include "harness/trace/place.h"

static const char *
text(const json_t *r, const char *key)
{
	const char *s = json_string_value(json_object_get(r, key));

	return s ? s : "";
}

static bool
attr(xmlTextWriterPtr w, const char *name, const char *value)
{
	return xmlTextWriterWriteAttribute(w, BAD_CAST name, BAD_CAST value) >= 0;
}

static bool
attr_num(xmlTextWriterPtr w, const char *name, double value, int digits)
{
	return xmlTextWriterWriteFormatAttribute(w, BAD_CAST name, "%.*f", digits, value) >= 0;
}

static bool
begin(xmlTextWriterPtr w, const char *name)
{
	return xmlTextWriterStartElement(w, BAD_CAST name) >= 0;
}

static bool
end(xmlTextWriterPtr w)
{
	return xmlTextWriterEndElement(w) >= 0;
}

/* "hsrp" of "hsrp/2281-5.7/12". */
static size_t
area_len(const json_t *r)
{
	return strcspn(text(r, "id"), "/");
}

/* XML 1.0 has no place for control characters: they become blanks. */
static void
clean(char *dst, size_t cap, const char *src)
{
	size_t i = 0;

	for (; src[i] && i + 1 < cap; i++)
		dst[i] = (unsigned char)src[i] < ' ' ? ' ' : src[i];
	dst[i] = '\0';
}

static bool
put_outcome(xmlTextWriterPtr w, const json_t *r, enum verdict v)
{
	static const char *const elements[VERDICT_CNT] = {
		[VERDICT_FAIL] = "failure",
		[VERDICT_XPASS] = "failure",
		[VERDICT_INCONCLUSIVE] = "error",
		[VERDICT_ERROR] = "error",
		[VERDICT_SKIP] = "skipped",
		[VERDICT_UNSUPPORTED] = "skipped",
		[VERDICT_XFAIL] = "skipped",
	};
	char reason[2048];

	if (!elements[v])
		return true;
	clean(reason, sizeof(reason), text(r, "reason"));
	return begin(w, elements[v]) && attr(w, "type", verdict_name(v)) &&
	       attr(w, "message", reason) &&
	       xmlTextWriterWriteString(w, BAD_CAST text(r, "says")) >= 0 && end(w);
}

static bool
put_case(xmlTextWriterPtr w, const json_t *r)
{
	char area[64], id[256];

	snprintf(area, sizeof(area), "%.*s", (int)area_len(r), text(r, "id"));
	return begin(w, "testcase") && attr(w, "classname", area) &&
	       attr(w, "name", report_name(r, id, sizeof(id))) &&
	       attr_num(w, "time", json_number_value(json_object_get(r, "seconds")), 3) &&
	       put_outcome(w, r, run_verdict(r)) && end(w);
}

static bool
put_counts(xmlTextWriterPtr w, const json_t *results, size_t from, size_t to)
{
	struct verdict_tally t = {0};
	double seconds = 0;

	for (size_t i = from; i < to; i++) {
		const json_t *r = json_array_get(results, i);

		verdict_count(&t, run_verdict(r));
		seconds += json_number_value(json_object_get(r, "seconds"));
	}
	return attr_num(w, "tests", (double)(to - from), 0) &&
	       attr_num(w, "failures", t.cnt[VERDICT_FAIL] + t.cnt[VERDICT_XPASS], 0) &&
	       attr_num(w, "errors", t.cnt[VERDICT_ERROR] + t.cnt[VERDICT_INCONCLUSIVE], 0) &&
	       attr_num(w, "skipped", verdict_last_line(&t).skipped, 0) &&
	       attr_num(w, "time", seconds, 3);
}

/* The cases [from, to) of one area. */
static bool
put_area(xmlTextWriterPtr w, const json_t *results, size_t from, size_t to)
{
	const json_t *first = json_array_get(results, from);
	char area[64];
	bool ok;

	snprintf(area, sizeof(area), "%.*s", (int)area_len(first), text(first, "id"));
	ok = begin(w, "testsuite") && attr(w, "name", area) && put_counts(w, results, from, to);
	for (size_t i = from; ok && i < to; i++)
		ok = put_case(w, json_array_get(results, i));
	return ok && end(w);
}

static bool
same_area(const json_t *a, const json_t *b)
{
	return area_len(a) == area_len(b) &&
	       strncmp(text(a, "id"), text(b, "id"), area_len(a)) == 0;
}

static bool
put_all(xmlTextWriterPtr w, const json_t *results)
{
	size_t cnt = json_array_size(results), from = 0, to;
	bool ok;

	ok = xmlTextWriterSetIndent(w, 1) >= 0 &&
	     xmlTextWriterStartDocument(w, NULL, "UTF-8", NULL) >= 0 && begin(w, "testsuites") &&
	     attr(w, "name", "baton") && put_counts(w, results, 0, cnt);
	for (; ok && from < cnt; from = to) {
		for (to = from + 1; to < cnt; to++)
			if (!same_area(json_array_get(results, from), json_array_get(results, to)))
				break;
		ok = put_area(w, results, from, to);
	}
	return ok && xmlTextWriterEndDocument(w) >= 0 && xmlTextWriterFlush(w) >= 0;
}

/* Made in memory: libxml2 tells its own way of a file that is full, and not why. */
bool
report_junit(const char *path, const json_t *results, char *err)
{
	xmlBufferPtr b = xmlBufferCreate();
	xmlTextWriterPtr w = b ? xmlNewTextWriterMemory(b, 0) : NULL;
	bool ok = w && put_all(w, results);
	struct place to;

	xmlFreeTextWriter(w);
	if (!ok)
		snprintf(err, PLACE_ERR, "%.160s: the XML could not be made", path);
	ok = ok && place_open(&to, path, err);
	if (ok) {
		if (fwrite(xmlBufferContent(b), 1, (size_t)xmlBufferLength(b), to.f) !=
			(size_t)xmlBufferLength(b))
			to.error = errno;
		ok = place_close(&to, err);
	}
	xmlBufferFree(b);
	return ok;
}
