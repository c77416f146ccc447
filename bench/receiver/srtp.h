// The sending half of SRTP with AES-GCM (RFC 3711 key derivation, RFC 7714).
#ifndef SRTP_H
#define SRTP_H

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SRTP_TAG_BYTES 16
#define RTP_HEADER_BYTES 12

struct srtp_sender {
  EVP_CIPHER_CTX *cipher;
  uint8_t salt[12];
};

// Takes the client's keys from a finished handshake. False when the negotiated profile is not AES-GCM.
bool srtp_open_sender(struct srtp_sender *sender, SSL *ssl);

// Encrypts a packet with a 12 byte header in place and returns its new length; there must be room for the tag.
size_t srtp_protect(struct srtp_sender *sender, uint8_t *packet, size_t length, uint32_t rollover);

void srtp_close_sender(struct srtp_sender *sender);

#endif
