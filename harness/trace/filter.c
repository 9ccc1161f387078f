/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capture filters (filter.h). A program of libpcap belongs to one kind of link; files with several
 * kinds are rare, so a few programs are kept, and one more kind than that passes nothing.
 */
#include "harness/trace/filter.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KINDS 8
#define SNAP 262144

struct program {
	unsigned link;
	bool good;
	struct bpf_program code;
};

struct filter {
	char *expression;
	struct program programs[KINDS];
	size_t cnt;
};

/* LINKTYPE_ numbers are DLT_ numbers, but for raw IP. */
static int
dlt_of(unsigned link)
{
	return link == 101 ? DLT_RAW : (int)link;
}

static bool
compile(struct program *p, const char *expression, char *err)
{
	pcap_t *none = pcap_open_dead(dlt_of(p->link), SNAP);

	if (!none) {
		snprintf(err, FILTER_ERR, "out of memory");
		return false;
	}
	p->good = pcap_compile(none, &p->code, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!p->good)
		snprintf(err, FILTER_ERR, "filter '%.80s': %.150s", expression, pcap_geterr(none));
	pcap_close(none);
	return p->good;
}

struct filter *
filter_new(const char *expression, char *err)
{
	struct filter *f = calloc(1, sizeof *f);

	if (f)
		f->expression = strdup(expression);
	if (!f || !f->expression) {
		snprintf(err, FILTER_ERR, "out of memory");
		free(f);
		return NULL;
	}
	f->programs[0].link = DLT_EN10MB;
	f->cnt = 1;
	if (compile(&f->programs[0], expression, err))
		return f;
	filter_free(f);
	return NULL;
}

void
filter_free(struct filter *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->cnt; i++)
		if (f->programs[i].good)
			pcap_freecode(&f->programs[i].code);
	free(f->expression);
	free(f);
}

static const struct program *
program_for(struct filter *f, unsigned link)
{
	char err[FILTER_ERR];

	for (size_t i = 0; i < f->cnt; i++)
		if (f->programs[i].link == link)
			return &f->programs[i];
	if (f->cnt == KINDS)
		return NULL;
	f->programs[f->cnt].link = link;
	(void)compile(&f->programs[f->cnt], f->expression, err);
	return &f->programs[f->cnt++];
}

bool
filter_passes(struct filter *f, unsigned link, const void *bytes, size_t len, size_t wire_len)
{
	const struct program *p = program_for(f, link);
	struct pcap_pkthdr h = {.caplen = (bpf_u_int32)len, .len = (bpf_u_int32)wire_len};

	return p && p->good && pcap_offline_filter(&p->code, &h, bytes) != 0;
}
