/* What each name has at once: connections, and tickets that wait; or uploads. Kept by name, so that two tokens of one subject count together. One thread. */
#ifndef ES_SEATS_H
#define ES_SEATS_H

#include <stdint.h>

typedef struct es_seats es_seats_t;
typedef struct {
    uint64_t connections, tickets, uploads;
} es_seat_t;

es_seats_t *es_seats_new(void);
/* Seats that are still held stay until they are given back. */
void es_seats_destroy(es_seats_t **self_p);
/* The seat of this name, made where it is not there: to be given back as often as it was taken. */
es_seat_t *es_seats_take(es_seats_t *self, const char *name);
void es_seats_give_back(es_seats_t *self, es_seat_t *seat);

#endif
