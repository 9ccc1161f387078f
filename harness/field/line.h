/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_FIELD_LINE_H
#define BATON_FIELD_LINE_H

/*
 * A frame in one line, for people: which protocol, from whom to whom, and what one looks for first.
 *
 *	HSRP Hello 172.16.31.1 group 1 Active priority 100 hello 3 hold 10 virtual 172.16.31.100
 *	ISAKMP Quick Mode 172.16.31.200 > 172.16.31.100 0123456789abcdef message 7f001122 encrypted
 *	ESP 172.16.31.100 > 172.16.31.200 SPI 0x12345678 number 17, 148 octets
 *
 * What is malformed says so, and where. Nothing is decrypted. Pure.
 */
#include <stddef.h>

#define LINE_CAP 256

/* The line without its end, at most cap octets with the closing zero; returns dst. */
char *line_frame(const void *frame, size_t len, char *dst, size_t cap);

/* A frame as a capture file has it: of another link (LINKTYPE_ number), perhaps cut. */
struct line_in {
	unsigned link;
	const void *bytes; /* borrowed */
	size_t len, wire_len;
};
char *line_link(const struct line_in *in, char *dst, size_t cap);
/* The same for a packet from its IPv4 header on, as it comes out of a tunnel. */
char *line_packet(const void *ip, size_t len, char *dst, size_t cap);

#endif
