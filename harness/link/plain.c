/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offloads off, by the ethtool ioctl. On veth a sender that offloads leaves TCP checksums half
 * done and hands over frames of 64 kilobytes; a userspace switch would pass them on as they are,
 * and the receiver would drop them. Called once per veth end, in that end's namespace.
 */
#include "harness/link/link.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Off in this order: segmentation depends on checksums, generic on special. */
static const uint32_t off[] = {
	ETHTOOL_STSO,
	ETHTOOL_SGSO,
	ETHTOOL_SGRO,
	ETHTOOL_STXCSUM,
	ETHTOOL_SRXCSUM,
	ETHTOOL_SSG,
};
/* Those without which frames on the wire would be wrong: their reading must be 0 afterwards. */
static const uint32_t check[] = {ETHTOOL_GTSO, ETHTOOL_GGSO, ETHTOOL_GTXCSUM};

static int
ask(int fd, const char *ifname, struct ethtool_value *v)
{
	struct ifreq req;

	memset(&req, 0, sizeof(req));
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", ifname);
	req.ifr_data = (char *)v;
	return ioctl(fd, SIOCETHTOOL, &req);
}

bool
link_plain(const char *ifname, char *err)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0;

	/* A driver that lacks one of them says EOPNOTSUPP; what counts is the reading below. */
	for (size_t i = 0; ok && i < sizeof(off) / sizeof(off[0]); i++) {
		struct ethtool_value v = {.cmd = off[i], .data = 0};

		ok = ask(fd, ifname, &v) == 0 || errno == EOPNOTSUPP;
	}
	for (size_t i = 0; ok && i < sizeof(check) / sizeof(check[0]); i++) {
		struct ethtool_value v = {.cmd = check[i], .data = 1};

		ok = ask(fd, ifname, &v) == 0 && v.data == 0;
	}
	if (!ok)
		snprintf(err, LINK_ERR, "%s: offloads cannot be turned off: %s", ifname,
			strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}
