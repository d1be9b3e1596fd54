/* Hears the processes of `earshot up` say that they turn. They say it as to systemd (sd_notify(3), notify.h): each to a socket of its own, whose name
 * it alone is told. */
#ifndef ES_UP_TURNS_H
#define ES_UP_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "loop.h"

#define ES_UP_TURNS_WORDS 2

typedef struct es_up_turns es_up_turns_t;

/* `count` children, numbered from 0. patience_us: how long one may say nothing; 0: for ever. Dies on lack of memory. */
es_up_turns_t *es_up_turns_new(size_t count, uint64_t patience_us);
/* Before the loop that listened. */
void es_up_turns_destroy(es_up_turns_t **self_p);

/* What child's environment is to hold, ES_UP_TURNS_WORDS of NAME=value, ours and valid as long as `self`. NULL: it is not listened to, since nobody wants it or, with
 * errno, since that failed. */
char *const *es_up_turns_begin(es_up_turns_t *self, size_t child, es_loop_t *loop);
/* Child runs as this process, whose words alone count. */
void es_up_turns_started(es_up_turns_t *self, size_t child, pid_t pid);
/* Child is to end: it may be silent. */
void es_up_turns_forget(es_up_turns_t *self, size_t child);
/* Once a turn of the loop. */
void es_up_turns_look(es_up_turns_t *self, uint64_t now_us);
bool es_up_turns_silent(const es_up_turns_t *self, size_t child);

#endif
