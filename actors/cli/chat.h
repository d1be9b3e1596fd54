/* `earshot chat`: a session, its connection, and the people or programs that it is for. */
#ifndef ES_CHAT_H
#define ES_CHAT_H

#include "addresses.h"
#include "chat_output.h"
#include "chat_session.h"

typedef struct {
    es_chat_options_t session;
    es_addresses_t addresses; /* session.addresses are its names */
    es_chat_mode_t mode;
    bool listen; /* say nothing: do not read input */
} es_chat_setup_t;

/* Runs until the user leaves, or cannot go on; returns the exit code. Lines that were not confirmed are told on stderr. */
int es_chat_run(const es_chat_setup_t *setup);

#endif
