// DTLS 1.2 as a client with use_srtp (RFC 5764), over an already connected UDP socket.
#ifndef DTLS_H
#define DTLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dtls_identity {
  X509 *certificate;
  EVP_PKEY *key;
  char fingerprint[96];  // SHA-256, "AA:BB:..."
};

enum dtls_progress { DTLS_WAITING, DTLS_DONE, DTLS_FAILED };

// A fresh self-signed P-256 certificate. Ends the process when OpenSSL refuses.
void dtls_make_identity(struct dtls_identity *identity);

// srtp_profiles is OpenSSL's colon separated list, or NULL when OpenSSL does not know one of them.
SSL_CTX *dtls_make_context(const struct dtls_identity *identity, const char *srtp_profiles);

SSL *dtls_open(SSL_CTX *context, int fd);

// Starts or continues the handshake. packet is one datagram, or NULL to begin or to look at the timer.
enum dtls_progress dtls_advance(SSL *ssl, const uint8_t *packet, size_t length);

// DTLS's first byte is 20 to 63 (RFC 7983).
static inline bool is_dtls(const uint8_t *packet) { return packet[0] >= 20 && packet[0] <= 63; }

#endif
