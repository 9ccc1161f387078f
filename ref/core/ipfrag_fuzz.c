/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream of packets, each after a two-octet length, through splitting and reassembly. */
#include "ref/core/ipfrag.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ipfrag_slot slots[3];
	static uint8_t buf[IPFRAG_PACKET_MAX], out[65536];
	struct ipfrag_split s;
	struct ipfrag f;
	struct why why;
	const uint8_t *p;
	size_t len, n;
	ns_t now = 0;

	ipfrag_init(&f, &ipfrag_rules_standard, slots, 3);
	while (size > 2) {
		n = (size_t)data[0] << 8 | data[1];
		data += 2;
		size -= 2;
		n = n < size ? n : size;
		now += NS_PER_S;
		if (!ipfrag_step(&f, now, data, n, buf, sizeof(buf), &p, &len, &why) && len > 65535)
			__builtin_trap();
		if (!ipfrag_split_init(&s, &ipfrag_rules_standard, data, n, 68 + n % 100, &why))
			while (ipfrag_split_next(&s, out, sizeof(out)))
				continue;
		data += n;
		size -= n;
	}
	return 0;
}
