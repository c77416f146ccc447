#include "stun.h"

#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

enum {
  HEADER_BYTES = 20,
  ATTRIBUTE_USERNAME = 0x0006,
  ATTRIBUTE_MESSAGE_INTEGRITY = 0x0008,
  ATTRIBUTE_PRIORITY = 0x0024,
  ATTRIBUTE_USE_CANDIDATE = 0x0025,
  ATTRIBUTE_FINGERPRINT = 0x8028,
  ATTRIBUTE_ICE_CONTROLLING = 0x802A,
};

static void put16(uint8_t *at, uint16_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value) {
  put16(at, (uint16_t)(value >> 16));
  put16(at + 2, (uint16_t)value);
}

static uint32_t crc32(const uint8_t *data, size_t length) {
  uint32_t crc = 0xFFFFFFFFu;
  for (size_t i = 0; i < length; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
  }
  return ~crc;
}

static size_t append(uint8_t *out, size_t length, uint16_t type, const void *value, size_t size) {
  put16(out + length, type);
  put16(out + length + 2, (uint16_t)size);
  if (size > 0) memcpy(out + length + 4, value, size);
  size_t padded = (size + 3) & ~(size_t)3;
  memset(out + length + 4 + size, 0, padded - size);
  return length + 4 + padded;
}

size_t stun_write_binding_request(uint8_t out[STUN_MAX_BYTES], const struct ice_credentials *ice,
                                  uint64_t tie_breaker) {
  put16(out, 0x0001);
  put32(out + 4, 0x2112A442u);
  RAND_bytes(out + 8, 12);
  size_t length = HEADER_BYTES;

  char username[96];
  int written = snprintf(username, sizeof username, "%s:%s", ice->remote_ufrag, ice->local_ufrag);
  length = append(out, length, ATTRIBUTE_USERNAME, username, (size_t)written);

  uint8_t priority[4];
  put32(priority, 0x7E0000FFu);
  length = append(out, length, ATTRIBUTE_PRIORITY, priority, sizeof priority);

  uint8_t controlling[8];
  put32(controlling, (uint32_t)(tie_breaker >> 32));
  put32(controlling + 4, (uint32_t)tie_breaker);
  length = append(out, length, ATTRIBUTE_ICE_CONTROLLING, controlling, sizeof controlling);
  length = append(out, length, ATTRIBUTE_USE_CANDIDATE, NULL, 0);

  // The length in the header covers the attribute being computed (RFC 8489, 14.5 and 14.7).
  put16(out + 2, (uint16_t)(length + 24 - HEADER_BYTES));
  uint8_t digest[20];
  unsigned digest_length = sizeof digest;
  HMAC(EVP_sha1(), ice->remote_password, (int)strlen(ice->remote_password), out, length, digest,
       &digest_length);
  length = append(out, length, ATTRIBUTE_MESSAGE_INTEGRITY, digest, sizeof digest);

  put16(out + 2, (uint16_t)(length + 8 - HEADER_BYTES));
  uint8_t fingerprint[4];
  put32(fingerprint, crc32(out, length) ^ 0x5354554Eu);
  return append(out, length, ATTRIBUTE_FINGERPRINT, fingerprint, sizeof fingerprint);
}
