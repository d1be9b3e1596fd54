/* What `earshot doctor` makes of what it sees. Pure. */
#ifndef ES_DOCTOR_JUDGE_H
#define ES_DOCTOR_JUDGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "finding.h"

#define ES_DOCTOR_SKEW_US INT64_C(2000000)       /* clocks that differ by more are told */
#define ES_DOCTOR_SKEW_FAIL_US INT64_C(30000000) /* tokens are refused soon */
#define ES_DOCTOR_LOOP_US UINT64_C(3000000)      /* a word that takes longer is late */

/* The most descriptors that a process may be given. */
void es_judge_descriptors(es_finding_t *out, uint64_t most);
/* Bytes of a filing system; `what` lies there. */
void es_judge_disk(es_finding_t *out, const char *what, uint64_t unused, uint64_t total);
/* Bytes that are left for processes. */
void es_judge_memory(es_finding_t *out, uint64_t available);
/* net.core.somaxconn */
void es_judge_backlog(es_finding_t *out, uint64_t connections);
/* This machine's own: Unix time, and whether something keeps it. */
void es_judge_clock(es_finding_t *out, int64_t now_s, bool kept);
/* How far this clock is ahead of somebody else's. */
void es_judge_skew(es_finding_t *out, const char *whose, int64_t ahead_us);
/* name: "libzmq", "libwebsockets", "OpenSSL"; version as it says itself. */
void es_judge_library(es_finding_t *out, const char *name, const char *version);
/* A program of ours or a broker: its release (NULL: it does not tell) beside that of this command. */
void es_judge_release(es_finding_t *out, const char *who, const char *release, const char *ours);
/* A directory or file: its permissions beside the most that it may have; `holds` what. */
void es_judge_mode(es_finding_t *out, const char *path, unsigned mode, unsigned allowed, const char *holds);
/* Actors of a service in a status of the house: how many, and their places that are free. */
void es_judge_service(es_finding_t *out, const json_t *status, const char *service);
/* Answer of /readyz: its status, and the reason that it gives, or "". */
void es_judge_ready(es_finding_t *out, const char *address, int status, const char *reason);
/* A certificate that ends then. */
void es_judge_certificate(es_finding_t *out, const char *address, int64_t now_s, int64_t until_s);
/* A sound went through the house in so long. */
void es_judge_loop(es_finding_t *out, const char *address, uint64_t took_us, uint64_t sound_ms, unsigned finals);

#endif
