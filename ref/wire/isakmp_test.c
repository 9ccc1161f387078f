/* SPDX-License-Identifier: BSD-2-Clause */
/* ISAKMP built and read again; lengths that lie; what each decoder refuses and where it points. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ref/wire/isakmp.h"

static uint8_t buf[512];
static struct wr w;
static struct isakmp_build b;
static struct isakmp_hdr hdr;
static struct isakmp_payloads p;
static struct why why;
static struct rd r;

/* One message of three payloads. */
static void
setup(void)
{
	hdr = (struct isakmp_hdr){.version = 0x10, .exchange = ISAKMP_X_INFO, .msgid = 0x01020304};
	memset(hdr.icookie, 0xaa, 8);
	memset(hdr.rcookie, 0xbb, 8);
	wr_init(&w, buf, sizeof(buf));
	isakmp_build_init(&b, &w, &hdr);
	isakmp_build_bytes(&b, ISAKMP_HASH, "0123456789abcdef0123", 20);
	isakmp_build_notify(&b, ISAKMP_P_ISAKMP, ISAKMP_N_R_U_THERE, hdr.icookie, 8, "\0\0\0\7", 4);
	isakmp_build_delete(&b, ISAKMP_P_ESP, "\1\2\3\4", 4);
	isakmp_build_done(&b);
	rd_init(&r, buf, w.len);
}

static enum err
walk(void)
{
	enum err e;

	rd_init(&r, buf, w.len);
	e = isakmp_hdr_decode(&r, &hdr, &why);
	return e ? e : isakmp_payloads_decode(&r, hdr.next, &p, &why);
}

START_TEST(round_trip)
{
	struct isakmp_notify n;
	struct isakmp_delete d;

	ck_assert_int_eq(walk(), ERR_OK);
	ck_assert_uint_eq(hdr.len, 28 + 24 + 24 + 16);
	ck_assert_uint_eq(hdr.next, ISAKMP_HASH);
	ck_assert_uint_eq(hdr.msgid, 0x01020304);
	ck_assert_uint_eq(p.cnt, 3);
	ck_assert_ptr_eq(p.end, buf + w.len);
	ck_assert_uint_eq(rd_left(&p.v[0].body), 20);
	ck_assert_int_eq(
		isakmp_notify_decode(isakmp_payload_find(&p, ISAKMP_NOTIFY, 0), &n, &why), ERR_OK);
	ck_assert_uint_eq(n.type, 36136);
	ck_assert_uint_eq(n.doi, 1);
	ck_assert_uint_eq(n.spi_len, 8);
	ck_assert_uint_eq(n.data_len, 4);
	ck_assert_uint_eq(n.data[3], 7);
	ck_assert_int_eq(
		isakmp_delete_decode(isakmp_payload_find(&p, ISAKMP_DELETE, 0), &d, &why), ERR_OK);
	ck_assert_uint_eq(d.protocol, 3);
	ck_assert_uint_eq(d.spi_cnt, 1);
	ck_assert_uint_eq(d.spis[3], 4);
	ck_assert_ptr_null(isakmp_payload_find(&p, ISAKMP_DELETE, 1));
	ck_assert_ptr_null(isakmp_payload_find(&p, ISAKMP_SA, 0));
}
END_TEST

START_TEST(every_prefix)
{
	size_t whole = w.len;

	for (w.len = 0; w.len < whole; w.len++) {
		ck_assert_int_ne(walk(), ERR_OK);
		ck_assert_ptr_nonnull(why.field);
	}
}
END_TEST

START_TEST(lying_lengths)
{
	buf[28 + 3] = 3; /* HASH shorter than its header */
	ck_assert_int_eq(walk(), ERR_LENGTH);
	ck_assert_str_eq(why.field, "payload.length");
	ck_assert_uint_eq(why.offset, 30);
	setup();
	buf[28 + 24 + 2] = 1; /* the notify beyond the end */
	ck_assert_int_eq(walk(), ERR_LENGTH);
	ck_assert_uint_eq(why.offset, 28 + 24 + 2);
	setup();
	buf[27]++;
	ck_assert_int_eq(walk(), ERR_LENGTH);
	ck_assert_str_eq(why.field, "isakmp.length");
	buf[27] = 27;
	ck_assert_int_eq(walk(), ERR_LENGTH);
}
END_TEST

START_TEST(lying_counts)
{
	struct isakmp_delete d;
	struct isakmp_notify n;

	buf[28 + 24 + 24 + 11] = 2; /* two SPIs, room for one */
	ck_assert_int_eq(walk(), ERR_OK);
	ck_assert_int_eq(isakmp_delete_decode(&p.v[2], &d, &why), ERR_SHORT);
	buf[28 + 24 + 24 + 11] = 0;
	ck_assert_int_eq(isakmp_delete_decode(&p.v[2], &d, &why), ERR_LENGTH);
	buf[28 + 24 + 9] = 13; /* SPI longer than the payload */
	ck_assert_int_eq(isakmp_notify_decode(&p.v[1], &n, &why), ERR_SHORT);
	ck_assert_str_eq(why.field, "notify.spi");
}
END_TEST

START_TEST(too_many)
{
	wr_init(&w, buf, sizeof(buf));
	isakmp_build_init(&b, &w, &hdr);
	for (unsigned i = 0; i < ISAKMP_PAYLOADS_MAX + 1; i++)
		isakmp_build_bytes(&b, ISAKMP_VID, "x", 1);
	isakmp_build_done(&b);
	ck_assert_int_eq(walk(), ERR_FULL);
	ck_assert_uint_eq(p.cnt, ISAKMP_PAYLOADS_MAX);
}
END_TEST

START_TEST(attributes)
{
	static const uint8_t list[] = {0x80, 1, 0, 7, 0, 12, 0, 4, 0, 1, 0x51, 0x80, 0, 12, 0, 5, 1,
		0, 0, 0, 0, 0, 9, 0, 0};
	struct isakmp_attr a;

	rd_init(&r, list, sizeof(list));
	ck_assert_int_eq(isakmp_attr_decode(&r, &a, &why), ERR_OK);
	ck_assert(a.basic && a.type == 1 && a.num == 7);
	ck_assert_int_eq(isakmp_attr_decode(&r, &a, &why), ERR_OK);
	ck_assert(!a.basic && a.type == 12 && a.len == 4 && a.num == 86400);
	ck_assert_int_eq(isakmp_attr_decode(&r, &a, &why), ERR_OK);
	ck_assert_uint_eq(a.num, UINT32_MAX);
	ck_assert_int_eq(isakmp_attr_decode(&r, &a, &why), ERR_OK);
	ck_assert_uint_eq(a.len, 0);
	ck_assert_int_eq(isakmp_attr_decode(&r, &a, &why), ERR_SHORT);
}
END_TEST

/* Proposal with two transforms, by hand. */
static const uint8_t sa_body[] = {0, 0, 0, 1, 0, 0, 0, 1,
	0, 0, 0, 32, 1, 3, 4, 2, 0xde, 0xad, 0xbe, 0xef,
	3, 0, 0, 12, 1, 12, 0, 0, 0x80, 4, 0, 1,
	0, 0, 0, 8, 2, 20, 0, 0};

static enum err
open_sa(const uint8_t *body, size_t len, unsigned *transforms)
{
	struct isakmp_payload pl = {.type = ISAKMP_SA};
	struct isakmp_proposal pr;
	struct isakmp_transform t;
	struct isakmp_sa sa;
	enum err e;

	rd_init(&pl.body, body, len);
	*transforms = 0;
	e = isakmp_sa_decode(&pl, &sa, &why);
	while (!e && rd_left(&sa.proposals)) {
		e = isakmp_proposal_decode(&sa.proposals, &pr, &why);
		while (!e && rd_left(&pr.transforms)) {
			e = isakmp_transform_decode(&pr.transforms, &t, &why);
			*transforms += !e;
		}
	}
	return e;
}

START_TEST(proposals)
{
	uint8_t body[sizeof(sa_body)];
	unsigned n;

	ck_assert_int_eq(open_sa(sa_body, sizeof(sa_body), &n), ERR_OK);
	ck_assert_uint_eq(n, 2);
	for (size_t len = 0; len < sizeof(sa_body); len++)
		ck_assert(open_sa(sa_body, len, &n) != ERR_OK || len == 8);
	memcpy(body, sa_body, sizeof(body));
	body[8] = 5; /* what follows a proposal is a proposal or nothing */
	ck_assert_int_eq(open_sa(body, sizeof(body), &n), ERR_VALUE);
	body[8] = 2; /* another one follows; but there is none */
	ck_assert_int_eq(open_sa(body, sizeof(body), &n), ERR_LENGTH);
	body[8] = 0;
	body[20] = 0; /* the first transform says that it is the last */
	ck_assert_int_eq(open_sa(body, sizeof(body), &n), ERR_LENGTH);
	body[20] = 3;
	body[14] = 200; /* an SPI longer than the proposal */
	ck_assert_int_eq(open_sa(body, sizeof(body), &n), ERR_SHORT);
	ck_assert_str_eq(why.field, "proposal.spi");
}
END_TEST

START_TEST(identities)
{
	static const uint8_t body[] = {4, 17, 1, 0xf4, 10, 0, 0, 0, 255, 0, 0, 0};
	struct isakmp_payload pl = {.type = ISAKMP_ID};
	struct isakmp_id id;

	rd_init(&pl.body, body, sizeof(body));
	ck_assert_int_eq(isakmp_id_decode(&pl, &id, &why), ERR_OK);
	ck_assert(id.type == ISAKMP_ID_IPV4_SUBNET && id.protocol == 17 && id.port == 500);
	ck_assert_uint_eq(id.len, 8);
	rd_init(&pl.body, body, 3);
	ck_assert_int_eq(isakmp_id_decode(&pl, &id, &why), ERR_SHORT);
}
END_TEST

START_TEST(no_room)
{
	for (size_t cap = 0; cap < 92; cap++) {
		wr_init(&w, buf, cap);
		isakmp_build_init(&b, &w, &hdr);
		isakmp_build_bytes(&b, ISAKMP_HASH, "0123456789abcdef0123", 20);
		isakmp_build_notify(&b, 1, 1, hdr.icookie, 8, "\0\0\0\7", 4);
		isakmp_build_delete(&b, 3, "\1\2\3\4", 4);
		isakmp_build_done(&b);
		ck_assert_int_eq(wr_done(&w), ERR_FULL);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("isakmp");
	TCase *t = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, round_trip);
	tcase_add_test(t, every_prefix);
	tcase_add_test(t, lying_lengths);
	tcase_add_test(t, lying_counts);
	tcase_add_test(t, too_many);
	tcase_add_test(t, attributes);
	tcase_add_test(t, proposals);
	tcase_add_test(t, identities);
	tcase_add_test(t, no_room);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
