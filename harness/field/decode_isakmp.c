/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ISAKMP taken apart (decode.c says how): the header, the chain of payloads behind it, and what an
 * SA nests, proposals, transforms and attributes (RFC 2408 3).
 */
#include <string.h>

#include "harness/field/decode_in.h"

static bool
walk_attrs(struct msg *m, size_t at, size_t end)
{
	while (at < end) {
		size_t type, len;

		if (!field_peek_u16(m, at, end, "isakmp.attr.type", &type))
			return false;
		if (type & 0x8000) {
			if (!field_lay(m, &field_format_attr, &at, end))
				return false;
			m->layers[m->layer_cnt - 1].len = 4;
			continue;
		}
		if (!field_peek_u16(m, at + 2, end, "isakmp.attrv.length", &len))
			return false;
		if (len > end - at - 4)
			return field_bad(
				m, ERR_LENGTH, "isakmp.attrv.length", at + 2, "RFC 2408 3.3");
		if (!field_lay(m, &field_format_attrv, &at, at + 4 + len))
			return false;
	}
	return true;
}

/* The end of a payload that starts at `at`, from its generic header. */
static bool
payload_end(struct msg *m, const struct field_format *f, size_t at, size_t end, size_t *stop)
{
	size_t len;

	if (!field_peek_u16(m, at + 2, end, f->fields[2].name, &len))
		return false;
	if (len < 4 || len > end - at)
		return field_bad(m, ERR_LENGTH, f->fields[2].name, at + 2, "RFC 2408 3.2");
	*stop = at + len;
	return true;
}

static bool
walk_transforms(struct msg *m, size_t at, size_t end, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		size_t stop, want = i + 1 < cnt ? 3 : 0, next = at;

		if (!payload_end(m, &field_format_transform, at, end, &stop) ||
			!field_lay(m, &field_format_transform, &at, stop))
			return false;
		if (field_value_of(m, "isakmp.transform.next") != want)
			return field_bad(
				m, ERR_VALUE, "isakmp.transform.next", next, "RFC 2408 3.6");
		if (!walk_attrs(m, at, stop))
			return false;
		at = stop;
	}
	return at == end || field_bad(m, ERR_LENGTH, "isakmp.prop.length", at, "RFC 2408 3.5");
}

static bool
walk_proposals(struct msg *m, size_t at, size_t end)
{
	size_t next = 2;

	while (next == 2) {
		size_t stop, start = at;

		if (!payload_end(m, &field_format_prop, at, end, &stop) ||
			!field_lay(m, &field_format_prop, &at, stop))
			return false;
		next = field_value_of(m, "isakmp.prop.next");
		if (next != 0 && next != 2)
			return field_bad(m, ERR_VALUE, "isakmp.prop.next", start, "RFC 2408 3.5");
		if (!walk_transforms(m, at, stop, field_value_of(m, "isakmp.prop.transforms")))
			return false;
		at = stop;
	}
	return at == end || field_bad(m, ERR_LENGTH, "isakmp.sa.length", at, "RFC 2408 3.4");
}

static bool
check_delete(struct msg *m, size_t at)
{
	const struct field *spis = field_last_named(m, "isakmp.delete.spis");
	size_t each = field_value_of(m, "isakmp.delete.spisize");

	if (spis && spis->len == each * field_value_of(m, "isakmp.delete.count"))
		return true;
	return field_bad(m, ERR_LENGTH, "isakmp.delete.count", at + 10, "RFC 2408 3.15");
}

/* Payloads from `type` on; what is behind the last is padding, legal only where `padded`. */
bool
field_walk_chain(struct msg *m, uint8_t type, size_t at, size_t end, bool padded)
{
	while (type) {
		const struct field_format *f = field_format_payload(type);
		size_t stop, start = at;

		if (!payload_end(m, f, at, end, &stop) || !field_lay(m, f, &at, stop))
			return false;
		type = m->bytes[start];
		if (f == &field_format_sa && !walk_proposals(m, at, stop))
			return false;
		if (f == &field_format_delete && !check_delete(m, start))
			return false;
		at = stop;
	}
	if (padded)
		return true;
	return at == end || field_bad(m, ERR_LENGTH, "isakmp.length", at, "RFC 2408 3.1");
}

bool
field_walk_isakmp(struct msg *m, size_t at, size_t end)
{
	size_t start = at;

	if (!field_lay(m, &field_format_isakmp, &at, end))
		return false;
	if (field_value_of(m, "isakmp.length") != end - start)
		return field_bad(m, ERR_LENGTH, "isakmp.length", start + 24, "RFC 2408 3.1");
	if (field_value_of(m, "isakmp.flags") & 1)
		return field_lay(m, &field_format_encrypted, &at, end);
	return field_walk_chain(m, (uint8_t)field_value_of(m, "isakmp.next"), at, end, false);
}
