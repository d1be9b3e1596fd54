/* Whom commands trust when an address is https:// or wss://, and what they show to whom they reach. */
#ifndef ES_TRUST_H
#define ES_TRUST_H

#include <stdbool.h>

#include "config.h"

typedef struct {
    char *ca;           /* PEM file of who may sign certificates; NULL: those that the system knows */
    bool insecure;      /* whoever answers is believed */
    const char *bearer; /* the token that goes along; NULL or "": none */
} es_trust_t;

/* T: a config with a member `trust`. */
#define ES_TRUST_OPTIONS(T)                                                                                        \
    ES_OPT_STR(T, trust.ca, "ca", NULL, NULL, 1024,                                                                \
               "PEM file with the certificates that may vouch for a server at https:// or wss://; default: those " \
               "that the system knows"),                                                                           \
        ES_OPT_FLAG(T, trust.insecure, "insecure-tls", "believe any certificate, as for a try on one's own machine")

#endif
