/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_STORY_STORY_IN_H
#define BATON_STORY_STORY_IN_H

/* What the files of the story share. A table a kind of thing; the newest frame in `now`. */
#include <string.h>

#include "harness/field/pkt.h"
#include "harness/keys/keys.h"
#include "harness/story/story.h"

#define PENDING 8192 /* events that wait for their place in the order */
#define RECENT 65536 /* frames that a second copy may follow */
#define COPY_SPAN (20 * NS_PER_MS)
#define INSIDE 65536 /* packets that came in, and may come out inside */
#define TAKES 256
#define SELECTORS 64
#define BADS 32
#define OUTSIDE 64
#define LIVES 256

enum { HSRP_SPEAK = 4, HSRP_STANDBY = 8, HSRP_ACTIVE = 16, HSRP_UNKNOWN = 255 };

struct speaker {
	ip4_t ip;
	struct mac mac; /* its own; zero if only the virtual one was seen */
	uint8_t state, priority, hello_s, hold_s, adv;
	unsigned segment;
	ns_t first, last, since; /* first and last Hello; when it came to this state */
	uint64_t last_frame, hellos;
	unsigned file;
	int letter; /* 'A', 'B', 0 */
	bool told;  /* that it fell silent */
};

struct group {
	uint8_t no;
	uint16_t vlan;
	ip4_t vip;
	struct speaker sp[STORY_SPEAKERS];
	unsigned cnt;
	int active, standby; /* -1 none */
	int resigned, coup;  /* who did last; -1 */
	bool claimed, conflict;
	struct mac owner;
	ns_t last;
};

/* A take-over, as the laws need it. */
struct take {
	ns_t at;
	uint64_t frame;
	unsigned group;
	int old, heir;
	bool lost;	  /* the old one was silent: nobody handed over */
	bool ready;	  /* the heir, or another, was Standby */
	ns_t silent;	  /* since the old one's last Hello */
	ns_t hold, hello; /* 0 unknown */
};

struct phase1 {
	uint8_t icookie[8], rcookie[8];
	ip4_t initiator, responder;
	bool used, whole, done, aggressive;
	ns_t first, last, main_at; /* first, last; last of Main Mode */
	uint64_t main_frame;
	unsigned file, messages, again; /* highest number; retransmissions */
	uint64_t digest[7];
	uint64_t infos;
	uint32_t life_s; /* as message 2 says in clear; 0 unknown */
	uint32_t dpd[2]; /* last R-U-THERE of initiator, responder */
	bool dpd_any[2], dpd_open[2];
	ns_t dpd_at[2];
};

struct exchange {
	bool used, done;
	uint8_t icookie[8], type;
	uint32_t msgid;
	ip4_t from;
	uint64_t digest[6];
	unsigned cnt, again, file;
	ns_t first, last;
	uint64_t first_frame, last_frame;
	uint32_t spi, life_s; /* of message 1 */
	struct ip4_net ids[2];
	unsigned id_cnt;
};

struct slot {
	uint32_t seq, digest;
};

struct stream {
	struct story_esp e;
	struct slot *window;  /* STORY_WINDOW; owned */
	uint32_t next;	      /* chain; UINT32_MAX at its end */
	uint64_t gaps;	      /* told */
	uint64_t ignored;     /* packets that its key does not open */
	int sender;	      /* the last one known; -1 */
	int heir;	      /* who took over and went on; -1 */
	unsigned take;	      /* takes that had been when it did */
	uint32_t sender_high; /* highest of all before this sender */
	ns_t life_from;
	unsigned file;
	uint16_t port[2]; /* UDP, of sender and receiver */
};

struct selector {
	struct ip4_net a, b;
};

struct life { /* of an SA, as Quick Mode said */
	uint32_t spi, life_s;
	ns_t from;
};

struct conn {
	bool used;
	ip4_t addr[2];
	uint16_t port[2];
	unsigned file;
	ns_t first, last;
	uint64_t frame;
	struct tlsopen *tls;
	bool known, clear, closed, read;
	struct way {
		uint8_t buf[16 + 4096];
		size_t have;
		bool lost;
	} way[2];
	struct story *story;
	uint64_t messages;
};

struct law_note {
	uint64_t judged;
	bool broken;
	size_t frame;
	char text[LAW_TEXT];
};

struct seen {
	uint64_t digest;
	ns_t at;
	unsigned segment;
	bool matched;
};

struct come_in { /* one number of an inbound SA */
	uint64_t digest;
	ns_t at; /* when it came last */
	uint32_t spi, seq;
	unsigned cnt, let_in; /* deliveries; times that it came out inside */
	unsigned takes;	      /* take-overs that had been when it was let in first */
	int by;		      /* who did that; -1 unknown */
	uint8_t ttl;
};

struct story {
	struct story_in in;
	struct story_sum sum;
	/* the frame that is being read */
	ns_t now;
	uint64_t frame;
	unsigned file, segment;
	int letter;
	struct pkt p;
	/* events */
	struct waiting {
		struct story_event e;
		uint64_t order;
	} * pending;
	size_t pending_cnt;
	uint64_t order;
	/* segments */
	struct {
		unsigned file, port;
		int letter;
	} seg[STORY_SEGMENTS];
	unsigned seg_cnt;
	struct seen *seen;
	struct come_in *come_in;
	struct {
		const char *field;
		uint64_t cnt;
	} bad[BADS];
	/* tables */
	struct group group[STORY_GROUPS];
	unsigned group_cnt;
	ns_t due; /* when a speaker may have fallen silent */
	struct take take[TAKES];
	unsigned take_cnt;
	struct phase1 p1[STORY_IKE];
	struct exchange x[STORY_EXCHANGES];
	struct stream *esp;
	uint32_t esp_cnt, bucket[4096];
	struct selector sel[SELECTORS];
	unsigned sel_cnt;
	struct mac outside[OUTSIDE]; /* who sent ESP */
	unsigned outside_cnt;
	struct life life[LIVES]; /* a ring */
	struct conn *conn;
	struct ikeopen *ike;
	uint64_t fed, ike_opened;
	struct law_note law[LAW_END + 1]; /* 0: nothing anew */
	uint64_t active_hellos, dpd_closed, split, anew, lives, let_in_again;
};

/* An event now, at this frame. */
void story_say(struct story *s, const char *kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same, only if details are wanted. */
void story_detail(struct story *s, const char *kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* An event of an earlier frame. */
struct story_place {
	ns_t at;
	uint64_t frame;
	unsigned file;
};
void story_say_at(struct story *s, struct story_place p, const char *kind, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* A law is broken at this frame; the first breach stays. */
void story_broken(struct story *s, int law, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

uint64_t story_digest(const void *bytes, size_t len);
double story_s(ns_t span); /* seconds, for texts */

/* A member: 'A', 'B'; or 256 + group * STORY_SPEAKERS + speaker; -1 unknown. */
int story_sender(const struct story *s);
/* That number of a speaker. */
int story_member(const struct story *s, size_t group, unsigned speaker);
/* One of HSRP's virtual MACs (RFC 2281 5.3). */
bool story_is_virtual(const struct mac *m);
/* Does this frame come from the pair? PAIR_UNKNOWN where nobody speaks HSRP: its laws bind it alone. */
enum pair { PAIR_NO, PAIR_YES, PAIR_UNKNOWN };
enum pair story_pair(const struct story *s);
const char *story_member_name(const struct story *s, int member, char *text); /* IP4_TEXT */

void story_hsrp(struct story *s);
void story_hsrp_due(struct story *s);
void story_arp(struct story *s);
void story_ike(struct story *s);
void story_ike_end(struct story *s);
void story_ike_opened(struct story *s, struct phase1 *p, struct exchange *x,
	const struct ikeopen_msg *m, int dir);
/* The life of phase 1 that a Main Mode message in clear proposes or takes; 0 none. */
uint32_t story_ike_life(const uint8_t *msg, size_t len);
void story_ike_clear(struct story *s, const uint8_t *msg, size_t len);
void story_esp(struct story *s);
void story_esp_life(struct story *s, uint32_t spi, uint32_t life_s);
void story_esp_end(struct story *s);
/* An ESP packet for the pair was opened; a packet in clear was seen. */
void story_came_in(struct story *s, const uint8_t *inner, size_t len);
void story_came_out(struct story *s);
void story_leak(struct story *s);
void story_ssp(struct story *s);
void story_ssp_end(struct story *s);

#endif
