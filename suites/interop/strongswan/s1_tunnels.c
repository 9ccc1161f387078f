/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tunnels with strongSwan: who initiates, every proposal that both have, with PFS and without, and
 * IKE version 2.
 */
#include "suites/interop/strongswan/swan_kit.h"

static void
it_initiates(struct case_run *c)
{
	struct swan s;
	struct swan_sas n;

	if (!swan_up(&s, c, NULL, NULL) || !swan_expect_tunnel(&s) ||
		!swan_expect_traffic(&s, "through its tunnel") || !swan_expect_sound(&s))
		return;
	if (case_expect(c, swan_sas(&s, &n), "expected an answer of charon's console"))
		(void)(case_expect_u64(c, 1, n.ike, "IKE SAs at charon") &&
			case_expect_u64(c, 1, n.child, "CHILD_SAs at charon"));
}

/* Another connection at charon, a tunnel by it, traffic, and charon's own word on what was chosen.
 */
static bool
works(struct swan *s, const struct swan_cfg *cfg, const char *kind, const char *chosen)
{
	size_t from = swan_mark(s);

	if (!swan_configure(s, cfg))
		return false;
	if (!case_expect(s->w.c, swan_initiate(s),
		    "expected a tunnel with %s; charon did not get one: see its log", chosen))
		return false;
	return swan_expect_traffic(s, chosen) &&
	       case_expect(s->w.c, swan_said(s, chosen, from) > 0,
		       "expected charon to say that %s %s was chosen", kind, chosen);
}

/* Each has a cipher, a hash and a group that no other has, as far as that goes. */
static void
ike_grid(struct case_run *c)
{
	static const struct lab_text knobs = {
		.add_global = {"crypto isakmp policy 20\n encryption aes 192\n hash sha\n "
			       "authentication pre-share\n group 5\n lifetime 86400",
			"crypto isakmp policy 30\n encryption aes 256\n hash sha256\n "
			"authentication pre-share\n group 14\n lifetime 86400",
			"crypto isakmp policy 40\n encryption 3des\n hash md5\n authentication "
			"pre-share\n group 2\n lifetime 86400",
			"crypto isakmp policy 50\n encryption aes 128\n hash sha384\n "
			"authentication pre-share\n group 15\n lifetime 86400",
			"crypto isakmp policy 60\n encryption aes 256\n hash sha512\n "
			"authentication pre-share\n group 16\n lifetime 86400",
			"crypto isakmp policy 70\n encryption aes 128\n hash sha256\n "
			"authentication pre-share\n group 19\n lifetime 86400",
			"crypto isakmp policy 80\n encryption aes 256\n hash sha384\n "
			"authentication pre-share\n group 20\n lifetime 86400"}};
	static const char *const proposals[][2] = {
		{"aes128-sha1-modp1024", "IKE:AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024"},
		{"aes192-sha1-modp1536", "IKE:AES_CBC_192/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1536"},
		{"aes256-sha256-modp2048",
			"IKE:AES_CBC_256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048"},
		{"3des-md5-modp1024", "IKE:3DES_CBC/HMAC_MD5_96/PRF_HMAC_MD5/MODP_1024"},
		{"aes128-sha384-modp3072",
			"IKE:AES_CBC_128/HMAC_SHA2_384_192/PRF_HMAC_SHA2_384/MODP_3072"},
		{"aes256-sha512-modp4096",
			"IKE:AES_CBC_256/HMAC_SHA2_512_256/PRF_HMAC_SHA2_512/MODP_4096"},
		{"aes128-sha256-ecp256",
			"IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256"},
		{"aes256-sha384-ecp384",
			"IKE:AES_CBC_256/HMAC_SHA2_384_192/PRF_HMAC_SHA2_384/ECP_384"},
	};
	struct swan s;
	size_t n = sizeof proposals / sizeof proposals[0];

	if (!swan_alone(&s, c, &knobs, NULL))
		return;
	for (size_t i = 0; i < n; i++)
		if (!works(&s, &(struct swan_cfg){.ike = proposals[i][0]}, "for IKE",
			    proposals[i][1]))
			return;
	case_figure(c, "IKE proposals", (double)n, "");
	(void)swan_expect_sound(&s);
}

/* One transform set after the other, so many as the router may have at once. */
static void
esp_grid(struct case_run *c, const struct lab_text *knobs, const char *const (*proposals)[2])
{
	struct swan s;
	size_t n = 0;

	if (!swan_alone(&s, c, knobs, NULL))
		return;
	for (; proposals[n][0]; n++)
		if (!works(&s, &(struct swan_cfg){.esp = proposals[n][0]}, "for ESP",
			    proposals[n][1]))
			return;
	case_figure(c, "ESP proposals", (double)n, "");
	(void)swan_expect_sound(&s);
}

#define SETS(a, b, c, d, e)                                                                        \
	{                                                                                          \
		.swap = {{" set transform-set T", " set transform-set T U V W X Y"}},              \
		.add_map = {NULL}, .add_global = {                                                 \
			"crypto ipsec transform-set U " a,                                         \
			"crypto ipsec transform-set V " b,                                         \
			"crypto ipsec transform-set W " c,                                         \
			"crypto ipsec transform-set X " d,                                         \
			"crypto ipsec transform-set Y " e                                          \
		}                                                                                  \
	}

static void
esp_cbc(struct case_run *c)
{
	static const struct lab_text knobs = SETS("esp-aes 192 esp-sha-hmac",
		"esp-aes 256 esp-sha-hmac", "esp-aes 128 esp-sha256-hmac",
		"esp-aes 128 esp-md5-hmac", "esp-3des esp-sha-hmac");
	static const char *const proposals[][2] = {
		{"aes128-sha1", "ESP:AES_CBC_128/HMAC_SHA1_96"},
		{"aes192-sha1", "ESP:AES_CBC_192/HMAC_SHA1_96"},
		{"aes256-sha1", "ESP:AES_CBC_256/HMAC_SHA1_96"},
		{"aes128-sha256", "ESP:AES_CBC_128/HMAC_SHA2_256_128"},
		{"aes128-md5", "ESP:AES_CBC_128/HMAC_MD5_96"},
		{"3des-sha1", "ESP:3DES_CBC/HMAC_SHA1_96"},
		{NULL, NULL},
	};

	esp_grid(c, &knobs, proposals);
}

static void
esp_more(struct case_run *c)
{
	static const struct lab_text knobs = SETS("esp-gcm 128", "esp-gcm 192", "esp-gcm 256",
		"esp-null esp-sha-hmac", "esp-null esp-sha256-hmac");
	static const char *const proposals[][2] = {
		{"aes128gcm16", "ESP:AES_GCM_16_128"},
		{"aes192gcm16", "ESP:AES_GCM_16_192"},
		{"aes256gcm16", "ESP:AES_GCM_16_256"},
		{"null-sha1", "ESP:NULL/HMAC_SHA1_96"},
		{"null-sha256", "ESP:NULL/HMAC_SHA2_256_128"},
		{NULL, NULL},
	};

	esp_grid(c, &knobs, proposals);
}

static void
esp_rest(struct case_run *c)
{
	static const struct lab_text knobs = SETS("esp-aes 256 esp-sha256-hmac",
		"esp-aes 192 esp-md5-hmac", "esp-aes 256 esp-md5-hmac", "esp-3des esp-md5-hmac",
		"esp-null esp-md5-hmac");
	static const char *const proposals[][2] = {
		{"aes256-sha256", "ESP:AES_CBC_256/HMAC_SHA2_256_128"},
		{"aes192-md5", "ESP:AES_CBC_192/HMAC_MD5_96"},
		{"aes256-md5", "ESP:AES_CBC_256/HMAC_MD5_96"},
		{"3des-md5", "ESP:3DES_CBC/HMAC_MD5_96"},
		{"null-md5", "ESP:NULL/HMAC_MD5_96"},
		{NULL, NULL},
	};

	esp_grid(c, &knobs, proposals);
}

/* What the map does not ask for, the peer may have: any group that we know. */
static void
pfs_of_the_peer(struct case_run *c)
{
	static const char *const proposals[][2] = {
		{"aes128-sha1-modp1024", "ESP:AES_CBC_128/HMAC_SHA1_96/MODP_1024"},
		{"aes128-sha1-modp1536", "ESP:AES_CBC_128/HMAC_SHA1_96/MODP_1536"},
		{"aes128-sha1-modp2048", "ESP:AES_CBC_128/HMAC_SHA1_96/MODP_2048"},
		{"aes128-sha1-modp3072", "ESP:AES_CBC_128/HMAC_SHA1_96/MODP_3072"},
		{"aes128-sha1-ecp256", "ESP:AES_CBC_128/HMAC_SHA1_96/ECP_256"},
		{"aes128-sha1-ecp384", "ESP:AES_CBC_128/HMAC_SHA1_96/ECP_384"},
		{NULL, NULL},
	};

	esp_grid(c, NULL, proposals);
}

static void
pfs_wanted(struct case_run *c)
{
	static const struct lab_text knobs = {.add_map = {" set pfs group14"}};
	struct swan s;

	if (!swan_alone(&s, c, &knobs, NULL) ||
		!case_expect(
			c, !swan_initiate(&s), "expected no tunnel without PFS, there was one") ||
		!case_expect(c, swan_said(&s, "NO_PROPOSAL_CHOSEN", 0) > 0,
			"expected charon to hear NO_PROPOSAL_CHOSEN"))
		return;
	if (works(&s, &(struct swan_cfg){.esp = "aes128-sha1-modp2048"}, "for ESP",
		    "ESP:AES_CBC_128/HMAC_SHA1_96/MODP_2048"))
		(void)swan_expect_sound(&s);
}

/* A packet of the inside host makes the pair initiate; charon only waits. */
static void
pair_initiates(struct case_run *c)
{
	const struct lab_text knobs = {.static_map = true};
	struct swan s;
	struct swan_sas n;

	if (!swan_up(&s, c, &knobs, NULL) || !swan_expect_traffic_out(&s) ||
		!swan_expect_traffic(&s, "through the pair's tunnel") || !swan_expect_sound(&s))
		return;
	if (case_expect(c, swan_said(&s, "is initiating a Main Mode IKE_SA", 0) == 1,
		    "expected charon to say that the pair initiated") &&
		case_expect(c, swan_sas(&s, &n), "expected an answer of charon's console"))
		(void)(case_expect_u64(c, 1, n.ike, "IKE SAs at charon") &&
			case_expect_u64(c, 1, n.child, "CHILD_SAs at charon"));
}

static void
version_two(struct case_run *c)
{
	const struct swan_cfg two = {.version = 2, .ike = "aes128-sha1-modp1024"};
	struct swan s;

	if (!swan_alone(&s, c, NULL, &two) ||
		!case_expect(c, !swan_initiate(&s), "expected no tunnel by IKEv2, there was one") ||
		/* It hears an IKEv1 message on an IKEv2 SA, and rightly does not act on it. */
		!case_expect(c, swan_said(&s, "ignoring INFORMATIONAL_V1", 0) > 0,
			"expected charon to hear a notify of IKEv1") ||
		!case_expect(c,
			pair_show_number(s.w.lab, LAB_A, "show counters", "ike.version", 0) > 0,
			"expected the pair to count a message of another version"))
		return;
	if (case_expect_u64(c, 0,
		    (uint64_t)pair_show_number(s.w.lab, LAB_A, "show crypto isakmp sa", "", -1),
		    "IKE SAs of the pair"))
		(void)swan_expect_sound(&s);
}

#define CASE(n, what, kills, fn, of)                                                               \
	{                                                                                          \
		.id = "interop/strongswan/" n, .requirement = of, .level = CASE_MUST,              \
		.class_ = CASE_VALID, .needs = CASE_GUEST, .says = what, .mutant = kills, .run = fn, .limit_s = 90      \
	}

static const struct case_def cases[] = {
	CASE("1", "strongSwan initiates a tunnel with the pair, in UDP, and traffic passes.",
		"ike-keymat-swapped", it_initiates, "RFC 2409, 5; RFC 3947; RFC 3948"),
	CASE("2",
		"The pair initiates a tunnel with strongSwan, goes to port 4500, and traffic "
		"passes.",
		"natt-initiator-stays", pair_initiates, "RFC 2409, 5; RFC 3947, 4"),
	CASE("3", "Every cipher, hash and group of IKE that both have makes a tunnel.",
		"ike-skeyid-order", ike_grid, "RFC 2409, 5 and appendix B; RFC 3526; RFC 5903"),
	CASE("4",
		"AES-CBC and 3DES with HMAC-SHA1, SHA-256 and MD5: what one seals the other opens.",
		"natt-plain-esp", esp_cbc, "RFC 3602; RFC 2404; RFC 4868; RFC 2403"),
	CASE("5", "AES-GCM and NULL: what one seals the other opens.", "ike-keymat-swapped",
		esp_more, "RFC 4106, 8; RFC 2410"),
	CASE("6", "The other pairs of ciphers and MACs: what one seals the other opens.",
		"ike-keymat-swapped", esp_rest, "RFC 3602; RFC 2403; RFC 4868"),
	CASE("7", "PFS that the peer wants, with each group that both have.", "ike-pfs-not-in-keys",
		pfs_of_the_peer, "RFC 2409, 5.5"),
	CASE("8", "PFS that the map wants: without it NO-PROPOSAL-CHOSEN, with it a tunnel.",
		"ike-any-pfs", pfs_wanted, "RFC 2409, 5.5"),
	CASE("9", "strongSwan's IKEv2 is refused with INVALID-MAJOR-VERSION.", "ike-any-version",
		version_two, "RFC 2408, 5.2; RFC 7296, 2.5"),
};
CASE_SUITE(cases)
