#include "msgpack_json.h"

#include <stdio.h>

#include "unpack.h"

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

json_t *es_msgpack_json(const void *data, size_t len)
{
    es_decoder_t *decoder = es_decoder_new();
    msgpack_object object;
    json_t *out = NULL;
    if (es_unpack(decoder, data, len, &object) == ES_DECODE_OK && object.type == MSGPACK_OBJECT_MAP)
        out = convert(&object);
    es_decoder_destroy(&decoder);
    return out;
}
