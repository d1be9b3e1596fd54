#include "job_id.h"

static bool hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool es_job_id_valid(es_span_t id)
{
    if (id.len != ES_JOB_ID_LEN) return false;
    for (size_t i = 0; i < id.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? id.ptr[i] != '-' : !hex(id.ptr[i])) return false;
    }
    return true;
}

bool es_job_session_valid(es_span_t session)
{
    if (session.len == 0 || session.len > ES_SESSION_MAX) return false;
    for (size_t i = 0; i < session.len; i++) {
        char c = session.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '.' && c != '_' && c != '-') return false;
    }
    return true;
}

bool es_job_hex_valid(es_span_t digits, size_t len)
{
    if (digits.len != len) return false;
    for (size_t i = 0; i < len; i++)
        if (!hex(digits.ptr[i])) return false;
    return true;
}
