/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "ref/wire/hsrp.h"

static bool
state_known(uint8_t s)
{
	return s == HSRP_WIRE_INITIAL || s == HSRP_WIRE_LEARN || s == HSRP_WIRE_LISTEN ||
	       s == HSRP_WIRE_SPEAK || s == HSRP_WIRE_STANDBY || s == HSRP_WIRE_ACTIVE;
}

static enum err
advertise_decode(struct rd *r, struct hsrp_msg *m, size_t at, struct why *why)
{
	uint16_t type = rd_u16(r, "hsrp.adv.type");
	uint16_t len = rd_u16(r, "hsrp.adv.length");
	enum err e;

	m->adv_state = rd_u8(r, "hsrp.adv.state");
	rd_skip(r, 1, "hsrp.adv.reserved1");
	m->adv_active_cnt = rd_u16(r, "hsrp.adv.activegroups");
	m->adv_passive_cnt = rd_u16(r, "hsrp.adv.passivegroups");
	rd_skip(r, 4, "hsrp.adv.reserved2");
	e = rd_done(r, why, "Cisco Advertise");
	if (e)
		return e;
	if (type != 1)
		return err_set(why, ERR_VALUE, "hsrp.adv.type", at + 2, "Cisco Advertise");
	if (len < 10)
		return err_set(why, ERR_LENGTH, "hsrp.adv.length", at + 4, "Cisco Advertise");
	if (m->adv_state < 1 || m->adv_state > 3)
		return err_set(why, ERR_VALUE, "hsrp.adv.state", at + 6, "Cisco Advertise");
	return ERR_OK;
}

static enum err
body_decode(struct rd *r, struct hsrp_msg *m, size_t at, struct why *why)
{
	enum err e;

	m->state = rd_u8(r, "hsrp.state");
	m->hello_s = rd_u8(r, "hsrp.hellotime");
	m->hold_s = rd_u8(r, "hsrp.holdtime");
	m->priority = rd_u8(r, "hsrp.priority");
	m->group = rd_u8(r, "hsrp.group");
	rd_skip(r, 1, "hsrp.reserved");
	rd_copy(r, m->auth, sizeof m->auth, "hsrp.auth");
	m->vip = rd_u32(r, "hsrp.vip");
	e = rd_done(r, why, "RFC 2281 5.1");
	if (!e && !state_known(m->state))
		e = err_set(why, ERR_VALUE, "hsrp.state", at + 2, "RFC 2281 5.1");
	return e;
}

enum err
hsrp_decode(struct rd *r, struct hsrp_msg *m, struct why *why)
{
	size_t at = rd_offset(r);
	enum err e;

	memset(m, 0, sizeof *m);
	m->version = rd_u8(r, "hsrp.version");
	m->opcode = rd_u8(r, "hsrp.opcode");
	e = rd_done(r, why, "RFC 2281 5.1");
	if (e)
		return e;
	if (m->version != 0)
		return err_set(why, ERR_VALUE, "hsrp.version", at, "RFC 2281 5.1");
	if (m->opcode > HSRP_ADVERTISE)
		return err_set(why, ERR_VALUE, "hsrp.opcode", at + 1, "RFC 2281 5.1");
	if (m->opcode == HSRP_ADVERTISE)
		return advertise_decode(r, m, at, why);
	return body_decode(r, m, at, why);
}

void
hsrp_write(struct wr *w, const struct hsrp_msg *m)
{
	wr_u8(w, m->version);
	wr_u8(w, m->opcode);
	if (m->opcode == HSRP_ADVERTISE) {
		wr_u16(w, 1);
		wr_u16(w, HSRP_ADVERTISE_LEN - 2);
		wr_u8(w, m->adv_state);
		wr_u8(w, 0);
		wr_u16(w, m->adv_active_cnt);
		wr_u16(w, m->adv_passive_cnt);
		wr_zero(w, 4);
		return;
	}
	wr_u8(w, m->state);
	wr_u8(w, m->hello_s);
	wr_u8(w, m->hold_s);
	wr_u8(w, m->priority);
	wr_u8(w, m->group);
	wr_u8(w, 0);
	wr_bytes(w, m->auth, sizeof m->auth);
	wr_u32(w, m->vip);
}
