#include "job_names.h"

bool es_job_id_valid(es_span_t id)
{
    if (id.len != ES_JOB_ID_LEN) return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (dash ? c != '-' : !hex) return false;
    }
    return true;
}

bool es_job_session_valid(es_span_t session)
{
    if (session.len == 0 || session.len > ES_SESSION_MAX) return false;
    for (size_t i = 0; i < session.len; i++) {
        char c = session.ptr[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                    c == '_' || c == '-';
        if (!fine) return false;
    }
    return true;
}
