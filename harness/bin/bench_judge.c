/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * baton bench judge: how fast `baton judge` reads, and in how much memory. A child makes a capture
 * of n frames and writes it into a pipe; another is baton itself, judge on standard input. Made are
 * a pair's Hellos, gratuitous ARP, and ESP of many SAs in both directions, most of it in order: now
 * and then a number is missing, comes late, or twice, and a second lot of SAs is more than the
 * table has room for. Nothing is kept on disk.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/bin/baton.h"
#include "harness/bin/bench.h"
#include "harness/field/field.h"
#include "ref/base/time.h"

#define SAS 512
#define STEP_US 20 /* between frames */
#define GOAL_FPS 100000
#define GOAL_KIB 65536
#define FLUSH ((size_t)1 << 20)
#define FRAME_CAP 256

struct maker {
	uint8_t *buf;
	size_t len;
	uint64_t frames;
	uint8_t esp[FRAME_CAP], hello[2][FRAME_CAP];
	size_t esp_len, hello_len, spi_at;
	uint32_t seq[SAS];
};

static void
put_u32(uint8_t *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void
templates(struct maker *m)
{
	static const uint8_t body[120];

	for (unsigned i = 0; i < 2; i++) {
		const struct field_set sets[] = {SET("ip.src", IP4(172, 16, 31, 1) + i),
			SET("eth.src", 0x020000000001 + i), SET("hsrp.state", i ? 8 : 16),
			SET("hsrp.hellotime", 3), SET("hsrp.holdtime", 10), SET("hsrp.group", 1),
			SET("hsrp.vip", IP4(172, 16, 31, 100))};

		m->hello_len = field_build(m->hello[i], FRAME_CAP, "eth/ipv4/udp/hsrp", sets,
			sizeof sets / sizeof sets[0], NULL);
	}
	m->esp_len = field_build(m->esp, FRAME_CAP, "eth/ipv4/esp",
		(const struct field_set[]){SET("ip.src", IP4(172, 16, 31, 100)),
			SET("ip.dst", IP4(172, 16, 31, 200)), SET("eth.src", 0x020000000001),
			SET_BYTES("esp.data", body, sizeof body)},
		4, NULL);
	m->spi_at = 14 + 20;
}

static void
frame(struct maker *m, const uint8_t *bytes, size_t len)
{
	uint64_t us = m->frames++ * STEP_US;
	const uint32_t head[4] = {(uint32_t)(1700000000 + us / 1000000), (uint32_t)(us % 1000000),
		(uint32_t)len, (uint32_t)len};

	memcpy(m->buf + m->len, head, sizeof head);
	memcpy(m->buf + m->len + sizeof head, bytes, len);
	m->len += sizeof head + len;
}

/* The next ESP packet: in a run of a thousand one number is left out, one comes twice. */
static void
esp_frame(struct maker *m)
{
	uint32_t sa = (uint32_t)(m->frames * 2654435761u) % SAS;
	uint32_t spi = 0x1000 + sa, seq;

	if (m->frames % 1000 == 1)
		m->seq[sa]++;
	if (m->frames % 1000 != 2)
		m->seq[sa]++;
	seq = m->seq[sa] ? m->seq[sa] : 1;
	if (m->frames % 100 == 3) { /* more SAs than there is room for */
		spi = 0x100000 + (uint32_t)(m->frames / 100) % 5000;
		seq = (uint32_t)(m->frames / 500000) + 1;
	}
	put_u32(m->esp + m->spi_at, spi);
	put_u32(m->esp + m->spi_at + 4, seq);
	put_u32(m->esp + m->spi_at + 8, seq * 2654435761u);
	frame(m, m->esp, m->esp_len);
}

static int
make(int fd, uint64_t n)
{
	static const uint32_t head[] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1};
	struct maker *m = calloc(1, sizeof *m);

	if (!m)
		return 1;
	m->buf = malloc(FLUSH + 2 * FRAME_CAP);
	if (!m->buf)
		return 1;
	templates(m);
	memcpy(m->buf, head, sizeof head);
	m->len = sizeof head;
	while (m->frames < n) {
		if (m->frames % (3 * 1000000 / STEP_US) == 0)
			for (int i = 0; i < 2 && m->frames < n; i++)
				frame(m, m->hello[i], m->hello_len);
		else
			esp_frame(m);
		if (m->len < FLUSH && m->frames < n)
			continue;
		for (size_t at = 0; at < m->len;) {
			ssize_t got = write(fd, m->buf + at, m->len - at);

			if (got < 0 && errno != EINTR)
				return 1;
			at += got > 0 ? (size_t)got : 0;
		}
		m->len = 0;
	}
	return 0;
}

static pid_t
start_judge(int from, int to)
{
	const char *const words[] = {"baton", "judge", "--json", "-", NULL};
	const char *path = baton_beside("baton");
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)dup2(from, STDIN_FILENO);
	(void)dup2(to, STDOUT_FILENO);
	for (int fd = 3; fd < 64; fd++)
		(void)close(fd);
	(void)execv(path, (char *const *)(unsigned long)words);
	_exit(127);
}

/* What judge said it read; 0 if it did not come to an end. */
static uint64_t
frames_said(FILE *from)
{
	static const char key[] = "\"frames\":";
	char line[8192];
	uint64_t n = 0;

	rewind(from);
	while (fgets(line, sizeof line, from)) {
		const char *at = strstr(line, "\"sums\"");

		at = at ? strstr(at, key) : NULL;
		n = at ? strtoull(at + strlen(key), NULL, 10) : n;
	}
	return n;
}

int
bench_judge(unsigned n, FILE *out)
{
	FILE *said = tmpfile();
	struct rusage used;
	ns_t from, ns;
	int fds[2], status = 0, made = 0;
	pid_t maker, judge;

	if (!said || pipe(fds) < 0)
		return 3;
	from = baton_now();
	judge = start_judge(fds[0], fileno(said));
	(void)close(fds[0]);
	maker = judge > 0 ? fork() : -1;
	if (maker == 0)
		_exit(make(fds[1], n));
	(void)close(fds[1]);
	if (judge < 0 || maker < 0 || wait4(judge, &status, 0, &used) != judge ||
		waitpid(maker, &made, 0) != maker)
		return 3;
	ns = baton_now() - from;
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1 || made || frames_said(said) != n)
		return 3;
	(void)fclose(said);
	(void)fprintf(out,
		"{\"bench\":\"judge\",\"frames\":%u,\"seconds\":%.3f,\"fps\":%.0f,\"goal_fps\":%d,"
		"\"rss_kib\":%ld,\"goal_rss_kib\":%d}\n",
		n, (double)ns / 1e9, (double)n * 1e9 / (double)ns, GOAL_FPS, used.ru_maxrss,
		GOAL_KIB);
	return 0;
}
