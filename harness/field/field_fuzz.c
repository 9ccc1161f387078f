/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a frame, a chain of payloads, SSP, and at a glance: nothing is read outside them. */
#include <stdlib.h>

#include "harness/field/field.h"
#include "harness/field/pkt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
within(const struct msg *m)
{
	for (size_t i = 0; i < m->field_cnt; i++)
		if (m->fields[i].offset + m->fields[i].len > m->len)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned links[] = {1, 101, 113, 276};
	static struct msg m, n;
	struct pkt p;
	char text[256];

	pkt_parse(&p, data, size);
	field_decode(&m, data, size);
	within(&m);
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
		field_decode_link(&m, links[i], data, size);
		within(&m);
		pkt_parse_cut(&p, links[i], data, size, size + 40);
		if (p.is_ip && (p.l4 + p.l4_len > data + size || p.l4 < data))
			abort();
		if (p.data && (p.data + p.data_len > data + size || p.data < data))
			abort();
	}
	field_decode_as(&m, "ssp", data, size);
	within(&m);
	field_decode_as(&n, "isakmp", data, size);
	within(&n);
	if (size)
		field_decode_chain(&n, data[0], data + 1, size - 1);
	within(&n);
	field_diff(&m, &n, NULL, text, sizeof text);
	if (field_diff(&m, &m, NULL, text, sizeof text))
		abort();
	return 0;
}
