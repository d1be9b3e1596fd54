/* Files for an identity, in a directory of their own, and short ways to ask it. Included once, by the test. */
#ifndef IDENTITY_WORLD_H
#define IDENTITY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "access/identity.h"

/* `printf %s KEY | sha256sum` */
#define CI_KEY "earshot_ci-ci-ci-ci-ci-ci-ci-ci"
#define CI_DIGEST "e1ee067e1b4e8c9d847bbe3c6ba2f1cd3a2e2141d9675697d20c33a35f0b3dd2"
#define OPERATOR "0123456789abcdef0123456789abcdef"

static char world_dir[] = "/tmp/es-identity-XXXXXX";
static const es_operator_t world_operator = {.token = OPERATOR};

static int world_make(void **state)
{
    (void)state;
    return mkdtemp(world_dir) ? 0 : -1;
}

static int world_remove(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", world_dir);
    return system(command);
}

/* A file of the directory with this text; its path stays valid for eight further calls. */
static inline const char *world_file_mode(const char *name, const char *text, mode_t mode)
{
    static char paths[8][128];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", world_dir, name);
    unlink(path);
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static inline const char *world_file(const char *name, const char *text)
{
    return world_file_mode(name, text, 0600);
}

static inline es_identity_t *world_identity(es_identity_config_t config)
{
    char err[700] = "";
    config.operator_token = &world_operator;
    if (!config.ticket_us) config.ticket_us = 30000000;
    if (!config.max_tickets) config.max_tickets = 4;
    es_identity_t *self = es_identity_new(&config, err, sizeof err);
    if (!self) fail_msg("%s", err);
    return self;
}

/* What comes of a token; the principal's name where it is taken. */
static inline es_who_t world_asks(es_identity_t *self, const char *token, uint64_t wall_s,
                                  char name[ES_PRINCIPAL_NAME_MAX + 1])
{
    es_principal_t *p = NULL;
    es_who_t who = es_identity_bearer(self, es_span(token), wall_s, &p);
    assert_int_equal(who == ES_WHO_OK, p != NULL);
    if (p && name) snprintf(name, ES_PRINCIPAL_NAME_MAX + 1, "%s", es_principal_name(p));
    es_principal_unref(&p);
    return who;
}

#endif
