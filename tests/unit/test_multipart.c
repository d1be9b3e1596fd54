#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jobs/multipart.h"

#define FIELD(name) "Content-Disposition: form-data; name=\"" name "\"\r\n"
#define FILE_OF(name) "Content-Disposition: form-data; name=\"audio\"; " name "\r\n"

/* What has happened, as text: "audio(talk.wav,audio/wav)=RIFF; " a part, "done", "error: ...". */
typedef struct {
    char text[16384];
    size_t len;
    es_multipart_t *parser;
    bool stop;
} seen_t;

__attribute__((format(printf, 2, 3))) static void say(seen_t *self, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    self->len += (size_t)vsnprintf(self->text + self->len, sizeof self->text - self->len, format, args);
    va_end(args);
    assert_true(self->len < sizeof self->text);
}

static void on_part(void *ctx, const es_part_t *part)
{
    say(ctx, "%.*s", (int)part->name.len, part->name.ptr);
    if (part->file) say(ctx, "(%.*s)", (int)part->file_name.len, part->file_name.len ? part->file_name.ptr : "");
    if (part->type.len) say(ctx, "[%.*s]", (int)part->type.len, part->type.ptr);
    say(ctx, "=");
}

static void on_piece(void *ctx, const void *data, size_t len)
{
    seen_t *self = ctx;
    assert_true(len > 0);
    say(self, "%.*s", (int)len, (const char *)data);
    if (self->stop) es_multipart_stop(self->parser);
}

static void on_part_end(void *ctx)
{
    say(ctx, "; ");
}

static void on_done(void *ctx)
{
    say(ctx, "done");
}

static void on_error(void *ctx, const char *message)
{
    say(ctx, "error: %s", message);
}

static const es_multipart_ops_t ops = {
    .part = on_part, .piece = on_piece, .part_end = on_part_end, .done = on_done, .error = on_error};

static void parse(seen_t *seen, const char *boundary, const char *body, size_t len, size_t step)
{
    *seen = (seen_t){.stop = seen->stop};
    seen->parser = es_multipart_new(boundary, &ops, seen);
    for (size_t at = 0; at < len; at += step)
        es_multipart_feed(seen->parser, body + at, len - at < step ? len - at : step);
    es_multipart_end(seen->parser);
    es_multipart_destroy(&seen->parser);
}

typedef struct {
    const char *what, *body, *seen;
} case_t;

/* Boundary "XX" throughout. */
static const case_t good[] = {
    {"one file", "--XX\r\n" FILE_OF("filename=\"talk.wav\"") "Content-Type: audio/wav\r\n\r\nRIFF\r\n--XX--\r\n",
     "audio(talk.wav)[audio/wav]=RIFF; done"},
    {"fields around it",
     "--XX\r\n" FIELD("priority") "\r\n5\r\n--XX\r\n" FILE_OF("filename=a") "\r\nab\r\n--XX\r\n" FIELD(
         "language") "\r\nen\r\n--XX--",
     "priority=5; audio(a)=ab; language=en; done"},
    {"no parts at all", "--XX--\r\n", "done"},
    {"preamble and epilogue", "dear reader\r\n--XX\r\n" FIELD("a") "\r\nb\r\n--XX--  \r\nall the best\r\n--XX\r\n",
     "a=b; done"},
    {"blanks after a boundary", "--XX \t\r\n" FIELD("a") "\r\nb\r\n--XX--\t", "a=b; done"},
    {"an empty value", "--XX\r\n" FIELD("a") "\r\n\r\n--XX--", "a=; done"},
    {"no file chosen",
     "--XX\r\n" FILE_OF("filename=\"\"") "Content-Type: application/octet-stream\r\n\r\n\r\n--XX--\r\n",
     "audio()[application/octet-stream]=; done"},
    {"nearly a boundary", "--XX\r\n" FIELD("a") "\r\n\r\r\n\r\n--X\r\n-XX--XX \n--XX\r\n--XX--",
     "a=\r\r\n\r\n--X\r\n-XX--XX \n--XX; done"},
    {"the boundary inside a line", "--XX\r\n" FIELD("a") "\r\nsay --XX\r\n--XX--", "a=say --XX; done"},
    {"headers in any case, others skipped",
     "--XX\r\nx-more: 1\r\nCONTENT-DISPOSITION:FORM-DATA;NAME=\"a\"\r\nContent-Transfer-Encoding: "
     "binary\r\n\r\nb\r\n--XX--",
     "a=b; done"},
    {"quotes in a name", "--XX\r\n" FILE_OF("filename=\"a \\\"b\\\" \\\\ c.wav\"") "\r\nx\r\n--XX--",
     "audio(a \"b\" \\ c.wav)=x; done"},
    {"a path is a name", "--XX\r\n" FILE_OF("filename=\"../../etc/passwd\"") "\r\nx\r\n--XX--",
     "audio(../../etc/passwd)=x; done"},
    {"the extended name goes first",
     "--XX\r\n" FILE_OF("filename=\"naive.wav\"; filename*=utf-8'fr'na%C3%AFve%20one.wav") "\r\nx\r\n--XX--",
     "audio(na\xc3\xafve one.wav)=x; done"},
    {"raw UTF-8 in a name", "--XX\r\n" FILE_OF("filename=\"gr\xc3\xbc\xc3\x9f.wav\"") "\r\nx\r\n--XX--",
     "audio(gr\xc3\xbc\xc3\x9f.wav)=x; done"},
};

static const case_t bad[] = {
    {"empty", "", "error: The form ends before its last boundary."},
    {"no boundary", "hello", "error: The form ends before its last boundary."},
    {"another boundary", "--XY\r\n" FIELD("a") "\r\nb\r\n--XY--", "error: The form ends before its last boundary."},
    {"cut in the headers", "--XX\r\nContent-Disp", "error: The form ends before its last boundary."},
    {"cut in a value", "--XX\r\n" FIELD("a") "\r\nb\r\n--X", "a=berror: The form ends before its last boundary."},
    {"cut after a boundary", "--XX\r\n" FIELD("a") "\r\nb\r\n--XX",
     "a=b; error: The form ends before its last boundary."},
    {"cut in the last one", "--XX\r\n" FIELD("a") "\r\nb\r\n--XX-",
     "a=b; error: The form ends before its last boundary."},
    {"a longer boundary", "--XXX\r\n" FIELD("a") "\r\nb\r\n--XXX--",
     "error: A line begins with the boundary and goes on after it; no other line may."},
    {"one dash", "--XX\r\n" FIELD("a") "\r\nb\r\n--XX-\r\n",
     "a=b; error: The line of a boundary goes on with one dash; the last one has two."},
    {"dashes after a blank", "--XX --\r\n",
     "error: A line begins with the boundary and goes on after it; no other line may."},
    {"text after the last one", "--XX--x", "error: Something follows the last boundary on its line."},
    {"LF ends a boundary", "--XX\n" FIELD("a") "\r\nb\r\n--XX--",
     "error: A line begins with the boundary and goes on after it; no other line may."},
    {"CR ends a boundary", "--XX\rC" FIELD("a") "\r\nb\r\n--XX--",
     "error: The line of a boundary does not end with CR LF."},
    {"CR ends the last one", "--XX--\rx", "error: The line of the last boundary does not end with CR LF."},
    {"LF ends a header", "--XX\r\nContent-Disposition: form-data; name=\"a\"\n\r\nb\r\n--XX--",
     "error: A header line of a part does not end with CR LF."},
    {"CR in a header", "--XX\r\nContent-Disposition: form-data;\r name=\"a\"\r\n\r\nb\r\n--XX--",
     "error: A header line of a part does not end with CR LF."},
    {"no headers", "--XX\r\n\r\nb\r\n--XX--", "error: A part has no Content-Disposition header."},
    {"only another header", "--XX\r\nContent-Type: audio/wav\r\n\r\nb\r\n--XX--",
     "error: A part has no Content-Disposition header."},
    {"folded", "--XX\r\nContent-Disposition: form-data;\r\n name=\"a\"\r\n\r\nb\r\n--XX--",
     "error: A part has no name;"},
    {"folded after a whole one", "--XX\r\n" FIELD("a") " x: y\r\n\r\nb\r\n--XX--",
     "error: A header line of a part ( x: y) is not like Name: value."},
    {"no colon", "--XX\r\n" FIELD("a") "nonsense\r\n\r\nb\r\n--XX--",
     "error: A header line of a part (nonsense) is not like Name: value."},
    {"a blank before the colon", "--XX\r\nContent-Disposition : form-data; name=\"a\"\r\n\r\nb\r\n--XX--",
     "error: A header line of a part (Content-Disposition : form-data; name=\"a\") is not like Name: value."},
    {"two dispositions", "--XX\r\n" FIELD("a") FIELD("b") "\r\nb\r\n--XX--",
     "error: A part has two Content-Disposition headers."},
    {"two types", "--XX\r\n" FIELD("a") "Content-Type: a/b\r\nContent-Type: a/b\r\n\r\nb\r\n--XX--",
     "error: A part has two Content-Type headers."},
    {"an attachment", "--XX\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nb\r\n--XX--",
     "error: The Content-Disposition of a part is \"attachment\"; it must be form-data."},
    {"no name", "--XX\r\nContent-Disposition: form-data; filename=\"a\"\r\n\r\nb\r\n--XX--",
     "error: A part has no name;"},
    {"an empty name", "--XX\r\n" FIELD("") "\r\nb\r\n--XX--", "error: A part has no name;"},
    {"two names", "--XX\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\nb\r\n--XX--",
     "error: The Content-Disposition of a part has a parameter twice."},
    {"an open quote", "--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\nb\r\n--XX--",
     "error: The Content-Disposition of a part is malformed;"},
    {"base64", "--XX\r\n" FIELD("a") "Content-Transfer-Encoding: base64\r\n\r\nYg==\r\n--XX--",
     "error: The Content-Transfer-Encoding of a part is \"base64\"; send its bytes as they are (binary)."},
    {"another character set", "--XX\r\n" FILE_OF("filename*=latin-1''a%E9") "\r\nb\r\n--XX--",
     "error: The filename* of a part is not like UTF-8''talk%20one.wav;"},
    {"half a percent", "--XX\r\n" FILE_OF("filename*=UTF-8''a%4") "\r\nb\r\n--XX--",
     "error: The filename* of a part has a % that is not followed by two hexadecimal digits."},
    {"NUL by percent", "--XX\r\n" FILE_OF("filename*=UTF-8''a%00b") "\r\nb\r\n--XX--",
     "error: The file name of the part \"audio\" is not UTF-8 without control characters."},
    {"a name that is not UTF-8", "--XX\r\n" FILE_OF("filename=\"a\xff\"") "\r\nb\r\n--XX--",
     "error: The file name of the part \"audio\" is not UTF-8 without control characters."},
    {"a bell in a name", "--XX\r\nContent-Disposition: form-data; name=\"a\a\"\r\n\r\nb\r\n--XX--",
     "error: The header Content-Disposition of a part holds a control character."},
};

static void check(const case_t *c, bool whole)
{
    for (size_t step = 1; step <= 64; step = step < 8 ? step + 1 : step * 2) {
        seen_t seen = {0};
        parse(&seen, "XX", c->body, strlen(c->body), step);
        bool fine = whole ? !strcmp(seen.text, c->seen) : !strncmp(seen.text, c->seen, strlen(c->seen));
        if (!fine) fail_msg("%s, in steps of %zu:\n  %s\nnot\n  %s", c->what, step, seen.text, c->seen);
    }
    seen_t seen = {0};
    parse(&seen, "XX", c->body, strlen(c->body), 65536);
    if (strncmp(seen.text, c->seen, strlen(c->seen)) != 0) fail_msg("%s, at once: %s", c->what, seen.text);
}

static void good_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) check(&good[i], true);
}

static void bad_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) check(&bad[i], false);
}

/* body: `before`, then n times `unit`, then `after`. */
static void limit(const char *before, const char *unit, size_t n, const char *after, const char *expected)
{
    size_t cap = strlen(before) + n * strlen(unit) + strlen(after) + 1;
    char *body = malloc(cap), *at = stpcpy(body, before);
    for (size_t i = 0; i < n; i++) at = stpcpy(at, unit);
    stpcpy(at, after);
    for (size_t step = 1; step <= 70000; step *= 41) {
        seen_t seen = {0};
        parse(&seen, "XX", body, strlen(body), step);
        const char *end = seen.len >= strlen(expected) ? seen.text + seen.len - strlen(expected) : seen.text;
        assert_string_equal(end, expected);
    }
    free(body);
}

static void limits(void **state)
{
    (void)state;
    static const char part[] = "--XX\r\n" FIELD("a") "\r\nb\r\n";
    limit("", part, ES_MULTIPART_PARTS_MAX, "--XX--", "a=b; done");
    limit("", part, ES_MULTIPART_PARTS_MAX + 1, "--XX--", "error: There are more than 32 parts.");
    limit("--XX\r\n" FIELD("a") "\r\n", "x", ES_MULTIPART_FIELD_MAX, "\r\n--XX--", "; done");
    limit("--XX\r\n" FIELD("a") "\r\n", "x", ES_MULTIPART_FIELD_MAX + 1, "\r\n--XX--",
          "error: A field of the form has more than 4096 bytes.");
    limit("--XX\r\n" FILE_OF("filename=a") "\r\n", "\r\n-", 4000, "\r\n--XX--", "; done");
    static const char head[] = FIELD("a") "x: \r\n\r\n";
    limit("--XX\r\n" FIELD("a") "x: ", "y", ES_MULTIPART_HEADER_MAX - (sizeof head - 1), "\r\n\r\nb\r\n--XX--", "done");
    limit("--XX\r\n" FIELD("a") "x: ", "y", ES_MULTIPART_HEADER_MAX - (sizeof head - 1) + 1, "\r\n\r\nb\r\n--XX--",
          "error: The headers of a part have more than 8192 bytes.");
    limit("", "x", ES_MULTIPART_AROUND_MAX, "\r\n--XX--", "Content-Type?");
    limit("", "x", ES_MULTIPART_AROUND_MAX, "--XX--", "Content-Type?");
    limit("", "x", ES_MULTIPART_AROUND_MAX - 2, "\r\n--XX--", "done");
    limit("--XX--\r\n", "x", ES_MULTIPART_AROUND_MAX, "", "done");
    limit("--XX--\r\n", "x", ES_MULTIPART_AROUND_MAX + 1, "", "error: More than 8192 bytes follow the last boundary.");
    limit("--XX", " ", 257, "\r\n", "error: A line begins with the boundary and goes on after it; no other line may.");
}

static void stopped(void **state)
{
    (void)state;
    seen_t seen = {.stop = true};
    static const char body[] = "--XX\r\n" FIELD("a") "\r\nb\r\n--XX--";
    parse(&seen, "XX", body, strlen(body), 1);
    assert_string_equal(seen.text, "a=b");
}

static void boundaries(void **state)
{
    (void)state;
    static const struct {
        const char *type, *boundary;
        int rc;
    } cases[] = {
        {"multipart/form-data; boundary=abc", "abc", 0},
        {"Multipart/Form-Data;BOUNDARY=\"a b:c\" ; charset=utf-8", "a b:c", 0},
        {"multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW", "----WebKitFormBoundary7MA4YWxkTrZu0gW",
         0},
        {"multipart/form-data; boundary=a/b=c?d", "a/b=c?d", 0},
        {"multipart/form-data", NULL, -1},
        {"multipart/form-data; boundary=", NULL, -1},
        {"multipart/form-data; boundary=\"\"", NULL, -1},
        {"multipart/form-data; boundary=\"a \"", NULL, -1},
        {"multipart/form-data; boundary=a*b", NULL, -1},
        {"multipart/form-data; boundary=\"a\\\"b\"", NULL, -1},
        {"multipart/form-data; boundary=a; boundary=b", NULL, -1},
        {"multipart/form-data; boundary=a b", NULL, -1},
        {"multipart/form-data; boundary=1234567890123456789012345678901234567890123456789012345678901234567890",
         "1234567890123456789012345678901234567890123456789012345678901234567890", 0},
        {"multipart/form-data; boundary=12345678901234567890123456789012345678901234567890123456789012345678901", NULL,
         -1},
        {"multipart/mixed; boundary=abc", NULL, 1},
        {"audio/wav", NULL, 1},
        {"", NULL, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[ES_MULTIPART_BOUNDARY_MAX + 1];
        int rc = es_multipart_boundary(es_span(cases[i].type), out);
        if (rc != cases[i].rc) fail_msg("%s: %d", cases[i].type, rc);
        if (!rc) assert_string_equal(out, cases[i].boundary);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good_forms), cmocka_unit_test(bad_forms),
                                       cmocka_unit_test(limits), cmocka_unit_test(stopped),
                                       cmocka_unit_test(boundaries)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
