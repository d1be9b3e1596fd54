#include "doctor.h"

#include <stdio.h>
#include <string.h>

/* In this order: what a check needs is looked at before it. */
static const struct {
    const char *name;
    void (*run)(es_doctor_t *self);
} checks[] = {{"data", es_doctor_data},         {"settings", es_doctor_settings}, {"limits", es_doctor_limits},
              {"disk", es_doctor_disk},         {"clock", es_doctor_clock},       {"libraries", es_doctor_libraries},
              {"programs", es_doctor_programs}, {"packages", es_doctor_packages}, {"keys", es_doctor_keys},
              {"broker", es_doctor_brokers},    {"services", es_doctor_services}, {"edge", es_doctor_edges},
              {"tls", es_doctor_certificates},  {"loop", es_doctor_loop}};
enum { CHECKS = sizeof checks / sizeof checks[0] };

bool es_doctor_knows(const char *name)
{
    for (size_t i = 0; i < CHECKS; i++)
        if (strcmp(checks[i].name, name) == 0) return true;
    return false;
}

const char *es_doctor_names(char *out, size_t cap)
{
    size_t len = 0;
    for (size_t i = 0; i < CHECKS && len < cap; i++)
        len += (size_t)snprintf(out + len, cap - len, "%s%s", i ? " " : "", checks[i].name);
    return out;
}

static bool wanted(const char *name, int count, char **names)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return true;
    return count == 0;
}

void es_doctor_run(es_doctor_t *self, int count, char **names)
{
    for (size_t i = 0; i < CHECKS; i++) {
        if (!wanted(checks[i].name, count, names)) continue;
        self->check = checks[i].name;
        checks[i].run(self);
    }
    json_decref(self->status);
    self->status = NULL;
}

void es_doctor_tell(es_doctor_t *self, const es_finding_t *finding)
{
    self->found[finding->verdict]++;
    self->tell(self->ctx, self->check, finding);
}
