/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_BIN_BENCH_H
#define BATON_BIN_BENCH_H

/*
 * What `baton bench` measures: each writes one JSON object a line to the file. Speed is told as a
 * ratio to a peer, or beside a limit, of the same run.
 */
#include <stdio.h>

/* Where what is enclosed works, and the file that its lines go to. */
struct bench_place {
	const char *dir, *out;
};
/* The lines of a file into another, and close the first (NULL: none). */
void bench_lines(FILE *from, FILE *out);
/*
 * Run `inside` in an enclosure (lab.h) with a folder of its own; the argument that it gets is `place`, filled. Its lines
 * go to out, the folder goes. What it returned, 3, or 4 after the reason on stderr.
 */
int bench_enclosed(int (*inside)(void *), struct bench_place *place, FILE *out);

/*
 * The outage that a client of the pair sees when the active loses its power: n failovers at hello 15,
 * hold 50 ms; the same client and lab with keepalived at advertisements each 20 ms. Everything runs under SCHED_FIFO if
 * that is allowed (the line says so). 0, 3 (the lab), 4 (not here).
 */
int bench_outage(unsigned n, FILE *out);

/*
 * ESP through two gateways back to back: two twinds, and two strongSwans with its user-space ESP. 0, 3, 4
 * as above.
 */
int bench_through(FILE *out);

/*
 * `baton judge` over a made capture of n frames from a pipe: frames a second, and the most memory that it
 * took. 0, or 3 if it did not read all of them.
 */
int bench_judge(unsigned n, FILE *out);

/*
 * Frames a second into a port, by baton replay and baton craft, tcpreplay and trafgen in turns; 64, 512
 * and 1400 octets over veth. 0; 3, also if a frame of ours did not come out at the other end; 4.
 */
int bench_replay(FILE *out);

/*
 * The lab sim on one core: n schedules of baton explore, and every case that can run there, a second. 0; 3,
 * also if a law was broken or a case did not pass.
 */
int bench_sim(unsigned n, FILE *out);

/*
 * The switch of the lab netns: frames a second from port to port at 64, 512 and 1400 octets, and the time that
 * a frame takes; beside a bridge of the kernel in the same place. 0; 3, also if a frame was lost; 4.
 */
int bench_switch(FILE *out);

#endif
