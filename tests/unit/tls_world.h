/* Certificates and keys made on the spot, in a directory of their own. */
#ifndef ES_TLS_WORLD_H
#define ES_TLS_WORLD_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_S 86400L

typedef struct {
    char dir[32], cert[64], key[64];
} files_t;

static inline void write_key(const char *path, EVP_PKEY *key, const char *passphrase)
{
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    const EVP_CIPHER *cipher = passphrase ? EVP_aes_128_cbc() : NULL;
    int len = passphrase ? (int)strlen(passphrase) : 0;
    assert_int_equal(PEM_write_PrivateKey(out, key, cipher, (const unsigned char *)passphrase, len, NULL, NULL), 1);
    fclose(out);
    assert_int_equal(chmod(path, 0600), 0);
}

static inline void write_cert(const char *path, EVP_PKEY *key, long from_s, long to_s)
{
    X509 *cert = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1 + rand() % 1000000);
    X509_set_version(cert, 2);
    X509_gmtime_adj(X509_getm_notBefore(cert), from_s);
    X509_gmtime_adj(X509_getm_notAfter(cert), to_s);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1,
                               -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    assert_int_equal(PEM_write_X509(out, cert), 1);
    fclose(out);
    X509_free(cert);
}

/* Valid from and to so many seconds from now. */
static inline void make_pair(const files_t *files, long from_s, long to_s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    write_key(files->key, key, NULL);
    write_cert(files->cert, key, from_s, to_s);
    EVP_PKEY_free(key);
}

static inline void make_files(files_t *files)
{
    snprintf(files->dir, sizeof files->dir, "/tmp/es-tls-XXXXXX");
    assert_non_null(mkdtemp(files->dir));
    snprintf(files->cert, sizeof files->cert, "%s/cert", files->dir);
    snprintf(files->key, sizeof files->key, "%s/key", files->dir);
    make_pair(files, -DAY_S, 30 * DAY_S);
}

static inline void remove_files(const files_t *files)
{
    unlink(files->cert);
    unlink(files->key);
    rmdir(files->dir);
}

#endif
