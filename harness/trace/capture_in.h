/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_TRACE_CAPTURE_IN_H
#define BATON_TRACE_CAPTURE_IN_H

/* What capture.c (the stream, pcap) and capture_ng.c (pcapng) share. */
#include <stdbool.h>
#include <stddef.h>

#include "harness/trace/capture.h"

#define NG_MAGIC 0x0A0D0D0Au

/* A text that grows; never NULL once something was put into it. */
struct capture_text {
	char *p;
	size_t len, cap;
};

struct capture_if {
	char *name; /* owned; NULL if it has none */
	uint16_t link;
	uint32_t snap_len;  /* 0: no limit */
	uint8_t resolution; /* if_tsresol */
	int64_t offset_s;   /* if_tsoffset */
};

struct capture {
	FILE *from;
	bool own; /* close it */
	bool swapped, ng, failed;
	char name[88];
	char error[CAPTURE_ERR];
	uint64_t offset; /* octets read */
	uint64_t no;	 /* frames handed out */
	uint8_t *buf;
	size_t buf_cap;
	ns_t last;
	/* pcap */
	uint16_t link;
	ns_t unit;
	/* pcapng */
	struct capture_if *ifs;
	unsigned if_cnt, if_first; /* of this section */
	struct capture_text secrets, section, comment;
};

/* Note what is wrong at that offset of the file; the first said stays. Always -1. */
int capture_fail(struct capture *c, uint64_t offset, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The next len octets into to. 1; 0 if the file ends right here; -1 if it ends within them. */
int capture_take(struct capture *c, void *to, size_t len, const char *what);
/* The same into c->buf, which grows as the octets come. The end is an error. */
int capture_fill(struct capture *c, size_t len, const char *what);
/* Pass over octets. The end is an error. */
int capture_skip(struct capture *c, uint64_t len, const char *what);

/* Numbers in the file's byte order. */
uint16_t capture_u16(const struct capture *c, const uint8_t *p);
uint32_t capture_u32(const struct capture *c, const uint8_t *p);

/* A line more; control characters are replaced if `clean`. False if it would be beyond max. */
bool capture_say(struct capture_text *t, const void *bytes, size_t len, size_t max, bool clean);

/* The section whose type has just been read; then the blocks up to the next frame. */
int capture_ng_section(struct capture *c);
int capture_ng_next(struct capture *c, struct capture_frame *f);

#endif
