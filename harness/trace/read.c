/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A trace from a capture file, for judging what others saw. libpcap walks the file (pcap, pcapng,
 * either byte order, micro- and nanoseconds) and checks its lengths; a file that breaks off in the
 * middle of a packet is refused as a whole, with the number of the packet.
 */
#include "harness/trace/trace_in.h"

#include <pcap/pcap.h>
#include <stdio.h>

static struct trace *
refuse(pcap_t *p, struct trace *t, char *err, const char *path, const char *why)
{
	snprintf(err, TRACE_ERR, "%.80s: packet %zu: %.80s", path, t ? t->cnt + 1 : 0, why);
	trace_free(t);
	pcap_close(p);
	return NULL;
}

struct trace *
trace_read(const char *path, size_t *cut, char *err)
{
	static const struct trace_port port = {"capture", WHO_OTHER, SEG_OUTSIDE};
	char text[PCAP_ERRBUF_SIZE] = "";
	pcap_t *p = pcap_open_offline_with_tstamp_precision(
		path, PCAP_TSTAMP_PRECISION_NANO, text);
	struct trace *t = NULL;
	struct pcap_pkthdr *h;
	const u_char *bytes;
	size_t cut_cnt = 0;
	int got;

	if (!p) {
		snprintf(err, TRACE_ERR, "%.80s: %.100s", path, text);
		return NULL;
	}
	if (pcap_datalink(p) != DLT_EN10MB)
		return refuse(p, NULL, err, path, "not an Ethernet capture");
	t = trace_new(&port, 1);
	if (!t)
		return refuse(p, NULL, err, path, "out of memory");
	while ((got = pcap_next_ex(p, &h, &bytes)) == 1) {
		ns_t at = ns_from_s(h->ts.tv_sec) + h->ts.tv_usec;

		cut_cnt += h->caplen < h->len;
		trace_add(t, at, 0, bytes, h->caplen);
	}
	if (got != PCAP_ERROR_BREAK)
		return refuse(p, t, err, path, pcap_geterr(p));
	if (cut)
		*cut = cut_cnt;
	pcap_close(p);
	return t;
}
