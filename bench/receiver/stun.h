// STUN binding requests as a controlling ICE agent sends them (RFC 8489, RFC 8445).
#ifndef STUN_H
#define STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STUN_MAX_BYTES 256

struct ice_credentials {
  char remote_ufrag[64];
  char remote_password[96];
  char local_ufrag[16];
};

// Writes a nominating binding request and returns its length.
size_t stun_write_binding_request(uint8_t out[STUN_MAX_BYTES], const struct ice_credentials *ice,
                                  uint64_t tie_breaker);

// STUN's first byte is 0 to 3 (RFC 7983).
static inline bool is_stun(const uint8_t *packet) { return packet[0] <= 3; }

static inline bool is_stun_success(const uint8_t *packet) {
  return packet[0] == 0x01 && packet[1] == 0x01;
}

static inline bool is_stun_error(const uint8_t *packet) {
  return packet[0] == 0x01 && packet[1] == 0x11;
}

#endif
