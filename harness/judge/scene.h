/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_JUDGE_SCENE_H
#define BATON_JUDGE_SCENE_H

/*
 * What the laws look at: the trace, read once. Frames at a glance, ESP packets put together and
 * opened, IKE messages opened, the SAs that they negotiated, who became active when, and when a
 * standby was ready.
 *
 * Everything in a scene is owned by it; pointers are good until scene_free. "Ours" means sent by a
 * member by itself, at its own port: what a case injected there is not the pair's.
 */
#include "harness/field/pkt.h"
#include "harness/judge/judge.h"

enum { SIDE_A, SIDE_B, SIDES };

struct scene_esp {
	size_t frame; /* of the packet, or of its first fragment */
	ns_t at;
	int side; /* of the sending member, or -1 */
	uint16_t to; /* ports that got all of it */
	ip4_t src, dst;
	uint16_t natt_port; /* UDP destination port, 0 without encapsulation */
	uint32_t spi, seq;
	const uint8_t *esp; /* from the SPI on */
	size_t len;
	bool whole; /* no fragment is missing */
	int key;    /* in keyring.esp; -1 if no key opens it */
	const uint8_t *inner; /* NULL unless opened */
	size_t inner_len;
};

/* A large IKE message that came in fragments. */
struct scene_big {
	size_t frame; /* of the fragment that made it whole */
	const uint8_t *bytes; /* ISAKMP, from the cookie on */
	size_t len;
};

struct scene_ike {
	size_t frame;
	ns_t at;
	int side; /* of the sending member, or -1 */
	uint16_t to;
	uint8_t icookie[8], rcookie[8];
	uint8_t exchange, flags, first;
	uint32_t msgid;
	bool repeated, opened;
	const uint8_t *body; /* payloads in clear if opened */
	size_t body_len;
};

/* One ESP SA, as its Quick Mode negotiated it. */
struct scene_sa {
	uint32_t spi;
	ip4_t peer;
	bool outbound;	  /* the pair sends on it */
	size_t frame;	  /* of the message that accepted it */
	ns_t asked, at;	  /* of message 1; of the one that accepted */
	uint32_t life_s;  /* 0: none was stated */
	uint32_t life_kb; /* 0: none was stated */
	uint32_t msgid;
};

/* A member's state in a group as its Hellos tell it: one record for each change. */
struct scene_role {
	size_t frame;
	ns_t at;
	int side;
	enum trace_segment segment;
	uint8_t state; /* RFC 2281 5.1.3; 16 is active */
	bool was_active;
};

/* A take-over: a member became active on the outside after the other one had been. */
struct scene_take {
	size_t frame; /* its first Hello as active */
	ns_t at;
	ns_t whole; /* when it was active inside as well; NS_NEVER if it never was */
	int heir;
	bool copy;	/* it had acknowledged its last bulk, on a channel that we could read */
	bool ready;	/* that, it was Standby, and no SA was made behind its back */
	bool pairs;	/* copy: of an SA pair at least */
	ns_t fresh_until; /* copy: the end of its lease */
	ns_t channel; /* copy: when the channel was opened that brought it */
	ns_t heard;	/* when something reached it last on any channel; 0 never */
	ns_t until;	/* the next one, or the heir's end or next start; or NS_NEVER */
};

/* The active of the outside went, or a line of its was pulled, and the other one was not active. */
struct scene_fall {
	size_t frame;	  /* the first one after it; may be the number of frames */
	ns_t at;
	int heir;	  /* who should take over */
	bool pulled;	  /* a line, and not the member itself */
	bool ready;	  /* the heir, as in a take-over */
	ns_t back;	  /* when it started again, or its line was in again; or NS_NEVER */
};

/* A sync channel on which something was said, and which was lost. */
struct scene_loss {
	ns_t opened;
	ns_t from;  /* the last message on it */
	ns_t lease; /* that ran out then */
};

/* A fault that lasts: a partition, a cable that is out, a disturbed line. */
struct scene_span {
	enum trace_event_kind kind; /* the one that began it */
	enum trace_segment segment;
	uint8_t port;
	int side; /* of the port, or -1; of a partition -1 */
	uint32_t value;
	ns_t from, to; /* NS_NEVER: to the end of the trace */
};

struct scene {
	const struct laws_in *in;
	const struct trace *t;
	size_t cnt; /* frames */
	struct pkt *pkt;
	struct scene_esp *esp;
	size_t esp_cnt, esp_cap;
	struct scene_big *big;
	size_t big_cnt, big_cap;
	struct scene_ike *ike;
	size_t ike_cnt, ike_cap;
	struct scene_sa *sa;
	size_t sa_cnt, sa_cap;
	struct scene_role *role;
	size_t role_cnt, role_cap;
	struct scene_take *take;
	size_t take_cnt, take_cap;
	struct scene_loss *loss;
	size_t loss_cnt, loss_cap;
	struct scene_fall *fall;
	size_t fall_cnt, fall_cap;
	struct scene_span *span;
	size_t span_cnt, span_cap;
	uint8_t *pool; /* bytes that were put together or opened */
	size_t pool_len, pool_cap;
};

/* Aborts when memory is out: a law over half a trace is worse than none. */
void scene_init(struct scene *s, const struct laws_in *in);
void scene_free(struct scene *s);

/* SIDE_A, SIDE_B or -1. */
int scene_side(enum trace_who who);
char scene_letter(int side);
/* The member that sent the frame by itself, or -1. */
int scene_sender(const struct scene *s, size_t frame);
enum trace_segment scene_segment(const struct scene *s, size_t frame);
/* The ports of that member on that segment, as bits. */
unsigned scene_ports(const struct scene *s, int side, enum trace_segment seg);
/* True if the member's process is up and has its power at that instant; so it is, too, in a trace
 * that never tells of a start. */
bool scene_live(const struct scene *s, int side, ns_t at);
/* Was its process started after `from`, and no later than `to`? */
bool scene_started(const struct scene *s, int side, ns_t from, ns_t to);
/*
 * Since when does that member serve without interruption: Active in both groups, if there is one
 * inside, with its lines in? NS_NEVER: it does not. A router with one group alone takes no IKE.
 */
ns_t scene_serves_since(const struct scene *s, int side, ns_t at);
/*
 * One order over SAs, 0 for the same one. An instance of a key is one SA wherever its packets go:
 * behind a NAT its port and its address may change. Without a key: destination, port and SPI.
 */
int scene_compare_sa(const struct scene_esp *a, const struct scene_esp *b);
/* Room in the pool; the scene's. */
uint8_t *scene_room(struct scene *s, size_t len);
/* Room for one more record in a growing array. */
void *scene_more(void *array, size_t cnt, size_t *cap, size_t size);

/* Does it touch that time, both ends included? */
bool scene_overlaps(const struct scene_span *p, ns_t from, ns_t to);

/* The parts; called by scene_init, in this order. */
void scene_read_spans(struct scene *s);
void scene_read_esp(struct scene *s);
void scene_read_ike(struct scene *s);
void scene_read_roles(struct scene *s);
void scene_read_sync(struct scene *s);

/* ---- walking through the payloads of an opened IKE message (RFC 2408 3.2) ---- */

struct scene_payload {
	uint8_t type;
	const uint8_t *bytes; /* after the generic header */
	size_t len;
};
/* Start with *at = 0 and *next = first; false at the end, or where it is malformed. */
bool scene_payload(const uint8_t *body, size_t len, size_t *at, uint8_t *next,
	struct scene_payload *p);

/* Is there a notify of that type in it (RFC 2408 3.14)? */
bool scene_notifies(const struct scene_ike *m, uint16_t type);
#define NOTIFY_R_U_THERE 36136 /* RFC 3706 5.4 */

struct scene_life {
	uint32_t s, kb; /* 0: not said */
};
struct rd;
/* What the attributes up to the end of *r say of it, the rest stays; `type` is the attribute that tells the
 * unit, the next one tells how many (RFC 2409 App. A: 11, 12; RFC 2407 4.5: 1, 2). */
void scene_read_life(struct rd *r, uint16_t type, struct scene_life *life);

enum { IKE_MAIN = 2, IKE_INFO = 5, IKE_QUICK = 32 };
enum { PAY_SA = 1, PAY_PROPOSAL = 2, PAY_TRANSFORM = 3, PAY_NOTIFY = 11, PAY_DELETE = 12 };
#define STATE_ACTIVE 16

/* ---- results ---- */

/* Broken, at a frame: "<law>: expected ..., saw ...". The first one said stays. */
void scene_broken(struct law_result *r, size_t frame, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Something to say of a law that holds; added to what is there. */
void scene_note(struct law_result *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
