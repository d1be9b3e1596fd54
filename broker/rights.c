#include "rights.h"

#include "catalogue.h"
#include "job_wire.h"
#include "room_wire.h"

static const char *const socket_names[ES_SOCKETS] = {"frontend", "backend", "results", "publish"};

const char *es_socket_name(es_socket_t socket)
{
    return socket_names[socket];
}

es_socket_t es_socket_find(es_span_t name)
{
    es_socket_t socket = 0;
    while (socket < ES_SOCKETS && !es_span_eq(name, es_span(socket_names[socket]))) socket++;
    return socket;
}

/* Kinds that go together. */
typedef struct {
    uint32_t first, last;
} range_t;

static const range_t streams[] = {{ES_FRAME, ES_BUNDLE}, {ES_PROBE, ES_REPORT}, {0}};
static const range_t everything_of_clients[] = {
    {ES_FRAME, ES_BUNDLE}, {ES_PROBE, ES_REPORT}, {ES_ROOM_JOIN, ES_ROOM_WHO}, {ES_JOB_ASK, ES_JOB_ASK}, {0}};
static const range_t commands[] = {
    {ES_PROBE, ES_REPORT}, {ES_DRAIN, ES_DRAIN}, {ES_ROOM_FETCH, ES_ROOM_WHO}, {ES_JOB_ASK, ES_JOB_ASK}, {0}};
static const range_t life[] = {{ES_HELLO, ES_GOODBYE}, {0}};
static const range_t words[] = {{ES_BUNDLE, ES_BUNDLE}, {ES_ACK, ES_PARTIAL}, {0}};
static const range_t rooms[] = {{ES_BUNDLE, ES_BUNDLE}, {ES_ROOM_NEWS, ES_ROOM_PRESENT}, {0}};
static const range_t words_and_jobs[] = {
    {ES_BUNDLE, ES_BUNDLE}, {ES_ACK, ES_PARTIAL}, {ES_JOB_TOLD, ES_JOB_STATS}, {0}};
static const range_t nothing[] = {{0}};

/* What a role may say at a socket; NULL: it may not even connect. */
static const range_t *const may_say[ES_ROLES][ES_SOCKETS] = {
    [ES_ROLE_EDGE] = {[ES_AT_FRONTEND] = everything_of_clients, [ES_AT_PUBLISH] = nothing},
    [ES_ROLE_JOBS] = {streams, life, words_and_jobs, nothing},
    [ES_ROLE_TRANSCRIBER] = {[ES_AT_BACKEND] = life, [ES_AT_RESULTS] = words},
    [ES_ROLE_ANALYSIS] = {[ES_AT_BACKEND] = life, [ES_AT_RESULTS] = words},
    [ES_ROLE_WORKER] = {[ES_AT_BACKEND] = life, [ES_AT_RESULTS] = words},
    [ES_ROLE_ROOM] = {[ES_AT_BACKEND] = life, [ES_AT_RESULTS] = rooms},
    [ES_ROLE_OBSERVER] = {[ES_AT_PUBLISH] = nothing},
    [ES_ROLE_OPERATOR] = {[ES_AT_FRONTEND] = commands, [ES_AT_PUBLISH] = nothing}};

bool es_rights_connect(es_role_t role, es_socket_t socket)
{
    return role < ES_ROLES && socket < ES_SOCKETS && may_say[role][socket] != NULL;
}

bool es_rights_say(es_role_t role, es_socket_t socket, uint32_t kind)
{
    if (!es_rights_connect(role, socket)) return false;
    for (const range_t *range = may_say[role][socket]; range->last; range++)
        if (kind >= range->first && kind <= range->last) return true;
    return false;
}

static const struct {
    const char *service;
    es_role_t role;
} services[] = {{"transcribe", ES_ROLE_TRANSCRIBER},
                {ES_ROOM_SERVICE, ES_ROLE_ROOM},
                {ES_JOBS_SERVICE, ES_ROLE_JOBS},
                {ES_UPLOAD_SERVICE, ES_ROLE_JOBS},
                {ES_ANALYZE_SERVICE, ES_ROLE_ANALYSIS}};

bool es_rights_serve(es_role_t role, es_span_t service)
{
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
        if (es_span_eq(service, es_span(services[i].service))) return services[i].role == role;
    return role == ES_ROLE_WORKER;
}
