/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as an ISAKMP message: every payload is opened as each kind, down to attributes. */
#include "ref/wire/isakmp.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
attributes(struct rd r)
{
	struct isakmp_attr a;

	while (rd_left(&r))
		if (isakmp_attr_decode(&r, &a, NULL))
			return;
}

static void
proposals(struct rd r)
{
	struct isakmp_proposal pr;
	struct isakmp_transform t;

	while (rd_left(&r)) {
		if (isakmp_proposal_decode(&r, &pr, NULL))
			return;
		while (rd_left(&pr.transforms)) {
			if (isakmp_transform_decode(&pr.transforms, &t, NULL))
				return;
			attributes(t.attrs);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct isakmp_payloads p;
	struct isakmp_notify n;
	struct isakmp_delete d;
	struct isakmp_hdr h;
	struct isakmp_sa sa;
	struct isakmp_id id;
	struct why why;
	struct rd r;

	rd_init(&r, data, size);
	if (isakmp_hdr_decode(&r, &h, &why) || isakmp_payloads_decode(&r, h.next, &p, &why))
		return 0;
	for (unsigned i = 0; i < p.cnt; i++) {
		if (!isakmp_sa_decode(&p.v[i], &sa, &why))
			proposals(sa.proposals);
		if (!isakmp_id_decode(&p.v[i], &id, &why) && id.len > size)
			__builtin_trap();
		if (!isakmp_notify_decode(&p.v[i], &n, &why) && n.data_len > size)
			__builtin_trap();
		if (!isakmp_delete_decode(&p.v[i], &d, &why) &&
			(size_t)d.spi_cnt * d.spi_len > size)
			__builtin_trap();
	}
	return 0;
}
