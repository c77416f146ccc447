// One WebRTC peer of the load: a socket that does its ICE checks and DTLS handshake and then only counts.
#ifndef PEER_H
#define PEER_H

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "histogram.h"
#include "stun.h"

enum peer_state { PEER_CHECKING, PEER_HANDSHAKING, PEER_CONNECTED, PEER_FAILED };

#define STREAMS_PER_PEER 4

struct stream {
  uint32_t ssrc;
  uint64_t received;
  uint32_t first_sequence;
  uint32_t highest_sequence;  // extended by the number of times it wrapped
};

struct peer {
  int id;
  int fd;
  enum peer_state state;
  const char *failure;
  struct ice_credentials ice;
  SSL_CTX *context;
  SSL *ssl;
  uint64_t opened_at_ns;
  uint64_t next_check_ns;
  struct stream streams[STREAMS_PER_PEER];
};

// What all peers counted of packets sent inside one window of time.
struct tally {
  uint64_t start_ticks;
  uint64_t end_ticks;
  uint64_t packets;
  uint64_t bytes;
  uint64_t rtcp_packets;
  struct histogram latency_ns;
};

// Opens the socket and sends the first check. False, with errno set, when there is no socket to be had.
bool peer_open(struct peer *peer, int id, const struct sockaddr_in *remote,
               const struct ice_credentials *ice, SSL_CTX *context);

// Reads everything that has arrived, at most one batch of datagrams.
void peer_read(struct peer *peer, struct tally *tally);

// Repeats checks and handshake flights that are due.
void peer_tick(struct peer *peer, uint64_t now);

// Sequence numbers missing between the first and the last packet of the window.
uint64_t peer_sequence_gaps(const struct peer *peer);

void peer_close(struct peer *peer);

#endif
