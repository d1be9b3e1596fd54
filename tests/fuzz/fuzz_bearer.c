/* Credentials from anywhere: the input is a value of Authorization, a ticket, the claims of a token that is signed for it, the header of one, or a signature of
 * another kind. What is let in keeps its promises. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/identity.h"
#include "base64url.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define KEYS "ci 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 stream rooms=a,b*\n" /* of "test" */
#define EC                                                                                           \
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQ+8fNJemqhzL4lu6luPZLGNERSt2\n" \
    "pst9FrL9jtj7+51REbKRkiUjYT1oOf61ckOx6WrQ5ok4xSCoqoiKjBE1jg==\n-----END PUBLIC KEY-----\n"
#define ED                                                                                       \
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAllXT8vmIlJxgWVaNeYXt1+1/O8s9EkgxyFS1CSFrOCA=\n" \
    "-----END PUBLIC KEY-----\n"
#define RSA                                                                                          \
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAq9AHbLyp7U94k3ba5GK0\n" \
    "2f6dsj5Ijh7kVu2gFrOA4AQGPogW9KFrxT77s8YkA1oY3c5j8ffvILeCmCQ0GlaH\n"                             \
    "g/XFEf/0+iPjQVKsNvbdE4KpM/nOxaF5YpB/PrgPNE3TDu4hjFaJ/FXHVlGJlDzG\n"                             \
    "XpsmdGA4zLd/8cLALPN2en6UNe4JHpetFNEpSoO+3D6qDc5+Mi6wzLZIoOY5dYaZ\n"                             \
    "iGJ1zt9t4c2iHwDP+oDIkeXW4H87sLCYKxrm4/mZLEG20wMKfqOKuYYO+vmFBrsT\n"                             \
    "Ur5u9zNFDNEsTxtdWA7l42k8xIEKH7ugMYMwW9iUE7spqGhGt9IqIrPUfUMNy1Sm\nfQIDAQAB\n-----END PUBLIC KEY-----\n"
#define HEADER "{\"alg\":\"HS256\"}"
#define CLAIMS "{\"sub\":\"a\",\"exp\":1700000060}"

enum { NOW = 1700000000, INPUT_MAX = 3000 };

static const char *file_of(const char *text, char out[32])
{
    int fd = memfd_create("keys", MFD_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fchmod(fd, 0600) != 0) abort();
    snprintf(out, 32, "/proc/self/fd/%d", fd);
    return out;
}

static es_identity_t *identity(void)
{
    static const es_operator_t operator= {.token = "0123456789abcdef-operator"};
    static es_identity_t *self;
    static char signers[160], keys[32], name[32];
    static const char *const files[] = {SECRET, EC, ED, RSA};
    if (self) return self;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) strcat(strcat(signers, file_of(files[i], name)), ",");
    const es_identity_config_t config = {.jwt_keys = signers,
                                         .api_keys = file_of(KEYS, keys),
                                         .operator_token = &operator,
                                         .ticket_us = 1000000,
                                         .max_tickets = 4};
    char err[700];
    self = es_identity_new(&config, err, sizeof err);
    if (!self) abort();
    return self;
}

static void check(es_who_t who, es_principal_t *p)
{
    if (who >= ES_WHO_REASONS || (who == ES_WHO_OK) != (p != NULL)) abort();
    if (!p) return;
    if (strlen(es_principal_name(p)) > ES_PRINCIPAL_NAME_MAX || es_principal_expires(p) <= NOW) abort();
    if (es_principal_grant(p)->rights & ~(unsigned)ES_RIGHTS_ALL) abort();
    if (es_principal_may_room(p, ES_RIGHT_ROOM_SAY, es_span("b")) && !es_principal_may(p, ES_RIGHT_ROOM_SAY)) abort();
    es_principal_unref(&p);
}

static void bearer(const char *text, size_t len)
{
    es_principal_t *p;
    es_who_t who = es_identity_bearer(identity(), es_span_of(text, len), NOW, &p);
    check(who, p);
}

/* Only so does the input come past the signature. */
static void sign(es_span_t header, es_span_t claims)
{
    char text[4 * INPUT_MAX];
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    es_base64url_encode((const uint8_t *)header.ptr, header.len, text);
    strcat(text, ".");
    es_base64url_encode((const uint8_t *)claims.ptr, claims.len, text + strlen(text));
    HMAC(EVP_sha256(), SECRET, (int)strlen(SECRET), (const uint8_t *)text, strlen(text), mac, &n);
    strcat(text, ".");
    es_base64url_encode(mac, n, text + strlen(text));
    bearer(text, strlen(text));
}

/* Nobody has the other halves of these keys, so nobody comes in. */
static void forge(const uint8_t *signature, size_t len)
{
    static const char *const headers[] = {"{\"alg\":\"ES256\"}", "{\"alg\":\"EdDSA\"}", "{\"alg\":\"RS256\"}",
                                          "{\"alg\":\"PS512\"}"};
    char text[4 * INPUT_MAX];
    es_principal_t *p;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        es_base64url_encode((const uint8_t *)headers[i], strlen(headers[i]), text);
        strcat(text, ".");
        es_base64url_encode((const uint8_t *)CLAIMS, strlen(CLAIMS), text + strlen(text));
        strcat(text, ".");
        es_base64url_encode(signature, len, text + strlen(text));
        if (es_identity_bearer(identity(), es_span(text), NOW, &p) == ES_WHO_OK) abort();
    }
}

static void authorization(const char *text, size_t len)
{
    es_principal_t *p;
    es_who_t who = es_identity_authorization(identity(), es_span_of(text, len), NOW, &p);
    check(who, p);
    who = es_identity_redeem(identity(), es_span_of(text, len), NOW, &p);
    check(who, p);
    bearer(text, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > INPUT_MAX) return 0;
    char *copy = malloc(size); /* exactly as long as it is */
    if (!copy) abort();
    memcpy(copy, data + 1, size - 1);
    if (data[0] == 'c')
        sign(es_span(HEADER), es_span_of(copy, size - 1));
    else if (data[0] == 'h')
        sign(es_span_of(copy, size - 1), es_span(CLAIMS));
    else if (data[0] == 's')
        forge((const uint8_t *)copy, size - 1);
    else
        authorization(copy, size - 1);
    free(copy);
    return 0;
}
