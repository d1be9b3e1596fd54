#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jobs/upload_body.h"

#define FORM "multipart/form-data; boundary=XX"
#define PART(more) "--XX\r\nContent-Disposition: form-data; " more "\r\n\r\n"
#define TYPED(more, type) "--XX\r\nContent-Disposition: form-data; " more "\r\nContent-Type: " type "\r\n\r\n"
#define END "\r\n--XX--\r\n"

typedef struct {
    char text[4096];
    size_t len;
    es_upload_options_t options;
} seen_t;

__attribute__((format(printf, 2, 3))) static void say(seen_t *self, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    self->len += (size_t)vsnprintf(self->text + self->len, sizeof self->text - self->len, format, args);
    va_end(args);
    assert_true(self->len < sizeof self->text);
}

static void on_file(void *ctx)
{
    seen_t *self = ctx;
    say(self, "%s(%s)=", self->options.type, self->options.file_name);
}

static void on_data(void *ctx, const void *data, size_t len)
{
    say(ctx, "%.*s", (int)len, (const char *)data);
}

static void on_whole(void *ctx)
{
    say(ctx, ".");
}

static void on_refuse(void *ctx, unsigned status, const es_refusal_t *why)
{
    assert_true(strlen(why->message) > 15);
    say(ctx, "!%u %s", status, why->code);
}

static const es_upload_body_ops_t ops = {.file = on_file, .data = on_data, .whole = on_whole, .refuse = on_refuse};

static void take(seen_t *seen, const char *type, const char *body, size_t step)
{
    unsigned status = 0;
    es_refusal_t why = {0};
    *seen = (seen_t){.len = 0};
    es_upload_body_t *self = es_upload_body_new(es_span(type), &seen->options, 10, &ops, seen, &status, &why);
    if (!self) {
        on_refuse(seen, status, &why);
        return;
    }
    for (size_t at = 0, len = strlen(body); at < len; at += step)
        es_upload_body_feed(self, body + at, len - at < step ? len - at : step);
    es_upload_body_end(self);
    es_upload_body_destroy(&self);
    assert_null(self);
}

static void bodies(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body, *seen;
    } cases[] = {
        {"audio/wav", "RIFF", "audio/wav()=RIFF."},
        {"", "RIFF", "application/octet-stream()=RIFF."},
        {"audio/wav", "", "audio/wav()=!400 empty_file"},
        {"audio/wav", "0123456789", "audio/wav()=0123456789."},
        {"text/plain", "RIFF", "!415 unsupported_type"},
        {"application/x-www-form-urlencoded", "audio=RIFF", "!415 unsupported_type"},
        {"multipart/mixed; boundary=XX", "RIFF", "!415 unsupported_type"},
        {"multipart/form-data", "RIFF", "!400 bad_multipart"},
        {FORM, TYPED("name=audio; filename=\"a b.wav\"", "audio/wav") "RIFF" END, "audio/wav(a b.wav)=RIFF."},
        {FORM, PART("name=priority") "5\r\n" PART("name=audio; filename=a") "R\r\n" PART("name=language") "en" END,
         "application/octet-stream(a)=R."},
        {FORM, PART("name=audio; filename=a") END, "application/octet-stream(a)=!400 empty_file"},
        {FORM, PART("name=priority") "5" END, "!400 no_audio"},
        {FORM, "--XX--", "!400 no_audio"},
        {FORM, PART("name=audio") "RIFF" END, "!400 no_audio"},
        {FORM, PART("name=audio; filename=a") "R\r\n" PART("name=audio; filename=b") "S" END,
         "application/octet-stream(a)=R!400 two_files"},
        {FORM, PART("name=talk; filename=a") "R" END, "!400 unknown_option"},
        {FORM, PART("name=audio; filename=a") "R\r\n" PART("name=prio") "5" END,
         "application/octet-stream(a)=R!400 unknown_option"},
        {FORM, PART("name=audio; filename=a") "R\r\n" PART("name=priority") "50" END,
         "application/octet-stream(a)=R!400 bad_option"},
        {FORM, TYPED("name=audio; filename=a", "text/html") "R" END, "!415 unsupported_type"},
        {FORM, PART("name=audio; filename=a") "R", "application/octet-stream(a)=R!400 bad_multipart"},
        {FORM, "RIFF", "!400 bad_multipart"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t step = 1; step < 10000; step *= 10) {
            seen_t seen;
            take(&seen, cases[i].type, cases[i].body, step);
            if (strcmp(seen.text, cases[i].seen) != 0) fail_msg("case %zu: %s, not %s", i, seen.text, cases[i].seen);
        }
}

static void a_file_beyond_the_limit_is_refused_in_the_middle(void **state)
{
    (void)state;
    seen_t seen;
    take(&seen, "audio/wav", "0123456789a", 1);
    assert_string_equal(seen.text, "audio/wav()=0123456789!413 too_large");
    take(&seen, FORM, PART("name=audio; filename=a") "0123456789a" END, 1);
    assert_non_null(strstr(seen.text, "!413 too_large"));
    take(&seen, FORM, PART("name=audio; filename=a") "0123456789a" END, 1000);
    assert_non_null(strstr(seen.text, "!413 too_large"));
}

static void fields_become_options(void **state)
{
    (void)state;
    seen_t seen;
    take(&seen, FORM,
         PART("name=priority") "5\r\n" PART("name=audio; filename=a") "R\r\n" PART("name=language") "en" END, 3);
    assert_int_equal(seen.options.priority, 5);
    assert_string_equal(seen.options.language, "en");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bodies),
                                       cmocka_unit_test(a_file_beyond_the_limit_is_refused_in_the_middle),
                                       cmocka_unit_test(fields_become_options)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
