/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SSP's tables, from docs/spec/ssp.md sections 1 and 2 alone. Which TLVs a message must have is not
 * a matter of fields: whoever judges the protocol checks that.
 */
#include <string.h>

#include "harness/field/formats.h"

#define CHANNEL "docs/spec/ssp.md 1"
#define TLVS "docs/spec/ssp.md 2"

static const struct field_def ssp_fields[] = {
	{.name = "ssp.version", .bits = 8, .preset = 1, .must = true, .clause = CHANNEL},
	{.name = "ssp.type", .bits = 8, .preset = 14, .clause = TLVS},
	{.name = "ssp.reserved", .bits = 16, .must = true, .clause = CHANNEL},
	{.name = "ssp.length", .bits = 32, .fill = FIELD_BODY, .clause = CHANNEL},
	{.name = "ssp.number", .bits = 32, .preset = 1, .clause = CHANNEL},
	{.name = "ssp.epoch", .bits = 32, .clause = CHANNEL},
};
const struct field_format field_format_ssp = {
	.name = "ssp", .fields = ssp_fields, .field_cnt = 6, .level = 3};

/* Type and length, in front of each value; then the value's parts. */
#define HEAD(n)                                                                                    \
	{.name = "ssp." n ".type", .bits = 16, .fill = FIELD_TYPE, .clause = TLVS},                \
	{                                                                                          \
		.name = "ssp." n ".length", .bits = 16, .fill = FIELD_BODY, .clause = CHANNEL      \
	}
#define NUM(n, b, p)                                                                               \
	{                                                                                          \
		.name = "ssp." n, .bits = b, .preset = p, .clause = TLVS                           \
	}
#define ADDR(n)                                                                                    \
	{                                                                                          \
		.name = "ssp." n, .bits = 32, .kind = FIELD_IP4, .clause = TLVS                    \
	}
#define REST(n)                                                                                    \
	{                                                                                          \
		.name = "ssp." n, .kind = FIELD_BYTES, .clause = TLVS                              \
	}
#define TEXT(n)                                                                                    \
	{                                                                                          \
		.name = "ssp." n, .kind = FIELD_TEXT, .clause = TLVS                               \
	}
#define TLV(n, ...) static const struct field_def n##_fields[] = {HEAD(#n), __VA_ARGS__}

TLV(group, NUM("group.number", 16, 0));
TLV(role, NUM("role.role", 8, 0));
TLV(instance, NUM("instance.id", 64, 0));
TLV(keepalive, NUM("keepalive.ms", 32, 0));
TLV(lease, NUM("lease.ms", 32, 0));
TLV(client, NUM("client.doi", 32, 1), NUM("client.version", 16, 0x100));
TLV(count, NUM("count.records", 32, 0));
TLV(cookies, NUM("cookies.initiator", 64, 0), NUM("cookies.responder", 64, 0));
TLV(side, NUM("side.side", 8, 1));
TLV(local, ADDR("local.address"), NUM("local.port", 16, 0x1f4));
TLV(remote, ADDR("remote.address"), NUM("remote.port", 16, 0x1f4));
TLV(phase1, NUM("phase1.cipher", 16, 7), NUM("phase1.bits", 16, 128), NUM("phase1.hash", 16, 2),
	NUM("phase1.group", 16, 2));
TLV(skeyid_d, REST("skeyid_d.key"));
TLV(skeyid_a, REST("skeyid_a.key"));
TLV(skeyid_e, REST("skeyid_e.key"));
TLV(cipher_key, REST("cipher_key.key"));
TLV(last_block, REST("last_block.block"));
TLV(peer_id, NUM("peer_id.idtype", 8, 1), REST("peer_id.id"));
TLV(natt, NUM("natt.flags", 8, 0));
TLV(dpd, NUM("dpd.flags", 8, 0), NUM("dpd.sent", 32, 0), NUM("dpd.received", 32, 0));
TLV(life, NUM("life.seconds", 32, 0));
TLV(msgids, REST("msgids.ids"));
TLV(confirmed, NUM("confirmed.confirmed", 8, 1));
TLV(spis, ADDR("spis.peer"), NUM("spis.inbound", 32, 0), NUM("spis.outbound", 32, 0));
TLV(transform, NUM("transform.transform", 16, 1), NUM("transform.pfs", 16, 0));
TLV(enc_in, REST("enc_in.key"));
TLV(auth_in, REST("auth_in.key"));
TLV(enc_out, REST("enc_out.key"));
TLV(auth_out, REST("auth_out.key"));
TLV(proxy_local, ADDR("proxy_local.address"), NUM("proxy_local.prefix", 8, 24),
	NUM("proxy_local.protocol", 8, 0), NUM("proxy_local.port", 16, 0));
TLV(proxy_remote, ADDR("proxy_remote.address"), NUM("proxy_remote.prefix", 8, 24),
	NUM("proxy_remote.protocol", 8, 0), NUM("proxy_remote.port", 16, 0));
TLV(map, NUM("map.entry", 32, 10), TEXT("map.name"));
TLV(limits, NUM("limits.kilobytes", 32, 0));
TLV(reserve, NUM("reserve.kind", 8, 1), NUM("reserve.number", 32, 0));
TLV(window, NUM("window.highest", 32, 0), NUM("window.size", 16, 64), REST("window.bitmap"));
TLV(volume, NUM("volume.in", 64, 0), NUM("volume.out", 64, 0));
TLV(acked, NUM("acked.number", 32, 0));
TLV(time, NUM("time.ms", 64, 0));
TLV(echo, NUM("echo.ms", 64, 0));
TLV(reason, NUM("reason.code", 16, 1));

#define ENTRY(t, n)                                                                                \
	[t] = {.name = "ssp." #n,                                                                  \
		.fields = n##_fields,                                                              \
		.field_cnt = sizeof n##_fields / sizeof n##_fields[0],                             \
		.type = t,                                                                         \
		.level = 4}
#define TLV_CNT 41

static const struct field_format tlvs[TLV_CNT] = {
	ENTRY(1, group),
	ENTRY(2, role),
	ENTRY(3, instance),
	ENTRY(4, keepalive),
	ENTRY(5, lease),
	ENTRY(6, client),
	ENTRY(7, count),
	ENTRY(8, cookies),
	ENTRY(9, side),
	ENTRY(10, local),
	ENTRY(11, remote),
	ENTRY(12, phase1),
	ENTRY(13, skeyid_d),
	ENTRY(14, skeyid_a),
	ENTRY(15, skeyid_e),
	ENTRY(16, cipher_key),
	ENTRY(17, last_block),
	ENTRY(18, peer_id),
	ENTRY(19, natt),
	ENTRY(20, dpd),
	ENTRY(21, life),
	ENTRY(22, msgids),
	ENTRY(23, confirmed),
	ENTRY(24, spis),
	ENTRY(25, transform),
	ENTRY(26, enc_in),
	ENTRY(27, auth_in),
	ENTRY(28, enc_out),
	ENTRY(29, auth_out),
	ENTRY(30, proxy_local),
	ENTRY(31, proxy_remote),
	ENTRY(32, map),
	ENTRY(33, limits),
	ENTRY(34, reserve),
	ENTRY(35, window),
	ENTRY(36, volume),
	ENTRY(37, acked),
	ENTRY(38, time),
	ENTRY(39, echo),
	ENTRY(40, reason),
};

static const struct field_def unknown_fields[] = {HEAD("unknown"), REST("unknown.value")};
static const struct field_format unknown = {.name = "ssp.unknown",
	.fields = unknown_fields,
	.field_cnt = 3,
	.type = 0x8000,
	.level = 4};

const struct field_format *
field_format_ssp_tlv(uint16_t type)
{
	if (type & 0x8000)
		return &unknown;
	return type && type < TLV_CNT ? &tlvs[type] : NULL;
}

const struct field_format *
field_format_ssp_by_name(const char *name)
{
	if (!strcmp(name, "ssp"))
		return &field_format_ssp;
	if (!strcmp(name, unknown.name))
		return &unknown;
	for (size_t i = 1; i < TLV_CNT; i++)
		if (!strcmp(tlvs[i].name, name))
			return &tlvs[i];
	return NULL;
}

const struct field_format *
field_format_ssp_nth(size_t n)
{
	return n + 1 < TLV_CNT ? &tlvs[n + 1] : NULL;
}
