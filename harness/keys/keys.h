/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BATON_KEYS_KEYS_H
#define BATON_KEYS_KEYS_H

/* All of harness/keys: primitives, IKEv1, ESP, the key ring, and what opens traces with it. */
#include "harness/keys/ikeopen.h"
#include "harness/keys/keyesp.h"
#include "harness/keys/keyike.h"
#include "harness/keys/keyprim.h"
#include "harness/keys/keyring.h"
#include "harness/keys/keyseal.h"
#include "harness/keys/tlsopen.h"

#endif
