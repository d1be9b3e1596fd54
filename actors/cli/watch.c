#include "watch.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "alloc.h"
#include "endpoints.h"
#include "unpack.h"
#include "wire.h"

enum { HWM = 64, BATCH = 16 };

struct es_watch {
    void *socket, *relay; /* relay: NULL where none is wanted */
    es_decoder_t *decoder;
    es_watch_fn fn;
    void *ctx;
};

static json_t *convert(const msgpack_object *object);

static json_t *convert_array(const msgpack_object_array *array)
{
    json_t *out = json_array();
    for (uint32_t i = 0; i < array->size; i++) json_array_append_new(out, convert(&array->ptr[i]));
    return out;
}

static json_t *convert_map(const msgpack_object_map *map)
{
    json_t *out = json_object();
    for (uint32_t i = 0; i < map->size; i++) {
        es_span_t name;
        char key[64];
        if (!es_unpack_str(&map->ptr[i].key, &name) || name.len >= sizeof key) continue;
        snprintf(key, sizeof key, "%.*s", (int)name.len, name.ptr);
        json_object_set_new(out, key, convert(&map->ptr[i].val));
    }
    return out;
}

/* Never NULL: what JSON does not have becomes null. */
static json_t *convert(const msgpack_object *object)
{
    es_span_t text;
    json_t *out = NULL;
    if (es_unpack_str(object, &text))
        out = json_stringn(text.ptr ? text.ptr : "", text.len);
    else if (object->type == MSGPACK_OBJECT_ARRAY)
        out = convert_array(&object->via.array);
    else if (object->type == MSGPACK_OBJECT_MAP)
        out = convert_map(&object->via.map);
    else if (object->type == MSGPACK_OBJECT_BOOLEAN)
        out = json_boolean(object->via.boolean);
    else if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        out = json_integer((json_int_t)object->via.u64);
    else if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        out = json_integer(object->via.i64);
    else if (object->type == MSGPACK_OBJECT_FLOAT32 || object->type == MSGPACK_OBJECT_FLOAT64)
        out = json_real(object->via.f64);
    return out ? out : json_null();
}

json_t *es_watch_decode(const void *data, size_t len)
{
    es_decoder_t *decoder = es_decoder_new();
    msgpack_object object;
    json_t *out = NULL;
    if (es_unpack(decoder, data, len, &object) == ES_DECODE_OK && object.type == MSGPACK_OBJECT_MAP)
        out = convert(&object);
    es_decoder_destroy(&decoder);
    return out;
}

es_watch_t *es_watch_new(const char *brokers, es_watch_fn fn, void *ctx)
{
    es_watch_t *self = es_alloc_zero(sizeof *self);
    es_endpoints_t list[ES_BROKERS_MAX];
    char err[256];
    int n = es_endpoints_parse_list(list, brokers, err, sizeof err);
    assert(n > 0); /* es_common_config_settle has looked at it */
    *self = (es_watch_t){.socket = zmq_socket(zsys_init(), ZMQ_SUB), .decoder = es_decoder_new(), .fn = fn, .ctx = ctx};
    assert(self->socket);
    es_wire_options(self->socket, HWM);
    zmq_setsockopt(self->socket, ZMQ_SUBSCRIBE, "sys/", 4);
    for (int i = 0; i < n; i++) zmq_connect(self->socket, list[i].publish);
    return self;
}

void es_watch_destroy(es_watch_t **self_p)
{
    es_watch_t *self = *self_p;
    if (!self) return;
    zmq_close(self->socket);
    if (self->relay) zmq_close(self->relay);
    es_decoder_destroy(&self->decoder);
    free(self);
    *self_p = NULL;
}

static void take(es_watch_t *self, es_wire_t *wire)
{
    if (!wire->ok || wire->msg.kind != ES_BEACON) return;
    es_span_t key = es_wire_key(wire), body = es_wire_body(wire);
    char name[ES_KEY_MAX + 1];
    snprintf(name, sizeof name, "%.*s", (int)key.len, key.ptr);
    json_t *house = es_watch_decode(body.ptr, body.len);
    if (house) self->fn(self->ctx, name, house);
    json_decref(house);
    if (self->relay) es_wire_forward(wire, self->relay, NULL);
}

static bool on_socket(void *ctx, uint64_t now_us)
{
    (void)now_us;
    es_watch_t *self = ctx;
    es_wire_t wire;
    for (int i = 0; i < BATCH; i++) {
        if (es_wire_recv(&wire, self->socket, false, self->decoder) == -1) return false;
        take(self, &wire);
        es_wire_close(&wire);
    }
    return true;
}

/* A second bind would silently steal the endpoint of a live broker. */
static bool served(const char *endpoint)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int n = snprintf(address.sun_path, sizeof address.sun_path, "%s", endpoint + strlen("ipc://"));
    if (n < 0 || n >= (int)sizeof address.sun_path) return true; /* nobody could find it there */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answered = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return answered;
}

void es_watch_relay(es_watch_t *self, const char *base)
{
    es_endpoints_t at;
    char err[256];
    if (strncmp(base, "ipc://", 6) != 0 || es_endpoints_parse(&at, base, err, sizeof err) != 0 || served(at.publish))
        return;
    self->relay = zmq_socket(zsys_init(), ZMQ_PUB);
    assert(self->relay);
    es_wire_options(self->relay, HWM);
    if (zmq_bind(self->relay, at.publish) == 0) return;
    zmq_close(self->relay);
    self->relay = NULL;
}

void es_watch_attach(es_watch_t *self, es_loop_t *loop)
{
    es_loop_add_socket(loop, self->socket, on_socket, self);
}
