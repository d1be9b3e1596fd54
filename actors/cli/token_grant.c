#include "token_grant.h"

#include <stdio.h>
#include <string.h>

#include "right.h"
#include "room_wire.h"

/* The next item; *list is NULL after the last. */
static es_span_t next_item(const char **list)
{
    size_t len = strcspn(*list, ",");
    es_span_t item = es_span_of(*list, len);
    *list = (*list)[len] ? *list + len + 1 : NULL;
    return item;
}

int es_token_check_rights(const char *rights, char *err, size_t err_len)
{
    if (!rights || !*rights) {
        snprintf(err, err_len, "--rights is missing: one or more of %s, with commas", es_right_names());
        return -1;
    }
    while (rights) {
        es_span_t name = next_item(&rights);
        if (es_right_named(name)) continue;
        snprintf(err, err_len, "--rights: \"%.*s\" is no right; there are %s", (int)name.len, name.ptr,
                 es_right_names());
        return -1;
    }
    return 0;
}

int es_token_check_rooms(const char *rooms, char *err, size_t err_len)
{
    while (rooms) {
        es_span_t room = next_item(&rooms);
        if (es_room_id_valid(room)) continue;
        snprintf(err, err_len, "--rooms: \"%.*s\" cannot be a room; rooms have 1 to %u bytes of UTF-8", (int)room.len,
                 room.ptr, (unsigned)ES_ROOM_ID_MAX);
        return -1;
    }
    return 0;
}

json_t *es_token_list(const char *items)
{
    json_t *list = items ? json_array() : NULL;
    while (items) {
        es_span_t item = next_item(&items);
        json_array_append_new(list, json_stringn(item.ptr, item.len));
    }
    return list;
}
