/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames in and out. Two kinds of link behind one struct: an interface (libpcap reads, libnet
 * writes) and a pair in memory. The lab is the only user in a run; tests use the pair.
 *
 * What is tuned here and why: immediate mode costs throughput and buys 20 us latency, which a
 * switch needs; PACKET_IGNORE_OUTGOING keeps our own sends out of the ring (libpcap would only
 * hide them after they had taken their room); libnet's socket, which is never read, gets a filter
 * that refuses everything, or the kernel would fill it with copies.
 *
 * It does not: queue, pace, retry, or look into a frame.
 */
#include "harness/link/link.h"

#include <assert.h>
#include <libnet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

/* One frame that waits in a link in memory. */
struct queued {
	struct queued *next;
	ns_t at;
	size_t len;
	uint8_t bytes[];
};

struct link {
	pcap_t *pcap; /* NULL: a link in memory */
	libnet_t *net;
	uint64_t cut; /* frames longer than LINK_FRAME_MAX */
	struct link *other;
	struct queued *head, **tail;
	struct queued *shown; /* lent out by the last link_next */
};

static void
say(char *err, const char *ifname, const char *what, const char *detail)
{
	snprintf(err, LINK_ERR, "%s: %s: %.100s", ifname, what, detail);
}

/* Nothing of this may fail but activation itself; libpcap says no only to a used handle. */
static int
configure(pcap_t *p)
{
	return pcap_set_snaplen(p, LINK_FRAME_MAX) || pcap_set_promisc(p, 1) ||
		pcap_set_immediate_mode(p, 1) || pcap_set_buffer_size(p, LINK_BUFFER) ||
		pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO);
}

static pcap_t *
open_pcap(const char *ifname, char *err)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	pcap_t *p = pcap_create(ifname, text);
	int one = 1;

	if (!p) {
		say(err, ifname, "capture", text);
		return NULL;
	}
	if (configure(p) != 0 || pcap_activate(p) < 0) {
		say(err, ifname, "capture", pcap_geterr(p));
	} else if (pcap_datalink(p) != DLT_EN10MB) {
		say(err, ifname, "capture", "not an Ethernet interface");
	} else if (pcap_setdirection(p, PCAP_D_IN) != 0 || pcap_setnonblock(p, 1, text) != 0) {
		say(err, ifname, "capture", pcap_geterr(p));
	} else {
		/* Older kernels refuse it; then libpcap's own filter does the work. */
		(void)setsockopt(
			pcap_fileno(p), SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
		return p;
	}
	pcap_close(p);
	return NULL;
}

static libnet_t *
open_libnet(const char *ifname, char *err)
{
	static const struct sock_filter refuse_all = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = {.len = 1, .filter = (struct sock_filter *)(uintptr_t)&refuse_all};
	char text[LIBNET_ERRBUF_SIZE] = "";
	libnet_t *n = libnet_init(LIBNET_LINK_ADV, ifname, text);

	if (!n) {
		say(err, ifname, "send socket", text);
		return NULL;
	}
	if (setsockopt(libnet_getfd(n), SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) != 0) {
		say(err, ifname, "send socket", strerror(errno));
		libnet_destroy(n);
		return NULL;
	}
	return n;
}

struct link *
link_open(const char *ifname, char *err)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l) {
		say(err, ifname, "link", "out of memory");
		return NULL;
	}
	l->pcap = open_pcap(ifname, err);
	if (l->pcap)
		l->net = open_libnet(ifname, err);
	if (!l->net) {
		link_close(l);
		return NULL;
	}
	return l;
}

bool
link_pair(struct link *ends[2])
{
	ends[0] = calloc(1, sizeof(*ends[0]));
	ends[1] = calloc(1, sizeof(*ends[1]));
	if (!ends[0] || !ends[1]) {
		free(ends[0]);
		free(ends[1]);
		return false;
	}
	for (int i = 0; i < 2; i++) {
		ends[i]->other = ends[!i];
		ends[i]->tail = &ends[i]->head;
	}
	return true;
}

void
link_close(struct link *l)
{
	if (!l)
		return;
	if (l->pcap)
		pcap_close(l->pcap);
	if (l->net)
		libnet_destroy(l->net);
	if (l->other)
		l->other->other = NULL;
	while (l->head) {
		struct queued *q = l->head;

		l->head = q->next;
		free(q);
	}
	free(l->shown);
	free(l);
}

int
link_fd(const struct link *l)
{
	return l->pcap ? pcap_get_selectable_fd(l->pcap) : -1;
}

static int
next_in_memory(struct link *l, struct link_frame *f)
{
	struct queued *q = l->head;

	free(l->shown);
	l->shown = q;
	if (!q)
		return 0;
	l->head = q->next;
	if (!l->head)
		l->tail = &l->head;
	*f = (struct link_frame){.at = q->at, .bytes = q->bytes, .len = q->len};
	return 1;
}

int
link_next(struct link *l, struct link_frame *f)
{
	struct pcap_pkthdr *h;
	const u_char *bytes;
	int got;

	if (!l->pcap)
		return next_in_memory(l, f);
	while ((got = pcap_next_ex(l->pcap, &h, &bytes)) == 1) {
		if (h->caplen != h->len) {
			l->cut++;
			continue;
		}
		/* tv_usec holds nanoseconds at this precision. */
		*f = (struct link_frame){
			.at = ns_from_s(h->ts.tv_sec) + h->ts.tv_usec,
			.bytes = bytes,
			.len = h->caplen,
		};
		return 1;
	}
	return got == 0 ? 0 : -1;
}

static bool
send_in_memory(struct link *l, const void *bytes, size_t len, ns_t at)
{
	struct link *to = l->other;
	struct queued *q = to ? malloc(sizeof(*q) + len) : NULL;

	if (!q)
		return false;
	q->next = NULL;
	q->at = at;
	q->len = len;
	memcpy(q->bytes, bytes, len);
	*to->tail = q;
	to->tail = &q->next;
	return true;
}

bool
link_send_at(struct link *l, const void *bytes, size_t len, ns_t at)
{
	if (len == 0 || len > LINK_FRAME_MAX)
		return false;
	if (!l->pcap)
		return send_in_memory(l, bytes, len, at);
	return libnet_adv_write_link(l->net, bytes, (uint32_t)len) == (int)len;
}

bool
link_send(struct link *l, const void *bytes, size_t len)
{
	return link_send_at(l, bytes, len, 0);
}

uint64_t
link_dropped(struct link *l)
{
	struct pcap_stat s = {0};

	if (!l->pcap)
		return 0;
	/* A capture that cannot say what it lost counts as one that lost something. ps_ifdrop is
	 * left out: libpcap takes it from /sys, which shows another network namespace. */
	if (pcap_stats(l->pcap, &s) != 0)
		return l->cut + 1;
	return l->cut + s.ps_drop;
}
