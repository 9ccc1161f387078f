/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_WIRE_HSRP_H
#define BATON_WIRE_HSRP_H

/*
 * HSRP version 1 messages: the 20 octets of RFC 2281 5.1, and Cisco's Advertise (opcode 3), whose
 * layout is known from captures of real routers alone.
 */
#include "ref/base/cursor.h"
#include "ref/base/ip4.h"

#define HSRP_PORT 1985
#define HSRP_GROUP_ADDR IP4(224, 0, 0, 2)
#define HSRP_LEN 20
#define HSRP_ADVERTISE_LEN 16
#define HSRP_AUTH_LEN 8

enum hsrp_opcode { HSRP_HELLO = 0, HSRP_COUP = 1, HSRP_RESIGN = 2, HSRP_ADVERTISE = 3 };

/* States as they stand on the wire (RFC 2281 5.1). */
enum hsrp_wire_state {
	HSRP_WIRE_INITIAL = 0,
	HSRP_WIRE_LEARN = 1,
	HSRP_WIRE_LISTEN = 2,
	HSRP_WIRE_SPEAK = 4,
	HSRP_WIRE_STANDBY = 8,
	HSRP_WIRE_ACTIVE = 16,
};

struct hsrp_msg {
	uint8_t version;
	uint8_t opcode;
	uint8_t state;
	uint8_t hello_s;
	uint8_t hold_s;
	uint8_t priority;
	uint8_t group;
	uint8_t auth[HSRP_AUTH_LEN];
	ip4_t vip;
	/* Advertise only */
	uint8_t adv_state; /* 1 dormant, 2 passive, 3 active */
	uint16_t adv_active_cnt;
	uint16_t adv_passive_cnt;
};

/* Decode a UDP payload of port 1985. Refuses another version, opcode, state or a short message. */
enum err hsrp_decode(struct rd *r, struct hsrp_msg *m, struct why *why) MUST_CHECK;
void hsrp_write(struct wr *w, const struct hsrp_msg *m);

#endif
