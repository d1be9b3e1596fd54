#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secret_file.h"

enum { MAC_LEN = 32, ISSUED_MAX = 16 };
_Static_assert(MAC_LEN == ES_SESSION_KEY_LEN, "a MAC serves as a key");
static const uint64_t ahead_ms = 300000; /* clocks of edges may differ so much */

static void hex(const uint8_t *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = 0;
}

static void hmac(const uint8_t key[MAC_LEN], const char *text, size_t len, uint8_t out[MAC_LEN])
{
    unsigned n = 0;
    if (!HMAC(EVP_sha256(), key, MAC_LEN, (const uint8_t *)text, len, out, &n) || n != MAC_LEN) abort();
}

static void sign(const es_session_key_t *key, const char *principal, const char *text, size_t len,
                 char mac[2 * MAC_LEN + 1])
{
    uint8_t own[MAC_LEN], out[MAC_LEN];
    memcpy(own, key->bytes, sizeof own);
    if (*principal) hmac(key->bytes, principal, strlen(principal), own);
    hmac(own, text, len, out);
    hex(out, MAC_LEN, mac);
}

void es_session_issue(const es_session_key_t *key, const char *principal, const char session[ES_SESSION_LEN],
                      uint64_t now_ms, char token[ES_SESSION_TOKEN_MAX + 1])
{
    char mac[2 * MAC_LEN + 1];
    int n = snprintf(token, ES_SESSION_TOKEN_MAX, "%.*s.%" PRIx64, (int)ES_SESSION_LEN, session, now_ms);
    sign(key, principal, token, (size_t)n, mac);
    snprintf(token + n, ES_SESSION_TOKEN_MAX - (size_t)n, ".%s", mac);
}

static size_t hex_run(const char *text)
{
    return strspn(text, "0123456789abcdef");
}

const char *es_session_verify(const es_session_key_t *key, const char *principal, const char *token, uint64_t now_ms,
                              uint64_t lifetime_ms, char session[ES_SESSION_LEN + 1])
{
    static const char malformed[] = "This is not a token of a session.";
    size_t id = hex_run(token);
    if (id != ES_SESSION_LEN || token[id] != '.') return malformed;
    size_t issued = hex_run(token + id + 1), signed_len = id + 1 + issued;
    if (issued == 0 || issued > ISSUED_MAX || token[signed_len] != '.') return malformed;
    if (strlen(token + signed_len + 1) != (size_t)2 * MAC_LEN) return malformed;
    char mac[2 * MAC_LEN + 1];
    sign(key, principal, token, signed_len, mac);
    if (CRYPTO_memcmp(mac, token + signed_len + 1, (size_t)2 * MAC_LEN) != 0)
        return "The token was not issued to you by this server.";
    uint64_t at = strtoull(token + id + 1, NULL, 16);
    if (at > now_ms + ahead_ms) return "The token is from the future; the clocks of the servers differ.";
    if (at < now_ms && now_ms - at > lifetime_ms) return "The token has expired.";
    memcpy(session, token, ES_SESSION_LEN);
    session[ES_SESSION_LEN] = 0;
    return NULL;
}

/* ---- the key's file */

static int read_key(es_session_key_t *key, const char *file)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    uint8_t more;
    ssize_t n = read(fd, key->bytes, sizeof key->bytes);
    bool whole = n == (ssize_t)sizeof key->bytes && read(fd, &more, 1) == 0;
    struct stat st;
    bool open_to_all = fstat(fd, &st) == 0 && (st.st_mode & S_IRWXO);
    close(fd);
    if (open_to_all) errno = EPERM;
    if (!whole) errno = EBADMSG;
    return whole && !open_to_all ? 0 : -1;
}

static int make_key(const char *file)
{
    es_session_key_t key;
    if (getrandom(key.bytes, sizeof key.bytes, 0) != (ssize_t)sizeof key.bytes) return -1;
    int rc = es_secret_file_make(file, key.bytes, sizeof key.bytes);
    int error = errno;
    OPENSSL_cleanse(&key, sizeof key);
    errno = error;
    return rc;
}

int es_session_key_load(es_session_key_t *key, const char *file, char *err, size_t err_len)
{
    if (read_key(key, file) == 0) return 0;
    if (errno == ENOENT && make_key(file) == 0 && read_key(key, file) == 0) return 0;
    if (errno == EBADMSG)
        snprintf(err, err_len, "%s is not a session key: it must have %u bytes. Remove it and one is made.", file,
                 ES_SESSION_KEY_LEN);
    else if (errno == EPERM)
        snprintf(
            err, err_len,
            "the session key %s is open to every user of this machine, who could take any session; chmod 600 it, and "
            "think whether it must be replaced",
            file);
    else
        snprintf(err, err_len, "the session key %s can neither be read nor made: %s", file, strerror(errno));
    return -1;
}
