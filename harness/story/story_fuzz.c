/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any capture as a story: nothing is read outside it, events come in order, laws are what they can
 * be. The first octet chooses details, and lines of keys.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/story/story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
tell(void *ctx, const struct story_event *e)
{
	ns_t *last = ctx;

	if (!e->kind || !e->text[0] || memchr(e->text, '\0', sizeof(e->text)) == NULL)
		abort();
	*last = e->at;
}

static void
check(struct story *s)
{
	struct law_result out[LAWS_MAX];
	size_t cnt = story_laws(s, out);

	if (cnt != 10)
		abort();
	for (size_t i = 0; i < cnt; i++)
		if ((out[i].verdict == LAW_NOTHING && !out[i].text[0]) ||
			(out[i].verdict == LAW_HELD && !out[i].judged) ||
			(out[i].verdict == LAW_BROKEN) != (out[i].frame != TRACE_NONE))
			abort();
	for (size_t i = 0; i < story_esp_count(s); i++)
		if (story_esp_nth(s, i)->highest < story_esp_nth(s, i)->first)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *from = size > 1 ? fmemopen((void *)(uintptr_t)(data + 1), size - 1, "rb") : NULL;
	ns_t last = 0;
	struct keyring ring;
	struct story_in in = {.keys = &ring, .tell = tell, .ctx = &last};
	const char *what;
	char err[CAPTURE_ERR];
	struct capture_frame f;
	struct capture *c;
	struct story *s;

	if (!from)
		return 0;
	keyring_init(&ring);
	(void)keyring_line(&ring,
		"ESP 00000100 10.0.0.1 9.9.9.9 null-sha1 - "
		"0001020304050607080900010203040506070809",
		&what);
	(void)keyring_line(&ring,
		"IKEV1 1122334455667788 0000000000000099 aes-cbc 00010203040506070809000102030405",
		&what);
	in.details = data[0] & 1;
	in.ours = data[0] & 2;
	s = story_new(&in);
	c = capture_stream(from, "fuzz", err);
	while (c && capture_next(c, &f) == 1)
		story_frame(s, 0, &f, capture_port(c, f.port));
	story_end(s);
	check(s);
	story_free(s);
	capture_close(c);
	fclose(from);
	keyring_free(&ring);
	return 0;
}
