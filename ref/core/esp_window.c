/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The receiver's window (RFC 4303 3.4.3, Appendix A): which numbers were accepted lately. Checked
 * before the ICV, marked after it; whoever turns that round lets a forger blind the receiver.
 */
#include <assert.h>
#include <string.h>

#include "ref/core/esp.h"

void
esp_window_init(struct esp_window *w, unsigned size)
{
	memset(w, 0, sizeof(*w));
	if (size < 32)
		size = 32;
	if (size > ESP_WINDOW_MAX)
		size = ESP_WINDOW_MAX;
	w->size = (uint16_t)((size + 7) & ~7u);
}

static bool
bit(const struct esp_window *w, uint32_t n)
{
	return w->map[n / 64] >> (n % 64) & 1;
}

enum err
esp_window_check(const struct esp_window *w, uint32_t seq)
{
	if (seq == 0)
		return ERR_REPLAY;
	if (seq > w->top)
		return ERR_OK;
	if (w->top - seq >= w->size || bit(w, w->top - seq))
		return ERR_REPLAY;
	return ERR_OK;
}

/* Everything gets older by n; what falls off the end is forgotten. */
static void
slide(struct esp_window *w, uint32_t n)
{
	unsigned words = n / 64, bits = n % 64;

	if (n >= ESP_WINDOW_MAX) {
		memset(w->map, 0, sizeof(w->map));
		return;
	}
	for (unsigned i = (w->size + 63u) / 64; i-- > 0;) { /* words in use */
		uint64_t v = i >= words ? w->map[i - words] << bits : 0;

		if (bits && i > words)
			v |= w->map[i - words - 1] >> (64 - bits);
		w->map[i] = v;
	}
}

void
esp_window_mark(struct esp_window *w, uint32_t seq)
{
	uint32_t n;

	if (seq > w->top) {
		slide(w, seq - w->top);
		w->top = seq;
	}
	n = w->top - seq;
	if (n < w->size)
		w->map[n / 64] |= (uint64_t)1 << (n % 64);
}

size_t
esp_window_export(const struct esp_window *w, uint8_t out[ESP_WINDOW_OCTETS])
{
	size_t len = w->size / 8u;

	memset(out, 0, len);
	for (uint32_t n = 0; n < w->size; n++)
		if (bit(w, n))
			out[len - 1 - n / 8] |= (uint8_t)(1u << (n % 8));
	return len;
}

enum err
esp_window_import(struct esp_window *w, uint32_t top, unsigned size, const uint8_t *map, size_t len)
{
	if (size < 32 || size > ESP_WINDOW_MAX || size % 8)
		return ERR_VALUE;
	if (len != size / 8)
		return ERR_LENGTH;
	esp_window_init(w, size);
	w->top = top;
	for (uint32_t n = 0; n < size; n++)
		if (map[len - 1 - n / 8] >> (n % 8) & 1)
			w->map[n / 64] |= (uint64_t)1 << (n % 64);
	return ERR_OK;
}
