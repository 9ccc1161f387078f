/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the peers put on the wire is what an outsider with the key ring reads: IKE messages opened
 * in trace order (with a loss, so that there are retransmissions), ESP packets, and, if tshark is
 * here, the same by Wireshark's own dissectors, which know nothing of us.
 */
#include <stdlib.h>
#include <unistd.h>

#include "harness/field/field.h"
#include "harness/keys/keys.h"
#include "harness/peer/peer_test_util.h"

static uint8_t trace[512][1600];
static size_t trace_len[512], trace_cnt;
static ns_t trace_at[512];
static uint32_t drop_nth;

static bool
record(int from, const uint8_t *frame, size_t len)
{
	struct pkt k;

	(void)from;
	ck_assert_uint_lt(trace_cnt, 512);
	memcpy(trace[trace_cnt], frame, len);
	trace_at[trace_cnt] = wire.now;
	trace_len[trace_cnt++] = len;
	return pkt_parse(&k, frame, len) && k.is_isakmp && drop_nth && !--drop_nth;
}

static void
story(struct peer_ike_prop ike, struct peer_esp_prop esp, uint16_t pfs)
{
	struct peer_cfg a = wire_cfg(0), b = wire_cfg(1);

	a.ike[0] = b.ike[0] = ike;
	a.esp[0] = b.esp[0] = esp;
	a.ike_cnt = b.ike_cnt = a.esp_cnt = b.esp_cnt = 1;
	a.pfs_group = b.pfs_group = pfs;
	wire_start(&a, &b);
	wire.lose = record;
	trace_cnt = 0;
	peer_initiate(wire.p[0], wire.now);
	wire_for_ms(3000);
	ck_assert(peer_is_up(wire.p[0]));
	peer_ping(wire.p[0], wire.now, IP4(10, 2, 0, 9), 1, 1, 56);
	wire_for_ms(20);
	peer_dpd_probe(wire.p[1], wire.now);
	wire_for_ms(20);
	peer_delete_child(wire.p[0], wire.now, false);
	wire_for_ms(20);
}

static size_t
open_esp(const struct pkt *k)
{
	uint8_t out[2048], next;
	size_t n;
	struct pkt in;

	ck_assert_int_eq(keyring_open_esp(&wire.ring[0], k->dst, k->esp, k->esp_len, out,
				 sizeof out, &n, &next),
		ERR_OK);
	ck_assert_uint_eq(next, 4);
	ck_assert(pkt_parse_ip(&in, out, n) && in.is_icmp);
	return 1;
}

START_TEST(outsider)
{
	for (drop_nth = 0; drop_nth < 10; drop_nth++) {
		uint32_t n = drop_nth;
		struct ikeopen *o;
		struct ikeopen_msg m;
		static struct msg f;
		size_t types[256] = {0}, esp = 0, repeated = 0, asked = 0;

		story((struct peer_ike_prop){KEYPRIM_AES, 128,
			      n % 2 ? KEYPRIM_SHA256 : KEYPRIM_SHA1, 14},
			(struct peer_esp_prop){(enum keyesp_suite)(n % 3), 128}, n % 4 ? 0 : 2);
		drop_nth = n;
		o = ikeopen_new(&wire.ring[1]);
		for (size_t i = 0; i < trace_cnt; i++) {
			struct pkt k;

			ck_assert(pkt_parse(&k, trace[i], trace_len[i]));
			if (k.is_esp)
				esp += open_esp(&k);
			if (!k.is_isakmp)
				continue;
			ck_assert_int_eq(ikeopen_feed(o, k.isakmp, k.isakmp_len, &m), ERR_OK);
			ck_assert_int_eq(
				field_decode_chain(&f, m.first, m.body, m.body_len), ERR_OK);
			repeated += m.repeated;
			types[m.exchange] += !m.repeated;
			asked += field_is(&f, "isakmp.notify.type", 36136);
		}
		ck_assert_uint_eq(types[2], 6);
		ck_assert_uint_eq(types[32], 3);
		ck_assert_uint_eq(types[5], 3);
		ck_assert_uint_eq(esp, 2);
		ck_assert_uint_eq(asked, 1);
		ck_assert_int_eq(repeated > 0, n > 0);
		ikeopen_free(o);
		wire_stop();
	}
}
END_TEST

static void
put_le(FILE *f, uint32_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fputc((int)(v >> 8 * i & 0xff), f);
}

static void
write_pcap(const char *path)
{
	FILE *f = fopen(path, "wb");

	put_le(f, 0xa1b2c3d4, 4);
	put_le(f, 2, 2);
	put_le(f, 4, 2);
	put_le(f, 0, 4);
	put_le(f, 0, 4);
	put_le(f, 65535, 4);
	put_le(f, 1, 4);
	for (size_t i = 0; i < trace_cnt; i++) {
		put_le(f, (uint32_t)(trace_at[i] / NS_PER_S), 4);
		put_le(f, (uint32_t)(trace_at[i] % NS_PER_S / 1000), 4);
		put_le(f, (uint32_t)trace_len[i], 4);
		put_le(f, (uint32_t)trace_len[i], 4);
		fwrite(trace[i], 1, trace_len[i], f);
	}
	fclose(f);
}

static void
write_keys(const char *dir, const char *name, void (*w)(const struct keyring *, FILE *))
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	w(&wire.ring[0], f);
	fclose(f);
}

/* What Wireshark must find in the story: frames for each filter. */
static const struct {
	const char *filter;
	size_t frames;
} wanted[] = {
	{"_ws.malformed", 0},
	{"isakmp", 12},
	{"isakmp.notify.msgtype == 36136", 1},
	{"isakmp.notify.msgtype == 36137", 1},
	{"isakmp.delete.spi", 1},
	{"isakmp.exchangetype == 32 && isakmp.id.type", 2},
	{"esp && icmp", 2},
	{"esp.icv_bad == 1", 0},
	{"esp.icv_good == 1", 2},
};
#define WANTED (sizeof wanted / sizeof *wanted)

/* The row of io,stat: "| 0.0 <> 5.1 | frames | bytes | frames | bytes |...", a pair a filter. */
static void
check_row(const char *row)
{
	const char *at = strstr(row, "<>");

	for (size_t i = 0; i < WANTED; i++) {
		at = at ? strchr(at + 1, '|') : NULL;
		ck_assert_ptr_nonnull(at);
		ck_assert_msg(strtoul(at + 1, NULL, 10) == wanted[i].frames, "%s: %s",
			wanted[i].filter, row);
		at = strchr(at + 1, '|'); /* over the bytes */
	}
}

/* One run of tshark counts for all filters; the configuration folder holds the key tables. */
static void
tshark(const char *dir)
{
	char cmd[2048], line[1024];
	size_t n = 0;
	int at = snprintf(cmd, sizeof cmd,
		"WIRESHARK_CONFIG_DIR=%s tshark -r %s/t.pcap -o esp.enable_encryption_decode:TRUE "
		"-o esp.enable_authentication_check:TRUE -q -z 'io,stat,0",
		dir, dir);
	FILE *p;

	for (size_t i = 0; i < WANTED; i++)
		at += snprintf(cmd + at, sizeof cmd - (size_t)at, ",%s", wanted[i].filter);
	snprintf(cmd + at, sizeof cmd - (size_t)at, "' 2>/dev/null");
	p = popen(cmd, "r");
	ck_assert_ptr_nonnull(p);
	while (fgets(line, sizeof line, p))
		if (strstr(line, "<>")) {
			check_row(line);
			n++;
		}
	pclose(p);
	ck_assert_uint_eq(n, 1);
}

static void
by_wireshark(struct peer_ike_prop ike, struct peer_esp_prop esp, uint16_t pfs)
{
	char dir[] = "/tmp/baton-peer-XXXXXX", path[64];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	story(ike, esp, pfs);
	snprintf(path, sizeof path, "%s/t.pcap", dir);
	write_pcap(path);
	write_keys(dir, "ikev1_decryption_table", keyring_write_ikev1);
	write_keys(dir, "esp_sa", keyring_write_esp);
	tshark(dir);
	snprintf(path, sizeof path, "rm -r %s", dir);
	ck_assert_int_eq(system(path), 0);
	wire_stop();
}

/* Every cipher, hash, group and suite once at least. */
static const struct {
	struct peer_ike_prop ike;
	struct peer_esp_prop esp;
	uint16_t pfs;
} stories[] = {
	{{KEYPRIM_AES, 128, KEYPRIM_SHA1, 14}, {KEYESP_AES_SHA1, 128}, 2},
	{{KEYPRIM_AES, 192, KEYPRIM_SHA256, 19}, {KEYESP_AES_SHA256, 192}, 20},
	{{KEYPRIM_AES, 256, KEYPRIM_SHA1, 20}, {KEYESP_AES_GCM, 128}, 19},
	{{KEYPRIM_AES, 256, KEYPRIM_MD5, 2}, {KEYESP_AES_GCM, 192}, 5},
	{{KEYPRIM_AES, 256, KEYPRIM_SHA384, 15}, {KEYESP_AES_GCM, 256}, 0},
	{{KEYPRIM_AES, 128, KEYPRIM_SHA512, 16}, {KEYESP_AES_SHA256, 256}, 15},
	{{KEYPRIM_3DES, 0, KEYPRIM_MD5, 5}, {KEYESP_3DES_MD5, 0}, 0},
	{{KEYPRIM_3DES, 0, KEYPRIM_SHA1, 2}, {KEYESP_3DES_SHA1, 0}, 16},
	{{KEYPRIM_3DES, 0, KEYPRIM_SHA512, 14}, {KEYESP_3DES_SHA256, 0}, 14},
	{{KEYPRIM_AES, 192, KEYPRIM_SHA1, 2}, {KEYESP_AES_MD5, 256}, 0},
	{{KEYPRIM_AES, 256, KEYPRIM_SHA256, 19}, {KEYESP_NULL_SHA1, 0}, 0},
	{{KEYPRIM_3DES, 0, KEYPRIM_SHA384, 20}, {KEYESP_NULL_SHA256, 0}, 0},
	{{KEYPRIM_AES, 128, KEYPRIM_SHA1, 2}, {KEYESP_NULL_MD5, 0}, 0},
};
#define STORIES ((int)(sizeof stories / sizeof *stories))

START_TEST(wireshark)
{
	if (system("command -v tshark >/dev/null")) {
		printf("SKIPPED: tshark is not here\n");
		return;
	}
	by_wireshark(stories[_i].ike, stories[_i].esp, stories[_i].pfs);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("trace");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, outsider);
	tcase_add_loop_test(t, wireshark, 0, STORIES);
	return wire_main(t, "peer_trace");
}
