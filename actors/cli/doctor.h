/* `earshot doctor`: looks at all that has to be right for a house to work. Each check is a line of the table in doctor.c and a function in one of doctor_*.c that looks; what
 * it makes of what it sees is judged by doctor_judge.h, which is pure. A check tells any number of findings; it never ends the others.
 *
 *     doctor_host.c     the machine: data directory, settings, limits, disk, memory, clock
 *     doctor_install.c  what is installed: libraries, programs, packages
 *     doctor_keys.c     key files
 *     doctor_broker.c   brokers, and who serves
 *     doctor_edge.c     edges, and their certificates
 *     doctor_loop.c     a sound through all of it
 */
#ifndef ES_DOCTOR_H
#define ES_DOCTOR_H

#include <jansson.h>

#include "bearer.h"
#include "config.h"
#include "finding.h"

typedef struct {
    es_common_config_t common; /* settled */
    bool data_usable;          /* it could be */
    char *url, *spool, *model_dir;
    bool json;
    es_trust_t trust;
    es_bearer_t bearer;
    uint64_t wait_us; /* for each answer */
    es_addresses_t addresses;
} es_doctor_config_t;

typedef struct es_doctor es_doctor_t;
struct es_doctor {
    const es_doctor_config_t *config;
    void (*tell)(void *ctx, const char *check, const es_finding_t *finding);
    void *ctx;
    const char *check;         /* under way */
    size_t found[ES_VERDICTS]; /* how often */
    json_t *status;            /* of the house, from the check of the brokers; NULL: it was not heard */
};

/* Runs all checks, or those that are named. */
void es_doctor_run(es_doctor_t *self, int count, char **names);
/* Is there a check of that name? */
bool es_doctor_knows(const char *name);
/* All names, with blanks. */
const char *es_doctor_names(char *out, size_t cap);
/* For checks: hands a finding on. */
void es_doctor_tell(es_doctor_t *self, const es_finding_t *finding);

void es_doctor_data(es_doctor_t *self);
void es_doctor_settings(es_doctor_t *self);
void es_doctor_limits(es_doctor_t *self);
void es_doctor_disk(es_doctor_t *self);
void es_doctor_clock(es_doctor_t *self);
void es_doctor_libraries(es_doctor_t *self);
void es_doctor_programs(es_doctor_t *self);
void es_doctor_packages(es_doctor_t *self);
void es_doctor_keys(es_doctor_t *self);
void es_doctor_brokers(es_doctor_t *self);
void es_doctor_services(es_doctor_t *self);
void es_doctor_edges(es_doctor_t *self);
void es_doctor_certificates(es_doctor_t *self);
void es_doctor_loop(es_doctor_t *self);

#endif
