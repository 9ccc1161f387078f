# SPDX-License-Identifier: BSD-2-Clause
#
#   make run      install what is missing (as root), build, run the suites on the reference pair
#   make check    that, and unit tests, gates, a fuzz smoke, and all again under sanitizers
#   make          build/baton build/twind build/twinctl build/twind-mutant, and the man pages in build/man
#   make suites   the suites alone (CASES='hsrp/ failover/')
#   make interop  the cases with other people's software, and docs/interop.md from what they said
#   make benchmarks  the figures of docs/benchmarks.md, anew (BENCHES='esp judge')
#   make mutants  prove that every case can fail
#   make soak N=20 LOAD=2      the suites N times beside LOAD busy processes
#   make fuzz FUZZ_SECONDS=10  each decoder, from its committed corpus
#   make install DESTDIR= PREFIX=/usr/local
#
# SAN=1 builds with ASan and UBSan into build/san, CC=clang into build/clang.

CC = gcc
CLANG ?= clang
PREFIX ?= /usr/local
J ?= 10
N ?= 20
LOAD ?= 2
FUZZ_SECONDS ?= 10
RESULTS ?= baton-results
CASES ?=

B := build$(if $(SAN),/san)$(if $(filter clang%,$(CC)),/clang)
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo 0)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wcast-align -Wvla -Werror
comma := ,
SANFLAGS := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -I. -O2 -g $(WARN) $(SANFLAGS) -MMD -MP $(CFLAGS)
LDFLAGS_ALL = $(SANFLAGS) $(LDFLAGS)
XML_CFLAGS := $(shell pkg-config --cflags libxml-2.0 2>/dev/null)

REF_LIBS := -lssl -lcrypto -lmnl -ljansson -ledit -lpthread
HARNESS_LIBS := -lpcap -lnet -lssl -lcrypto -ljansson -lxml2 -lmnl -lcheck -lsubunit -lm -lrt -lpthread
TEST_LIBS := -lcheck -lsubunit -lm -lrt -lpthread

sources = $(filter-out %_test.c %_fuzz.c,$(foreach d,$(1),$(wildcard $(d)/*.c)))
objects = $(patsubst %.c,$(B)/obj/%.o,$(1))

BASE_SRC := $(call sources,ref/base)
REF_SRC := $(call sources,ref/wire ref/crypto ref/core ref/node ref/config ref/console ref/sys)
HARNESS_SRC := $(call sources,harness/field harness/keys harness/link harness/trace harness/judge harness/story \
	harness/peer harness/sync harness/replay harness/lab harness/run harness/report)
MUTANT_SRC := $(call sources,harness/mutant)
SUITE_SRC := $(sort $(wildcard suites/*/*.c suites/*/*/*.c))
REF_TESTS := $(patsubst %.c,$(B)/test/%,$(sort $(wildcard ref/*/*_test.c)))
HARNESS_TESTS := $(patsubst %.c,$(B)/test/%,$(sort $(wildcard harness/*/*_test.c)))
MAN := $(patsubst docs/man/%.scd,build/man/%,$(wildcard docs/man/*.scd))
FUZZERS := $(patsubst %.c,build/fuzz/%,$(sort $(wildcard ref/*/*_fuzz.c harness/*/*_fuzz.c)))

PROGRAMS := $(B)/baton $(B)/twind $(B)/twinctl $(B)/twind-mutant $(B)/twind-bench

all: $(PROGRAMS) $(MAN)

build/man/%: docs/man/%.scd
	@mkdir -p $(@D)
	scdoc <$< >$@.new && mv $@.new $@

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<
# Rewritten only when the version changes, so that the programs that tell it are built again then.
$(B)/version: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@
FORCE:
VERSIONED := $(B)/obj/harness/bin/baton.o $(B)/obj/ref/bin/twind_main.o $(B)/obj/ref/bin/twinctl.o
$(VERSIONED): $(B)/version
$(B)/obj/harness/report/%.o: ALL_CFLAGS += $(XML_CFLAGS)
$(VERSIONED): ALL_CFLAGS += -DBATON_VERSION='"$(VERSION)"'

$(B)/libbase.a: $(call objects,$(BASE_SRC))
$(B)/libref.a: $(call objects,$(REF_SRC))
$(B)/libharness.a: $(call objects,$(HARNESS_SRC) $(MUTANT_SRC))
$(B)/lib%.a:
	@rm -f $@
	ar rcs $@ $^

TWIND_OBJ := $(call objects,$(filter-out ref/bin/twinctl%,$(call sources,ref/bin)))
$(B)/twind: $(TWIND_OBJ) $(B)/libref.a $(B)/libbase.a
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(REF_LIBS)
$(B)/twinctl: $(call objects,ref/bin/twinctl.c) $(B)/libref.a $(B)/libbase.a
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(REF_LIBS)
$(B)/twind-mutant: $(call objects,$(MUTANT_SRC) harness/bin/twind_mutant.c) \
		$(filter-out $(B)/obj/ref/bin/twind.o,$(TWIND_OBJ)) $(B)/libref.a $(B)/libbase.a
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(REF_LIBS)
BATON_SRC := $(filter-out harness/bin/twind_mutant%,$(call sources,harness/bin))
# All of the harness, and its names for everyone: suites from elsewhere are opened at run time. Its own names are bound
# at once, for every case's process would do that again.
$(B)/baton: $(call objects,$(BATON_SRC) $(SUITE_SRC)) $(B)/libharness.a $(B)/libref.a $(B)/libbase.a
	$(CC) $(LDFLAGS_ALL) -rdynamic -Wl,-z,now -o $@ $(filter %.o,$^) -Wl,--whole-archive $(filter-out %libref.a,$(filter %.a,$^)) \
		-Wl,--no-whole-archive $(B)/libref.a $(HARNESS_LIBS)

# The router's own costs: compiled with tables for a hundred thousand tunnels.
BENCH_OBJ := $(patsubst %.c,$(B)/bench/%.o,$(BASE_SRC) $(call sources,ref/wire ref/crypto ref/core ref/node ref/config \
	ref/bench))
$(B)/bench/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -DNODE_IKES=131072 -DNODE_PAIRS=131072 -DIKE_SA_MAX=131072 \
		-DIKE_CHILD_MAX=131072 -c -o $@ $<
$(B)/twind-bench: $(BENCH_OBJ)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcrypto

$(B)/test/ref/%: $(B)/obj/ref/%.o $(B)/libref.a $(B)/libbase.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(REF_LIBS) $(TEST_LIBS)
$(B)/test/harness/%: $(B)/obj/harness/%.o $(B)/libharness.a $(B)/libref.a $(B)/libbase.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(HARNESS_LIBS)

# Fuzz targets: clang and libFuzzer; the libraries are compiled once for all of them.
FUZZ_FLAGS = -std=gnu11 -D_GNU_SOURCE -I. -O1 -g -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined $(XML_CFLAGS)
fuzz_objects = $(patsubst %.c,build/fuzz/obj/%.o,$(1))
FUZZ_REF := $(call fuzz_objects,$(BASE_SRC) $(call sources,ref/wire ref/crypto ref/core ref/node ref/config))
FUZZ_HARNESS := $(call fuzz_objects,$(BASE_SRC) $(call sources,harness/field harness/keys harness/trace harness/judge harness/story \
	harness/peer harness/sync harness/replay))
build/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<
build/fuzz/ref/%: ref/%.c $(FUZZ_REF)
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ -lcrypto
build/fuzz/harness/%: harness/%.c $(FUZZ_HARNESS)
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ -lssl -lcrypto -lpcap

tests: $(REF_TESTS) $(HARNESS_TESTS)

unit: all tests
	ci/unit $(REF_TESTS) $(HARNESS_TESTS)

gates: all
	ci/gates $(B)

fuzz-build: $(FUZZERS)

fuzz: fuzz-build
	ci/fuzz $(FUZZ_SECONDS) $(FUZZERS)

deps:
	ci/deps

suites: all
	ci/suites $(B)/baton $(J) $(RESULTS) $(CASES)

run: deps
	$(MAKE) all
	$(MAKE) suites

# Writes docs/interop.md: which versions, which verdicts and figures.
interop: all
	ci/interop $(B)/baton $(J) build/interop >build/interop.md || { cat build/interop.md; exit 1; }
	cp build/interop.md docs/interop.md

# The figures of docs/benchmarks.md (BENCHES='esp judge'; outage takes half an hour).
benchmarks: all
	ci/benchmarks $(B)/baton $(BENCHES)

mutants: all
	$(B)/baton mutants --recheck -j $(J)

check: deps
	ci/check

soak: all
	ci/soak $(B) $(N) $(LOAD) $(J)

# What a suite of one's own is built against (docs/writing-a-case.md 5).
PUBLIC_HEADERS := $(filter-out %_in.h %_priv.h %_test.h %_test_util.h,$(wildcard harness/run/*.h harness/lab/*.h harness/peer/*.h \
	harness/field/*.h harness/keys/*.h harness/trace/*.h)) $(wildcard ref/base/*.h)

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/doc/baton $(DESTDIR)$(PREFIX)/share/pkgconfig
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	for h in $(PUBLIC_HEADERS); do install -D -m 644 $$h $(DESTDIR)$(PREFIX)/include/baton/$$h || exit 1; done
	printf 'prefix=%s\nName: baton\nDescription: suites for baton run --suite\nVersion: %s\nCflags: -I$${prefix}/include/baton\n' \
		'$(PREFIX)' '$(VERSION)' >$(DESTDIR)$(PREFIX)/share/pkgconfig/baton.pc
	for m in $(MAN); do install -D -m 644 $$m $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m##*/} || exit 1; done
	cp -r README.md LICENSE docs $(DESTDIR)$(PREFIX)/share/doc/baton

clean:
	rm -rf build baton-results

-include $(shell find $(B)/obj $(B)/bench build/fuzz/obj -name '*.d' 2>/dev/null)

.PHONY: FORCE all tests unit gates fuzz fuzz-build deps suites run benchmarks mutants interop check soak install clean
.SECONDARY:
