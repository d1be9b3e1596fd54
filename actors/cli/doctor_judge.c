#include "doctor_judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MB UINT64_C(1000000)
#define DAY_S INT64_C(86400)
#define BEGINNING_S INT64_C(1735689600) /* of 2025: no clock of ours can show less */

/* ---- the machine */

void es_judge_descriptors(es_finding_t *out, uint64_t most)
{
    enum { FEW = 1024, ENOUGH = 8192 };
    es_verdict_t verdict = most < FEW ? ES_VERDICT_FAIL : most < ENOUGH ? ES_VERDICT_WARN : ES_VERDICT_OK;
    es_finding_set(out, verdict, "a process may have %" PRIu64 " descriptors open", most);
    if (verdict != ES_VERDICT_OK)
        es_finding_mend(out,
                        "each client takes one: raise the hard limit, with LimitNOFILE= in the unit, or ulimit -Hn "
                        "65536 in the shell");
}

void es_judge_disk(es_finding_t *out, const char *what, uint64_t unused, uint64_t total)
{
    bool full = unused < 100 * MB, low = unused < 1000 * MB || unused < total / 50;
    es_finding_set(out,
                   full  ? ES_VERDICT_FAIL
                   : low ? ES_VERDICT_WARN
                         : ES_VERDICT_OK,
                   "%.300s: %.1f GB of %.1f GB are free", what, (double)unused / 1e9, (double)total / 1e9);
    if (full || low) es_finding_mend(out, "make room there, or put it elsewhere: --data, and of recordings --spool");
}

void es_judge_memory(es_finding_t *out, uint64_t available)
{
    es_verdict_t verdict = available < 100 * MB   ? ES_VERDICT_FAIL
                           : available < 400 * MB ? ES_VERDICT_WARN
                                                  : ES_VERDICT_OK;
    es_finding_set(out, verdict, "%.1f GB of memory are available", (double)available / 1e9);
    if (verdict != ES_VERDICT_OK)
        es_finding_mend(out,
                        "a transcriber with pocketsphinx takes some 200 MB, and more for each --decoders: give the "
                        "machine or its container more");
}

void es_judge_backlog(es_finding_t *out, uint64_t connections)
{
    enum { ENOUGH = 1024 };
    bool few = connections < ENOUGH;
    es_finding_set(out, few ? ES_VERDICT_WARN : ES_VERDICT_OK,
                   "%" PRIu64 " connections may wait to be accepted (net.core.somaxconn)", connections);
    if (few) es_finding_mend(out, "clients that come all at once are turned away: sysctl -w net.core.somaxconn=4096");
}

void es_judge_clock(es_finding_t *out, int64_t now_s, bool kept)
{
    bool wrong = now_s < BEGINNING_S;
    es_finding_set(out, wrong ? ES_VERDICT_FAIL : ES_VERDICT_OK, "%s",
                   wrong  ? "this machine's clock shows a time before 2025"
                   : kept ? "this machine's clock is kept by a time service"
                          : "this machine's clock is plausible; the kernel knows of no time service that keeps it");
    if (wrong) es_finding_mend(out, "set it, and have it kept: systemctl enable --now systemd-timesyncd");
}

void es_judge_skew(es_finding_t *out, const char *whose, int64_t ahead_us)
{
    int64_t apart = llabs(ahead_us);
    es_verdict_t verdict = apart > ES_DOCTOR_SKEW_FAIL_US ? ES_VERDICT_FAIL
                           : apart > ES_DOCTOR_SKEW_US    ? ES_VERDICT_WARN
                                                          : ES_VERDICT_OK;
    if (verdict == ES_VERDICT_OK)
        es_finding_set(out, verdict, "the clock of %.300s is this one's, within %.1f s", whose,
                       (double)ES_DOCTOR_SKEW_US / 1e6);
    else
        es_finding_set(out, verdict, "the clock of %.300s is %.1f s %s this one", whose, (double)apart / 1e6,
                       ahead_us > 0 ? "behind" : "ahead of");
    if (verdict != ES_VERDICT_OK)
        es_finding_mend(out, "tokens end too soon or too late and times in logs cannot be compared: have both clocks "
                             "kept by a time service");
}

/* ---- what is installed */

static long number_of(const char *version)
{
    long part[3] = {0};
    while (*version && (*version < '0' || *version > '9')) version++;
    sscanf(version, "%ld.%ld.%ld", &part[0], &part[1], &part[2]);
    return part[0] * 1000000 + part[1] * 1000 + part[2];
}

void es_judge_library(es_finding_t *out, const char *name, const char *version)
{
    static const struct {
        const char *name;
        long least;
        const char *why;
    } known[] = {{"libzmq", 4003000, "before 4.3.0 any key is let in, for a domain cannot be enforced"},
                 {"libwebsockets", 4001006, "older ones were never tried"},
                 {"OpenSSL", 3000000, "older ones get no repairs"}};
    static const long gap = 5000000;
    int len = (int)strcspn(version, "-"); /* what was put to it by who built it */
    es_finding_set(out, ES_VERDICT_OK, "%s %.*s", name, len, version);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, name) != 0 || number_of(version) >= known[i].least) continue;
        es_finding_set(out, ES_VERDICT_FAIL, "%s %.*s is too old: %s", name, len, version, known[i].why);
        es_finding_mend(out, "install a newer one");
        return;
    }
    if (strcmp(name, "libwebsockets") == 0 && number_of(version) < gap)
        es_finding_set(out, ES_VERDICT_OK,
                       "%s %.*s: takes frames of clients that are not masked, which does no harm here (mended in "
                       "libwebsockets 5)",
                       name, len, version);
}

void es_judge_release(es_finding_t *out, const char *who, const char *release, const char *ours)
{
    if (release && strcmp(release, ours) == 0) {
        es_finding_set(out, ES_VERDICT_OK, "%.200s is of release %s, as this command", who, ours);
        return;
    }
    es_finding_set(out, ES_VERDICT_WARN, "%.200s is of %s%.60s, and this command of release %s", who,
                   release ? "release " : "a release that does not tell itself", release ? release : "", ours);
    es_finding_mend(out,
                    "install one release everywhere, and start anew what runs: newer ones understand older ones, but "
                    "not all is there that either offers");
}

void es_judge_mode(es_finding_t *out, const char *path, unsigned mode, unsigned allowed, const char *holds)
{
    unsigned more = mode & 0777u & ~allowed;
    es_verdict_t verdict = more & 022u ? ES_VERDICT_FAIL : more ? ES_VERDICT_WARN : ES_VERDICT_OK;
    if (verdict == ES_VERDICT_OK)
        es_finding_set(out, verdict, "the permissions of %.300s are right (%04o)", path, mode & 0777u);
    else
        es_finding_set(out, verdict, "%.300s holds %s, and others may %s it (%04o)", path, holds,
                       more & 022u ? "change" : "read", mode & 0777u);
    if (verdict != ES_VERDICT_OK) es_finding_mend(out, "chmod %04o %.300s", mode & allowed, path);
}

/* ---- the house */

static const struct {
    const char *service, *one, *many, *places, *start;
    es_verdict_t none;
} services[] = {
    {"transcribe", "transcriber", "transcribers", "streams", "earshot-transcriber", ES_VERDICT_FAIL},
    {"room", "room actor", "room actors", "rooms", "earshot-room", ES_VERDICT_SKIP},
    {"jobs", "jobs actor", "jobs actors", "jobs at work", "earshot-jobs", ES_VERDICT_SKIP},
    {"upload", "actor that takes uploads", "actors that take uploads", "uploads", "earshot-jobs", ES_VERDICT_SKIP},
    {"analyze", "analysis actor", "analysis actors", "transcripts", "earshot-analysis", ES_VERDICT_SKIP}};

/* Of who drains nothing counts. */
static json_int_t count(const json_t *status, const char *service, json_int_t *capacity, json_int_t *load)
{
    size_t i;
    json_int_t n = 0;
    const json_t *one;
    json_array_foreach(json_object_get(status, "workers"), i, one)
    {
        const char *serves = json_string_value(json_object_get(one, "service"));
        if (!serves || strcmp(serves, service) != 0 || json_is_true(json_object_get(one, "draining"))) continue;
        n++;
        *capacity += json_integer_value(json_object_get(one, "capacity"));
        *load += json_integer_value(json_object_get(one, "load"));
    }
    return n;
}

void es_judge_service(es_finding_t *out, const json_t *status, const char *service)
{
    size_t k = 0;
    while (k + 1 < sizeof services / sizeof services[0] && strcmp(services[k].service, service) != 0) k++;
    json_int_t capacity = 0, load = 0, n = count(status, service, &capacity, &load);
    json_int_t unused = load < capacity ? capacity - load : 0;
    if (n == 0) {
        es_finding_set(out, services[k].none, "there is no %s", services[k].one);
        es_finding_mend(out, "start one where it is wanted: %s", services[k].start);
        return;
    }
    es_finding_set(out, unused > 0 ? ES_VERDICT_OK : ES_VERDICT_WARN, "%lld %s, %lld of %lld places for %s are free", n,
                   n == 1 ? services[k].one : services[k].many, unused, capacity, services[k].places);
    if (unused == 0) es_finding_mend(out, "what comes next waits: start more, or raise their --capacity");
}

void es_judge_ready(es_finding_t *out, const char *address, int status, const char *reason)
{
    if (status == 200) {
        es_finding_set(out, ES_VERDICT_OK, "%.300s is ready: a probe came back through a broker", address);
        return;
    }
    const char *why = *reason ? reason : "it does not say why";
    if (status == 503)
        es_finding_set(out, ES_VERDICT_FAIL, "%.300s is not ready: %.300s", address, why);
    else
        es_finding_set(out, ES_VERDICT_FAIL, "%.300s answers GET /readyz with status %d: %.300s", address, status, why);
    es_finding_mend(out, "%s",
                    status == 503
                        ? "look at its log, and at the broker above: an edge is ready once a broker answers it"
                        : "is it an edge of earshot? Name its address with --url, with wss:// where it speaks TLS");
}

void es_judge_certificate(es_finding_t *out, const char *address, int64_t now_s, int64_t until_s)
{
    enum { SOON_DAYS = 14 };
    int64_t days = (until_s - now_s) / DAY_S;
    bool over = until_s <= now_s, soon = !over && days < SOON_DAYS;
    if (over)
        es_finding_set(out, ES_VERDICT_FAIL, "the certificate of %.300s has ended %" PRId64 " days ago", address,
                       -days);
    else
        es_finding_set(out, soon ? ES_VERDICT_WARN : ES_VERDICT_OK,
                       "the certificate of %.300s is good for %" PRId64 " more days", address, days);
    if (over || soon)
        es_finding_mend(out, "renew it, and send the edge SIGHUP: it takes the new one without dropping anybody");
}

void es_judge_loop(es_finding_t *out, const char *address, uint64_t took_us, uint64_t sound_ms, unsigned finals)
{
    bool late = took_us > ES_DOCTOR_LOOP_US;
    es_finding_set(out, late ? ES_VERDICT_WARN : ES_VERDICT_OK,
                   "%.1f s of sound went through %.300s, a broker and a transcriber and back in %.2f s, with %u finals",
                   (double)sound_ms / 1e3, address, (double)took_us / 1e6, finals);
    if (late) es_finding_mend(out, "the house is busy or slow: earshot status --watch");
}
